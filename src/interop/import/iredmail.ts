// iRedMail's `vmail` database (0.9.8 to 1.7; MySQL, MariaDB, PostgreSQL) as objects of the directory. Its LDAP edition is
// another source, which is not read.
//
//  domain       class relay where backupmx is set, else mailbox; `transport` where it is not the way to its own store
//  mailbox      with its rows in `forwardings`, which say whether mail stays, goes on, or both; quotas are mebibytes
//  forwardings  `is_alias` and `is_list`: aliases. The address that is the domain's bare name is the catch-all.
//  maillists    lists of mlmmj, which are not taken
//  *_bcc_*      copies; domain_admins with `ALL` for every domain

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import type { BccSide } from '../../directory/schema.ts';
import { type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { oldIredmail } from './iredmail-tables.ts';
import { forwardOf } from './mailbox-forward.ts';
import { rowGroups } from './row-groups.ts';
import { isTrue, numberOf, passwordOf, textOf, timeOf } from './row-values.ts';
import type { SourceDatabase, SourceRow } from './source-database.ts';

const mebibyte = 1 << 20;

export class IredmailSource implements ImportSource {
  readonly name: string;
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
    this.name = `iRedMail in ${database.name}`;
  }

  get old(): OldSystem {
    return oldIredmail(this.#database);
  }

  async count(): Promise<number> {
    await this.#database.need('iRedMail', 'domain', ['domain', 'transport', 'backupmx', 'active']);
    await this.#database.need('iRedMail', 'mailbox', ['username', 'password', 'quota', 'storagebasedirectory']);
    await this.#database.need('iRedMail', 'forwardings', ['address', 'forwarding', 'is_list', 'is_alias']);
    const counts = ['domain', 'mailbox', 'forwardings'].map((table) => this.#database.count(table));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    yield* this.#readDomains();
    yield* this.#readAliasDomains();
    yield* this.#readMailboxes();
    yield* this.#readAliases();
    yield* this.#readLists();
    for (const side of ['sender', 'recipient'] as const) yield* this.#readBccs(side);
    yield* this.#readAdministrators();
  }

  close(): void {
    this.#database.close();
  }

  async *#readDomains(): AsyncGenerator<readonly ImportObject[]> {
    const names = ['domain', 'aliases', 'mailboxes', 'transport', 'backupmx', 'active'];
    const columns = Object.fromEntries(names.map((name) => [name, name]));
    for await (const rows of this.#database.pages({ columns, from: 'domain', key: ['domain'] })) {
      yield rows.map((row): ImportObject => {
        const transport = textOf(row, 'transport');
        const isRelay = isTrue(row, 'backupmx');
        const isStore = isStoreTransport(transport);
        const value = { name: textOf(row, 'domain'), active: isTrue(row, 'active') };
        const limits = { maxMailboxes: numberOf(row, 'mailboxes'), maxAliases: numberOf(row, 'aliases') };
        const way = isStore ? {} : { transport: transport.includes(':') ? transport : `${transport}:` };
        if (isRelay) return { kind: 'domain', value: { ...value, class: 'relay', ...way } };
        return { kind: 'domain', value: { ...value, class: 'mailbox', limits, ...way } };
      });
    }
  }

  async *#readAliasDomains(): AsyncGenerator<readonly ImportObject[]> {
    const columns = { name: 'alias_domain', target: 'target_domain', active: 'active' };
    for await (const rows of this.#database.pages({ columns, from: 'alias_domain', key: ['alias_domain'] })) {
      yield rows.map((row): ImportObject => {
        const value = { name: textOf(row, 'name'), target: textOf(row, 'target'), active: isTrue(row, 'active') };
        return { kind: 'alias-domain', value };
      });
    }
  }

  async *#readMailboxes(): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns('mailbox');
    const names = [
      'username',
      'domain',
      'password',
      'name',
      'quota',
      'active',
      'created',
      'enabledeliver',
      'transport',
    ];
    const more = ['enablesmtp', 'enableimap', 'enablepop3', 'enablemanagesieve'];
    const places = ['storagebasedirectory', 'storagenode', 'maildir', 'mailboxfolder'];
    const columns: Record<string, string> = {};
    for (const name of [...names, ...more, ...places]) if (known?.has(name)) columns[name] = `m.${name}`;
    Object.assign(columns, { forwarding_id: 'COALESCE(f.id, 0)', forwarding: 'f.forwarding' });
    const from = `mailbox m LEFT JOIN forwardings f ON f.address = m.username AND ${this.#database.isTrue('f.active')}`;
    // A mailbox has few rows: none of its own is left behind at the end of a page.
    const pages = this.#database.pages({
      columns,
      from,
      key: ['m.username', 'COALESCE(f.id, 0)'],
      isSecondNumeric: true,
    });
    for await (const groups of rowGroups(pages, (row) => textOf(row, 'username'))) {
      yield groups.flatMap((rows) => [...mailbox(rows)]);
    }
  }

  async *#readAliases(): AsyncGenerator<readonly ImportObject[]> {
    const policies = new Map<string, string>();
    const policy = {
      columns: { address: 'address', policy: 'accesspolicy' },
      from: 'alias',
      where: "accesspolicy NOT IN ('', 'public')",
    };
    for await (const rows of this.#database.pages({ ...policy, key: ['address'] })) {
      for (const row of rows) policies.set(textOf(row, 'address').toLowerCase(), textOf(row, 'policy'));
    }
    const columns = { id: 'f.id', address: 'f.address', forwarding: 'f.forwarding', domain: 'f.domain' };
    const from = 'forwardings f LEFT JOIN mailbox m ON m.username = f.address';
    const where = `m.username IS NULL AND ${this.#database.isTrue('f.active')} AND NOT ${this.#database.isTrue('f.is_maillist')}`;
    const pages = this.#database.pages({ columns, from, where, key: ['f.address', 'f.id'], isSecondNumeric: true });
    for await (const groups of rowGroups(pages, (row) => textOf(row, 'address').toLowerCase())) {
      yield groups.flatMap((rows) => [...alias(rows, policies)]);
    }
  }

  async *#readLists(): AsyncGenerator<readonly ImportObject[]> {
    if ((await this.#database.columns('maillists')) === undefined) return;
    const columns = { address: 'address' };
    for await (const rows of this.#database.pages({ columns, from: 'maillists', key: ['address'] })) {
      const reason =
        "it is a list of mlmmj, whose members stand in mlmmj's folder: posthaste list add, and list members add";
      yield rows.map((row) => notTaken(`list ${textOf(row, 'address')}`, reason, textOf(row, 'address')));
    }
  }

  async *#readBccs(side: BccSide): AsyncGenerator<readonly ImportObject[]> {
    for (const [table, key, at] of [
      [`${side}_bcc_user`, 'username', ''],
      [`${side}_bcc_domain`, 'domain', '@'],
    ] as const) {
      if ((await this.#database.columns(table)) === undefined) continue;
      const columns = { place: key, address: 'bcc_address' };
      const where = this.#database.isTrue('active');
      for await (const rows of this.#database.pages({ columns, from: table, where, key: [key] })) {
        yield rows.map((row): ImportObject => {
          return {
            kind: 'bcc',
            value: { side, place: `${at}${textOf(row, 'place')}`, address: textOf(row, 'address') },
          };
        });
      }
    }
  }

  /** Mailboxes may be administrators too. */
  async *#readAdministrators(): AsyncGenerator<readonly ImportObject[]> {
    for (const table of ['admin', 'mailbox']) {
      const from = `domain_admins d JOIN ${table} a ON a.username = d.username`;
      const columns = {
        username: 'd.username',
        domain: 'd.domain',
        password: 'a.password',
        name: 'a.name',
        active: 'a.active',
      };
      const where = this.#database.isTrue('d.active');
      const pages = this.#database.pages({ columns, from, where, key: ['d.username', 'd.domain'] });
      for await (const groups of rowGroups(pages, (row) => textOf(row, 'username'))) {
        yield groups.map((rows): ImportObject => {
          const row = rows[0] as SourceRow;
          const domains = rows.map((one) => textOf(one, 'domain'));
          const { hash: passwordHash } = passwordOf(textOf(row, 'password'), 'crypt');
          const value = {
            login: textOf(row, 'username'),
            passwordHash,
            name: textOf(row, 'name'),
            active: isTrue(row, 'active'),
          };
          return { kind: 'administrator', value: { ...value, domains: domains.includes('ALL') ? 'all' : domains } };
        });
      }
    }
  }
}

/** Dovecot's LDA and LMTP, as iRedMail sets them up. */
function isStoreTransport(transport: string): boolean {
  return transport === '' || /^(?:dovecot|virtual|maildrop)(?::|$)|^lmtp:unix:/.test(transport);
}

function* mailbox(rows: readonly SourceRow[]): Generator<ImportObject> {
  const row = rows[0] as SourceRow;
  const address = textOf(row, 'username');
  const password = passwordOf(textOf(row, 'password'), 'crypt');
  if (password.reason !== undefined) yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
  const targets = rows.map((one) => textOf(one, 'forwarding')).filter((target) => target !== '');
  const names = { enablesmtp: 'smtp', enableimap: 'imap', enablepop3: 'pop3', enablemanagesieve: 'sieve' };
  const allowed = Object.entries(names).filter(([column]) => isTrue(row, column, true));
  const protocols = allowed.length === 0 ? ['none'] : [...allowed.map(([, name]) => name), 'http'];
  const created = timeOf(row, 'created');
  const value: BulkMailbox = {
    address,
    passwordHash: password.hash,
    name: textOf(row, 'name'),
    quotaBytes: numberOf(row, 'quota') * mebibyte,
    enabled: isTrue(row, 'active') && isTrue(row, 'enabledeliver', true),
    ...(created === undefined || created < Date.UTC(1971, 0) ? {} : { created }),
    ...(allowed.length === 4 ? {} : { protocols }),
    ...forwardOf(address, targets),
  };
  const parts = ['storagebasedirectory', 'storagenode', 'maildir', 'mailboxfolder'].map((name) => textOf(row, name));
  yield {
    kind: 'mailbox',
    value,
    maildir: parts
      .filter((part) => part !== '')
      .join('/')
      .replaceAll('//', '/'),
  };
  const transport = textOf(row, 'transport');
  if (!isStoreTransport(transport)) yield { kind: 'transport', value: { place: address, transport } };
}

function* alias(rows: readonly SourceRow[], policies: ReadonlyMap<string, string>): Generator<ImportObject> {
  const row = rows[0] as SourceRow;
  const address = textOf(row, 'address');
  const targets = rows.map((one) => textOf(one, 'forwarding'));
  yield { kind: 'alias', value: { address: address.includes('@') ? address : `@${address}`, targets } };
  const policy = policies.get(address.toLowerCase());
  if (policy === undefined) return;
  yield notTaken(
    `access policy ${policy} of ${address}`,
    `everybody may write to it here: posthaste alias set ${address} --post`,
  );
}
