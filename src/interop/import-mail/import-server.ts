// The server's end of an import: takes what remote-target.ts sends and puts it into the store. One connection is one import;
// what it has handed in when it ends is stored.

import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { type Frame, FrameReader, parseJson, printJsonFrame } from './frames.ts';
import type { Answer, Question } from './questions.ts';
import { type ImportStore, StoreTarget } from './store-target.ts';
import { type NewMessage, UnreadableMessage } from './types.ts';

/** Of imports at once: each has a few messages in memory. */
const maxConnections = 8;

export class ImportServer {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /** The data folder's lock must be held, since a socket left behind is removed. */
  static async open(socketPath: string, store: ImportStore): Promise<ImportServer> {
    fs.rmSync(socketPath, { force: true });
    const server = new ImportServer(net.createServer());
    server.#server.maxConnections = maxConnections;
    server.#server.on('connection', (socket) => void server.#serve(socket, store));
    // A worker thread, as the test runner's, may not set it.
    const umask = isMainThread ? process.umask(0o077) : undefined;
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(socketPath, resolve);
    }).finally(() => {
      if (umask !== undefined) process.umask(umask);
    });
    return server;
  }

  async #serve(socket: net.Socket, store: ImportStore): Promise<void> {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    try {
      await new ImportSession(socket, store).run();
    } catch {
      // The command has gone, or spoke something else: what it had handed in whole is stored.
    } finally {
      socket.destroy();
      this.#sockets.delete(socket);
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

class ImportSession {
  readonly #socket: net.Socket;
  readonly #target: StoreTarget;
  readonly #reader: FrameReader;

  constructor(socket: net.Socket, store: ImportStore) {
    this.#socket = socket;
    this.#target = new StoreTarget(store);
    this.#reader = new FrameReader(socket, () => this.#target.push());
  }

  async run(): Promise<void> {
    for (let frame = await this.#reader.next(); frame !== undefined; frame = await this.#reader.next()) {
      if (frame.kind === 'M') await this.#takeMessage(frame);
      else if (frame.kind === 'R') await this.#answerQuestion(frame);
      // D, E and X of a message that has failed are passed over.
    }
    await this.#target.flush();
  }

  #say(answer: Answer): void {
    this.#socket.write(printJsonFrame('A', answer));
  }

  async #takeMessage({ bytes }: Frame): Promise<void> {
    const { id, message } = parseJson(bytes) as { id: number; message: NewMessage };
    try {
      await this.#target.add(message, this.#body(), (value) => this.#say({ id, value }));
    } catch (error) {
      this.#say({ id, error: wordsOf(error) });
    }
  }

  async *#body(): AsyncIterable<Uint8Array> {
    const hash = createHash('sha256');
    for (let frame = await this.#reader.next(); frame !== undefined; frame = await this.#reader.next()) {
      if (frame.kind === 'E') return checkDigest(hash, frame);
      if (frame.kind !== 'D') throw new UnreadableMessage('given up by the command');
      hash.update(frame.bytes);
      // The reader goes on in the same memory only with the next piece: the writer may keep this one.
      yield frame.bytes;
    }
    throw new Error('the command ended');
  }

  async #answerQuestion({ bytes }: Frame): Promise<void> {
    const question = parseJson(bytes) as Question & { id: number };
    const { id } = question;
    try {
      this.#say({ id, value: await this.#ask(question) });
    } catch (error) {
      this.#say({ id, error: wordsOf(error) });
    }
  }

  #ask(question: Question): Promise<unknown> {
    switch (question.op) {
      case 'folder':
        return this.#target.folder(question.folder);
      case 'flags':
        return this.#target.flags(question.folder, question.changes);
      case 'finish':
        return this.#target.finish(question.folder, question.specialUse);
      case 'subscribe':
        return this.#target.subscribe(question.mailbox, question.name);
      case 'complete':
        return this.#target.completeMailbox(question.mailbox);
    }
  }
}

function checkDigest(hash: Hash, { bytes }: Frame): void {
  const { sha256 } = parseJson(bytes) as { sha256: string };
  if (hash.digest('hex') !== sha256) throw new Error('a message was damaged on its way to the server');
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
