// A Postfix configuration folder with tables that can be listed (files, SQL): its domains by their class, mailboxes,
// aliases, relay recipients, transports, copies and sender logins. The first of several tables wins, as in Postfix; a
// domain in two classes is of the one that Postfix takes (ADDRESS_CLASS_README): local, alias, mailbox, relay.
//
// What is no object of the directory (canonical and relocated addresses, patterns, restrictions, the local class) stays in
// main.cf, and is told. Passwords are Dovecot's: import them from there, before or after.

import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseAddressList } from '../../address/address-list.ts';
import { toExternal } from '../../address/form.ts';
import { standardForm } from '../../address/standard-form.ts';
import type { DomainClass } from '../../directory/schema.ts';
import type { Log } from '../../lib/log.ts';
import { isCommentOrBlank } from '../../lib/logical-lines.ts';
import { splitList } from '../../lib/split-list.ts';
import { standardFormRules } from '../../routing/routing-settings.ts';
import type { Settings } from '../../settings/settings.ts';
import { Tables } from '../../tables/registry.ts';
import type { Table } from '../../tables/table.ts';
import { ImportError, type ImportObject, type ImportSource, notTaken, type OldSystem } from './import-source.ts';
import { forwardOf } from './mailbox-forward.ts';

type Rows = ReadonlyMap<string, string>;

const localName = 'a name without a domain is one of the local class: leave it in main.cf';

/** What else decides whether and where mail goes. */
const staying = [
  'canonical_maps',
  'sender_canonical_maps',
  'recipient_canonical_maps',
  'relocated_maps',
  'smtp_generic_maps',
  'sender_dependent_relayhost_maps',
  'sender_dependent_default_transport_maps',
  'luser_relay',
  'alias_maps',
  'mailbox_command',
  'mailbox_transport',
  'relayhost',
  'always_bcc',
  'smtp_sasl_password_maps',
  'smtp_tls_policy_maps',
  'content_filter',
  'smtpd_milters',
  'non_smtpd_milters',
  'header_checks',
  'mime_header_checks',
  'nested_header_checks',
  'body_checks',
  'smtpd_client_restrictions',
  'smtpd_helo_restrictions',
  'smtpd_sender_restrictions',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'smtpd_data_restrictions',
  'smtpd_end_of_data_restrictions',
] as const;

export class PostfixFolderSource implements ImportSource {
  readonly name: string;
  readonly #settings: Settings;
  readonly #tables: Tables;
  readonly #notes: ImportObject[] = [];

  constructor(folder: string, settings: Settings, log: Log) {
    this.name = `the Postfix configuration in ${folder}`;
    this.#settings = settings;
    const parameter = (name: string): string | undefined =>
      settings.isSet(name) ? settings.expanded(name) : undefined;
    this.#tables = new Tables({ log, isWatching: false, parameter, proxyReadMaps: settings.list('proxy_read_maps') });
  }

  get old(): OldSystem {
    return { base: this.#settings, settings: {}, storeTransports: [], ignoredDomains: [] };
  }

  async count(): Promise<number> {
    await this.#tables.ready();
    return 0;
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const domains = await this.#readDomains();
    const recipients = await this.#rows('relay_recipient_maps');
    const hasRecipients = this.#settings.text('relay_recipient_maps') !== '';
    yield [...domains].map(([name, kind]): ImportObject => {
      const takesAll = kind !== 'relay' || !hasRecipients || recipients.has(`@${name}`);
      return { kind: 'domain', value: { name, class: kind, takesAll } };
    });
    const aliases = await this.#rows('virtual_alias_maps');
    const mailboxes = await this.#rows('virtual_mailbox_maps');
    yield this.#mailboxes(domains, mailboxes, aliases);
    yield this.#aliases(domains, mailboxes, aliases);
    yield [...recipients.keys()].flatMap((address) => this.#relayRecipient(domains, address));
    yield* this.#readPlaces();
    yield this.#notes;
  }

  close(): void {
    this.#tables.close();
  }

  /** By name, of the class that Postfix takes. */
  async #readDomains(): Promise<Map<string, DomainClass>> {
    const found = new Map<string, DomainClass>();
    const local = await this.#list('mydestination');
    const lists = [
      ['virtual_alias_domains', 'alias'],
      ['virtual_mailbox_domains', 'mailbox'],
      ['relay_domains', 'relay'],
    ] as const;
    for (const [parameter, kind] of lists) {
      for (const name of await this.#list(parameter)) {
        const before = local.has(name) ? 'local' : found.get(name);
        if (before === undefined) found.set(name, kind);
        else if (before !== kind) {
          this.#note(`${name} in ${parameter}`, `it is of class ${before} already, which Postfix takes`);
        }
      }
    }
    for (const name of local) this.#note(`${name} in mydestination`, 'the local class stays in main.cf');
    return found;
  }

  /** The domains of a list: names, files of names, and keys of tables. */
  async #list(
    parameter: 'mydestination' | 'virtual_alias_domains' | 'virtual_mailbox_domains' | 'relay_domains',
  ): Promise<Set<string>> {
    const names = new Set<string>();
    const isDomain = (text: string): boolean => /^[^@\s]+\.[^@\s]+$/.test(text) && !text.startsWith('.');
    const take = (texts: Iterable<string>): void => {
      for (const text of texts) if (isDomain(text)) names.add(text.toLowerCase());
    };
    for (const element of splitList(this.#settings.expanded(parameter))) {
      if (element.startsWith('!'))
        this.#note(`${element} in ${parameter}`, 'exceptions are for the whole list: leave the domain out');
      else if (element.startsWith('/')) take(this.#fileWords(element));
      else if (!/^[a-z]\w*:/i.test(element)) take([element]);
      else for (const row of (await this.#keys(parameter, this.#tables.open(element))) ?? []) take([row]);
    }
    return names;
  }

  #fileWords(file: string): string[] {
    if (!existsSync(file)) throw new ImportError(`${file} does not exist`);
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => !isCommentOrBlank(line)).flatMap(splitList);
  }

  /** Undefined, and told, where the table does not tell them. Throws TemporaryError. */
  async #keys(parameter: string, table: Table): Promise<readonly string[] | undefined> {
    if (table.entries === undefined) {
      const keys = await table.keys?.();
      if (keys === undefined)
        this.#note(
          `${parameter}: ${table.name}`,
          'its keys cannot be told: name it in main.cf here too, behind the directory',
        );
      return keys;
    }
    const keys: string[] = [];
    for await (const { key } of table.entries()) keys.push(key);
    return keys;
  }

  /** Keys and values of all tables of a parameter, the first one's where several have a key. */
  async #rows(
    parameter:
      | 'virtual_alias_maps'
      | 'virtual_mailbox_maps'
      | 'relay_recipient_maps'
      | 'transport_maps'
      | 'sender_bcc_maps'
      | 'recipient_bcc_maps'
      | 'smtpd_sender_login_maps',
  ): Promise<Rows> {
    const rows = new Map<string, string>();
    for (const element of splitList(this.#settings.expanded(parameter))) {
      const table = this.#tables.open(element);
      for (const given of (await this.#keys(parameter, table)) ?? []) {
        const key = given.toLowerCase();
        if (rows.has(key)) continue;
        const result = await table.lookup(given);
        if (result.kind === 'found') rows.set(key, result.value);
      }
    }
    return rows;
  }

  #mailboxes(domains: ReadonlyMap<string, DomainClass>, mailboxes: Rows, aliases: Rows): ImportObject[] {
    const base = this.#settings.text('virtual_mailbox_base');
    return [...mailboxes].flatMap(([address, path]): ImportObject[] => {
      const at = address.lastIndexOf('@');
      if (at === 0)
        return [
          notTaken(`mailbox ${address}`, 'a mailbox for every name is an alias @domain to one mailbox here', address),
        ];
      if (domains.get(address.slice(at + 1)) !== 'mailbox') {
        return [notTaken(`mailbox ${address}`, 'its domain is not one of virtual_mailbox_domains')];
      }
      const forward = forwardOf(address, this.#targets(aliases.get(address) ?? ''));
      return [{ kind: 'mailbox', value: { address, ...forward }, maildir: posix.join('/', base, path) }];
    });
  }

  #aliases(domains: ReadonlyMap<string, DomainClass>, mailboxes: Rows, aliases: Rows): ImportObject[] {
    return [...aliases].flatMap(([address, value]): ImportObject[] => {
      if (mailboxes.has(address) || domains.has(address)) return [];
      const at = address.lastIndexOf('@');
      if (at === -1) return [notTaken(`alias ${address}`, localName, address)];
      if (domains.has(address.slice(at + 1)))
        return [{ kind: 'alias', value: { address, targets: this.#targets(value) } }];
      return [notTaken(`alias ${address}`, 'its domain is not hosted here: leave it in main.cf', address)];
    });
  }

  /** As Postfix reads and completes them: blanks divide too, names and comments go (mail_addr_map(3)). */
  #targets(value: string): string[] {
    if (value.startsWith('@')) return [value];
    const rules = standardFormRules(this.#settings);
    return parseAddressList(value).map((target) => toExternal(standardForm(target, rules)));
  }

  #relayRecipient(domains: ReadonlyMap<string, DomainClass>, address: string): ImportObject[] {
    const at = address.lastIndexOf('@');
    if (at === 0) return [];
    if (domains.get(address.slice(at + 1)) === 'relay') return [{ kind: 'relay-recipient', value: { address } }];
    return [notTaken(`relay recipient ${address}`, 'its domain is not one of relay_domains')];
  }

  async *#readPlaces(): AsyncGenerator<readonly ImportObject[]> {
    const transports = await this.#rows('transport_maps');
    yield [...transports].map(
      ([place, transport]): ImportObject => ({ kind: 'transport', value: { place, transport } }),
    );
    for (const side of ['sender', 'recipient'] as const) {
      const copies = await this.#rows(`${side}_bcc_maps`);
      yield [...copies].map(([place, address]): ImportObject => {
        if (!place.includes('@'))
          return notTaken(`${side} copy for ${place}`, 'a name without a domain: leave it in main.cf');
        return { kind: 'bcc', value: { side, place, address: this.#targets(address)[0] ?? '' } };
      });
    }
    const logins = await this.#rows('smtpd_sender_login_maps');
    yield [...logins].flatMap(([address, value]) => splitList(value).flatMap((login) => senderRight(address, login)));
    for (const parameter of staying) {
      if (this.#settings.isSet(parameter) && this.#settings.text(parameter) !== '')
        this.#note(parameter, 'it is no part of the directory: set it in main.cf here too, if it is still wanted');
    }
  }

  #note(what: string, reason: string): void {
    this.#notes.push(notTaken(what, reason));
  }
}

/** An owner's right to his own address needs no row here. */
function senderRight(address: string, login: string): ImportObject[] {
  if (login.toLowerCase() === address) return [];
  if (!address.includes('@')) return [notTaken(`sender ${address}`, 'a name without a domain: leave it in main.cf')];
  if (!login.includes('@')) return [notTaken(`${address} by ${login}`, 'a login here is the address of a mailbox')];
  return [{ kind: 'sender-right', value: { address, login } }];
}
