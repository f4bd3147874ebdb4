// Who may send as whom (Postfix SASL_README): smtpd_sender_login_maps says which logins own a sender address.
// Only MAIL FROM is looked at, never the From: header; the null sender belongs to nobody and is never checked.

import { toInternal } from '../address/form.ts';
import { findAddress } from '../routing/find-address.ts';
import type { Reply } from '../routing/types.ts';
import { splitList } from '../lib/split-list.ts';
import type { Maps } from '../tables/maps.ts';
import type { Evaluation, Verdict } from './evaluation.ts';

export interface SenderLoginRules {
  readonly maps: Maps;
  /** smtpd_sasl_auth_enable: without logins there is nothing to compare with. */
  readonly isAuthEnabled: boolean;
}

/** Logged in: the sender must be listed with this login. `ignoresUnlisted`: senders that are not listed are free. */
export async function checkAuthenticatedSender(
  evaluation: Evaluation,
  rules: SenderLoginRules,
  ignoresUnlisted: boolean,
): Promise<Verdict> {
  const { login } = evaluation.client;
  if (!rules.isAuthEnabled || evaluation.sender === '' || login === undefined) return 'dunno';
  const owners = await findOwners(evaluation, rules.maps);
  if (owners === undefined && ignoresUnlisted) return 'dunno';
  const isOwner = owners?.some((owner) => owner.toLowerCase() === login.toLowerCase()) ?? false;
  return isOwner ? 'dunno' : refusal(evaluation, `not owned by user ${login}`);
}

/** Not logged in: a sender that has owners is refused, also in mail from outside. */
export async function checkUnauthenticatedSender(evaluation: Evaluation, rules: SenderLoginRules): Promise<Verdict> {
  if (!rules.isAuthEnabled || evaluation.sender === '' || evaluation.client.login !== undefined) return 'dunno';
  const owners = await findOwners(evaluation, rules.maps);
  return owners === undefined ? 'dunno' : refusal(evaluation, 'not logged in');
}

async function findOwners(evaluation: Evaluation, maps: Maps): Promise<string[] | undefined> {
  const { recipient: address } = await evaluation.resolved('sender');
  const search = { ...evaluation.router.search(evaluation.decision), stage: 'sender-login' };
  const match = await findAddress(search, maps, address);
  return match && splitList(match.found.value);
}

function refusal(evaluation: Evaluation, reason: string): Reply {
  return { code: 553, status: '5.7.1', text: `<${toInternal(evaluation.sender)}>: Sender address rejected: ${reason}` };
}
