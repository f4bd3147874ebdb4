// The reads that mail waits for: synchronous, prepared once, a few microseconds each, on the read-only connection.
// Plain probes of one index each: one joined statement for domain, alias and mailbox took five times as long.
//
// Reads of one millisecond share one snapshot (brief-snapshot.ts), so that a decision made without waiting sees
// one state of the directory, and the locks of a read are paid once. Domains seen are kept until the next change.

import { type ExtensionRules, findExtension } from '../address/extension.ts';
import { quoteLocalpart, toInternal } from '../address/form.ts';
import { sqliteCode, type SqliteConnection, type Statement } from '../database/sqlite.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { DirectoryKeys } from './directory-keys.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { MailboxCredentials, MailboxEntry } from './mailbox-entry.ts';
import { PlaceLookups } from './place-lookups.ts';
import type { CatchAllMode, DomainKind } from './schema.ts';
import { PostingLookups } from './alias-posting.ts';
import type { DirectorySnapshot } from './brief-snapshot.ts';
import { FormerAddresses } from './former-addresses.ts';
import { ForwardLookups } from './forward-rows.ts';
import { type ListAddress, ListLookups } from './list-lookups.ts';
import { Identities } from './identities.ts';
import { LoginRuleLookups } from './login-rules.ts';
import { LoginSecrets } from './login-secrets.ts';
import type { ReplicaFreshness } from './server/directory-replica.ts';
import { VacationLookups } from './vacations.ts';

export type { MailboxCredentials, MailboxEntry } from './mailbox-entry.ts';

/** What stands under a name that we host. */
export interface HostedDomain {
  readonly id: number;
  readonly name: string;
  readonly kind: DomainKind;
  /** It is, and so is an alias domain's target. */
  readonly isActive: boolean;
  readonly transport: string;
  /** `transport:nexthop` for the addresses of it, or of an alias domain's target, that are not here; ''. */
  readonly unknownTo: string;
  /** Why its mail, or that of an alias domain's target, is put off for now; ''. */
  readonly maintenance: string;
  /** For an alias domain. */
  readonly target?: { readonly id: number; readonly name: string; readonly kind: DomainKind };
  /** It, or an alias domain's target, has mailing lists: without any nobody asks for one. */
  readonly hasLists: boolean;
  /** What its catch-all, or that of an alias domain's target, does; 'plain': it takes whatever nobody has. */
  readonly catchAll: 'plain' | CatchAllMode;
  /** False: of a relay domain (or of an alias domain's target) only listed recipients are known. */
  readonly takesAll: boolean;
  /** Since when the name has this place: what was here under it before may be somebody else's. */
  readonly created: number;
}

export type HostedLocal =
  | { readonly kind: 'alias'; readonly id: number }
  | { readonly kind: 'mailbox'; readonly id: number; readonly isEnabled: boolean; readonly isForwarded: boolean }
  | ({ readonly kind: 'list' } & ListAddress);

/** What stands at an address, after an alias domain has been followed. */
export interface HostedAddress {
  readonly domain: HostedDomain;
  readonly aliasId: number | undefined;
  readonly mailboxId: number | undefined;
  /** The mailbox is; its domain is asked separately. */
  readonly isEnabled: boolean;
}

export interface SenderRightEntry {
  readonly login: string;
  /** For every address of the domain. */
  readonly isWhole: boolean;
  readonly isAllowed: boolean;
}

type DomainColumns = [
  ...[number, string, DomainKind, number, string, number | null, string, DomainKind, number, string],
  ...[string, HostedDomain['catchAll'], number, number],
];

type CredentialColumns = [number, number, number, string, number, string, number, number];

const credentialsSql =
  'SELECT id, quota, enabled, password, vacation_until, maintenance, message_limit, recipient_limit ' +
  'FROM mailbox WHERE domain_id = ? AND localpart = ? AND tombstone = 0';

const mailboxByIdSql = `
  SELECT m.id, m.localpart || '@' || d.name, m.quota, m.enabled AND d.active, m.vacation_until,
    CASE m.maintenance WHEN '' THEN d.maintenance ELSE m.maintenance END, m.message_limit, m.recipient_limit
  FROM mailbox m JOIN domain d ON d.id = m.domain_id
  WHERE m.id = ? AND m.tombstone = 0`;

const domainSql = `
  SELECT d.id, d.name, d.kind, d.active AND coalesce(t.active, 1), d.transport, t.id, t.name, t.kind,
    EXISTS (SELECT 1 FROM list l WHERE l.domain_id = coalesce(t.id, d.id)),
    CASE d.maintenance WHEN '' THEN coalesce(t.maintenance, '') ELSE d.maintenance END, coalesce(t.unknown_to, d.unknown_to),
    CASE WHEN coalesce(t.catch_all, d.catch_all) != 'accept' THEN coalesce(t.catch_all, d.catch_all)
      WHEN EXISTS (SELECT 1 FROM caught_address c WHERE c.domain_id = coalesce(t.id, d.id) AND c.state = 'refused')
      THEN 'accept' ELSE 'plain' END,
    coalesce(t.kind, d.kind) != 'relay' OR coalesce(t.takes_all, d.takes_all), d.created
  FROM domain d LEFT JOIN domain t ON t.id = d.target_id WHERE d.name = ? AND d.tombstone = 0`;

/** Answered from the index alone, also among millions. */
const mailboxSql = `
  SELECT id, enabled FROM mailbox INDEXED BY mailbox_lookup WHERE domain_id = ? AND localpart = ? AND tombstone = 0`;

/** In localSql, an alias that not everybody may write to. */
const restrictedAlias = -2;

/** An alias, and only where there is none the mailbox: one question for what nearly every decision asks. 2: forwarded. */
const localSql = `
  SELECT id, CASE post WHEN 'anyone' THEN -1 ELSE ${restrictedAlias} END FROM alias WHERE domain_id = ? AND localpart = ? AND active = 1
  UNION ALL
  SELECT id, enabled + 2 * EXISTS (SELECT 1 FROM mailbox_forward f WHERE f.mailbox_id = mailbox.id)
  FROM mailbox INDEXED BY mailbox_lookup WHERE domain_id = ? AND localpart = ? AND tombstone = 0
  LIMIT 1`;

const senderRightsSql = `
  SELECT login, localpart, allowed FROM sender_right WHERE domain = ? AND localpart IN (?, ?) ORDER BY localpart, login
  LIMIT 1000`;

/** Domains kept in memory; thousands are usual. */
const maxDomains = 20_000;

export class DirectoryLookups {
  readonly #snapshot: DirectorySnapshot | undefined;
  readonly #freshness: ReplicaFreshness | undefined;
  readonly #rules: ExtensionRules;
  readonly #domains = new Map<string, HostedDomain | undefined>();
  #domainsVersion: number | undefined;
  readonly #version: Statement;
  readonly #anyDomain: Statement;
  readonly #alias: Statement;
  readonly #mailbox: Statement;
  readonly #local: Statement;
  readonly #domain: Statement;
  readonly #targets: Statement;
  readonly #credentials: Statement;
  readonly #mailboxById: Statement;
  readonly #setting: Statement;
  readonly #keys: DirectoryKeys;
  readonly #senderRights: Statement;
  readonly lists: ListLookups;
  readonly vacations: VacationLookups;
  readonly places: PlaceLookups;
  readonly posting: PostingLookups;
  readonly secrets: LoginSecrets;
  readonly identities: Identities;
  readonly forwards: ForwardLookups;
  readonly formerAddresses: FormerAddresses;
  readonly loginRules: LoginRuleLookups;

  /**
   * Without `snapshot` every read sees what is there: inside a transaction, its own changes. With `freshness` what is read is a
   * server's, and who can wait awaits `fresh` before.
   */
  constructor(
    connection: SqliteConnection,
    rules: ExtensionRules,
    snapshot?: DirectorySnapshot,
    freshness?: ReplicaFreshness,
  ) {
    this.#snapshot = snapshot;
    this.#freshness = freshness;
    this.#rules = rules;
    this.#version = connection.prepare('PRAGMA data_version').pluck();
    this.#anyDomain = connection.prepare('SELECT 1 FROM domain WHERE tombstone = 0 LIMIT 1');
    this.#alias = connection
      .prepare('SELECT id FROM alias WHERE domain_id = ? AND localpart = ? AND active = 1')
      .pluck();
    this.#mailbox = connection.prepare(mailboxSql).raw();
    this.#local = connection.prepare(localSql).raw();
    this.#domain = connection.prepare(domainSql).raw();
    this.#targets = connection.prepare('SELECT address FROM alias_target WHERE alias_id = ? ORDER BY position').pluck();
    this.#credentials = connection.prepare(credentialsSql).raw();
    this.#mailboxById = connection.prepare(mailboxByIdSql).raw();
    this.#setting = connection.prepare('SELECT value FROM setting WHERE name = ?').pluck();
    this.#senderRights = connection.prepare(senderRightsSql).raw();
    const ask = <T>(read: () => T): T => this.#ask(read);
    this.#keys = new DirectoryKeys(connection, ask);
    this.lists = new ListLookups(connection, ask, this);
    this.vacations = new VacationLookups(connection, ask);
    this.posting = new PostingLookups(connection, ask, this);
    this.places = new PlaceLookups(connection, ask, snapshot !== undefined);
    this.secrets = new LoginSecrets(connection, ask);
    this.identities = new Identities(connection, ask);
    this.forwards = new ForwardLookups(connection, ask);
    this.formerAddresses = new FormerAddresses(connection, ask);
    this.loginRules = new LoginRuleLookups(connection, ask);
  }

  /** Where the extension begins in a localpart in external form, or -1. */
  splitAt(localpart: string): number {
    return localpart.startsWith('"') ? -1 : findExtension(localpart, this.#rules);
  }

  /** A localpart in external form without its extension, as routing strips it; undefined where it has none. */
  bareLocalpart(localpart: string): string | undefined {
    const internal = toInternal(localpart);
    const split = findExtension(internal, this.#rules);
    return split === -1 ? undefined : quoteLocalpart(internal.slice(0, split));
  }

  /** Differs from an earlier value when somebody has changed the directory in between. */
  revision(): number {
    return this.#read(() => this.#snapshot?.open() ?? (this.#version.get() as number));
  }

  /**
   * To be awaited before a decision, where it is not undefined: then the answers are the server's of this moment. Rejects with
   * TemporaryError.
   */
  fresh(decision?: object): Promise<void> | undefined {
    return this.#freshness?.fresh(decision);
  }

  /** No domain is hosted. */
  isEmpty(): boolean {
    return this.#ask(() => this.#anyDomain.get() === undefined);
  }

  /** Every address and domain that a table of the directory may know: for `compare`, not for the mail path. */
  everyKey(): string[] {
    return this.#keys.all();
  }

  domain(name: string): HostedDomain | undefined {
    return this.#findDomain(foldDomain(name));
  }

  /** `localpart` '' is the catch-all; both in folded form. */
  address(localpart: string, domain: string): HostedAddress | undefined {
    const hosted = this.#findDomain(domain);
    if (!hosted) return undefined;
    const mailbox = this.mailboxAt(localpart, hosted);
    return {
      domain: hosted,
      aliasId: this.aliasAt(localpart, hosted),
      mailboxId: mailbox?.id,
      isEnabled: mailbox?.isEnabled === true,
    };
  }

  /** Through an alias domain. */
  aliasAt(localpart: string, hosted: HostedDomain): number | undefined {
    const id = hosted.target?.id ?? hosted.id;
    return this.#ask(() => this.#alias.get(id, localpart) as number | undefined);
  }

  /** The alias of this name, else the mailbox, else the list; through an alias domain. */
  localAt(localpart: string, hosted: HostedDomain): HostedLocal | undefined {
    const domainId = hosted.target?.id ?? hosted.id;
    const row = this.#ask(
      () => this.#local.get(domainId, localpart, domainId, localpart) as [number, number] | undefined,
    );
    if (row === undefined) {
      const list = this.lists.at(localpart, hosted);
      return list && { kind: 'list', ...list };
    }
    const [id, state] = row;
    if (state === restrictedAlias) this.posting.ruleSeen();
    if (state < 0) return { kind: 'alias', id };
    return { kind: 'mailbox', id, isEnabled: state % 2 === 1, isForwarded: state >= 2 };
  }

  mailboxAt(localpart: string, hosted: HostedDomain): { readonly id: number; readonly isEnabled: boolean } | undefined {
    if (localpart === '') return undefined;
    const domainId = hosted.target?.id ?? hosted.id;
    const row = this.#ask(() => this.#mailbox.get(domainId, localpart) as [number, number] | undefined);
    return row && { id: row[0], isEnabled: row[1] === 1 };
  }

  /** A database that cannot be read is "could not find out", never "unknown user". */
  #ask<T>(read: () => T): T {
    this.#freshness?.check();
    return this.#read(read);
  }

  #read<T>(read: () => T): T {
    try {
      const version = this.#snapshot?.open();
      if (version !== this.#domainsVersion) {
        this.#domains.clear();
        this.places.forget();
        this.posting.forget();
        this.#domainsVersion = version;
      }
      return read();
    } catch (error) {
      const code = sqliteCode(error);
      if (code === undefined) throw error;
      throw new TemporaryError(`directory: ${code}`, { cause: error });
    }
  }

  #findDomain(name: string): HostedDomain | undefined {
    // Without a snapshot nothing says when what is kept becomes old.
    if (!this.#snapshot) return this.#readDomain(name);
    const known = this.#ask(() => this.#domains.get(name));
    if (known !== undefined || this.#domains.has(name)) return known;
    const found = this.#readDomain(name);
    // Names that strangers make up push others out, but never grow the memory.
    if (this.#domains.size >= maxDomains) this.#domains.clear();
    this.#domains.set(name, found);
    return found;
  }

  #readDomain(name: string): HostedDomain | undefined {
    const row = this.#ask(() => this.#domain.get(name) as DomainColumns | undefined);
    if (!row) return undefined;
    const [id, found, kind, active, transport, targetId, targetName, targetKind, hasLists, ...rest] = row;
    const [maintenance, unknownTo, catchAll, takesAll, created] = rest;
    const target = targetId === null ? {} : { target: { id: targetId, name: targetName, kind: targetKind } };
    return {
      id,
      name: found,
      kind,
      isActive: active === 1,
      transport,
      unknownTo,
      ...target,
      hasLists: hasLists === 1,
      maintenance,
      catchAll,
      takesAll: takesAll === 1,
      created,
    };
  }

  targets(aliasId: number): string[] {
    return this.#ask(() => this.#targets.all(aliasId) as string[]);
  }

  /** Grants and denials for an address and for its whole domain (`localpart` ''), in folded form. */
  senderRights(localpart: string, domain: string): SenderRightEntry[] {
    const rows = this.#ask(() => this.#senderRights.all(domain, localpart, '') as [string, string, number][]);
    return rows.map(([login, place, allowed]) => ({ login, isWhole: place === '', isAllowed: allowed === 1 }));
  }

  setting(name: string): string | undefined {
    return this.#ask(() => this.#setting.get(name) as string | undefined);
  }

  /** The mailbox of an address, whole or with its extension removed; through an alias domain too. */
  credentials(address: string): MailboxCredentials | undefined {
    const at = address.lastIndexOf('@');
    if (at <= 0) return undefined;
    const localpart = fold(address.slice(0, at));
    const hosted = this.#findDomain(foldDomain(address.slice(at + 1)));
    if (!hosted) return undefined;
    const whole = this.#readCredentials(localpart, hosted);
    const split = whole ? -1 : this.splitAt(localpart);
    return split === -1 ? whole : this.#readCredentials(localpart.slice(0, split), hosted);
  }

  /** What the address of the mailbox would be that `credentials` looks for: folded, without extension and alias domain. */
  loginAddress(address: string): string {
    const at = address.lastIndexOf('@');
    const localpart = fold(at < 0 ? address : address.slice(0, at));
    const hosted = at < 0 ? undefined : this.#findDomain(foldDomain(address.slice(at + 1)));
    const split = this.splitAt(localpart);
    const domain = hosted?.target?.name ?? hosted?.name ?? foldDomain(at < 0 ? '' : address.slice(at + 1));
    return `${split === -1 ? localpart : localpart.slice(0, split)}@${domain}`;
  }

  #readCredentials(localpart: string, hosted: HostedDomain): MailboxCredentials | undefined {
    const { id: domainId, name } = hosted.target ?? hosted;
    const row = this.#ask(() => this.#credentials.get(domainId, localpart) as CredentialColumns | undefined);
    if (!row) return undefined;
    const [id, quotaBytes, enabled, passwordHash, vacationUntil, own, messageLimit, recipientLimit] = row;
    const isEnabled = enabled === 1 && hosted.isActive;
    const maintenance = own || hosted.maintenance;
    const limits = { messageLimit, recipientLimit };
    const account = { id, address: `${localpart}@${name}`, enabled: isEnabled, passwordHash };
    return { ...account, quotaBytes, vacationUntil, maintenance, ...limits };
  }

  mailboxById(id: number): MailboxEntry | undefined {
    const row = this.#ask(() => this.#mailboxById.get(id) as unknown[] | undefined);
    return row && toEntry(row);
  }

  mailboxByAddress(address: string): MailboxEntry | undefined {
    const found = this.credentials(address);
    if (!found) return undefined;
    const { passwordHash: _, ...entry } = found;
    return entry;
  }
}

function toEntry(row: unknown[]): MailboxEntry {
  type Columns = [number, string, number, number, number, string, number, number];
  const [id, address, quotaBytes, enabled, vacationUntil, maintenance, ...limits] = row as Columns;
  const [messageLimit, recipientLimit] = limits;
  return { id, address, quotaBytes, enabled: enabled === 1, vacationUntil, maintenance, messageLimit, recipientLimit };
}
