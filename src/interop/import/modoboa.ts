// Modoboa's database (1.10 to 2.3; PostgreSQL, MySQL, MariaDB, SQLite) as objects of the directory.
//
//  admin_domain       class mailbox, or relay for `relaydomain`, whose way is in transport_transport. A relay domain that
//                     has mailboxes is split: they are here, the other addresses are there.
//  admin_domainalias  alias domains; the `@alias` -> `@target` alias that Modoboa writes for each says the same
//  admin_mailbox      with core_user's password; quotas are mebibytes. Its own internal alias says where its mail goes.
//  admin_alias        with their recipients, one row each; expired ones are left out
//  admin_senderaddress  who may send as what besides

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import { type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { forwardOf } from './mailbox-forward.ts';
import { oldModoboa } from './modoboa-tables.ts';
import { rowGroups } from './row-groups.ts';
import { fittingLimits, isTrue, numberOf, passwordOf, textOf, timeOf } from './row-values.ts';
import type { SourceDatabase, SourceRow } from './source-database.ts';

const mebibyte = 1 << 20;

export class ModoboaSource implements ImportSource {
  readonly name: string;
  readonly #database: SourceDatabase;
  #recipients = 'modoboa_admin_aliasrecipient';

  constructor(database: SourceDatabase) {
    this.#database = database;
    this.name = `Modoboa in ${database.name}`;
  }

  get old(): OldSystem {
    return oldModoboa(this.#database, this.#recipients);
  }

  async count(): Promise<number> {
    const database = this.#database;
    await database.need('Modoboa', 'admin_domain', ['id', 'name', 'enabled', 'type']);
    await database.need('Modoboa', 'admin_mailbox', ['address', 'domain_id', 'user_id', 'quota']);
    await database.need('Modoboa', 'core_user', ['id', 'password', 'is_active']);
    if ((await database.columns(this.#recipients)) === undefined) this.#recipients = 'admin_aliasrecipient';
    await database.need('Modoboa', this.#recipients, ['address', 'alias_id']);
    const counts = ['admin_domain', 'admin_mailbox', 'admin_alias'].map((table) => database.count(table));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const aliasDomains = new Set<string>();
    yield* this.#readDomains();
    yield* this.#readAliasDomains(aliasDomains);
    yield* this.#readMailboxes();
    yield* this.#readAliases(aliasDomains);
    yield* this.#readSenderAddresses();
    yield* this.#readAdministrators();
  }

  close(): void {
    this.#database.close();
  }

  async *#readDomains(): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns('admin_domain');
    const transports = await this.#database.columns('transport_transport');
    const columns: Record<string, string> = { name: 'd.name', type: 'd.type', enabled: 'd.enabled', quota: 'd.quota' };
    if (known?.has('default_mailbox_quota')) columns['usual'] = 'd.default_mailbox_quota';
    columns['mailboxes'] = '(SELECT COUNT(*) FROM admin_mailbox m WHERE m.domain_id = d.id)';
    let from = 'admin_domain d';
    if (transports !== undefined) {
      from += ' LEFT JOIN transport_transport t ON t.pattern = d.name';
      Object.assign(columns, { service: 't.service', next_hop: 't.next_hop' });
    }
    for await (const rows of this.#database.pages({ columns, from, key: ['d.name'] })) {
      yield rows.map((row): ImportObject => {
        const transport = textOf(row, 'service') === '' ? '' : `${textOf(row, 'service')}:${textOf(row, 'next_hop')}`;
        const isRelay = textOf(row, 'type') === 'relaydomain';
        const isSplit = isRelay && numberOf(row, 'mailboxes') > 0 && transport !== '';
        const limits = fittingLimits({
          totalQuotaBytes: numberOf(row, 'quota') * mebibyte,
          defaultQuotaBytes: numberOf(row, 'usual') * mebibyte,
        });
        const value = { name: textOf(row, 'name'), active: isTrue(row, 'enabled') };
        if (isSplit) return { kind: 'domain', value: { ...value, class: 'mailbox', unknownTo: transport, limits } };
        if (isRelay) return { kind: 'domain', value: { ...value, class: 'relay', transport } };
        return { kind: 'domain', value: { ...value, class: 'mailbox', transport, limits } };
      });
    }
  }

  async *#readAliasDomains(names: Set<string>): AsyncGenerator<readonly ImportObject[]> {
    const columns = { name: 'a.name', target: 'd.name', enabled: 'a.enabled' };
    const from = 'admin_domainalias a JOIN admin_domain d ON d.id = a.target_id';
    for await (const rows of this.#database.pages({ columns, from, key: ['a.name'] })) {
      for (const row of rows) names.add(textOf(row, 'name').toLowerCase());
      yield rows.map((row): ImportObject => {
        const value = { name: textOf(row, 'name'), target: textOf(row, 'target'), active: isTrue(row, 'enabled') };
        return { kind: 'alias-domain', value };
      });
    }
  }

  async *#readMailboxes(): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns('admin_mailbox');
    const replies = await this.#database.columns('postfix_autoreply_armessage');
    const columns: Record<string, string> = {
      id: 'm.id',
      localpart: 'm.address',
      domain: 'd.name',
      quota: 'm.quota',
      password: 'u.password',
      active: 'u.is_active',
      first: 'u.first_name',
      last: 'u.last_name',
    };
    if (known?.has('is_send_only')) columns['send_only'] = 'm.is_send_only';
    let from = 'admin_mailbox m JOIN admin_domain d ON d.id = m.domain_id JOIN core_user u ON u.id = m.user_id';
    from += ` LEFT JOIN admin_alias al ON al.address = ${this.#database.concat('m.address', "'@'", 'd.name')}`;
    from += ` AND ${this.#database.isTrue('al.enabled')} LEFT JOIN ${this.#recipients} r ON r.alias_id = al.id`;
    Object.assign(columns, { recipient_id: 'COALESCE(r.id, 0)', recipient: 'r.address' });
    if (replies !== undefined) {
      from += ' LEFT JOIN postfix_autoreply_armessage v ON v.mbox_id = m.id';
      const names = { v_subject: 'v.subject', v_body: 'v.content', v_enabled: 'v.enabled' };
      Object.assign(columns, names, { v_from: 'v.fromdate', v_until: 'v.untildate' });
    }
    const pages = this.#database.pages({ columns, from, key: ['m.id', 'COALESCE(r.id, 0)'], isNumeric: true });
    for await (const groups of rowGroups(pages, (row) => textOf(row, 'id'))) {
      yield groups.flatMap((rows) => [...mailbox(rows)]);
    }
  }

  async *#readAliases(aliasDomains: ReadonlySet<string>): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns('admin_alias');
    const columns: Record<string, string> = { id: 'al.id', address: 'al.address', enabled: 'al.enabled' };
    Object.assign(columns, { recipient_id: 'r.id', recipient: 'r.address' });
    if (known?.has('expire_at')) columns['expires'] = 'al.expire_at';
    const own = this.#database.concat('m.address', "'@'", 'd.name');
    const mailboxes = `SELECT 1 FROM admin_mailbox m JOIN admin_domain d ON d.id = m.domain_id WHERE ${own} = al.address AND d.id = al.domain_id`;
    const from = `admin_alias al JOIN ${this.#recipients} r ON r.alias_id = al.id`;
    const where = known?.has('domain_id')
      ? `NOT EXISTS (${mailboxes})`
      : `NOT EXISTS (${mailboxes.replace(' AND d.id = al.domain_id', '')})`;
    const pages = this.#database.pages({ columns, from, where, key: ['al.id', 'r.id'], isNumeric: true });
    for await (const groups of rowGroups(pages, (row) => textOf(row, 'id'))) {
      yield groups.flatMap((rows) => [...alias(rows, aliasDomains)]);
    }
  }

  async *#readSenderAddresses(): AsyncGenerator<readonly ImportObject[]> {
    if ((await this.#database.columns('admin_senderaddress')) === undefined) return;
    const login = this.#database.concat('m.address', "'@'", 'd.name');
    const columns = { id: 's.id', address: 's.address', login };
    const from =
      'admin_senderaddress s JOIN admin_mailbox m ON m.id = s.mailbox_id JOIN admin_domain d ON d.id = m.domain_id';
    for await (const rows of this.#database.pages({ columns, from, key: ['s.id'], isNumeric: true })) {
      yield rows.map((row): ImportObject => {
        return { kind: 'sender-right', value: { address: textOf(row, 'address'), login: textOf(row, 'login') } };
      });
    }
  }

  /** Whose domains an administrator has stands in Django's permissions of single objects. */
  async *#readAdministrators(): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns('core_user');
    if (known?.has('is_superuser') !== true) return;
    const columns = { username: 'username', password: 'password', active: 'is_active' };
    const where = this.#database.isTrue('is_superuser');
    for await (const rows of this.#database.pages({ columns, from: 'core_user', where, key: ['username'] })) {
      yield rows.map((row): ImportObject => {
        const { hash: passwordHash } = passwordOf(textOf(row, 'password'), 'crypt');
        const login = textOf(row, 'username');
        return {
          kind: 'administrator',
          value: { login, passwordHash, name: '', active: isTrue(row, 'active'), domains: 'all' },
        };
      });
    }
    const groups = await this.#database.columns('core_user_groups');
    if (groups === undefined) return;
    const from = `core_user u JOIN core_user_groups ug ON ug.user_id = u.id JOIN auth_group g ON g.id = ug.group_id`;
    const isAdmin = "g.name IN ('DomainAdmins', 'Resellers')";
    const some = { columns: { username: 'u.username' }, from, where: isAdmin, key: ['u.username'] as const };
    for await (const rows of this.#database.pages(some)) {
      const reason = 'its domains stand in permissions of single objects: add it with posthaste admin add';
      yield rows.map((row) => notTaken(`administrator ${textOf(row, 'username')}`, reason));
    }
  }
}

function* mailbox(rows: readonly SourceRow[]): Generator<ImportObject> {
  const row = rows[0] as SourceRow;
  const address = `${textOf(row, 'localpart')}@${textOf(row, 'domain')}`;
  const password = passwordOf(textOf(row, 'password'), 'crypt');
  if (password.reason !== undefined) yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
  if (isTrue(row, 'send_only')) yield notTaken(`send-only of ${address}`, 'a mailbox here gets mail too');
  const targets = rows.map((one) => textOf(one, 'recipient')).filter((target) => target !== '');
  const from = timeOf(row, 'v_from');
  const until = timeOf(row, 'v_until');
  const text = textOf(row, 'v_body');
  const value: BulkMailbox = {
    address,
    passwordHash: password.hash,
    name: `${textOf(row, 'first')} ${textOf(row, 'last')}`.trim(),
    quotaBytes: numberOf(row, 'quota') * mebibyte,
    enabled: isTrue(row, 'active'),
    ...forwardOf(address, targets),
    ...(isTrue(row, 'v_enabled') && text.trim() !== ''
      ? {
          vacation: {
            subject: textOf(row, 'v_subject').replace(/[\r\n]+/g, ' '),
            text: text.replaceAll('\r\n', '\n'),
            ...(from === undefined ? {} : { from }),
            ...(until === undefined ? {} : { until }),
          },
        }
      : {}),
  };
  yield { kind: 'mailbox', value, maildir: `${textOf(row, 'domain')}/${textOf(row, 'localpart')}/` };
}

function* alias(rows: readonly SourceRow[], aliasDomains: ReadonlySet<string>): Generator<ImportObject> {
  const row = rows[0] as SourceRow;
  const address = textOf(row, 'address');
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  if (address.startsWith('@') && aliasDomains.has(domain)) return;
  if (textOf(row, 'expires') !== '') {
    yield notTaken(
      `alias ${address}`,
      `it ends on ${textOf(row, 'expires').slice(0, 16)}, and aliases here have no end`,
      address,
    );
    return;
  }
  const targets = rows.map((one) => textOf(one, 'recipient'));
  yield { kind: 'alias', value: { address, targets, active: isTrue(row, 'enabled') } };
}
