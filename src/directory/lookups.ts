// The reads that mail waits for: synchronous, prepared once, a few microseconds each, on the read-only connection.
// An address is one statement: its domain (through an alias domain to the target), its alias row and its mailbox.
//
// How identity is implicit (features a catch-all must not have: swallowing). Postfix asks virtual_alias_maps with
// user+ext@dom, user@dom, then @dom (virtual(5)). For an existing mailbox the key user@dom answers itself, so the
// search ends before @dom; user+ext@dom is not found, so the extension is kept by Postfix's own propagation. An
// alias domain answers user@target only for users that the target knows, and @target only where the target has a
// catch-all: unknown users stay unknown and are refused at RCPT. A disabled mailbox is not found; but where a
// catch-all would get its mail, the address still answers itself, and delivery refuses it.

import { type ExtensionRules, findExtension } from '../address/extension.ts';
import { sqliteCode, type SqliteConnection, type Statement } from '../database/sqlite.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type LookupResult, notFound } from '../tables/table.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { DomainKind } from './schema.ts';

/** What stands under a name that we host. */
export interface HostedDomain {
  readonly id: number;
  readonly name: string;
  readonly kind: DomainKind;
  readonly isActive: boolean;
  readonly transport: string;
  /** For an alias domain. */
  readonly target?: { readonly name: string; readonly kind: DomainKind };
}

/** What stands at an address, after an alias domain has been followed. */
export interface HostedAddress {
  readonly kind: DomainKind;
  /** The alias domain's target, or ''. */
  readonly target: string;
  readonly targetKind: DomainKind | '';
  readonly isActive: boolean;
  readonly aliasId: number | undefined;
  readonly mailboxId: number | undefined;
  readonly isEnabled: boolean;
}

/** What the delivery agent and the quota check ask. */
export interface MailboxEntry {
  readonly id: number;
  /** The mailbox's address, folded: `user@domain`. */
  readonly address: string;
  /** 0 is unlimited. */
  readonly quotaBytes: number;
  /** The mailbox and its domain are. */
  readonly enabled: boolean;
}

export interface MailboxCredentials extends MailboxEntry {
  readonly passwordHash: string;
}

type AddressColumns = [
  DomainKind,
  number,
  string | null,
  DomainKind | null,
  number | null,
  number | null,
  number | null,
  number | null,
];

const addressSql = `
  SELECT d.kind, d.active, t.name, t.kind, t.active,
    (SELECT a.id FROM alias a WHERE a.domain_id = coalesce(d.target_id, d.id) AND a.localpart = ?), m.id, m.enabled
  FROM domain d LEFT JOIN domain t ON t.id = d.target_id
  LEFT JOIN mailbox m ON m.domain_id = coalesce(d.target_id, d.id) AND m.localpart = ? AND m.tombstone = 0
  WHERE d.name = ? AND d.tombstone = 0`;

const mailboxColumns = `
  SELECT m.id, m.localpart || '@' || coalesce(t.name, d.name), m.quota,
    m.enabled AND d.active AND coalesce(t.active, 1), m.password`;

const credentialsSql = `${mailboxColumns}
  FROM domain d LEFT JOIN domain t ON t.id = d.target_id
  JOIN mailbox m ON m.domain_id = coalesce(d.target_id, d.id) AND m.localpart = ? AND m.tombstone = 0
  WHERE d.name = ? AND d.tombstone = 0`;

const mailboxByIdSql = `${mailboxColumns}
  FROM mailbox m JOIN domain d ON d.id = m.domain_id LEFT JOIN domain t ON t.id = d.target_id
  WHERE m.id = ? AND m.tombstone = 0`;

const domainSql = `
  SELECT d.id, d.name, d.kind, d.active, d.transport, t.name, t.kind
  FROM domain d LEFT JOIN domain t ON t.id = d.target_id WHERE d.name = ? AND d.tombstone = 0`;

export class DirectoryLookups {
  readonly #revision: Statement;
  readonly #address: Statement;
  readonly #domain: Statement;
  readonly #targets: Statement;
  readonly #credentials: Statement;
  readonly #mailboxById: Statement;
  readonly #setting: Statement;
  readonly #anyDomain: Statement;
  readonly #rules: ExtensionRules;

  constructor(connection: SqliteConnection, rules: ExtensionRules) {
    this.#rules = rules;
    this.#revision = connection.prepare('PRAGMA data_version').pluck();
    this.#address = connection.prepare(addressSql).raw();
    this.#domain = connection.prepare(domainSql).raw();
    this.#targets = connection.prepare('SELECT address FROM alias_target WHERE alias_id = ? ORDER BY position').pluck();
    this.#credentials = connection.prepare(credentialsSql).raw();
    this.#mailboxById = connection.prepare(mailboxByIdSql).raw();
    this.#anyDomain = connection.prepare('SELECT 1 FROM domain LIMIT 1');
    this.#setting = connection.prepare('SELECT value FROM setting WHERE name = ?').pluck();
  }

  /** Where the extension begins in a localpart in external form, or -1. */
  splitAt(localpart: string): number {
    return localpart.startsWith('"') ? -1 : findExtension(localpart, this.#rules);
  }

  /** No domain is hosted. */
  isEmpty(): boolean {
    return ask(() => this.#anyDomain.get() === undefined);
  }

  /** Differs from an earlier value when somebody has changed the directory in between. */
  revision(): number {
    return ask(() => this.#revision.get() as number);
  }

  domain(name: string): HostedDomain | undefined {
    const row = ask(() => this.#domain.get(foldDomain(name)) as unknown[] | undefined);
    if (!row) return undefined;
    const [id, found, kind, active, transport, targetName, targetKind] = row as [
      number,
      string,
      DomainKind,
      number,
      string,
      string | null,
      DomainKind | null,
    ];
    const target = targetName !== null && targetKind !== null ? { target: { name: targetName, kind: targetKind } } : {};
    return { id, name: found, kind, isActive: active === 1, transport, ...target };
  }

  /** `localpart` '' is the catch-all. */
  address(localpart: string, domain: string): HostedAddress | undefined {
    const row = ask(() => this.#address.get(localpart, localpart, domain) as AddressColumns | undefined);
    if (!row) return undefined;
    const [kind, active, target, targetKind, targetActive, aliasId, mailboxId, enabled] = row;
    return {
      kind,
      target: target ?? '',
      targetKind: targetKind ?? '',
      isActive: active === 1 && targetActive !== 0,
      aliasId: aliasId ?? undefined,
      mailboxId: mailboxId ?? undefined,
      isEnabled: enabled === 1,
    };
  }

  targets(aliasId: number): string[] {
    return ask(() => this.#targets.all(aliasId) as string[]);
  }

  setting(name: string): string | undefined {
    return ask(() => this.#setting.get(name) as string | undefined);
  }

  /** The mailbox of an address, whole or with its extension removed; through an alias domain too. */
  credentials(address: string): MailboxCredentials | undefined {
    const at = address.lastIndexOf('@');
    if (at <= 0) return undefined;
    const localpart = fold(address.slice(0, at));
    const domain = foldDomain(address.slice(at + 1));
    const whole = ask(() => this.#credentials.get(localpart, domain) as unknown[] | undefined);
    if (whole) return toCredentials(whole);
    const split = this.splitAt(localpart);
    if (split === -1) return undefined;
    const stripped = ask(() => this.#credentials.get(localpart.slice(0, split), domain) as unknown[] | undefined);
    return stripped && toCredentials(stripped);
  }

  mailboxById(id: number): MailboxEntry | undefined {
    const row = ask(() => this.#mailboxById.get(id) as unknown[] | undefined);
    return row && toEntry(row);
  }

  mailboxByAddress(address: string): MailboxEntry | undefined {
    const found = this.credentials(address);
    if (!found) return undefined;
    const { id, address: own, quotaBytes, enabled } = found;
    return { id, address: own, quotaBytes, enabled };
  }

  /**
   * virtual_alias_maps. `structural` looks at rows whether they are switched on or not: a loop must not come into
   * being by switching a domain on.
   */
  virtualAlias(key: string, structural = false): LookupResult {
    const at = key.lastIndexOf('@');
    if (at < 0) return this.#bareName(fold(key));
    const localpart = fold(key.slice(0, at));
    const domain = foldDomain(key.slice(at + 1));
    const hit = this.address(localpart, domain);
    if (!hit || !(hit.isActive || structural)) return notFound;
    if (hit.kind === 'alias-domain') return this.#throughAliasDomain(localpart, domain, hit, structural);
    if (hit.aliasId !== undefined) {
      const value = this.targets(hit.aliasId).join(', ');
      return { kind: 'found', value, source: `directory:aliases row ${hit.aliasId}` };
    }
    if (hit.mailboxId === undefined || !this.#answersItself(hit, domain, structural)) return notFound;
    return { kind: 'found', value: `${localpart}@${domain}`, source: `directory:mailboxes row ${hit.mailboxId}` };
  }

  /** A disabled mailbox stands in the way of a catch-all, and of nothing else. */
  #answersItself(hit: HostedAddress, domain: string, structural: boolean): boolean {
    return hit.isEnabled || structural || this.address('', domain)?.aliasId !== undefined;
  }

  #throughAliasDomain(localpart: string, domain: string, hit: HostedAddress, structural: boolean): LookupResult {
    const source = `directory:domains ${domain} (alias domain)`;
    const isKnown =
      localpart === ''
        ? // A relay domain without a list of recipients takes every address.
          hit.aliasId !== undefined || hit.targetKind === 'relay'
        : hit.aliasId !== undefined || (hit.mailboxId !== undefined && this.#answersItself(hit, domain, structural));
    return isKnown ? { kind: 'found', value: `${localpart}@${hit.target}`, source } : notFound;
  }

  /** `postmaster` without a domain, and at the host's own names (RFC 5321 §4.5.1, RFC 2142). */
  #bareName(name: string): LookupResult {
    if (name !== 'postmaster' && name !== 'abuse' && name !== 'root') return notFound;
    const id = this.setting('administrator');
    const mailbox = id === undefined ? undefined : this.mailboxById(Number(id));
    if (!mailbox) return notFound;
    return { kind: 'found', value: mailbox.address, source: 'directory:settings administrator' };
  }
}

function toEntry(row: unknown[]): MailboxEntry {
  const [id, address, quotaBytes, enabled] = row as [number, string, number, number];
  return { id, address, quotaBytes, enabled: enabled === 1 };
}

function toCredentials(row: unknown[]): MailboxCredentials {
  return { ...toEntry(row), passwordHash: row[4] as string };
}

/** A database that cannot be read is "could not find out", never "unknown user". */
function ask<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    throw new TemporaryError(`directory: ${code}`, { cause: error });
  }
}
