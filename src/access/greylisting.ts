// defer_greylisted, a restriction of our own: puts off mail from senders that nobody here has seen (defence/greylist.ts),
// unless something else refuses it for good: as a greylisting policy service that answers DEFER_IF_PERMIT. Never asked
// for clients that have logged in or stand in mynetworks, and only at RCPT. The reply and its log line are postgrey's.

import type { GreylistAnswer, GreylistQuestion, GreylistTimes } from '../defence/greylist.ts';
import { openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import type { Evaluation, Verdict } from './evaluation.ts';

/** The interface lives with its caller. */
export interface GreylistSource {
  check(question: GreylistQuestion, times: GreylistTimes): GreylistAnswer;
}

export function greylistCheck(options: OpenOptions): (evaluation: Evaluation) => Promise<Verdict> {
  const { settings } = options;
  const mynetworks = openMatchList(options, 'mynetworks', 'client');
  const exceptions = openMatchList(options, 'posthaste_greylist_exceptions', 'client');
  const times: GreylistTimes = {
    delayMilliseconds: settings.seconds('posthaste_greylist_delay') * 1000,
    retryWindowMilliseconds: settings.seconds('posthaste_greylist_retry_window') * 1000,
    maxAgeMilliseconds: settings.seconds('posthaste_greylist_max_age') * 1000,
    autoAllow: settings.integer('posthaste_greylist_auto_allow'),
  };
  return async (evaluation) => {
    const { client, sender, recipient, decision, request, greylist } = evaluation;
    if (recipient === undefined || request.where !== 'RCPT') return 'dunno';
    const { name = '', address = '', login } = client;
    if (login !== undefined || address === '') return 'dunno';
    for (const list of [mynetworks, exceptions]) {
      if (await list.matches(decision, 'access', name, address)) return 'dunno';
    }
    if (greylist === undefined || request.isQuestionOnly === true) {
      // What a client finally gets is told, and whoever is put off comes back.
      decision.tell(
        'greylist',
        `put off for ${times.delayMilliseconds / 1000} seconds where all three are new together`,
      );
      return 'dunno';
    }
    const answer = greylist.check({ address, sender, recipient }, times);
    if (answer.kind === 'pass') return 'dunno';
    const text = `<${recipient}>: Recipient address rejected: Greylisted for ${answer.seconds} seconds`;
    return evaluation.deferPermit({ code: 450, status: '4.2.0', text });
  };
}
