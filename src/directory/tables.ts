// The `directory:` lookup tables: the directory seen through Postfix's parameters. All are fixed-key tables, so
// routing asks them with partial keys in Postfix's order; each answers so that this order gives the right result.
//
// mailbox-domains  virtual_mailbox_domains: domains of class mailbox, and alias domains (they are hosted; all their
//                  addresses are found by virtual-aliases, none by mailboxes). A domain that is switched off stays
//                  listed, so that its mail is refused as unknown here and not relayed elsewhere.
// alias-domains    virtual_alias_domains: class alias.      relay-domains  relay_domains: class relay.
// virtual-aliases  virtual_alias_maps: see virtual-alias.ts. mailboxes      virtual_mailbox_maps: `domain/user/`.
// relay-recipients relay_recipient_maps: `@domain` for a relay domain that takes every recipient, else each recipient.
// sender-logins    smtpd_sender_login_maps: see sender-logins.ts.
// transports       transport_maps: see transport-table.ts.
// sender-bcc, recipient-bcc   sender_bcc_maps and recipient_bcc_maps; client-access, helo-access, sender-access,
//                  recipient-access   check_client_access and so on: see place-tables.ts.

import { TemporaryError } from '../lib/temporary-error.ts';
import { type LookupResult, notFound, type RevisionSource, type Table, type TableOpener } from '../tables/table.ts';
import type { Directory } from './directory.ts';
import type { DirectoryLookups, HostedDomain } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import { findAccess, findBcc, findRelayRecipient } from './place-tables.ts';
import type { PlaceKind } from './place-lookups.ts';
import { refuse } from './refusal.ts';
import type { DomainKind } from './schema.ts';
import { findSenderLogins } from './sender-logins.ts';
import { findRestOfSplit } from './split-domains.ts';
import { findTransport } from './transport-table.ts';
import { findVirtualAlias } from './virtual-alias.ts';

type Find = (lookups: DirectoryLookups, key: string) => LookupResult;

const tables = {
  'mailbox-domains': (lookups, key) => findDomain(lookups, key, ['mailbox', 'alias-domain']),
  'alias-domains': (lookups, key) => findDomain(lookups, key, ['alias']),
  'relay-domains': (lookups, key) => findDomain(lookups, key, ['relay']),
  'virtual-aliases': (lookups, key) => findVirtualAlias(lookups, key),
  mailboxes: findMailbox,
  'relay-recipients': findRelayRecipient,
  'sender-logins': findSenderLogins,
  transports: findTransport,
  'sender-bcc': (lookups, key) => findBcc('sender', lookups, key),
  'recipient-bcc': (lookups, key) => findBcc('recipient', lookups, key),
  'client-access': (lookups, key) => findAccess('client', lookups, key),
  'helo-access': (lookups, key) => findAccess('helo', lookups, key),
  'sender-access': (lookups, key) => findAccess('sender', lookups, key),
  'recipient-access': (lookups, key) => findAccess('recipient', lookups, key),
} satisfies Record<string, Find>;

export type DirectoryTableName = keyof typeof tables;

/** Tables that are often empty: then nobody has to make keys for them. */
const sparse: Partial<Record<DirectoryTableName, PlaceKind>> = {
  'sender-bcc': 'sender-bcc',
  'recipient-bcc': 'recipient-bcc',
  'client-access': 'client-access',
  'helo-access': 'helo-access',
  'sender-access': 'sender-access',
  'recipient-access': 'recipient-access',
};

export const directoryTableNames = Object.keys(tables) as readonly DirectoryTableName[];

export class DirectoryTable implements Table, RevisionSource {
  readonly name: string;
  readonly kind = 'fixed';
  readonly #lookups: DirectoryLookups;
  readonly #find: Find;
  /** Absent: it counts as filled. */
  readonly #sparse: PlaceKind | undefined;

  constructor(lookups: DirectoryLookups, name: DirectoryTableName) {
    this.name = `directory:${name}`;
    this.#lookups = lookups;
    this.#find = tables[name];
    this.#sparse = sparse[name];
  }

  isVoid(): boolean {
    return this.#sparse !== undefined && !this.#lookups.places.has(this.#sparse);
  }

  /** The answer at once, for who has awaited the lookups' `fresh`; throws TemporaryError. */
  find(key: string): LookupResult {
    return this.#find(this.#lookups, key);
  }

  async lookup(key: string, decision?: object): Promise<LookupResult> {
    const fresh = this.#lookups.fresh(decision);
    if (fresh !== undefined) await fresh;
    return this.#find(this.#lookups, key);
  }

  async keys(): Promise<readonly string[]> {
    await this.#lookups.fresh();
    return this.#lookups.everyKey();
  }

  revision(): number {
    return this.#lookups.revision();
  }
}

/** For the table registry: opens what follows `directory:`. */
export function directoryTableOpener(directory: Directory): TableOpener {
  return (name) => {
    const known = directoryTableNames.find((candidate) => candidate === name);
    if (!known) refuse(`directory:${name}: no such table; there are ${directoryTableNames.join(', ')}`);
    return new DirectoryTable(directory.lookups, known);
  };
}

/** Where there is no data folder yet (`explain` on a foreign configuration): every question stays open. */
export function absentDirectoryOpener(reason: string): TableOpener {
  return (name) => ({
    name: `directory:${name}`,
    kind: 'fixed',
    lookup: async () => {
      throw new TemporaryError(reason);
    },
  });
}

function findDomain(lookups: DirectoryLookups, key: string, kinds: readonly DomainKind[]): LookupResult {
  const domain = lookups.domain(key);
  if (!domain || !kinds.includes(domain.kind)) return notFound;
  return { kind: 'found', value: domain.name, source: rowOf(domain) };
}

function rowOf(domain: HostedDomain): string {
  return `directory:domains row ${domain.id}`;
}

/** Never an alias domain's address: that is an alias of the target's. */
function findMailbox(lookups: DirectoryLookups, key: string): LookupResult {
  const at = key.lastIndexOf('@');
  if (at === 0) return findRestOfSplit(lookups, key.slice(1));
  if (at < 0) return notFound;
  const localpart = fold(key.slice(0, at));
  const domain = foldDomain(key.slice(at + 1));
  const hosted = lookups.domain(domain);
  if (hosted?.kind !== 'mailbox' || !hosted.isActive) return notFound;
  const mailbox = lookups.mailboxAt(localpart, hosted);
  if (!mailbox?.isEnabled) return notFound;
  return {
    kind: 'found',
    value: `${domain}/${pathSegment(localpart)}/`,
    source: `directory:mailboxes row ${mailbox.id}`,
  };
}

/** A localpart as one name of a path: never `..`, never with a slash. */
function pathSegment(localpart: string): string {
  return localpart
    .replace(
      /[\u0000-\u0020"%/\\]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .replace(/^\./, '%2E');
}
