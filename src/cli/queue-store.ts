// What the queue commands share: the data folder of a configuration, its store read beside a running server, what the
// server has in its hands, and changes asked of it in pieces.

import fs from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { openMaildropFile, maildropFolder } from '../queue/maildrop.ts';
import type { QueueChange } from '../queue/queue-changes.ts';
import { openStoreReader, storeFile } from '../mailstore/store-reader.ts';
import { expiredByForce, type QueueMessage } from '../mailstore/types.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';

export const queueNames = ['maildrop', 'incoming', 'active', 'deferred', 'hold'] as const;
export type QueueName = (typeof queueNames)[number];

export interface ListedMessage {
  readonly queue: QueueName;
  readonly id: string;
  readonly arrival: number;
  readonly size: number;
  readonly isExpired: boolean;
  readonly sender: string;
  readonly recipients: readonly { readonly recipient: string; readonly reason: string }[];
  /** Absent in the maildrop. */
  readonly row?: QueueMessage;
}

const pageLength = 200;

export async function queueFolder(context: CommandContext): Promise<string> {
  return dataDirectoryOf(await loadConfiguration(context.configDirectory));
}

/** Throws CommandError where the store is not for this user's eyes. */
export function refuseStranger(dataDirectory: string): void {
  for (const [entry, mode] of [
    [dataDirectory, fs.constants.X_OK],
    [path.join(dataDirectory, storeFile), fs.constants.R_OK],
  ] as const) {
    try {
      fs.accessSync(entry, mode);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') continue;
      const { username, uid } = userInfo();
      throw new CommandError(`User ${username}(${uid}) is not allowed to view the mail queue`);
    }
  }
}

/** What the server is sending; nothing where none runs. */
export async function activeIds(dataDirectory: string): Promise<ReadonlySet<string>> {
  try {
    return new Set((await controlRequest(dataDirectory, { command: 'queue-active' })) as string[]);
  } catch (error) {
    if (error instanceof CommandError) return new Set();
    throw error;
  }
}

/** All that waits: first what no server has taken yet, then by queue id, oldest first. */
export async function* listQueue(dataDirectory: string): AsyncIterable<ListedMessage> {
  refuseStranger(dataDirectory);
  yield* listMaildrop(path.join(dataDirectory, maildropFolder));
  const active = await activeIds(dataDirectory);
  const store = openStoreReader(dataDirectory);
  try {
    for (let after = ''; ; ) {
      const page = store?.queueList(after, pageLength) ?? [];
      for (const message of page) yield listed(message, active.has(message.id));
      const last = page.at(-1);
      if (last === undefined || page.length < pageLength) return;
      after = last.id;
    }
  } finally {
    store?.close();
  }
}

function listed(row: QueueMessage, isActive: boolean): ListedMessage {
  // As showq(8): those whom an attempt has put off, then those that have not been tried.
  const tried = row.recipients.filter(({ reason }) => reason !== '');
  return {
    queue: queueOf(row, isActive),
    id: row.id,
    arrival: row.arrival,
    size: row.size,
    isExpired: row.nextAttempt === expiredByForce,
    sender: row.sender,
    recipients: [...tried, ...row.recipients.filter(({ reason }) => reason === '')],
    row,
  };
}

/** Held mail of which a last delivery still runs is on hold. */
export function queueOf({ hold, attempts }: { hold: boolean; attempts: number }, isActive: boolean): QueueName {
  if (hold) return 'hold';
  if (isActive) return 'active';
  return attempts > 0 ? 'deferred' : 'incoming';
}

/** What cannot be read is the server's trouble, and left out. */
async function* listMaildrop(folder: string): AsyncIterable<ListedMessage> {
  let names: string[];
  try {
    names = fs.readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return;
  }
  for (const name of names.toSorted()) {
    try {
      const { envelope, size, handle } = await openMaildropFile(path.join(folder, name));
      const { mtimeMs } = await handle.stat();
      await handle.close();
      const recipients = envelope.recipients.map((recipient) => ({ recipient, reason: '' }));
      const { sender } = envelope;
      yield { queue: 'maildrop', id: name, arrival: mtimeMs, size, isExpired: false, sender, recipients };
    } catch {}
  }
}

/** Ids of the queued messages of these queues, a page at a time. */
export async function* idsOf(dataDirectory: string, queues: ReadonlySet<string>): AsyncIterable<string> {
  for await (const { queue, id, row } of listQueue(dataDirectory)) if (row !== undefined && queues.has(queue)) yield id;
}

export function isQueueId(id: string): boolean {
  return /^\w{1,100}$/.test(id);
}

/** Asks the server for a change, at most `pageLength` messages at a time; tells of each, in order, whether it was changed. */
export async function changeQueue(
  dataDirectory: string,
  change: QueueChange,
  ids: AsyncIterable<string> | Iterable<string>,
  tell: (id: string, isChanged: boolean) => void = () => undefined,
): Promise<number> {
  let count = 0;
  let batch: string[] = [];
  const send = async (): Promise<void> => {
    const request = { command: 'queue-change', change, ids: batch.filter(isQueueId) } as const;
    const done = new Set((await controlRequest(dataDirectory, request)) as string[]);
    count += done.size;
    for (const id of batch) tell(id, done.delete(id));
    batch = [];
  };
  for await (const id of ids) if (batch.push(id) >= pageLength) await send();
  // Without a message, too: whether a server runs is to be known.
  if (batch.length > 0 || count === 0) await send();
  return count;
}
