// Hands imported mail to the server that owns the store, over the socket of its data folder.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { ImportedFolder, ImportedMessage, ImportFlagsChange, ImportFolder } from '../../mailstore/import-types.ts';
import { FrameReader, maxFrameBytes, parseJson, printFrame, printJsonFrame } from './frames.ts';
import type { Answer, Question } from './questions.ts';
import type { ImportTarget, NewMessage, OnStored } from './types.ts';

/** Messages that the server has not stored yet: enough for it to fill its commits. */
const maxWaiting = 256;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class RemoteTarget implements ImportTarget {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #messages = new Set<Promise<void>>();
  #failure: Error | undefined;
  #id = 0;
  #isClosing = false;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('drain', () => this.#wake());
    void this.#read();
  }

  /** Undefined where no server listens. */
  static async open(socketPath: string): Promise<RemoteTarget | undefined> {
    const socket = net.connect(socketPath);
    try {
      await once(socket, 'connect');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
      throw error;
    }
    return new RemoteTarget(socket);
  }

  async #read(): Promise<void> {
    let why = 'the server ended before everything was stored; start it and run this again: it goes on where it was';
    try {
      const reader = new FrameReader(this.#socket);
      for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
        this.#settle(parseJson(frame.bytes) as Answer);
      }
    } catch (error) {
      why = `the connection to the server broke (${String(error)}); run this again: it goes on where it was`;
    }
    if (!this.#isClosing) this.#fail(new TemporaryError(why));
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting === undefined) return;
    if ('error' in answer) waiting.reject(new TemporaryError(answer.error));
    else waiting.resolve(answer.value as never);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#wake();
  }

  #answer<T>(id: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
    });
  }

  async #send(frame: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#socket.write(frame) || this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #ask<T>(question: Question): Promise<T> {
    await this.flush();
    const id = ++this.#id;
    const answer = this.#answer<T>(id);
    answer.catch(() => undefined);
    await this.#send(printJsonFrame('R', { id, ...question }));
    return await answer;
  }

  folder(folder: ImportFolder): Promise<ImportedFolder> {
    return this.#ask({ op: 'folder', folder });
  }

  async add(message: NewMessage, chunks: AsyncIterable<Uint8Array>, onStored: OnStored): Promise<void> {
    const id = ++this.#id;
    await this.#send(printJsonFrame('M', { id, message }));
    const hash = createHash('sha256');
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        for (let at = 0; at < chunk.length; at += maxFrameBytes) {
          await this.#send(printFrame('D', chunk.subarray(at, at + maxFrameBytes)));
        }
      }
    } catch (error) {
      if (this.#failure === undefined) await this.#send(printFrame('X', Buffer.alloc(0)));
      throw error;
    }
    this.#follow(this.#answer<ImportedMessage>(id).then(onStored));
    await this.#send(printJsonFrame('E', { sha256: hash.digest('hex') }));
    while (this.#messages.size >= maxWaiting) await Promise.race(this.#messages);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #follow(stored: Promise<void>): void {
    const followed = stored.catch((error: unknown) => {
      this.#failure ??= error as Error;
    });
    const ended = followed.finally(() => this.#messages.delete(ended));
    this.#messages.add(ended);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#messages);
    if (this.#failure !== undefined) throw this.#failure;
  }

  flags(folder: number, changes: readonly ImportFlagsChange[]): Promise<number> {
    return this.#ask({ op: 'flags', folder, changes });
  }

  finish(folder: number, specialUse: string | undefined): Promise<{ readonly moved: number }> {
    return this.#ask({ op: 'finish', folder, specialUse });
  }

  subscribe(mailbox: number, name: string): Promise<void> {
    return this.#ask({ op: 'subscribe', mailbox, name });
  }

  completeMailbox(mailbox: number): Promise<void> {
    return this.#ask({ op: 'complete', mailbox });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#socket.end();
    this.#socket.destroySoon();
  }
}
