// Further passwords of a mailbox, one for each program that logs in: named, so that one can be taken away without the
// others; limited to protocols and to envelope senders; with an end. The passwords are made by us and kept as a digest.

import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { checkProtocols } from './login-protocols.ts';
import { parseAddress, parseDomain } from './mail-address.ts';
import { needMailbox } from './mailbox-rows.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import type { AppPasswordRow, MailboxRow } from './schema.ts';

/** Each proof of SCRAM and CRAM-MD5 is tried against all. */
const maxAppPasswords = 50;
const maxSenders = 100;

export interface AppPasswordLimits {
  /** Empty: all. */
  readonly protocols?: readonly string[];
  /** Envelope senders: addresses, `@domain` for all of a domain, `<>` for the null sender; empty: all. */
  readonly senders?: readonly string[];
  /** Milliseconds since 1970; 0: never. */
  readonly expires?: number;
}

export interface NewAppPassword extends AppPasswordLimits {
  readonly mailbox: string;
  readonly name: string;
  readonly digest: string;
  /** Only for CRAM-MD5, which needs the password itself. */
  readonly secret?: string;
}

export interface AppPasswordInfo {
  readonly id: number;
  readonly mailbox: string;
  readonly name: string;
  readonly protocols: readonly string[];
  readonly senders: readonly string[];
  readonly expires?: number;
  /** The password itself is kept, for CRAM-MD5. */
  readonly recoverable: boolean;
  readonly created: number;
  readonly used?: { readonly time: number; readonly protocol: string; readonly address: string };
}

export class AppPasswords {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(added: NewAppPassword): Promise<AppPasswordInfo> {
    const name = checkName(added.name);
    const limits = checkedLimits(added);
    return await this.#changes.make(async (change) => {
      const mailbox = await needMailbox(change.db, parseAddress(added.mailbox));
      const names = (await rowsOf(change.db, mailbox)).map((row) => row.name);
      if (names.includes(name)) {
        refuseTaken(`${mailbox.shown} has an app password "${name}" already: remove it, or give this one another name`);
      }
      if (names.length >= maxAppPasswords) refuse(`${mailbox.shown} has ${maxAppPasswords} app passwords already`);
      const values = {
        mailbox_id: mailbox.id,
        name,
        digest: added.digest,
        secret: added.secret ?? '',
        ...limits,
        created: change.now,
        used: 0,
        used_protocol: '',
        used_address: '',
      };
      const { id } = await change.db
        .insertInto('app_password')
        .values(values)
        .returning('id')
        .executeTakeFirstOrThrow();
      const info = describe(mailbox, { ...values, id });
      await change.event('app-password.add', mailbox.shown, null, forEvent(info));
      return info;
    });
  }

  /** Of one mailbox, by name. */
  async list(mailbox: string): Promise<AppPasswordInfo[]> {
    const owner = await needMailbox(this.#db, parseAddress(mailbox));
    return (await rowsOf(this.#db, owner)).map((row) => describe(owner, row));
  }

  /** Of all mailboxes, by mailbox id and name; `after` is the `id` of the last one seen. */
  async listAll(after: number, limit: number): Promise<AppPasswordInfo[]> {
    const rows = await this.#db
      .selectFrom('app_password as a')
      .innerJoin('mailbox as m', 'm.id', 'a.mailbox_id')
      .selectAll('a')
      .select('m.shown')
      .where('m.tombstone', '=', 0)
      .where('a.id', '>', after)
      .orderBy('a.id')
      .limit(limit)
      .execute();
    return rows.map((row) => describe(row, row));
  }

  async need(mailbox: string, name: string): Promise<AppPasswordInfo> {
    const owner = await needMailbox(this.#db, parseAddress(mailbox));
    return describe(owner, await needRow(this.#db, owner, name));
  }

  async set(mailbox: string, name: string, limits: AppPasswordLimits & { name?: string }): Promise<AppPasswordInfo> {
    const newName = limits.name === undefined ? undefined : checkName(limits.name);
    return await this.#changes.make(async (change) => {
      const owner = await needMailbox(change.db, parseAddress(mailbox));
      const row = await needRow(change.db, owner, name);
      const before = describe(owner, row);
      const rows = await rowsOf(change.db, owner);
      if (newName !== undefined && rows.some((other) => other.name === newName && other.id !== row.id)) {
        refuseTaken(`${owner.shown} has an app password "${newName}" already`);
      }
      const { protocols, senders, expires } = limits;
      const next = {
        ...checkedLimits({
          protocols: protocols ?? before.protocols,
          senders: senders ?? before.senders,
          expires: expires ?? row.expires,
        }),
        name: newName ?? row.name,
      };
      await change.db.updateTable('app_password').set(next).where('id', '=', row.id).execute();
      const after = describe(owner, { ...row, ...next });
      await change.event('app-password.set', owner.shown, forEvent(before), forEvent(after));
      return after;
    });
  }

  async remove(mailbox: string, name: string): Promise<void> {
    await this.#changes.make(async (change) => {
      const owner = await needMailbox(change.db, parseAddress(mailbox));
      const row = await needRow(change.db, owner, name);
      await change.db.deleteFrom('app_password').where('id', '=', row.id).execute();
      await change.db.deleteFrom('scram_key').where('app_password_id', '=', row.id).execute();
      await change.event('app-password.remove', owner.shown, forEvent(describe(owner, row)), null);
    });
  }
}

/** Those of a password that is no more; nobody is to guess it from them. */
export async function deleteScramKeys(db: DirectoryDatabase, mailboxId: number): Promise<void> {
  await db.deleteFrom('scram_key').where('mailbox_id', '=', mailboxId).where('app_password_id', '=', 0).execute();
}

/** When a mailbox is forgotten. */
export async function deleteLoginSecrets(db: DirectoryDatabase, mailboxId: number): Promise<void> {
  await db.deleteFrom('app_password').where('mailbox_id', '=', mailboxId).execute();
  await db.deleteFrom('scram_key').where('mailbox_id', '=', mailboxId).execute();
}

async function rowsOf(db: DirectoryDatabase, { id }: Pick<MailboxRow, 'id'>): Promise<AppPasswordRow[]> {
  return await db.selectFrom('app_password').selectAll().where('mailbox_id', '=', id).orderBy('name').execute();
}

async function needRow(db: DirectoryDatabase, owner: MailboxRow, name: string): Promise<AppPasswordRow> {
  const row = (await rowsOf(db, owner)).find((one) => one.name === name.trim());
  if (row) return row;
  refuseMissing(`${owner.shown} has no app password "${name}": see: posthaste app-password list ${owner.shown}`);
}

/** When it was used is no change. */
function forEvent(info: AppPasswordInfo): object {
  return { ...info, used: undefined };
}

function describe(mailbox: Pick<MailboxRow, 'shown'>, row: AppPasswordRow): AppPasswordInfo {
  const { id, name, protocols, senders, expires, secret, created, used, used_protocol, used_address } = row;
  return {
    id,
    mailbox: mailbox.shown,
    name,
    protocols: words(protocols),
    senders: words(senders),
    ...(expires === 0 ? {} : { expires }),
    recoverable: secret !== '',
    created,
    ...(used === 0 ? {} : { used: { time: used, protocol: used_protocol, address: used_address } }),
  };
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function checkName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > 64) refuse('the name of an app password has 1 to 64 characters');
  if (/[\u0000-\u001f\u007f]/.test(trimmed)) refuse('the name of an app password is one line of text');
  return trimmed;
}

function checkedLimits({ protocols = [], senders = [], expires = 0 }: AppPasswordLimits) {
  if (senders.length > maxSenders) refuse(`an app password has at most ${maxSenders} senders`);
  if (!Number.isSafeInteger(expires) || expires < 0) refuse('that is no time at which an app password could end');
  return { protocols: checkProtocols(protocols).join(' '), senders: senders.map(checkSender).join(' '), expires };
}

function checkSender(sender: string): string {
  if (sender === '<>') return sender;
  if (sender.startsWith('@')) return `@${parseDomain(sender.slice(1))}`;
  const { shown } = parseAddress(sender);
  if (/\s/.test(shown)) refuse(`${shown} cannot be the sender of an app password: it contains a blank`);
  return shown;
}
