// What an importing command asks of the server, and what it hears.

import type { ImportFlagsChange, ImportFolder } from '../../mailstore/import-types.ts';

export type Question =
  | { readonly op: 'folder'; readonly folder: ImportFolder }
  | { readonly op: 'flags'; readonly folder: number; readonly changes: readonly ImportFlagsChange[] }
  | { readonly op: 'finish'; readonly folder: number; readonly specialUse?: string | undefined }
  | { readonly op: 'subscribe'; readonly mailbox: number; readonly name: string }
  | { readonly op: 'complete'; readonly mailbox: number };

export type Answer =
  | { readonly id: number; readonly value?: unknown }
  | { readonly id: number; readonly error: string };
