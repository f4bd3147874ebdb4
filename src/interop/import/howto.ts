// The four tables of the widespread howto for Postfix and MySQL, also in PostgreSQL and SQLite:
//
//  domains      virtual_mailbox_domains
//  users        mailboxes; `quota` in bytes
//  forwardings  virtual_alias_maps before the users: at a mailbox's own address it says where its mail goes, `@domain` is
//               the catch-all, and `@domain` to `@other` keeps the name
//  transport    transport_maps; the table is optional. The howto's own query returns the key (`SELECT domain ...`); its
//               mended form is compared with

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import { type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { forwardOf } from './mailbox-forward.ts';
import { OldTables } from './old-tables.ts';
import { listOf, numberOf, passwordOf, textOf } from './row-values.ts';
import type { SourceDatabase, SourceRow } from './source-database.ts';

export class HowtoSource implements ImportSource {
  readonly name: string;
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
    this.name = `the howto's tables in ${database.name}`;
  }

  get old(): OldSystem {
    const tables = new OldTables(this.#database);
    tables.set('virtual_mailbox_domains', { domains: "SELECT domain FROM domains WHERE domain='%s'" });
    tables.set('virtual_alias_maps', {
      forwardings: "SELECT destination FROM forwardings WHERE source='%s'",
      email2email: "SELECT email FROM users WHERE email='%s'",
    });
    tables.set('virtual_mailbox_maps', { mailboxes: "SELECT email FROM users WHERE email='%s'" });
    tables.set('transport_maps', { transport: "SELECT transport FROM transport WHERE domain='%s'" });
    return { settings: tables.settings, storeTransports: ['virtual'], ignoredDomains: [] };
  }

  async count(): Promise<number> {
    await this.#database.need('the howto', 'domains', ['domain']);
    await this.#database.need('the howto', 'users', ['email', 'password', 'quota']);
    await this.#database.need('the howto', 'forwardings', ['source', 'destination']);
    const counts = ['domains', 'users', 'forwardings'].map((table) => this.#database.count(table));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const database = this.#database;
    for await (const rows of database.pages({ columns: { domain: 'domain' }, from: 'domains', key: ['domain'] })) {
      yield rows.map(
        (row): ImportObject => ({ kind: 'domain', value: { name: textOf(row, 'domain'), class: 'mailbox' } }),
      );
    }
    const columns = { email: 'u.email', password: 'u.password', quota: 'u.quota', destination: 'f.destination' };
    const from = 'users u LEFT JOIN forwardings f ON f.source = u.email';
    for await (const rows of database.pages({ columns, from, key: ['u.email'] })) {
      yield rows.flatMap((row) => [...mailbox(row)]);
    }
    const aliases = {
      columns: { source: 'f.source', destination: 'f.destination' },
      from: 'forwardings f LEFT JOIN users u ON u.email = f.source',
      where: 'u.email IS NULL',
      key: ['f.source'] as const,
    };
    for await (const rows of database.pages(aliases)) {
      yield rows.map((row): ImportObject => {
        return {
          kind: 'alias',
          value: { address: textOf(row, 'source'), targets: listOf(textOf(row, 'destination')) },
        };
      });
    }
    yield* this.#readTransports();
  }

  async *#readTransports(): AsyncGenerator<readonly ImportObject[]> {
    if ((await this.#database.columns('transport')) === undefined) return;
    const columns = { domain: 'domain', transport: 'transport' };
    for await (const rows of this.#database.pages({ columns, from: 'transport', key: ['domain'] })) {
      yield rows.map((row): ImportObject => {
        const [place, transport] = [textOf(row, 'domain'), textOf(row, 'transport').trim()];
        if (/[,\s]/.test(transport))
          return notTaken(`transport of ${place}`, 'it names several transports, of which Postfix takes none');
        return { kind: 'transport', value: { place, transport } };
      });
    }
  }

  close(): void {
    this.#database.close();
  }
}

function* mailbox(row: SourceRow): Generator<ImportObject> {
  const address = textOf(row, 'email');
  const password = passwordOf(textOf(row, 'password'), 'crypt');
  if (password.reason !== undefined) yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
  const at = address.lastIndexOf('@');
  const value: BulkMailbox = {
    address,
    passwordHash: password.hash,
    quotaBytes: numberOf(row, 'quota'),
    ...forwardOf(address, listOf(textOf(row, 'destination'))),
  };
  yield { kind: 'mailbox', value, maildir: `${address.slice(at + 1)}/${address.slice(0, at)}/` };
}
