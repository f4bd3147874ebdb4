// What an import reads: a source yields objects of the directory in an order in which they can be written (domains,
// alias domains, mailboxes, aliases, the rest), and says what it leaves out and why. It never writes to what it reads.

import type { BulkAlias } from '../../directory/bulk-aliases.ts';
import type { BulkAliasDomain, BulkDomain } from '../../directory/bulk-domains.ts';
import type { Settings } from '../../settings/settings.ts';
import type { BccSide } from '../../directory/schema.ts';
import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';

export interface NotTaken {
  /** As `alias sales@example.com`. */
  readonly what: string;
  /** Why, and what to do. */
  readonly reason: string;
  /** The address or domain whose answer is another because of it. */
  readonly address?: string;
}

export type ImportObject =
  | { readonly kind: 'domain'; readonly value: BulkDomain }
  | { readonly kind: 'alias-domain'; readonly value: BulkAliasDomain }
  /** `maildir`: where the old system keeps its mail, for the import of the mail. `typed`: what the hash was made of. */
  | { readonly kind: 'mailbox'; readonly value: BulkMailbox; readonly maildir?: string; readonly typed?: string }
  | { readonly kind: 'alias'; readonly value: BulkAlias }
  | { readonly kind: 'sender-right'; readonly value: ImportedSenderRight }
  | { readonly kind: 'transport'; readonly value: ImportedTransport }
  | { readonly kind: 'bcc'; readonly value: ImportedBcc }
  /** Of relay domains that take listed recipients only. */
  | { readonly kind: 'relay-recipient'; readonly value: { readonly address: string } }
  | { readonly kind: 'administrator'; readonly value: ImportedAdministrator }
  | { readonly kind: 'not-taken'; readonly value: NotTaken };

export interface ImportedTransport {
  /** `user@domain`, `domain`, `.parent` or `*`. */
  readonly place: string;
  /** `transport:nexthop`. */
  readonly transport: string;
}

export interface ImportedBcc {
  readonly side: BccSide;
  /** `user@domain` or `@domain`. */
  readonly place: string;
  readonly address: string;
}

export interface ImportedAdministrator {
  readonly login: string;
  readonly passwordHash: string;
  readonly name: string;
  readonly active: boolean;
  /** 'all', or those. */
  readonly domains: 'all' | readonly string[];
}

export interface ImportedSenderRight {
  /** `user@domain` or `@domain`. */
  readonly address: string;
  readonly login: string;
}

/** How the old system's Postfix answers, for the proof. */
export interface OldSystem {
  /** Its whole main.cf, where it has one of its own: what is no table of the directory stays. */
  readonly base?: Settings;
  /** Parameters of main.cf. */
  readonly settings: Readonly<Record<string, string>>;
  /** Transports that led into the old mail store. */
  readonly storeTransports: readonly string[];
  /** Deliveries to these domains were no mail for anybody: `user#domain@autoreply.example.com`. */
  readonly ignoredDomains: readonly string[];
}

export interface ImportSource {
  /** As `PostfixAdmin in mysql:/etc/postfix/sql/domains.cf`. */
  readonly name: string;
  /** Rows to be read, for the progress. Throws TemporaryError. */
  count(): Promise<number>;
  /** Throws TemporaryError, and ImportError where it is not what it should be. */
  read(): AsyncIterable<readonly ImportObject[]>;
  /** Undefined where there was no Postfix, or none that can be asked. */
  readonly old: OldSystem | undefined;
  close(): void;
}

/** The source is not what the command was told; one line that says what to do. */
export class ImportError extends Error {
  override name = 'ImportError';
}

export function notTaken(what: string, reason: string, address?: string): ImportObject {
  return { kind: 'not-taken', value: { what, reason, ...(address === undefined ? {} : { address }) } };
}
