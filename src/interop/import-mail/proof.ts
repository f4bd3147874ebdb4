// The proof at the end of an import: every message of the source against what the store gives back now, read octet by
// octet: number, size, SHA-256, uid and flags. A Maildir and an mbox are read again for it; of an IMAP server, what it
// sent the first time is compared by the digest taken as it came.

import { createHash } from 'node:crypto';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { systemFlags, type ContentReader } from '../../mailstore/types.ts';
import { findRow, type ImportReader, isSameFlags } from './known-messages.ts';
import { type OpenFolder, type SourceMessage, UnreadableMessage } from './types.ts';

export interface FolderProof {
  /** Messages of the source, and their octets with CRLF. */
  readonly messages: number;
  readonly bytes: number;
  /** Of these, those that are here, octet for octet. */
  readonly equal: number;
  readonly equalBytes: number;
  /** Under the same uid. */
  readonly sameUids: number;
  readonly sameFlags: number;
  /** Moved or deleted here since they were taken. */
  readonly goneHere: number;
  /** They came to the source after it was looked at: another run takes them. */
  readonly arrived: number;
  /** Labels of messages that differ or are missing. */
  readonly different: readonly string[];
  readonly isEqual: boolean;
}

interface Digest {
  readonly sha256: Buffer;
  readonly size: number;
}

const readBytes = 1024 * 1024;

export async function proveFolder(
  open: OpenFolder,
  folder: number,
  reader: ImportReader,
  tell: (count: number) => void,
): Promise<FolderProof> {
  const proof = new Tally(folder, reader);
  for await (const batch of open.messages()) {
    if (open.isRereadable) {
      for await (const body of open.bodies(batch)) {
        const digest = body.kind === 'message' ? await digestOf(body.chunks) : undefined;
        if (digest !== undefined) await proof.compare(body.message, digest);
        else if (body.kind !== 'gone') proof.missing(body.message);
        tell(1);
      }
      continue;
    }
    for (const message of batch) await proof.compare(message, undefined);
    tell(batch.length);
  }
  return proof.result();
}

class Tally {
  readonly #folder: number;
  readonly #reader: ImportReader;
  readonly #keywords: readonly string[];
  readonly #sums = {
    messages: 0,
    bytes: 0,
    equal: 0,
    equalBytes: 0,
    sameUids: 0,
    sameFlags: 0,
    goneHere: 0,
    arrived: 0,
  };
  readonly #different: string[] = [];

  constructor(folder: number, reader: ImportReader) {
    this.#folder = folder;
    this.#reader = reader;
    this.#keywords = reader.folder(folder)?.keywords ?? [];
  }

  missing({ label }: SourceMessage): void {
    this.#sums.messages++;
    this.#different.push(label);
  }

  async compare(source: SourceMessage, read: Digest | undefined): Promise<void> {
    const row = findRow(this.#reader, this.#folder, source);
    if (row === undefined) {
      this.#sums.arrived++;
      return;
    }
    const sums = this.#sums;
    sums.messages++;
    const message = this.#reader.message(this.#folder, row.uid);
    if (message === undefined) {
      sums.goneHere++;
      return;
    }
    const here = await this.#digestHere(message.content);
    const there = read ?? { sha256: Buffer.from(row.sha256), size: source.size ?? here?.size ?? 0 };
    sums.bytes += there.size;
    if (here === undefined || here.size !== there.size || !here.sha256.equals(there.sha256)) {
      this.#different.push(source.label);
      return;
    }
    sums.equal++;
    sums.equalBytes += here.size;
    if (source.uid === row.uid) sums.sameUids++;
    if (isSameFlags(this.#flagNames(message.flags), source.flags)) sums.sameFlags++;
  }

  #flagNames(bits: number): string[] {
    return [...systemFlags, ...this.#keywords].filter((_, index) => Math.floor(bits / 2 ** index) % 2 === 1);
  }

  async #digestHere(content: number): Promise<Digest | undefined> {
    let reader: ContentReader | undefined;
    try {
      reader = this.#reader.openContent(content);
      const hash = createHash('sha256');
      for (let from = 0; from < reader.size; from += readBytes) hash.update(await reader.read(from, from + readBytes));
      return { sha256: hash.digest(), size: reader.size };
    } catch (error) {
      // The store's own checksum is wrong, or the file is missing: this is what a proof is for.
      if (error instanceof TemporaryError) return undefined;
      throw error;
    } finally {
      await reader?.close();
    }
  }

  result(): FolderProof {
    return { ...this.#sums, different: this.#different, isEqual: this.#different.length === 0 };
  }
}

/** Undefined where it cannot be read to its end. */
async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<Digest | undefined> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined;
    throw error;
  }
  return { sha256: hash.digest(), size };
}
