// Writes one message into a Maildir (https://cr.yp.to/proto/maildir.html) as Postfix's virtual(8) and local(8) do: a file
// in tmp/, synced, linked into new/, and gone from tmp/. Every step is one synchronous call, so that a helper may take
// them under the uid of the mailbox's owner and do other things in between.
//
// The name is made of what is delivered and not of the moment: whoever delivers a message again because it cannot know
// whether it was delivered (its process was killed) finds the file that the first attempt left.

import { closeSync, fsyncSync, linkSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolders } from '../lib/make-folders.ts';

let count = 0;
const folderMode = 0o700;
const fileMode = 0o600;

export interface MaildirDelivery {
  /** The Maildir; it is made where it is missing. */
  readonly folder: string;
  /** The file's name, unique for this delivery: no `/` and no `:`. */
  readonly name: string;
  /** Look for a copy that an attempt before has left. */
  readonly isRepeated: boolean;
}

/** Throws the system's errors (ENOSPC, EDQUOT, EACCES ...), whose `code` says what to do. */
export class MaildirMessage {
  readonly #delivery: MaildirDelivery;
  readonly #temporary: string;
  #handle: number | undefined;

  private constructor(delivery: MaildirDelivery, temporary: string, handle: number) {
    this.#delivery = delivery;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /** Undefined where the message is there already. */
  static open(delivery: MaildirDelivery): MaildirMessage | undefined {
    if (delivery.isRepeated) {
      syncNames(delivery.folder);
      if (isDelivered(delivery)) return undefined;
    }
    // Of this attempt alone: the helper of a killed server may still be at the same message.
    const temporary = join(delivery.folder, 'tmp', `${delivery.name}.P${process.pid}C${++count}`);
    return new MaildirMessage(delivery, temporary, openNew(temporary));
  }

  get handle(): number {
    if (this.#handle === undefined) throw new Error('the message is closed');
    return this.#handle;
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.handle, chunk, at);
  }

  /** After the file is synced: shows it. What is returned is to be synced, for the name to be durable, and closed. */
  publish(): number {
    const { folder, name } = this.#delivery;
    const shown = join(folder, 'new');
    this.#close();
    try {
      link(this.#temporary, join(shown, name), folder);
    } finally {
      unlinkSync(this.#temporary);
    }
    return openSync(shown, 'r');
  }

  abort(): void {
    if (this.#handle === undefined) return;
    this.#close();
    unlinkSync(this.#temporary);
  }

  #close(): void {
    const handle = this.handle;
    this.#handle = undefined;
    closeSync(handle);
  }
}

function openNew(file: string): number {
  try {
    return openSync(file, 'wx', fileMode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    makeFolder(dirname(file));
  }
  return openSync(file, 'wx', fileMode);
}

function link(from: string, to: string, folder: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another attempt came first.
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    for (const name of ['cur', 'new']) makeFolder(join(folder, name));
    linkSync(from, to);
  }
}

/** Durable when it returns, with every folder above it that was missing: a synced file in an unsynced folder can be lost. */
function makeFolder(folder: string): void {
  const first = makeFolders(folder, folderMode);
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) trySyncFolder(dirname(made));
}

/** What an attempt before has made and shown, and was ended before it could sync. */
function syncNames(folder: string): void {
  for (const one of [dirname(folder), folder, join(folder, 'new'), join(folder, 'cur')]) trySyncFolder(one);
}

function trySyncFolder(folder: string): void {
  try {
    syncFolder(folder);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Not made yet. Or its users may write there and not read: then it cannot be synced by them.
    if (code !== 'ENOENT' && code !== 'EACCES') throw error;
  }
}

/** Unseen it is in new/, seen in cur/ under its name, `:2,` and flags. */
function isDelivered({ folder, name }: MaildirDelivery): boolean {
  return ['new', 'cur'].some((part) => {
    try {
      return readdirSync(join(folder, part)).some((file) => file === name || file.startsWith(`${name}:`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  });
}

/** A new name in it is durable. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
