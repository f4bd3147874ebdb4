// The words of taking mail out of the store: what is read of it, and what an export says at its end.

import type { ContentReader, FolderRow, MessageRow } from '../../mailstore/types.ts';
import type { NotTaken } from '../import-mail/types.ts';

export interface ExportStore {
  folders(mailbox: number): FolderRow[];
  subscriptions(mailbox: number): string[];
  messages(folder: number, afterUid: number, limit: number): MessageRow[];
  openContent(content: number): ContentReader;
}

export interface ExportedFolder {
  readonly name: string;
  /** Where it is now. */
  readonly path: string;
  readonly messages: number;
  readonly bytes: number;
  /** Read back and found equal, octet for octet. */
  readonly equal: number;
}

export interface ExportReport {
  readonly folders: readonly ExportedFolder[];
  readonly notTaken: readonly NotTaken[];
  readonly isComplete: boolean;
}

export type ExportProgress = (folder: string, done: number, count: number | undefined) => void;
