// Another address for a mailbox, also in another domain. What it is, is its id: mail, UIDs, flags, quota, vacation,
// forward, app passwords, keys of SCRAM (which keep the salt that they were made with) and tags stay as they are, and a
// client that is logged in notices nothing. What goes by the address goes with it: what is said of its login, an alias of
// the same name, its transport and the copies of its mail. What others say of the old address stays, is reported, or is
// moved too.

import { describeAlias, findAlias, insertAlias, insertTargets } from './alias-rows.ts';
import { moveBccs } from './bccs.ts';
import type { Change } from './change.ts';
import { refuseAliasBeyondLimit, refuseMailboxBeyondLimits } from './domain-limits.ts';
import { needDomain } from './domain-rows.ts';
import { refuseLoops } from './expansion.ts';
import { refuseBadForward } from './forwards.ts';
import { addressKey, type MailAddress, parseAddress } from './mail-address.ts';
import { describeWhole, type MailboxInfo, needMailbox, needMailboxDomain, refuseTakenAddress } from './mailbox-rows.ts';
import { moveReferences, type References, referencesTo } from './references.ts';
import { refuse } from './refusal.ts';
import type { MailboxRow } from './schema.ts';
import { moveRightsOfLogin } from './sender-rights.ts';
import { moveTransport } from './transports.ts';

export interface RenameOptions {
  /** The old address becomes an alias of the new one. */
  readonly keepAlias?: boolean;
  /** Aliases, lists, forwards, rights to send and copies that name the old address name the new one. */
  readonly moveReferences?: boolean;
}

export interface RenamedMailbox extends MailboxInfo {
  readonly before: string;
  /** What still names the old address. */
  readonly references: References;
}

export async function renameMailbox(
  change: Change,
  from: MailAddress,
  to: MailAddress,
  options: RenameOptions,
): Promise<RenamedMailbox> {
  const row = await needMailbox(change.db, from);
  const domain = await needMailboxDomain(change.db, to.domain);
  const isSame = addressKey(from) === addressKey(to);
  if (isSame && (options.keepAlias || row.shown === to.shown)) refuse(`${row.shown} has this address already`);
  if (!isSame) refuseTakenAddress(change.lookups, domain, to);
  if (domain.id !== row.domain_id) await refuseMailboxBeyondLimits(change.db, domain, row.quota);
  const before = await describeWhole(change.db, row);
  const next = { domain_id: domain.id, localpart: to.localpart, shown: to.shown };
  await change.db.updateTable('mailbox').set(next).where('id', '=', row.id).execute();
  const renamed = { ...row, ...next };
  await change.event('mailbox.rename', row.shown, before, await describeWhole(change.db, renamed));
  if (!isSame) await moveWhatIsItsOwn(change, row, from, to);
  if (options.moveReferences) await moveReferences(change, from, to);
  if (options.keepAlias) await keepOldAddress(change, from, to);
  // Mail for the old address may now fall to a catch-all that leads here.
  refuseLoops(change.lookups, [addressKey(from), addressKey(to)]);
  const info = await describeWhole(change.db, renamed);
  if (info.forward !== undefined) refuseBadForward(change, { id: row.id, address: to }, info.forward);
  return { ...info, before: row.shown, references: await referencesTo(change.db, from) };
}

async function moveWhatIsItsOwn(change: Change, row: MailboxRow, from: MailAddress, to: MailAddress): Promise<void> {
  await moveRightsOfLogin(change, addressKey(from), addressKey(to));
  await moveOwnAlias(change, from, to);
  await moveTransport(change, from, to);
  await moveBccs(change, from, to);
  const passwords = await change.db.selectFrom('app_password').selectAll().where('mailbox_id', '=', row.id).execute();
  for (const { id, senders } of passwords) {
    const words = senders.split(' ').map((sender) => (sender.toLowerCase() === addressKey(from) ? to.shown : sender));
    const next = words.join(' ');
    if (next === senders) continue;
    await change.db.updateTable('app_password').set({ senders: next }).where('id', '=', id).execute();
  }
}

/** `anna -> anna, ben`: a copy for somebody else, which belongs to the mailbox. */
async function moveOwnAlias(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const alias = await findAlias(change.db, from);
  if (alias === undefined) return;
  const domain = await needDomain(change.db, to.domain);
  const before = await describeAlias(change.db, alias);
  const targets = before.targets
    .map(parseTarget)
    .map((target) => (addressKey(target) === addressKey(from) ? to : target));
  await change.db.deleteFrom('alias_target').where('alias_id', '=', alias.id).execute();
  const next = { domain_id: domain.id, localpart: to.localpart, shown: to.shown };
  await change.db.updateTable('alias').set(next).where('id', '=', alias.id).execute();
  await insertTargets(change.db, alias.id, targets);
  await change.event('alias.remove', alias.shown, before, null);
  await change.event('alias.add', to.shown, null, await describeAlias(change.db, { ...alias, ...next }));
}

function parseTarget(text: string): MailAddress {
  return text.startsWith('@') ? { localpart: '', domain: text.slice(1), shown: text } : parseAddress(text);
}

async function keepOldAddress(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const domain = await needDomain(change.db, from.domain);
  await refuseAliasBeyondLimit(change.db, domain);
  await insertAlias(change, domain, from, [to]);
}
