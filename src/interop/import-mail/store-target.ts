// Takes imported mail into a store that this process owns: the server's, or that of a data folder that no server uses.
// Small messages are gathered so that one commit serves many; a group stays small enough for the writer to be free again
// within a few milliseconds, since deliveries go first.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { ImportFlagsChange, ImportFolder, ImportMessage } from '../../mailstore/import-types.ts';
import type { SqliteMailstore } from '../../mailstore/store.ts';
import type { ImportTarget, NewMessage, OnStored } from './types.ts';

export type ImportStore = Pick<
  SqliteMailstore,
  'imports' | 'contentWriter' | 'whenUncongested' | 'setSubscribed' | 'ensureMailbox'
>;

const maxBatchMessages = 128;
const maxBatchBytes = 1024 * 1024;
/** Batches on their way to the disk; while they are, the next is read. */
const maxBatches = 3;

interface Gathered {
  readonly message: ImportMessage;
  readonly onStored: OnStored;
}

export class StoreTarget implements ImportTarget {
  readonly #store: ImportStore;
  #folder = 0;
  #batch: Gathered[] = [];
  #bytes = 0;
  #sending: Promise<void>[] = [];
  #failure: Error | undefined;

  constructor(store: ImportStore) {
    this.#store = store;
  }

  async folder(folder: ImportFolder) {
    await this.flush();
    return await this.#store.imports.folder(folder);
  }

  async add(message: NewMessage, chunks: AsyncIterable<Uint8Array>, onStored: OnStored): Promise<void> {
    if (message.folder !== this.#folder) this.#send();
    this.#folder = message.folder;
    await this.#store.whenUncongested();
    const writer = this.#store.contentWriter();
    try {
      for await (const chunk of chunks) await writer.write(chunk);
      const { keys, uid, flags, internalDate } = message;
      const content = await writer.finish();
      this.#batch.push({ message: { content, keys, uid, flags, internalDate }, onStored });
      this.#bytes += content.kind === 'inline' ? content.size : 0;
    } catch (error) {
      await writer.abort();
      throw error;
    }
    if (this.#batch.length >= maxBatchMessages || this.#bytes >= maxBatchBytes) this.#send();
    if (this.#sending.length >= maxBatches) await this.#sending[0];
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What is gathered goes out; nothing more comes at the moment. */
  push(): void {
    this.#send();
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    const folder = this.#folder;
    const sending = this.#store.imports
      .messages(
        folder,
        batch.map(({ message }) => message),
      )
      .then(
        (results) => {
          batch.forEach(({ onStored }, index) => {
            const result = results[index];
            if (result !== undefined) onStored(result);
          });
        },
        (error: unknown) => {
          this.#failure ??= error instanceof Error ? error : new TemporaryError(String(error));
        },
      )
      .finally(() => {
        this.#sending = this.#sending.filter((one) => one !== sending);
      });
    this.#sending.push(sending);
  }

  async flush(): Promise<void> {
    this.#send();
    await Promise.all(this.#sending);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async flags(folder: number, changes: readonly ImportFlagsChange[]): Promise<number> {
    await this.flush();
    return await this.#store.imports.flags(folder, changes);
  }

  async finish(folder: number, specialUse: string | undefined) {
    await this.flush();
    return await this.#store.imports.finish(folder, specialUse);
  }

  async subscribe(mailbox: number, name: string): Promise<void> {
    await this.#store.setSubscribed(mailbox, name, true);
  }

  async completeMailbox(mailbox: number): Promise<void> {
    await this.#store.ensureMailbox(mailbox);
  }

  async close(): Promise<void> {
    await this.flush();
  }
}
