// The words of the mailstore: what its callers (queue, IMAP, POP3, the command line) hand in and get back.
// Layout and crash behaviour are told in store.ts.

/** Bits 0-4 are the system flags, bit 5 + n is the folder's keyword number n. At most 2^53 - 1: 48 keywords each. */
export type FlagBits = number;

export const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const;
export const seenBit = 1;
export const flaggedBit = 4;
export const deletedBit = 8;
export const firstKeywordBit = 5;
export const maxKeywords = 48;

/** Message bytes that are durable (a synced file) or small enough to go into the row itself. */
export type Content =
  | { readonly kind: 'inline'; readonly data: Uint8Array; readonly sha256: Uint8Array; readonly size: number }
  | { readonly kind: 'file'; readonly place: string; readonly sha256: Uint8Array; readonly size: number };

export interface FolderRow {
  readonly id: number;
  readonly mailbox: number;
  /** UTF-8, hierarchy separator `/`; `INBOX` in capitals. */
  readonly name: string;
  /** RFC 6154 attribute as `\\Sent`, or null. */
  readonly specialUse: string | null;
  readonly subscribed: boolean;
  /** False for a name that exists only because it has children. */
  readonly selectable: boolean;
  readonly uidValidity: number;
  readonly uidNext: number;
  /** HIGHESTMODSEQ (RFC 7162). */
  readonly modseq: number;
  /** Keyword names, in bit order. */
  readonly keywords: readonly string[];
}

export interface MessageRow {
  readonly uid: number;
  readonly modseq: number;
  readonly flags: FlagBits;
  /** Octets of what RFC822 / BODY[] gives, trace headers included. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly internalDate: number;
  readonly content: number;
}

/** A cached MIME analysis of a content, as the imap words print it (opaque to the store). */
export interface Head {
  readonly envelope: string;
  readonly structure: string;
}

/** What the writer tells after each commit, in commit order; one object per folder that changed. */
export interface FolderChange {
  readonly folder: number;
  readonly mailbox: number;
  readonly uidNext: number;
  readonly modseq: number;
  readonly added: readonly MessageRow[];
  readonly flagged: readonly { readonly uid: number; readonly flags: FlagBits; readonly modseq: number }[];
  readonly expunged: readonly number[];
  /** Set when the keyword list grew. */
  readonly keywords?: readonly string[];
  /** The folder was deleted: sessions that selected it get BYE or a fresh start. */
  readonly gone?: true;
}

export interface QuotaUsage {
  readonly mailbox: number;
  readonly bytes: number;
  readonly messages: number;
}

/** A copy for a local mailbox. */
export interface MailboxDelivery {
  readonly mailbox: number;
  /** Trace headers of this copy alone (Return-Path, Delivered-To ...), CRLF lines. */
  readonly prefix: Uint8Array;
  readonly internalDate: number;
  /** How many recipients it stands for; absent: one. Counted where the copy is made as its message is accepted. */
  readonly recipients?: number;
}

export type RecipientState =
  | 'pending'
  | 'deferred'
  | 'delivered'
  | 'bounced'
  | 'held'
  | 'discarded'
  | 'relayed'
  | 'forwarded';

/**
 * How recipients come in (`entered`) and leave the queue: delivered here, sent on by an alias as a new message, handed to
 * another system, bounced, discarded by a rule, deleted by an administrator, or in a way that nobody could explain
 * (a mismatch that was acknowledged).
 */
export type BookAccount =
  | 'entered'
  | 'delivered'
  | 'forwarded'
  | 'relayed'
  | 'bounced'
  | 'discarded'
  | 'deleted'
  | 'unexplained';

/** The books and the queue, of one moment. */
export interface QueueCensus {
  readonly books: Readonly<Record<BookAccount, number>>;
  /** Recipients in the queue; those of messages on hold among them. */
  readonly recipients: number;
  readonly heldRecipients: number;
  /** Messages: due, put off, on hold. */
  readonly messages: { readonly due: number; readonly deferred: number; readonly hold: number };
  /** Recipients that came in and are in none of the books nor in the queue; not 0 is an alarm. */
  readonly mismatch: number;
}

/** One recipient of a queued message (only those that are not delivered at once are ever stored). */
export interface QueueRecipient {
  readonly id: number;
  readonly original: string;
  readonly recipient: string;
  readonly transport: string;
  readonly nexthop: string;
  /** RFC 3461 NOTIFY as given (`SUCCESS,FAILURE`), or ''. */
  readonly notify: string;
  /** RFC 3461 ORCPT, or ''. */
  readonly orcpt: string;
  readonly state: RecipientState;
  /** Status code and reason of the last attempt, or ''. */
  readonly status: string;
  readonly reason: string;
}

export interface QueueMessage {
  /** Queue id as logged. */
  readonly id: string;
  readonly content: number;
  readonly size: number;
  readonly sender: string;
  /** Milliseconds since 1970. */
  readonly arrival: number;
  /** When it is due; milliseconds since 1970. */
  readonly nextAttempt: number;
  readonly attempts: number;
  /** RFC 3461 RET (`FULL`, `HDRS` or '') and ENVID. */
  readonly ret: string;
  readonly envid: string;
  /** `8bit`/`smtputf8` needs of the message. */
  readonly smtputf8: boolean;
  readonly eightBit: boolean;
  /** The delay warning has been sent. */
  readonly warned: boolean;
  readonly hold: boolean;
  /** The two VERP delimiters: every recipient has a sender address of its own. Absent: the sender is one for all. */
  readonly verp?: string;
  readonly recipients: readonly QueueRecipient[];
}

export type NewQueueMessage = Omit<QueueMessage, 'content' | 'attempts' | 'recipients' | 'warned'> & {
  readonly recipients: readonly Omit<QueueRecipient, 'id'>[];
};

/** Everything that a final dot makes durable at once: local copies and what must be queued. */
export interface AcceptOperation {
  readonly content: Content;
  readonly deliveries: readonly MailboxDelivery[];
  readonly queue?: NewQueueMessage;
  /** A door that may hand in the same message again after a crash names it: the second time nothing is done. */
  readonly once?: string;
  /** An automatic reply: made only if nothing was noted under its key since then. */
  readonly ledger?: LedgerEntry;
  /** Reports about it, in the same transaction. */
  readonly notices?: readonly AcceptOperation[];
}

/** Who has been answered, and when (milliseconds since 1970); kept as long as forgetOnce() lets it. */
export interface LedgerEntry {
  readonly key: string;
  readonly time: number;
  readonly since: number;
}

export interface AcceptResult {
  /** For each delivery in order. */
  readonly delivered: readonly { readonly folder: number; readonly uid: number }[];
  /** What has been queued, as queueMessage() would read it back. */
  readonly queued?: QueueMessage;
}

export interface AppendOperation {
  readonly folder: number;
  /** Octets that the mailbox may hold; absent: no limit. Beyond it the operation is refused (`over-quota`). */
  readonly quota?: number | undefined;
  readonly messages: readonly {
    readonly content: Content;
    readonly flags: readonly string[];
    readonly internalDate: number;
  }[];
}

/** Per message what its flags are now and its mod-sequence before, and the uids that were left alone. */
export interface StoredFlags {
  changed: { uid: number; flags: FlagBits; modseq: number; previousModseq: number }[];
  modified: number[];
}

export type StoreFlagsAction = 'add' | 'remove' | 'replace';

/** Whose outcome is recorded after a delivery attempt; the message leaves the queue with its last recipient. */
export interface QueueUpdate {
  readonly id: string;
  readonly recipients: readonly {
    readonly id: number;
    readonly state: RecipientState;
    readonly status: string;
    readonly reason: string;
  }[];
  readonly nextAttempt?: number;
  readonly warned?: boolean;
  readonly hold?: boolean;
  /** Local copies made by this attempt: in the same transaction as the state, so never twice. */
  readonly deliveries?: readonly MailboxDelivery[];
  /** A bounce or delay warning caused by this attempt: created in the same transaction. */
  readonly notice?: AcceptOperation;
  /** Messages that this attempt has made of this one (local aliases): in the same transaction, so never twice. */
  readonly forwards?: readonly AcceptOperation[];
}

/** A message's recipients routed anew; those that were must be `replaced`, all of them, or nothing is done. */
export interface QueueRequeue {
  readonly id: string;
  readonly replaced: readonly number[];
  readonly recipients: readonly Omit<QueueRecipient, 'id'>[];
  readonly nextAttempt: number;
}

/**
 * The next attempt of a message that somebody has expired (postsuper -e): it is due, and goes back to its sender instead
 * of being tried. What an attempt that still runs puts off stays so.
 */
export const expiredByForce = 0;

/** NO [OVERQUOTA], NO [NONEXISTENT] ...: refusals of the store that a client is told. */
export type StoreRefusal = 'nonexistent' | 'already-exists' | 'over-quota' | 'cannot' | 'too-many-keywords';

export class StoreRefusedError extends Error {
  override name = 'StoreRefusedError';
  readonly refusal: StoreRefusal;

  constructor(refusal: StoreRefusal, message: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** The disk is full: 452 4.3.1, NO [OVERQUOTA]-like; expunge and dequeue still succeed. */
export class StoreFullError extends Error {
  override name = 'StoreFullError';
}

/**
 * The mailstore and queue rows, seen from the main thread. Writes return when they are durable (one commit
 * serves many callers); reads are synchronous, bounded (at most 500 rows or 64 KiB) and see the last commit.
 */
export interface Mailstore {
  accept(operation: AcceptOperation): Promise<AcceptResult>;
  append(operation: AppendOperation): Promise<{ uidValidity: number; uids: number[] }>;
  /** With `unchangedSince` (RFC 7162 UNCHANGEDSINCE) the uids that were changed later are left and returned in `modified`. */
  storeFlags(
    folder: number,
    uids: readonly number[],
    action: StoreFlagsAction,
    flags: readonly string[],
    unchangedSince?: number,
  ): Promise<StoredFlags>;
  /** Removes the messages that have \Deleted, or of those only `uids`. */
  expunge(folder: number, uids?: readonly number[]): Promise<{ expunged: number[]; modseq: number }>;
  /** COPYUID: `source` and `target` uids in step. Atomic: all or nothing. `quota` as of AppendOperation. */
  copy(
    folder: number,
    uids: readonly number[],
    target: number,
    quota?: number,
  ): Promise<{ uidValidity: number; source: number[]; target: number[] }>;
  move(
    folder: number,
    uids: readonly number[],
    target: number,
  ): Promise<{ uidValidity: number; source: number[]; target: number[] }>;

  /** Creates INBOX, Sent, Drafts, Trash, Junk and Archive (subscribed) where the mailbox has none yet. */
  ensureMailbox(mailbox: number): Promise<void>;
  /** Creates missing parents too. */
  createFolder(mailbox: number, name: string, specialUse?: string): Promise<FolderRow>;
  deleteFolder(mailbox: number, name: string): Promise<void>;
  /** INBOX keeps existing and gives its messages away (RFC 9051 §6.3.6); children follow. */
  renameFolder(mailbox: number, from: string, to: string): Promise<void>;
  /** A subscription may name a folder that does not exist. */
  setSubscribed(mailbox: number, name: string, subscribed: boolean): Promise<void>;
  removeMailbox(mailbox: number): Promise<void>;
  recalculateQuota(mailbox: number): Promise<QuotaUsage>;
  /** When something was last noted under a ledger's key. */
  ledgerTime(key: string): number | undefined;
  /** Forgets the `once` names and ledger entries that were last handed in before `before` (milliseconds since 1970). */
  forgetOnce(before: number): Promise<void>;
  putHeads(heads: readonly { readonly content: number; readonly head: Head }[]): Promise<void>;

  /** False, and nothing done, where the message is not in the queue any more. */
  queueUpdate(update: QueueUpdate): Promise<boolean>;
  /** False, and nothing done, where the message or its recipients are others by now. */
  requeue(requeue: QueueRequeue): Promise<boolean>;
  removeFromQueue(ids: readonly string[]): Promise<number>;
  readonly books: { recordDiscarded(recipients: number): Promise<void> };

  folders(mailbox: number): FolderRow[];
  folder(id: number): FolderRow | undefined;
  subscriptions(mailbox: number): string[];
  /** Pages by uid: rows with uid > `afterUid`, at most `limit` (<= 500). */
  messages(folder: number, afterUid: number, limit: number): MessageRow[];
  message(folder: number, uid: number): MessageRow | undefined;
  counts(folder: number): { messages: number; unseen: number; deleted: number; size: number };
  head(content: number): Head | undefined;
  /** Opens a content; throws TemporaryError when its file cannot be read or its checksum is wrong. */
  openContent(content: number): ContentReader;
  /** A content that has been written and not been accepted yet. */
  openNew(content: Content): ContentReader;
  usage(mailbox: number): QuotaUsage;
  /** Uids expunged with a modseq above `modseq`, ascending (for QRESYNC and VANISHED). */
  expungedSince(folder: number, modseq: number): number[];

  queueMessage(id: string): QueueMessage | undefined;
  /** Due messages with nextAttempt <= `now`, oldest first, at most `limit`, not on hold; only those behind `after`. */
  queueDue(now: number, limit: number, after?: { readonly nextAttempt: number; readonly id: string }): QueueMessage[];
  /** The earliest nextAttempt in the queue. */
  queueNextAttempt(): number | undefined;
  queueList(afterId: string, limit: number): QueueMessage[];

  /** Called after each commit, in commit order, before the promises of that commit resolve. */
  onChange(listener: (changes: readonly FolderChange[]) => void): () => void;
  /** Bytes waiting for the writer; above the limit callers begin no new message. */
  readonly isCongested: boolean;
  whenUncongested(): Promise<void>;
  contentWriter(): ContentWriter;
  close(): Promise<void>;
}

/** Bytes of one message, prefix included. */
export interface ContentReader {
  readonly size: number;
  /** Octets [from, to). At most 1 MiB a call; file contents are read off-thread. */
  read(from: number, to: number): Promise<Uint8Array>;
  /** The whole content: for callers that have looked at its size. */
  readAll(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Takes a message as it arrives: small ones stay in memory, larger ones stream to a file that is synced by finish(). */
export interface ContentWriter {
  readonly size: number;
  /** Returns a promise when the caller must wait before writing more. The chunk is copied or owned from here on. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** What was written, to be read before it is durable: for filters. Nothing may be written after it. */
  reread(): Promise<ContentReader>;
  /** Durable when it resolves (the file and its directory are synced). Throws StoreFullError. */
  finish(): Promise<Content>;
  /** Forgets what was written and removes the file; after finish() it does nothing, for the file is the store's then. */
  abort(): Promise<void>;
}
