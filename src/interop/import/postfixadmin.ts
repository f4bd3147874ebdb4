// PostfixAdmin's database (2.3 to 3.4; MySQL, MariaDB, PostgreSQL, SQLite) as objects of the directory.
//
//  domain        class relay where backupmx is set or its transport is smtp or relay, else mailbox; limits in megabytes
//                of quota_multiplier bytes. `ALL`, which stands for every domain, is none.
//  alias_domain  names a row of `domain` too. One with a mailbox of its own, or an alias that leads elsewhere than its
//                target's, cannot be an alias domain here: it becomes a domain with an alias for each address of the target.
//  mailbox       with the alias of the same address, which says whether its mail stays, goes on, or both.
//  alias         the others; `@domain` is the catch-all.
//  vacation      in place of the `user#domain@autoreply` target.

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import type { SourceDatabase, SourceRow } from './source-database.ts';
import { type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { forwardOf } from './mailbox-forward.ts';
import { oldPostfixAdmin } from './postfixadmin-tables.ts';
import type { PostfixAdminSettings } from './postfixadmin-settings.ts';
import { fittingLimits, isTrue, listOf, numberOf, passwordOf, textOf, timeOf } from './row-values.ts';

/** An alias domain that has addresses of its own, and why. */
type SplitDomains = ReadonlyMap<string, string>;

export class PostfixAdminSource implements ImportSource {
  readonly name: string;
  readonly #database: SourceDatabase;
  readonly #settings: PostfixAdminSettings;

  constructor(database: SourceDatabase, settings: PostfixAdminSettings) {
    this.#database = database;
    this.#settings = settings;
    this.name = `PostfixAdmin in ${database.name}`;
  }

  get old(): OldSystem {
    return oldPostfixAdmin(this.#database, this.#settings);
  }

  async count(): Promise<number> {
    await this.#check();
    const tables = ['domain', 'mailbox', 'alias'].map((name) => this.#database.count(this.#table(name)));
    return (await Promise.all(tables)).reduce((sum, count) => sum + count, 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    await this.#check();
    const aliasDomains = await this.#readAliasDomains();
    const split = await this.#findSplit(aliasDomains);
    yield* this.#readDomains(aliasDomains, split);
    yield* this.#readMailboxes();
    yield* this.#readAliases(aliasDomains, split);
    for (const [name, why] of split) yield* this.#expand(name, aliasDomains.get(name)?.target ?? '', why);
    yield* this.#readAdministrators();
  }

  close(): void {
    this.#database.close();
  }

  #table(name: string): string {
    return `${this.#settings.prefix}${name}`;
  }

  async #check(): Promise<void> {
    await this.#database.need('PostfixAdmin', this.#table('domain'), ['domain', 'backupmx', 'active']);
    await this.#database.need('PostfixAdmin', this.#table('mailbox'), ['username', 'password', 'maildir', 'quota']);
    await this.#database.need('PostfixAdmin', this.#table('alias'), ['address', 'goto', 'domain', 'active']);
  }

  async #readAliasDomains(): Promise<Map<string, { readonly target: string; readonly active: boolean }>> {
    const found = new Map<string, { readonly target: string; readonly active: boolean }>();
    const table = this.#table('alias_domain');
    if ((await this.#database.columns(table)) === undefined) return found;
    const columns = { alias_domain: 'alias_domain', target_domain: 'target_domain', active: 'active' };
    for await (const rows of this.#database.pages({ columns, from: table, key: ['alias_domain'] })) {
      for (const row of rows) {
        const value = { target: textOf(row, 'target_domain').toLowerCase(), active: isTrue(row, 'active') };
        found.set(textOf(row, 'alias_domain').toLowerCase(), value);
      }
    }
    return found;
  }

  async #findSplit(aliasDomains: ReadonlyMap<string, { readonly target: string }>): Promise<SplitDomains> {
    const split = new Map<string, string>();
    for (const [name, { target }] of aliasDomains) {
      const isIn = `domain = ${this.#database.literal(name)}`;
      if ((await this.#database.count(this.#table('mailbox'), isIn)) > 0)
        split.set(name, 'it has mailboxes of its own');
      else if (await this.#hasOtherAlias(name, target)) split.set(name, 'an alias of its own leads elsewhere');
    }
    return split;
  }

  /** Rows such as postmaster, which PostfixAdmin makes for every domain, are usually the target's too. */
  async #hasOtherAlias(name: string, target: string): Promise<boolean> {
    for await (const rows of this.#aliasRows(`domain = ${this.#database.literal(name)}`)) {
      for (const row of rows) {
        if (!isTrue(row, 'active')) continue;
        const address = textOf(row, 'address');
        const there = `${address.slice(0, address.lastIndexOf('@'))}@${target}`;
        const same = `address = ${this.#database.literal(there)} AND goto = ${this.#database.literal(textOf(row, 'goto'))}`;
        const active = this.#database.isTrue('active');
        if ((await this.#database.count(this.#table('alias'), `${same} AND ${active}`)) === 0) return true;
      }
    }
    return false;
  }

  #aliasRows(where?: string): AsyncGenerator<readonly SourceRow[]> {
    const columns = { address: 'address', goto: 'goto', domain: 'domain', active: 'active' };
    const from = this.#table('alias');
    return this.#database.pages({
      columns,
      from,
      ...(where === undefined ? {} : { where }),
      key: ['domain', 'address'],
    });
  }

  async *#readDomains(
    aliasDomains: ReadonlyMap<string, { readonly target: string; readonly active: boolean }>,
    split: SplitDomains,
  ): AsyncGenerator<readonly ImportObject[]> {
    const columns = ['domain', 'aliases', 'mailboxes', 'maxquota', 'quota', 'transport', 'backupmx', 'active'];
    const selection = Object.fromEntries(columns.map((name) => [name, name]));
    const where = `domain <> 'ALL'`;
    const states = new Map<string, boolean>();
    for await (const rows of this.#database.pages({
      columns: selection,
      from: this.#table('domain'),
      where,
      key: ['domain'],
    })) {
      const objects: ImportObject[] = [];
      for (const row of rows) {
        const name = textOf(row, 'domain').toLowerCase();
        if (!aliasDomains.has(name) || split.has(name)) objects.push(...this.#domain(row));
        else states.set(name, isTrue(row, 'active'));
      }
      yield objects;
    }
    const names = [...aliasDomains].filter(([name]) => !split.has(name));
    yield names.map(([name, { target, active }]) => {
      return { kind: 'alias-domain', value: { name, target, active: active && states.get(name) !== false } };
    });
  }

  *#domain(row: SourceRow): Generator<ImportObject> {
    const name = textOf(row, 'domain');
    const { quotaMultiplier, hasTransports } = this.#settings;
    const transport = hasTransports ? textOf(row, 'transport') : '';
    const goesOn = /^(?:smtp|relay)/.test(transport);
    const isRelay = isTrue(row, 'backupmx') || goesOn;
    const given = ['aliases', 'mailboxes', 'maxquota', 'quota'].filter((column) => Number(row[column]) < 0);
    if (given.length > 0) {
      yield notTaken(
        `${given.join(' and ')} of ${name}`,
        'PostfixAdmin allows none at all; here a limit is at least 1',
      );
    }
    if (transport !== '' && !goesOn) {
      yield notTaken(`transport ${transport} of ${name}`, 'it led to the old mail store; its mailboxes are here now');
    }
    yield {
      kind: 'domain',
      value: {
        name,
        class: isRelay ? 'relay' : 'mailbox',
        active: isTrue(row, 'active'),
        ...(goesOn ? { transport: transport.includes(':') ? transport : `${transport}:` } : {}),
        limits: fittingLimits({
          maxMailboxes: numberOf(row, 'mailboxes'),
          maxAliases: numberOf(row, 'aliases'),
          maxQuotaBytes: numberOf(row, 'maxquota') * quotaMultiplier,
          totalQuotaBytes: numberOf(row, 'quota') * quotaMultiplier,
        }),
      },
    };
  }

  async *#readMailboxes(): AsyncGenerator<readonly ImportObject[]> {
    const vacation = await this.#database.columns(this.#table('vacation'));
    const [m, a, v] = ['mailbox', 'alias', 'vacation'].map((name) => this.#table(name));
    const own = ['username', 'password', 'name', 'maildir', 'quota', 'domain', 'active', 'created'];
    const columns: Record<string, string> = Object.fromEntries(own.map((name) => [name, `m.${name}`]));
    Object.assign(columns, { goto: 'a.goto', alias_active: 'a.active' });
    let from = `${m} m LEFT JOIN ${a} a ON a.address = m.username`;
    if (vacation !== undefined) {
      from += ` LEFT JOIN ${v} v ON v.email = m.username`;
      for (const name of ['subject', 'body', 'active', 'activefrom', 'activeuntil', 'interval_time']) {
        if (vacation.has(name)) columns[`v_${name}`] = `v.${name}`;
      }
    }
    for await (const rows of this.#database.pages({ columns, from, key: ['m.domain', 'm.username'] })) {
      yield rows.flatMap((row) => [...this.#mailbox(row)]);
    }
  }

  *#mailbox(row: SourceRow): Generator<ImportObject> {
    const address = textOf(row, 'username');
    const password = passwordOf(textOf(row, 'password'), this.#settings.bareHashes);
    if (password.reason !== undefined) yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
    const targets = isTrue(row, 'alias_active') ? listOf(textOf(row, 'goto')) : [];
    const created = timeOf(row, 'created');
    const vacation = this.#vacation(row, targets);
    const value: BulkMailbox = {
      address,
      passwordHash: password.hash,
      name: textOf(row, 'name'),
      quotaBytes: numberOf(row, 'quota'),
      enabled: isTrue(row, 'active'),
      ...(created === undefined ? {} : { created }),
      ...forwardOf(
        address,
        targets.filter((target) => !this.#isVacationTarget(target)),
      ),
      ...(vacation === undefined ? {} : { vacation }),
    };
    yield { kind: 'mailbox', value, maildir: textOf(row, 'maildir') };
  }

  #isVacationTarget(target: string): boolean {
    const { vacationDomain } = this.#settings;
    return vacationDomain !== '' && target.toLowerCase().endsWith(`@${vacationDomain.toLowerCase()}`);
  }

  #vacation(row: SourceRow, targets: readonly string[]): BulkMailbox['vacation'] {
    if (!isTrue(row, 'v_active') || textOf(row, 'v_body').trim() === '') return undefined;
    if (this.#settings.vacationDomain !== '' && !targets.some((target) => this.#isVacationTarget(target)))
      return undefined;
    const from = openTime(timeOf(row, 'v_activefrom'));
    const until = openTime(timeOf(row, 'v_activeuntil'));
    return {
      // `$SUBJECT` is vacation.pl's word for the subject that is answered; ours is an empty subject.
      subject: textOf(row, 'v_subject').includes('$SUBJECT') ? '' : textOf(row, 'v_subject').replace(/[\r\n]+/g, ' '),
      text: textOf(row, 'v_body').replaceAll('\r\n', '\n'),
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until }),
      days: Math.min(30, Math.max(1, Math.round(numberOf(row, 'v_interval_time') / 86_400))),
    };
  }

  /** Those that are no mailbox's own. */
  async *#readAliases(
    aliasDomains: ReadonlyMap<string, unknown>,
    split: SplitDomains,
  ): AsyncGenerator<readonly ImportObject[]> {
    const columns = { address: 'a.address', goto: 'a.goto', domain: 'a.domain', active: 'a.active' };
    const [a, m] = ['alias', 'mailbox'].map((name) => this.#table(name));
    const from = `${a} a LEFT JOIN ${m} m ON m.username = a.address`;
    const selection = { columns, from, where: 'm.username IS NULL', key: ['a.domain', 'a.address'] as const };
    for await (const rows of this.#database.pages(selection)) {
      const objects: ImportObject[] = [];
      for (const row of rows) {
        const domain = textOf(row, 'domain').toLowerCase();
        // Its target has the same.
        if (aliasDomains.has(domain) && !split.has(domain)) continue;
        objects.push(...this.#alias(row));
      }
      yield objects;
    }
  }

  *#alias(row: SourceRow): Generator<ImportObject> {
    const address = textOf(row, 'address');
    const targets = listOf(textOf(row, 'goto')).filter((target) => !this.#isVacationTarget(target));
    yield { kind: 'alias', value: { address, targets, active: isTrue(row, 'active') } };
  }

  /** An alias for each address of the target that the domain has not itself. */
  async *#expand(name: string, target: string, why: string): AsyncGenerator<readonly ImportObject[]> {
    const [a, at] = [this.#table('alias'), this.#database.literal(`@${name}`)];
    const cut = `SUBSTR(t.address, 1, LENGTH(t.address) - ${target.length + 1})`;
    const own = `NOT EXISTS (SELECT 1 FROM ${a} o WHERE o.address = ${this.#database.concat(cut, at)})`;
    const where = `t.domain = ${this.#database.literal(target)} AND ${this.#database.isTrue('t.active')} AND ${own}`;
    const columns = { address: 't.address', goto: 't.goto' };
    let count = 0;
    for await (const rows of this.#database.pages({ columns, from: `${a} t`, where, key: ['t.address'] })) {
      count += rows.length;
      yield rows.map((row): ImportObject => {
        const address = textOf(row, 'address');
        const localpart = address.slice(0, address.lastIndexOf('@'));
        const targets = localpart === '' ? listOf(textOf(row, 'goto')) : [address];
        return { kind: 'alias', value: { address: `${localpart}@${name}`, targets } };
      });
    }
    const reason = `${why}: it is a domain here, with ${count} aliases to ${target}; a new address there needs one more`;
    yield [notTaken(`alias domain ${name}`, reason)];
  }

  async *#readAdministrators(): AsyncGenerator<readonly ImportObject[]> {
    const [admin, theirs] = [this.#table('admin'), this.#table('domain_admins')];
    const known = await this.#database.columns(admin);
    if (known === undefined) return;
    const domains = new Map<string, string[]>();
    const columns = { username: 'username', domain: 'domain' };
    for await (const rows of this.#database.pages({ columns, from: theirs, key: ['username', 'domain'] })) {
      for (const row of rows) {
        const login = textOf(row, 'username').toLowerCase();
        domains.set(login, [...(domains.get(login) ?? []), textOf(row, 'domain')]);
      }
    }
    const own: Record<string, string> = { username: 'username', password: 'password', active: 'active' };
    if (known.has('superadmin')) own['superadmin'] = 'superadmin';
    for await (const rows of this.#database.pages({ columns: own, from: admin, key: ['username'] })) {
      yield rows.map((row): ImportObject => {
        const login = textOf(row, 'username');
        const password = passwordOf(textOf(row, 'password'), this.#settings.bareHashes);
        const some = domains.get(login.toLowerCase()) ?? [];
        const value = { login, passwordHash: password.hash, name: '', active: isTrue(row, 'active') };
        const isSuper = isTrue(row, 'superadmin') || some.includes('ALL');
        return { kind: 'administrator', value: { ...value, domains: isSuper ? 'all' : some } };
      });
    }
  }
}

/** 2000 and 2038 are the schema's words for no beginning and no end. */
function openTime(time: number | undefined): number | undefined {
  return time === undefined || time < Date.UTC(2000, 0, 3) || time > Date.UTC(2038, 0, 16) ? undefined : time;
}
