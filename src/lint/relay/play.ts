// One attempt from the connection to the end of the message, asked of the policy as a session asks it.

import type { RecipientPolicy } from '../../access/recipient-policy.ts';
import type { MailRequest } from '../../access/mail-request.ts';
import { noActions } from '../../access/message-actions.ts';
import { domainOf, localpartOf, toInternal } from '../../address/form.ts';
import type { Delivery, TraceStep } from '../../routing/types.ts';
import { type Attempt, isElsewhere } from './attempts.ts';
import { pathOf } from './path.ts';

export type Outcome =
  | { readonly kind: 'refused' }
  | { readonly kind: 'relayed'; readonly path: readonly string[] }
  /** Another server of ours gets an address that names a further destination. */
  | { readonly kind: 'passed-on'; readonly path: readonly string[]; readonly domain: string };

const refused: Outcome = { kind: 'refused' };

export async function play(
  policy: RecipientPolicy,
  attempt: Attempt,
  leavesBy: (transport: string) => boolean,
  describe: (restriction: string) => string,
): Promise<Outcome> {
  const { client, sender, recipient } = attempt;
  const actions = noActions();
  const steps: TraceStep[] = [];
  const trace = (step: TraceStep): void => void steps.push(step);
  if (!policy.isDelayed) {
    if ((await policy.checkClient(client, 'CONNECT')) !== undefined) return refused;
    if (client.helo !== undefined && (await policy.checkHelo(client, 'EHLO')) !== undefined) return refused;
  }
  const request = { actions, isQuestionOnly: true };
  if ((await policy.checkSender(sender, client, trace, request)) !== undefined) return refused;
  const decided = await policy.checkRecipient(recipient, { ...request, sender, client }, trace);
  if (decided.reply.code >= 400 || decided.replyStage === 'data') return refused;
  // Of two recipients together neither is asked about any more.
  const alone = { ...request, client, sender, recipient, recipientCount: 1 };
  const together = { ...request, client, sender, recipientCount: 2 };
  if (!(await isTaken(policy, alone)) && !(await isTaken(policy, together))) return refused;
  // Thrown away, or for whom the administrator has named.
  if (actions.isDiscarded || actions.redirect !== undefined) return refused;
  const leaving = decided.deliveries.filter(({ transport, isCopy }) => isCopy !== true && leavesBy(transport));
  const path = pathOf(steps, describe);
  if (leaving.some((delivery) => goesElsewhere(delivery, attempt))) return { kind: 'relayed', path };
  const routed = leaving.find(isRouted);
  return routed === undefined ? refused : { kind: 'passed-on', path, domain: domainOf(toInternal(routed.recipient)) };
}

async function isTaken(policy: RecipientPolicy, message: MailRequest): Promise<boolean> {
  if ((await policy.checkData(message)) !== undefined) return false;
  return (await policy.checkEndOfData({ ...message, size: 1000 })) === undefined;
}

/** To the victim, or to whom a row names: not to where an alias of a domain of ours leads. */
function goesElsewhere({ recipient }: Delivery, attempt: Attempt): boolean {
  const domain = domainOf(toInternal(recipient));
  if (isElsewhere(domain)) return true;
  return attempt.isNarrow && domain.toLowerCase() === domainOf(toInternal(attempt.recipient)).toLowerCase();
}

function isRouted({ recipient }: Delivery): boolean {
  return /[@%!]/.test(localpartOf(toInternal(recipient)));
}
