// The words of importing: what somebody who brings mail from elsewhere (interop/import-mail/) hands to the store and gets
// back. How it is done, and what a crash leaves, stands in operations/imports.ts.

import type { Content } from './types.ts';

/** A folder of the source that is to be taken into one of a mailbox. */
export interface ImportFolder {
  readonly mailbox: number;
  /** As it is to be called here. */
  readonly name: string;
  /** Absent: the source has no lasting uids, and messages get new ones. */
  readonly uidValidity?: number | undefined;
  /** The uid that the source would give next. */
  readonly uidNext?: number | undefined;
  /** Mail that is here already makes room: it gets new uids behind those of the source. */
  readonly renumber?: boolean | undefined;
}

export interface ImportedFolder {
  readonly folder: number;
  readonly uidValidity: number;
  /** Nobody sees the folder until the import is finished. */
  readonly isStaged: boolean;
  /** Messages keep the uids that they have at the source. */
  readonly keepsUids: boolean;
}

export interface ImportMessage {
  readonly content: Content;
  /**
   * What the message is known by at its source: a message one of whose keys has been taken before is not taken again; by a
   * uidKey only where it has the same octets.
   */
  readonly keys: readonly string[];
  /** At the source; absent: it has none yet. */
  readonly uid?: number | undefined;
  readonly flags: readonly string[];
  readonly internalDate: number;
}

const uidKeyPrefix = 'u:';

/** By which it is known however it comes, from the files or by IMAP. Another server may have given the same to other mail. */
export function uidKey(uidValidity: number, uid: number): string {
  return `${uidKeyPrefix}${uidValidity}:${uid}`;
}

export function isUidKey(key: string): boolean {
  return key.startsWith(uidKeyPrefix);
}

export interface ImportedMessage {
  readonly uid: number;
  /** False: it had been taken before, and nothing was done. */
  readonly isNew: boolean;
  /** Keywords for which the folder has no room. */
  readonly lostKeywords: readonly string[];
}

/** The flags of a message as its source shows them now. */
export interface ImportFlagsChange {
  readonly key: string;
  readonly flags: readonly string[];
}

/** What is remembered of a message that has been taken. */
export interface ImportedRow {
  readonly key: string;
  readonly uid: number;
  /** As they were at the source when it was last looked at. */
  readonly flags: readonly string[];
  readonly sha256: Uint8Array;
}
