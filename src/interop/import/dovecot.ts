// Dovecot's users (2.2, 2.3) as mailboxes: its passdb and userdb of the drivers passwd-file and sql. Names without a domain
// get `auth_default_realm`, or the domain that the command names.
//
//  passwd-file   user:password:uid:gid:gecos:home:shell:extra; quota rules and mail locations of the extra fields
//  sql           `connect`, `iterate_query`, which tells the users, and for each of them the password and user query
//  quota_rule    of a user, else of the plugin block: `*:storage=1G` (also `bytes=`); rules for single folders are told
//
// What Dovecot keeps besides (shared and public namespaces, ACLs, other databases of users) is told, not taken.

import { existsSync, readFileSync } from 'node:fs';
import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import type { Log } from '../../lib/log.ts';
import { type DovecotBlock, readDovecotConfiguration } from './dovecot-configuration.ts';
import { readDovecotSql, type SqlUsers } from './dovecot-sql.ts';
import { type DovecotUser, withScheme } from './dovecot-user.ts';
import { ImportError, type ImportObject, type ImportSource, notTaken } from './import-source.ts';
import { noPassword, passwordOf } from './row-values.ts';

export interface DovecotOptions {
  /** Of names that have none. */
  readonly domain?: string;
  readonly addsDomains: boolean;
}

export class DovecotSource implements ImportSource {
  readonly name: string;
  readonly old = undefined;
  readonly #root: DovecotBlock;
  readonly #options: DovecotOptions;
  readonly #sql: SqlUsers[] = [];
  readonly #files: { readonly file: string; readonly scheme: string }[] = [];
  /** What every user has: `default_fields` of a userdb, or all that a static one says; and what `override_fields` say. */
  readonly #usualFields: Record<string, string> = {};
  readonly #overridingFields: Record<string, string> = {};
  readonly #notes: ImportObject[] = [];

  constructor(file: string, options: DovecotOptions, log: Log) {
    this.name = `Dovecot's users by ${file}`;
    this.#root = readDovecotConfiguration(file);
    this.#options = options;
    for (const block of blocksOf(this.#root, ['passdb', 'userdb'])) this.#openUsers(block, log);
    if (this.#sql.length + this.#files.length === 0) {
      throw new ImportError(`${file} has no passdb of the driver passwd-file or sql, whose users could be told`);
    }
  }

  async count(): Promise<number> {
    return 0;
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const users = new Map<string, DovecotUser>();
    for (const { file, scheme } of this.#files) for (const user of readPasswdFile(file, scheme)) merge(users, user);
    for (const source of this.#sql) for await (const user of source.users()) merge(users, user);
    const objects = [...users.values()].flatMap((user) => [...this.#mailbox(user)]);
    if (this.#options.addsDomains) {
      const names = new Set(objects.flatMap((one) => (one.kind === 'mailbox' ? [domainOf(one.value.address)] : [])));
      yield [...names].map((name): ImportObject => ({ kind: 'domain', value: { name, class: 'mailbox' } }));
    }
    yield objects.filter(({ kind }) => kind === 'mailbox');
    yield objects.filter(({ kind }) => kind !== 'mailbox');
    yield [...this.#notes, ...this.#otherNotes()];
  }

  close(): void {
    for (const source of this.#sql) source.close();
  }

  #openUsers({ name, settings }: DovecotBlock, log: Log): void {
    const driver = settings.get('driver') ?? '';
    const args = settings.get('args') ?? '';
    if (name === 'userdb') {
      const usual = driver === 'static' ? args : (settings.get('default_fields') ?? '');
      Object.assign(this.#usualFields, extraFields(usual), this.#usualFields);
      Object.assign(this.#overridingFields, extraFields(settings.get('override_fields') ?? ''));
    }
    // Whom they name is no user, or is not to be let in.
    if (settings.get('deny') === 'yes') this.#note(`${name} ${args}`, 'it shuts users out: switch these mailboxes off');
    else if (settings.get('master') === 'yes')
      this.#note(`${name} ${args}`, 'master users log in as others: none do here');
    else if (driver === 'passwd-file') {
      const words = args.split(/\s+/);
      const file = words.find((word) => word.startsWith('/')) ?? '';
      const scheme = /(?:^|\s)scheme=(\S+)/i.exec(args)?.[1] ?? 'CRYPT';
      if (/%/.test(file))
        this.#note(`${name} ${file}`, 'a file for each domain: name them one by one in a configuration');
      else if (!this.#files.some((one) => one.file === file)) this.#files.push({ file, scheme });
    } else if (driver === 'sql') {
      if (!this.#sql.some((one) => one.file === args)) this.#sql.push(readDovecotSql(args, log));
    } else if (driver !== 'static' && driver !== 'prefetch') {
      this.#note(`${name} of the driver ${driver || '(none)'}`, 'only users of passwd-file and sql can be told');
    }
  }

  *#mailbox(of: DovecotUser): Generator<ImportObject> {
    const said = Object.entries(of.fields).filter(([, value]) => value !== '');
    const fields = { ...this.#usualFields, ...Object.fromEntries(said), ...this.#overridingFields };
    const user = { ...of, fields: { ...of.fields, ...fields } };
    const realm = this.#options.domain ?? this.#root.settings.get('auth_default_realm') ?? '';
    const address = user.name.includes('@') || realm === '' ? user.name : `${user.name}@${realm}`;
    if (!address.includes('@')) {
      yield notTaken(`user ${user.name}`, 'it has no domain: give --domain');
      return;
    }
    const isShut = user.fields['nologin'] !== undefined;
    const password = isShut
      ? { hash: noPassword, reason: 'nologin says that nobody logs in with it' }
      : user.password === undefined
        ? undefined
        : passwordOf(user.password, 'crypt');
    if (password?.reason !== undefined) {
      yield notTaken(`password of ${address}`, `${password.reason}: set a new one`);
    }
    if (user.fields['allow_nets'] !== undefined) {
      yield notTaken(`allow_nets of ${address}`, 'logins are taken from everywhere here', address);
    }
    const rules = Object.entries(user.fields).filter(([name]) => /^quota_rule\d*$/.test(name));
    const own = rules.map(([, rule]) => quotaOf(rule)).find((bytes) => bytes !== undefined);
    const quotaBytes = own ?? this.#usualQuota();
    const value: BulkMailbox = {
      address,
      ...(password === undefined ? {} : { passwordHash: password.hash }),
      ...(quotaBytes === undefined ? {} : { quotaBytes }),
      ...(user.fields['name'] ? { name: user.fields['name'] } : {}),
    };
    const mail = this.#mail(address, user.fields);
    yield { kind: 'mailbox', value, ...('maildir' in mail ? mail : {}) };
    if ('reason' in mail) yield notTaken(`mail of ${address} (${mail.location})`, mail.reason);
  }

  #usualQuota(): number | undefined {
    const plugins = blocksOf(this.#root, ['plugin']);
    return plugins
      .map(({ settings }) => quotaOf(settings.get('quota_rule') ?? ''))
      .find((bytes) => bytes !== undefined);
  }

  /** mail_location with its variables (Dovecot's %u, %n, %d, %h). */
  #mail(
    address: string,
    fields: Readonly<Record<string, string>>,
  ): { readonly maildir: string } | { readonly location: string; readonly reason: string } | object {
    const template = fields['mail'] ?? this.#root.settings.get('mail_location') ?? '';
    if (template === '') return {};
    const at = address.lastIndexOf('@');
    const values: Record<string, string> = { u: address, n: address.slice(0, at), d: address.slice(at + 1) };
    values['h'] = expand(fields['home'] || (this.#root.settings.get('mail_home') ?? ''), values);
    const location = expand(template, values);
    const [, driver = '', path = ''] = /^([a-z]+):([^:]*)/i.exec(location) ?? [];
    if (/^[sm]?dbox$/i.test(driver))
      return { location, reason: 'only Dovecot reads that: fetch it with: posthaste import imap' };
    if (/^mbox$/i.test(driver)) return { location, reason: 'take it with: posthaste import mbox' };
    const maildir = values['h'] === '' ? path : path.replace(/^~(?=\/|$)/, values['h'] ?? '');
    if (!/^maildir$/i.test(driver) || !maildir.startsWith('/') || maildir.includes('%'))
      return { location, reason: 'where that is, only Dovecot knows' };
    return { maildir };
  }

  *#otherNotes(): Generator<ImportObject> {
    for (const { settings } of blocksOf(this.#root, ['namespace'])) {
      const type = settings.get('type') ?? 'private';
      const prefix = settings.get('prefix') ?? '';
      if (type !== 'private')
        yield notTaken(
          `namespace ${prefix || type}`,
          `${type} folders belong to nobody's mailbox: import them into one`,
        );
      else if (prefix !== '' && prefix !== 'INBOX.' && prefix !== 'INBOX/') {
        yield notTaken(`namespace ${prefix}`, 'folders stand in one namespace here, without a prefix');
      }
    }
    for (const { settings } of blocksOf(this.#root, ['plugin'])) {
      for (const [name, value] of settings) {
        if (/^quota_rule\d+$/.test(name))
          yield notTaken(`${name} ${value}`, 'a mailbox has one quota, for all of its folders');
        if (name === 'acl') yield* aclNotes(value);
      }
    }
  }

  #note(what: string, reason: string): void {
    this.#notes.push(notTaken(what, reason));
  }
}

/** Each line of a global ACL file gives somebody rights to a folder. */
function* aclNotes(value: string): Generator<ImportObject> {
  const reason = 'folders are not shared here';
  const [, file = ''] = /^vfile:([^:]+)/.exec(value) ?? [];
  if (file === '' || !existsSync(file)) {
    yield notTaken(`acl ${value}`, reason);
    return;
  }
  try {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line.trim() !== '' && !line.startsWith('#')) yield notTaken(`${file}: ${line.trim()}`, reason);
    }
  } catch {
    yield notTaken(`acl ${value}`, reason);
  }
}

function merge(users: Map<string, DovecotUser>, user: DovecotUser): void {
  const known = users.get(user.name.toLowerCase());
  users.set(
    user.name.toLowerCase(),
    known === undefined ? user : { ...user, ...known, fields: { ...user.fields, ...known.fields } },
  );
}

function blocksOf(root: DovecotBlock, names: readonly string[]): DovecotBlock[] {
  return root.blocks.flatMap((block) => [...(names.includes(block.name) ? [block] : []), ...blocksOf(block, names)]);
}

/** passwd(5) with Dovecot's extra fields, which may hold `userdb_`. */
function* readPasswdFile(file: string, scheme: string): Generator<DovecotUser> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
  }
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name = '', password = '', , , gecos = '', home = '', , ...rest] = line.trimEnd().split(':');
    const fields: Record<string, string> = { home, ...(gecos === '' ? {} : { name: gecos.split(',')[0] ?? '' }) };
    Object.assign(fields, extraFields(rest.join(':')));
    yield { name, fields, ...(password === '' ? {} : { password: withScheme(password, scheme) }) };
  }
}

/** `userdb_home=/home/anna quota_rule=*:storage=1G`. */
function extraFields(text: string): Record<string, string> {
  const all = [...text.matchAll(/(\S+?)=(\S*)/g)];
  return Object.fromEntries(all.map(([, key = '', value = '']) => [key.replace(/^userdb_/, ''), value]));
}

/** Short and long names of Dovecot's variables; %L makes them small. Others stay as they are. */
function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/%(L?)(?:\{(user|username|domain|home)\}|([undh]))/g, (_all, small: string, long, short) => {
    const value = values[short ?? (long === 'username' ? 'n' : (long as string).charAt(0))] ?? '';
    return small === '' ? value : value.toLowerCase();
  });
}

/** Octets of `*:storage=1G`, `*:bytes=1073741824`; 0 without limit; undefined for other rules. */
function quotaOf(rule: string): number | undefined {
  const [, kind = '', number = '', unit = ''] = /^\*:.*?\b(storage|bytes)=(\d+)([bkmgt]?)/i.exec(rule) ?? [];
  if (number === '') return undefined;
  const power = unit === '' ? (kind === 'storage' ? 1 : 0) : 'bkmgt'.indexOf(unit.toLowerCase());
  return Number(number) * 1024 ** power;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
