// mailcow's database (mailcow: dockerized, 2018 to 2025; MySQL or MariaDB) as objects of the directory.
//
//  domain        class relay where backupmx is set: with `relay_all_recipients` all its recipients, else those that have an
//                alias to themselves; with `relay_unknown_only` it is split. Limits are mebibytes.
//  alias_domain  there, only mailboxes have their address at an alias domain; here aliases have too (the proof tells)
//  mailbox       `active` 2 takes mail but lets nobody log in; protocols and "must change" stand in `attributes` (JSON);
//                rooms and things (`kind`) are no mailboxes
//  alias         the mailbox's own row says where its mail goes; targets null@, spam@ and ham@localhost are mailcow's own
//  sender_acl    grants; spamalias, bcc_maps, recipient_maps, transports

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import type { BulkDomain } from '../../directory/bulk-domains.ts';
import { type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { forwardOf } from './mailbox-forward.ts';
import { oldMailcow } from './mailcow-tables.ts';
import { fittingLimits, isTrue, listOf, numberOf, passwordOf, textOf, timeOf } from './row-values.ts';
import type { SourceDatabase, SourceRow } from './source-database.ts';

const mebibyte = 1 << 20;
/** mailcow's words for throwing away and for teaching its filter. */
const ownTargets = /^(?:null|spam|ham)@localhost$/i;

export class MailcowSource implements ImportSource {
  readonly name: string;
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
    this.name = `mailcow in ${database.name}`;
  }

  get old(): OldSystem {
    return oldMailcow(this.#database);
  }

  async count(): Promise<number> {
    await this.#database.need('mailcow', 'domain', ['domain', 'backupmx', 'relay_all_recipients']);
    await this.#database.need('mailcow', 'mailbox', ['username', 'password', 'attributes', 'kind']);
    await this.#database.need('mailcow', 'alias', ['address', 'goto', 'domain']);
    const counts = ['domain', 'mailbox', 'alias'].map((table) => this.#database.count(table));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const listed = new Set<string>();
    yield* this.#readDomains(listed);
    const aliasDomains = ['alias_domain', 'target_domain', 'active'];
    yield* this.#each('alias_domain', aliasDomains, ['alias_domain'], (row) => {
      const value = {
        name: textOf(row, 'alias_domain'),
        target: textOf(row, 'target_domain'),
        active: isTrue(row, 'active'),
      };
      return [{ kind: 'alias-domain', value }];
    });
    yield* this.#readMailboxes();
    yield* this.#readAliases(listed);
    yield* this.#readOthers();
    yield* this.#readAdministrators();
  }

  close(): void {
    this.#database.close();
  }

  /** Rows of one table; none where there is no such table or column. */
  async *#each(
    table: string,
    names: readonly string[],
    key: readonly [string] | readonly [string, string],
    make: (row: SourceRow) => Iterable<ImportObject>,
    isNumeric = false,
  ): AsyncGenerator<readonly ImportObject[]> {
    const known = await this.#database.columns(table);
    if (known === undefined) return;
    const columns = Object.fromEntries(names.filter((name) => known.has(name)).map((name) => [name, name]));
    for await (const rows of this.#database.pages({ columns, from: table, key, isNumeric })) {
      yield rows.flatMap((row) => [...make(row)]);
    }
  }

  async *#readDomains(listed: Set<string>): AsyncGenerator<readonly ImportObject[]> {
    const names = ['domain', 'aliases', 'mailboxes', 'defquota', 'maxquota', 'quota', 'backupmx', 'active'];
    const relay = ['relay_all_recipients', 'relay_unknown_only'];
    yield* this.#each('domain', [...names, ...relay], ['domain'], (row) => {
      const name = textOf(row, 'domain');
      const isRelay = isTrue(row, 'backupmx') && !isTrue(row, 'relay_unknown_only');
      const takesAll = !isRelay || isTrue(row, 'relay_all_recipients');
      if (!takesAll) listed.add(name.toLowerCase());
      const value: BulkDomain = {
        name,
        class: isRelay ? 'relay' : 'mailbox',
        active: isTrue(row, 'active'),
        takesAll,
        ...(isTrue(row, 'backupmx') && !isRelay ? { unknownTo: `smtp:${name}` } : {}),
        ...(isRelay ? {} : { limits: limitsOf(row) }),
      };
      return [{ kind: 'domain', value }];
    });
  }

  async *#readMailboxes(): AsyncGenerator<readonly ImportObject[]> {
    const names = ['username', 'password', 'name', 'quota', 'domain', 'attributes', 'kind', 'active', 'created'];
    const columns: Record<string, string> = Object.fromEntries(names.map((name) => [name, `m.${name}`]));
    if ((await this.#database.columns('mailbox'))?.has('mailbox_path_prefix'))
      columns['prefix'] = 'm.mailbox_path_prefix';
    Object.assign(columns, { goto: 'a.goto', alias_active: 'a.active' });
    const from = 'mailbox m LEFT JOIN alias a ON a.address = m.username';
    for await (const rows of this.#database.pages({ columns, from, key: ['m.domain', 'm.username'] })) {
      yield rows.flatMap((row) => [...mailbox(row)]);
    }
  }

  async *#readAliases(listed: ReadonlySet<string>): AsyncGenerator<readonly ImportObject[]> {
    const columns = { address: 'a.address', goto: 'a.goto', domain: 'a.domain', active: 'a.active' };
    const from = 'alias a LEFT JOIN mailbox m ON m.username = a.address';
    const selection = { columns, from, where: 'm.username IS NULL', key: ['a.domain', 'a.address'] as const };
    for await (const rows of this.#database.pages(selection)) {
      const objects = rows.flatMap((row) => [...alias(row, listed)]);
      const isRecipient = ({ kind }: ImportObject): boolean => kind === 'relay-recipient';
      yield objects.filter((one) => !isRecipient(one));
      yield objects.filter(isRecipient);
    }
  }

  async *#readOthers(): AsyncGenerator<readonly ImportObject[]> {
    yield* this.#each('sender_acl', ['logged_in_as', 'send_as'], ['logged_in_as', 'send_as'], (row) => {
      const [login, address] = [textOf(row, 'logged_in_as'), textOf(row, 'send_as')];
      const everything = notTaken(
        `sender_acl of ${login}`,
        'it may send as anybody at all: say which domains with posthaste sender-login add',
      );
      return [address === '*' ? everything : { kind: 'sender-right', value: { address, login } }];
    });
    yield* this.#each(
      'bcc_maps',
      ['id', 'local_dest', 'bcc_dest', 'type', 'active'],
      ['id'],
      (row) => {
        if (!isTrue(row, 'active')) return [];
        const side = textOf(row, 'type') === 'sender' ? 'sender' : 'recipient';
        return [{ kind: 'bcc', value: { side, place: textOf(row, 'local_dest'), address: textOf(row, 'bcc_dest') } }];
      },
      true,
    );
    yield* this.#each(
      'transports',
      ['id', 'destination', 'nexthop', 'username', 'active'],
      ['id'],
      (row) => {
        if (!isTrue(row, 'active')) return [];
        const place = textOf(row, 'destination');
        if (place.startsWith('/'))
          return [notTaken(`transport of ${place}`, 'it is a pattern: put it into a pcre: table of transport_maps')];
        const login =
          textOf(row, 'username') === '' ? [] : [notTaken(`login for ${place}`, 'put it into smtp_sasl_password_maps')];
        return [{ kind: 'transport', value: { place, transport: `smtp:${textOf(row, 'nexthop')}` } }, ...login];
      },
      true,
    );
    yield* this.#each(
      'recipient_maps',
      ['id', 'old_dest', 'active'],
      ['id'],
      (row) => {
        const reason = 'recipients are rewritten by recipient_canonical_maps: put it there, or make an alias of it';
        return isTrue(row, 'active')
          ? [notTaken(`recipient map ${textOf(row, 'old_dest')}`, reason, textOf(row, 'old_dest'))]
          : [];
      },
      true,
    );
    yield* this.#each('spamalias', ['address', 'validity'], ['address'], (row) => {
      return [
        notTaken(
          `temporary alias ${textOf(row, 'address')}`,
          'it ends by itself, and aliases here have no end',
          textOf(row, 'address'),
        ),
      ];
    });
    yield* this.#each(
      'app_passwd',
      ['id', 'name', 'mailbox'],
      ['id'],
      (row) => {
        return [
          notTaken(
            `app password ${textOf(row, 'name')} of ${textOf(row, 'mailbox')}`,
            'app passwords are made anew: posthaste app-password add',
          ),
        ];
      },
      true,
    );
  }

  async *#readAdministrators(): AsyncGenerator<readonly ImportObject[]> {
    const domains = new Map<string, string[]>();
    const theirs = this.#each('domain_admins', ['username', 'domain', 'active'], ['username', 'domain'], (row) => {
      const login = textOf(row, 'username');
      if (isTrue(row, 'active')) domains.set(login, [...(domains.get(login) ?? []), textOf(row, 'domain')]);
      return [];
    });
    for await (const _ of theirs) continue;
    yield* this.#each('admin', ['username', 'password', 'superadmin', 'active'], ['username'], (row) => {
      const login = textOf(row, 'username');
      const { hash: passwordHash } = passwordOf(textOf(row, 'password'), 'crypt');
      const some = isTrue(row, 'superadmin') ? 'all' : (domains.get(login) ?? []);
      return [
        {
          kind: 'administrator',
          value: { login, passwordHash, name: '', active: isTrue(row, 'active'), domains: some },
        },
      ];
    });
  }
}

function limitsOf(row: SourceRow): NonNullable<BulkDomain['limits']> {
  return fittingLimits({
    maxMailboxes: numberOf(row, 'mailboxes'),
    maxAliases: numberOf(row, 'aliases'),
    defaultQuotaBytes: numberOf(row, 'defquota') * mebibyte,
    maxQuotaBytes: numberOf(row, 'maxquota') * mebibyte,
    totalQuotaBytes: numberOf(row, 'quota') * mebibyte,
  });
}

function* mailbox(row: SourceRow): Generator<ImportObject> {
  const address = textOf(row, 'username');
  if (/location|thing|group/.test(textOf(row, 'kind'))) {
    yield notTaken(
      `mailbox ${address}`,
      `it is a calendar's ${textOf(row, 'kind')}, whose mail is thrown away there`,
      address,
    );
    return;
  }
  const password = passwordOf(textOf(row, 'password'), 'crypt');
  if (password.reason !== undefined) yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
  const isActive = /^[12]$/.test(textOf(row, 'alias_active'));
  const targets = isActive ? listOf(textOf(row, 'goto')).filter((target) => !ownTargets.test(target)) : [];
  const attributes = attributesOf(textOf(row, 'attributes'));
  const protocols = textOf(row, 'active') === '2' ? ['none'] : protocolsOf(attributes);
  const created = timeOf(row, 'created');
  const value: BulkMailbox = {
    address,
    passwordHash: password.hash,
    name: textOf(row, 'name'),
    quotaBytes: numberOf(row, 'quota'),
    enabled: textOf(row, 'active') !== '0',
    ...(created === undefined ? {} : { created }),
    ...(protocols === undefined ? {} : { protocols }),
    ...(['1', 1, true].some((one) => one === attributes['force_pw_update']) ? { mustChange: true } : {}),
    ...forwardOf(address, targets),
  };
  const at = address.lastIndexOf('@');
  const maildir = `${textOf(row, 'prefix')}${address.slice(at + 1)}/${address.slice(0, at)}/`;
  yield { kind: 'mailbox', value, maildir };
}

function attributesOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** PHP writes numbers as text, or not. */
function isOff(value: unknown): boolean {
  return value === '0' || value === 0 || value === false;
}

/** Undefined where all are allowed. */
function protocolsOf(attributes: Readonly<Record<string, unknown>>): string[] | undefined {
  const names = ['smtp', 'imap', 'pop3', 'sieve'] as const;
  const allowed = names.filter((name) => !isOff(attributes[`${name}_access`]));
  if (allowed.length === names.length) return undefined;
  return allowed.length === 0 ? ['none'] : [...allowed, 'http'];
}

function* alias(row: SourceRow, listed: ReadonlySet<string>): Generator<ImportObject> {
  const address = textOf(row, 'address');
  const all = listOf(textOf(row, 'goto'));
  const targets = all.filter((target) => !ownTargets.test(target));
  const isActive = /^[12]$/.test(textOf(row, 'active'));
  const [only] = targets;
  if (
    isActive &&
    targets.length === 1 &&
    only?.toLowerCase() === address.toLowerCase() &&
    listed.has(textOf(row, 'domain').toLowerCase())
  ) {
    yield { kind: 'relay-recipient', value: { address } };
    return;
  }
  if (targets.length < all.length) {
    yield notTaken(
      `alias ${address}`,
      'mail is thrown away or taught to the filter there: say it by an access rule or in the filter',
      address,
    );
  }
  if (targets.length > 0) yield { kind: 'alias', value: { address, targets, active: isActive } };
}
