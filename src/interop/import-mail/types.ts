// The words of importing mail: what each kind of source (a Maildir, an mbox, an account on an IMAP server) gives, and what
// takes it (store-target.ts within the server or without one, remote-target.ts through the server's socket).

import type { ImportedFolder, ImportedMessage, ImportFlagsChange, ImportFolder } from '../../mailstore/import-types.ts';

/** Something of the source that is not here afterwards, and why. */
export interface NotTaken {
  /** A file, a folder, a setting, as its owner knows it. */
  readonly what: string;
  readonly why: string;
  /** Mail: its absence makes the import incomplete. */
  readonly isMail: boolean;
}

export interface MailSource {
  /** What it is, for people: `Maildir /srv/vmail/example.com/anna`. */
  readonly name: string;
  folders(): Promise<readonly SourceFolder[]>;
  /** Names of the source's own, level by level; undefined: it keeps none. */
  subscriptions(): Promise<readonly (readonly string[])[] | undefined>;
  /** Grows while folders are read. */
  readonly notTaken: readonly NotTaken[];
  close(): Promise<void>;
}

export interface SourceFolder {
  /** None for the INBOX. */
  readonly levels: readonly string[];
  /** RFC 6154, where the source says. */
  readonly specialUse?: string | undefined;
  /** Begins a reading: from then on its messages can be asked for. */
  open(): Promise<OpenFolder>;
}

export interface OpenFolder {
  readonly uidValidity?: number | undefined;
  readonly uidNext?: number | undefined;
  /** Of messages, where it is known before they are read. */
  readonly count?: number | undefined;
  /** In the order in which they came, a few hundred at a time. */
  messages(): AsyncIterable<readonly SourceMessage[]>;
  /** The bytes of these, in their order. */
  bodies(messages: readonly SourceMessage[]): AsyncIterable<SourceBody>;
  /** The source can be read again at no cost, and so is, for the proof. */
  readonly isRereadable: boolean;
  close(): Promise<void>;
}

export interface SourceMessage {
  /** What it is known by, whenever it is met again. */
  readonly keys: readonly string[];
  readonly uid?: number | undefined;
  readonly flags: readonly string[];
  /** For people. */
  readonly label: string;
  /** Octets with CRLF, where the source says. */
  readonly size?: number | undefined;
}

export type SourceBody =
  | {
      readonly kind: 'message';
      readonly message: SourceMessage;
      readonly internalDate: number;
      /** With CRLF. Throws UnreadableMessage where it turns out that it cannot be read. */
      readonly chunks: AsyncIterable<Uint8Array>;
    }
  /** It is not taken. */
  | { readonly kind: 'unreadable'; readonly message: SourceMessage; readonly why: string }
  /** It was deleted there while we looked. */
  | { readonly kind: 'gone'; readonly message: SourceMessage };

/** This message, and no other, cannot be taken. */
export class UnreadableMessage extends Error {
  override name = 'UnreadableMessage';
}

export interface NewMessage {
  readonly folder: number;
  readonly keys: readonly string[];
  readonly uid?: number | undefined;
  readonly flags: readonly string[];
  readonly internalDate: number;
}

export type OnStored = (result: ImportedMessage) => void;

export interface ImportTarget {
  folder(folder: ImportFolder): Promise<ImportedFolder>;
  /** Resolves when the next may come. `onStored` is called when the message is durable, in order. */
  add(message: NewMessage, chunks: AsyncIterable<Uint8Array>, onStored: OnStored): Promise<void>;
  /** Everything that was added is durable, or this throws. */
  flush(): Promise<void>;
  flags(folder: number, changes: readonly ImportFlagsChange[]): Promise<number>;
  finish(folder: number, specialUse: string | undefined): Promise<{ readonly moved: number }>;
  subscribe(mailbox: number, name: string): Promise<void>;
  /** Makes the folders that every mailbox has, where they are missing. */
  completeMailbox(mailbox: number): Promise<void>;
  close(): Promise<void>;
}
