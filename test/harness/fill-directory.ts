// Puts many domains, mailboxes and aliases into a server's directory at once: rows as the directory itself writes
// them, in one transaction, while the server is not running or running. Only for loads: it skips the events.

import { join } from 'node:path';
import type { Insertable, Kysely } from 'kysely';
import { openDirectoryFiles } from '../../src/directory/database.ts';
import type { DirectorySchema, MailboxTable } from '../../src/directory/schema.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { PosthasteProcess } from './posthaste-process.ts';

export interface DirectoryContents {
  readonly mailboxes: Iterable<string>;
  /** Alias address → target address. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly password: string;
}

export async function fillDirectory(server: PosthasteProcess, contents: DirectoryContents): Promise<void> {
  const files = await openDirectoryFiles(join(server.dataFolder, 'directory.db'), false, systemClock);
  if (!files.writer) throw new Error('the directory was opened for reading only');
  const { connection, db } = files.writer;
  await db.transaction().execute(async (transaction) => {
    const domains = new Map<string, number>();
    await insertMailboxes(transaction, domains, contents);
    for (const [alias, target] of Object.entries(contents.aliases ?? {})) {
      await insertAlias(transaction, domains, alias, target);
    }
  });
  await db.destroy();
  if (connection.open) connection.close();
  files.reader.close();
}

type Transaction = Kysely<DirectorySchema>;

async function insertMailboxes(
  transaction: Transaction,
  domains: Map<string, number>,
  { mailboxes, password }: DirectoryContents,
): Promise<void> {
  let rows: Insertable<MailboxTable>[] = [];
  const flush = async () => {
    if (rows.length > 0) await transaction.insertInto('mailbox').values(rows).execute();
    rows = [];
  };
  for (const address of mailboxes) {
    const [localpart, domain] = splitAddress(address);
    rows.push({
      domain_id: await domainId(transaction, domains, domain),
      localpart,
      shown: address,
      name: '',
      // Plain, so that a load of logins measures the server and not the hash.
      password: `{PLAIN}${password}`,
      quota: 0,
      enabled: 1,
      created: Date.now(),
      removed_at: 0,
    });
    if (rows.length === 1_000) await flush();
  }
  await flush();
}

async function domainId(transaction: Transaction, domains: Map<string, number>, name: string): Promise<number> {
  const known = domains.get(name);
  if (known !== undefined) return known;
  const { id } = await transaction
    .insertInto('domain')
    .values({ name, kind: 'mailbox', target_id: null, active: 1, transport: '', created: Date.now() })
    .returning('id')
    .executeTakeFirstOrThrow();
  domains.set(name, id);
  return id;
}

async function insertAlias(
  transaction: Transaction,
  domains: Map<string, number>,
  alias: string,
  target: string,
): Promise<void> {
  const [localpart, domain] = splitAddress(alias);
  const [targetLocalpart, targetDomain] = splitAddress(target);
  const { id } = await transaction
    .insertInto('alias')
    .values({
      domain_id: await domainId(transaction, domains, domain),
      localpart,
      shown: alias,
      created: Date.now(),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await transaction
    .insertInto('alias_target')
    .values({ alias_id: id, position: 0, address: target, domain: targetDomain, localpart: targetLocalpart })
    .execute();
}

function splitAddress(address: string): [localpart: string, domain: string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, at), address.slice(at + 1)];
}

/** Domains without anything in them, in the file of a running server. */
export async function fillDomains(file: string, names: readonly string[]): Promise<void> {
  const files = await openDirectoryFiles(file, false, systemClock);
  if (!files.writer) throw new Error('the directory was opened for reading only');
  const { connection, db } = files.writer;
  await db.transaction().execute(async (transaction) => {
    for (let start = 0; start < names.length; start += 1_000) {
      const rows = names.slice(start, start + 1_000).map((name) => {
        return { name, kind: 'mailbox' as const, target_id: null, active: 1, transport: '', created: Date.now() };
      });
      await transaction.insertInto('domain').values(rows).execute();
    }
  });
  await db.destroy();
  if (connection.open) connection.close();
  files.reader.close();
}
