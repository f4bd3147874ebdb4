// What the main thread asks of the writer thread. Every operation is either done whole or refused before
// it has changed anything, so that a refusal needs no rollback of its neighbours in the group.

import type { ImportedFolder, ImportedMessage, ImportFlagsChange, ImportFolder } from '../import-types.ts';
import type {
  FolderRow,
  Head,
  LedgerEntry,
  NewQueueMessage,
  QueueRequeue,
  QueueUpdate,
  QuotaUsage,
  StoreFlagsAction,
  StoreRefusal,
  StoredFlags,
} from '../types.ts';

/** A piece of the one buffer that travels with a group (the structured clone of a small view would copy its whole pool). */
export interface Slice {
  offset: number;
  readonly length: number;
}

export type PackedContent =
  | { readonly kind: 'inline'; readonly data: Slice; readonly sha256: Slice; readonly size: number }
  | { readonly kind: 'file'; readonly place: string; readonly sha256: Slice; readonly size: number };

export interface PackedDelivery {
  readonly mailbox: number;
  readonly prefix: Slice;
  readonly internalDate: number;
  readonly recipients?: number;
}

export interface PackedAccept {
  readonly content: PackedContent;
  readonly deliveries: readonly PackedDelivery[];
  readonly queue?: NewQueueMessage;
  readonly once?: string;
  readonly ledger?: LedgerEntry;
  readonly notices?: readonly PackedAccept[];
}

/** `keys` and so on as of ImportMessage. */
export interface PackedImport {
  readonly content: PackedContent;
  readonly keys: readonly string[];
  readonly uid?: number | undefined;
  readonly flags: readonly string[];
  readonly internalDate: number;
}

/** Where a queued message was put: its content, and a row for each recipient in order. */
export interface QueuedRows {
  readonly content: number;
  readonly recipients: readonly number[];
}

export type WriteOperation =
  | { readonly kind: 'accept'; readonly accept: PackedAccept }
  | {
      readonly kind: 'append';
      readonly folder: number;
      readonly quota?: number | undefined;
      readonly messages: readonly {
        readonly content: PackedContent;
        readonly flags: readonly string[];
        readonly internalDate: number;
      }[];
    }
  | {
      readonly kind: 'store-flags';
      readonly folder: number;
      readonly uids: readonly number[];
      readonly action: StoreFlagsAction;
      readonly flags: readonly string[];
      readonly unchangedSince?: number;
    }
  | { readonly kind: 'expunge'; readonly folder: number; readonly uids: readonly number[] }
  | {
      readonly kind: 'copy';
      readonly folder: number;
      readonly uids: readonly number[];
      readonly target: number;
      readonly quota?: number | undefined;
      readonly move: boolean;
    }
  | { readonly kind: 'ensure-mailbox'; readonly mailbox: number }
  | { readonly kind: 'create-folder'; readonly mailbox: number; readonly name: string; readonly specialUse?: string }
  | { readonly kind: 'delete-folder'; readonly mailbox: number; readonly name: string }
  | { readonly kind: 'rename-folder'; readonly mailbox: number; readonly from: string; readonly to: string }
  | { readonly kind: 'subscribe'; readonly mailbox: number; readonly name: string; readonly subscribed: boolean }
  | { readonly kind: 'remove-mailbox'; readonly mailbox: number }
  | { readonly kind: 'purge'; readonly limit: number }
  | { readonly kind: 'recalculate'; readonly mailbox: number }
  | { readonly kind: 'forget-once'; readonly before: number }
  | { readonly kind: 'put-heads'; readonly heads: readonly { readonly content: number; readonly head: Head }[] }
  | {
      readonly kind: 'queue-update';
      readonly update: Omit<QueueUpdate, 'notice' | 'deliveries' | 'forwards'>;
      readonly deliveries: readonly PackedDelivery[];
      readonly notice?: PackedAccept;
      readonly forwards?: readonly PackedAccept[];
    }
  | { readonly kind: 'requeue'; readonly requeue: QueueRequeue }
  | { readonly kind: 'remove-from-queue'; readonly ids: readonly string[] }
  | { readonly kind: 'record-discarded'; readonly recipients: number }
  | { readonly kind: 'acknowledge-mismatch' }
  | { readonly kind: 'import-folder'; readonly folder: ImportFolder }
  | { readonly kind: 'import-messages'; readonly folder: number; readonly messages: readonly PackedImport[] }
  | { readonly kind: 'import-flags'; readonly folder: number; readonly changes: readonly ImportFlagsChange[] }
  | { readonly kind: 'import-finish'; readonly folder: number; readonly specialUse?: string | undefined };

/** What each kind of operation gives back. */
export interface WriteResults {
  accept: { delivered: { folder: number; uid: number }[]; queued?: QueuedRows };
  append: { uidValidity: number; uids: number[] };
  'store-flags': StoredFlags;
  expunge: { expunged: number[]; modseq: number };
  copy: { uidValidity: number; source: number[]; target: number[] };
  'ensure-mailbox': undefined;
  'create-folder': FolderRow;
  'delete-folder': undefined;
  'rename-folder': undefined;
  subscribe: undefined;
  'remove-mailbox': undefined;
  purge: { remaining: boolean };
  recalculate: QuotaUsage;
  'forget-once': undefined;
  'put-heads': undefined;
  'queue-update': boolean;
  requeue: boolean;
  'remove-from-queue': number;
  'record-discarded': undefined;
  'acknowledge-mismatch': number;
  'import-folder': ImportedFolder;
  'import-messages': ImportedMessage[];
  'import-flags': number;
  'import-finish': { moved: number };
}

export type WriteResult =
  | { readonly kind: 'done'; readonly value: WriteResults[keyof WriteResults] }
  | { readonly kind: 'refused'; readonly refusal: StoreRefusal; readonly message: string }
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly message: string };

const reclaiming: ReadonlySet<WriteOperation['kind']> = new Set([
  'expunge',
  'delete-folder',
  'remove-mailbox',
  'purge',
  'forget-once',
  'queue-update',
  'remove-from-queue',
  'ensure-mailbox',
]);

/** Operations that free space, and the login and the mark that IMAP wants before it: they must succeed on a full disk. */
export function isReclaiming(operation: WriteOperation): boolean {
  if (operation.kind !== 'store-flags') return reclaiming.has(operation.kind);
  return operation.action !== 'remove' && operation.flags.some((flag) => flag.toLowerCase() === '\\deleted');
}
