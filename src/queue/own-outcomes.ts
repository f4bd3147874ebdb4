// What the queue manager says of recipients itself, in Postfix's words, where no agent was asked or its answer did not count.

import type { RecipientOutcome } from './delivery-agent.ts';

export const unavailable: RecipientOutcome = {
  kind: 'deferred',
  status: '4.3.0',
  reason: 'mail transport unavailable',
};

export const deferredTransport: RecipientOutcome = { kind: 'deferred', status: '4.3.2', reason: 'deferred transport' };

/** Cut off to make room. */
export function orGivenUp(outcome: RecipientOutcome): RecipientOutcome {
  if (outcome.kind !== 'deferred') return outcome;
  return { ...outcome, status: '4.4.2', reason: 'the server has been silent for ten seconds, and other mail waits' };
}

/** postsuper(1) -e: what has kept it back so far. */
export function expiredOutcome(tried: { readonly status: string; readonly reason: string }): RecipientOutcome {
  if (tried.reason === '') return { kind: 'bounced', status: '4.7.0', reason: 'message is administratively expired' };
  return { kind: 'bounced', status: tried.status, reason: tried.reason };
}

/** soft_bounce: a refusal that is put off instead. */
export function softened(outcome: RecipientOutcome): RecipientOutcome {
  if (outcome.kind !== 'bounced') return outcome;
  return { ...outcome, kind: 'deferred', status: `4${outcome.status.slice(1)}` };
}

/** An agent that could not even say what happened. */
export function failedOutcome(error: unknown): RecipientOutcome {
  return { kind: 'deferred', status: '4.3.0', reason: error instanceof Error ? error.message : 'failed' };
}
