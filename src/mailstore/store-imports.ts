// Importing, seen from the main thread: whole batches go to the writer as bulk work, so that a delivery never waits behind an
// import (group-dispatcher.ts), and what was not needed leaves no file.

import type { GroupDispatcher } from './group-dispatcher.ts';
import type {
  ImportedFolder,
  ImportedMessage,
  ImportFlagsChange,
  ImportFolder,
  ImportMessage,
} from './import-types.ts';
import { Packer } from './packer.ts';
import { type Content, StoreFullError, StoreRefusedError } from './types.ts';

export class StoreImports {
  readonly #dispatcher: Pick<GroupDispatcher, 'submit'>;
  readonly #removeFile: (place: string) => Promise<void>;
  readonly #purge: () => void;

  /** `purge`: a folder may have been replaced by an imported one. */
  constructor(
    dispatcher: Pick<GroupDispatcher, 'submit'>,
    removeFile: (place: string) => Promise<void>,
    purge: () => void,
  ) {
    this.#dispatcher = dispatcher;
    this.#removeFile = removeFile;
    this.#purge = purge;
  }

  async folder(folder: ImportFolder): Promise<ImportedFolder> {
    const begun = await this.#dispatcher.submit<'import-folder'>({ kind: 'import-folder', folder });
    this.#purge();
    return begun;
  }

  /** In order; durable when it resolves. */
  async messages(folder: number, messages: readonly ImportMessage[]): Promise<readonly ImportedMessage[]> {
    const packer = new Packer();
    const packed = messages.map(({ content, ...rest }) => ({ ...rest, content: packer.content(content) }));
    try {
      const operation = { kind: 'import-messages', folder, messages: packed } as const;
      const results = await this.#dispatcher.submit<'import-messages'>(operation, packer);
      await this.#drop(messages.flatMap(({ content }, index) => (results[index]?.isNew ? [] : [content])));
      return results;
    } catch (error) {
      // Where the outcome is unknown the files stay.
      if (error instanceof StoreFullError || error instanceof StoreRefusedError) {
        await this.#drop(messages.map(({ content }) => content));
      }
      throw error;
    }
  }

  flags(folder: number, changes: readonly ImportFlagsChange[]): Promise<number> {
    return this.#dispatcher.submit<'import-flags'>({ kind: 'import-flags', folder, changes });
  }

  /** Shows a folder that was built out of sight; gives how many messages that had come meanwhile got new uids. */
  async finish(folder: number, specialUse?: string): Promise<{ readonly moved: number }> {
    const operation = { kind: 'import-finish', folder, specialUse } as const;
    const finished = await this.#dispatcher.submit<'import-finish'>(operation);
    this.#purge();
    return finished;
  }

  async #drop(contents: readonly Content[]): Promise<void> {
    for (const content of contents) {
      if (content.kind === 'file') await this.#removeFile(content.place).catch(() => undefined);
    }
  }
}
