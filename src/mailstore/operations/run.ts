// One operation of a group, by its kind.

import { accept, queueUpdate, removeFromQueue, requeue } from './accept.ts';
import { acknowledgeMismatch } from './books.ts';
import {
  createFolder,
  deleteFolder,
  ensureMailbox,
  purge,
  recalculate,
  removeMailbox,
  renameFolder,
  subscribe,
} from './folders.ts';
import type { Group } from './group.ts';
import { finishImport, importFlags, importFolder, importMessages } from './imports.ts';
import { append, copy, expunge, storeFlags } from './messages.ts';
import type { WriteOperation, WriteResults } from './types.ts';

export function runOperation(group: Group, operation: WriteOperation): WriteResults[keyof WriteResults] {
  switch (operation.kind) {
    case 'accept':
      return accept(group, operation.accept);
    case 'append':
      return append(group, operation);
    case 'store-flags':
      return storeFlags(group, operation);
    case 'expunge':
      return expunge(group, operation);
    case 'copy':
      return copy(group, operation);
    case 'ensure-mailbox':
      return ensureMailbox(group, operation.mailbox);
    case 'create-folder':
      return createFolder(group, operation.mailbox, operation.name, operation.specialUse);
    case 'delete-folder':
      return deleteFolder(group, operation.mailbox, operation.name);
    case 'rename-folder':
      return renameFolder(group, operation.mailbox, operation.from, operation.to);
    case 'subscribe':
      return subscribe(group, operation.mailbox, operation.name, operation.subscribed);
    case 'remove-mailbox':
      return removeMailbox(group, operation.mailbox);
    case 'purge':
      return purge(group, operation.limit);
    case 'recalculate':
      return recalculate(group, operation.mailbox);
    case 'forget-once':
      group.sql('DELETE FROM once WHERE time < ?').run(operation.before);
      return undefined;
    case 'put-heads':
      return putHeads(group, operation.heads);
    case 'queue-update':
      return queueUpdate(group, operation);
    case 'requeue':
      return requeue(group, operation.requeue);
    case 'remove-from-queue':
      return removeFromQueue(group, operation.ids);
    case 'record-discarded':
      group.books.add('entered', operation.recipients);
      group.books.add('discarded', operation.recipients);
      return undefined;
    case 'acknowledge-mismatch':
      return acknowledgeMismatch(group);
    case 'import-folder':
      return importFolder(group, operation.folder);
    case 'import-messages':
      return importMessages(group, operation.folder, operation.messages);
    case 'import-flags':
      return importFlags(group, operation.folder, operation.changes);
    case 'import-finish':
      return finishImport(group, operation.folder, operation.specialUse);
  }
}

function putHeads(group: Group, heads: Extract<WriteOperation, { kind: 'put-heads' }>['heads']): undefined {
  for (const { content, head } of heads) {
    // The message may have been expunged since it was read.
    if (!group.sql('SELECT 1 FROM content WHERE id = ?').get(content)) continue;
    group
      .sql('INSERT OR REPLACE INTO head (content, envelope, structure) VALUES (?, ?, ?)')
      .run(content, head.envelope, head.structure);
  }
}
