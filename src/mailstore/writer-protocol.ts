// The messages between the main thread and the writer thread.

import type { Synchronous } from '../database/sqlite.ts';
import type { WriteOperation, WriteResult } from './operations/types.ts';
import type { FolderChange } from './types.ts';

export interface WriterData {
  readonly file: string;
  readonly folder: string;
  readonly synchronous: Synchronous;
  readonly checkpointState: SharedArrayBuffer;
}

export type WriterRequest =
  | { readonly kind: 'group'; readonly operations: readonly WriteOperation[]; readonly bytes: Uint8Array }
  | { readonly kind: 'idle' }
  | { readonly kind: 'close' };

export type WriterMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly results: WriteResult[];
      readonly changes: FolderChange[];
      /** How long the transaction took. */
      readonly milliseconds: number;
    }
  /** Pages were written that no group asked for. */
  | { readonly kind: 'tidied' }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'closed' };
