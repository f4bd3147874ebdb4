// Gathers write operations into groups for the writer thread: while one group is being committed, the next
// one collects, so that one disk flush serves everybody who waited. Deliveries and dequeues go before bulk
// work (flags, expunge, cached heads), which fills what room is left. Bytes that wait are bounded: above the
// limit callers are told to pause their sockets.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { WriteOperation, WriteResult, WriteResults } from './operations/types.ts';
import type { Packer, Part } from './packer.ts';
import { type FolderChange, StoreFullError, StoreRefusedError } from './types.ts';

const maxGroupOperations = 256;
const maxGroupBytes = 1024 * 1024;
const maxWaitingBytes = 32 * 1024 * 1024;

interface Waiting {
  readonly operation: WriteOperation;
  readonly parts: readonly Part[];
  readonly bytes: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

const bulkKinds: ReadonlySet<WriteOperation['kind']> = new Set([
  'store-flags',
  'expunge',
  'purge',
  'put-heads',
  'recalculate',
  'import-messages',
  'import-flags',
]);

export class GroupDispatcher {
  readonly #send: (operations: WriteOperation[], bytes: Uint8Array) => void;
  readonly #urgent: Waiting[] = [];
  readonly #bulk: Waiting[] = [];
  #running: Waiting[] | undefined;
  #scheduled = false;
  #waitingBytes = 0;
  #broken: Error | undefined;
  #uncongested: (() => void)[] = [];
  #whenIdle: (() => void)[] = [];

  /** `send` hands a group to the writer, which answers through finish(). */
  constructor(send: (operations: WriteOperation[], bytes: Uint8Array) => void) {
    this.#send = send;
  }

  submit<K extends keyof WriteResults>(
    operation: Extract<WriteOperation, { kind: K }>,
    packer?: Packer,
  ): Promise<WriteResults[K]> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise<WriteResults[K]>((resolve, reject) => {
      const parts = packer?.parts ?? [];
      let bytes = 256;
      for (const part of parts) bytes += part.data.length;
      const waiting = { operation, parts, bytes, resolve: resolve as (value: never) => void, reject };
      (bulkKinds.has(operation.kind) ? this.#bulk : this.#urgent).push(waiting);
      this.#waitingBytes += bytes;
      this.#schedule();
    });
  }

  get isCongested(): boolean {
    return this.#waitingBytes > maxWaitingBytes;
  }

  whenUncongested(): Promise<void> {
    if (!this.isCongested) return Promise.resolve();
    return new Promise((resolve) => this.#uncongested.push(resolve));
  }

  /** Resolves when nothing waits and nothing runs. */
  whenIdle(): Promise<void> {
    if (!this.#running && this.#urgent.length + this.#bulk.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** What arrives in this turn of the event loop goes into one group. */
  #schedule(): void {
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#running || this.#broken) return;
    const group: Waiting[] = [];
    take(this.#urgent, group);
    // One piece of bulk work a group: each takes the writer a few milliseconds.
    const bulk = this.#bulk.shift();
    if (bulk) group.push(bulk);
    if (group.length === 0) return;
    this.#running = group;
    this.#send(
      group.map((waiting) => waiting.operation),
      pack(group),
    );
  }

  /** The writer's answer: `notify` is called before the callers' promises resolve. */
  finish(
    results: readonly WriteResult[],
    changes: readonly FolderChange[],
    notify: (changes: readonly FolderChange[]) => void,
  ): void {
    const group = this.#running ?? [];
    this.#running = undefined;
    if (this.#urgent.length + this.#bulk.length > 0) this.#schedule();
    if (changes.length > 0) notify(changes);
    group.forEach((waiting, index) => {
      this.#waitingBytes -= waiting.bytes;
      settle(waiting, results[index]);
    });
    if (!this.isCongested) for (const resolve of this.#uncongested.splice(0)) resolve();
    if (!this.#running && !this.#scheduled) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Everybody who waits, and who comes, hears that the outcome is unknown. */
  break(error: Error): void {
    this.#broken = error;
    const all = [...(this.#running ?? []), ...this.#urgent.splice(0), ...this.#bulk.splice(0)];
    this.#running = undefined;
    this.#waitingBytes = 0;
    for (const waiting of all) waiting.reject(error);
    for (const resolve of [...this.#uncongested.splice(0), ...this.#whenIdle.splice(0)]) resolve();
  }
}

function take(from: Waiting[], group: Waiting[]): void {
  let bytes = 0;
  let count = 0;
  for (const waiting of from) {
    if (count >= maxGroupOperations || (count > 0 && bytes + waiting.bytes > maxGroupBytes)) break;
    bytes += waiting.bytes;
    count++;
  }
  group.push(...from.splice(0, count));
}

function pack(group: readonly Waiting[]): Uint8Array<ArrayBuffer> {
  let total = 0;
  for (const waiting of group) for (const part of waiting.parts) total += part.data.length;
  const bytes = new Uint8Array(new ArrayBuffer(total));
  let offset = 0;
  for (const waiting of group) {
    for (const { slice, data } of waiting.parts) {
      slice.offset = offset;
      bytes.set(data, offset);
      offset += data.length;
    }
  }
  return bytes;
}

function settle(waiting: Waiting, result: WriteResult | undefined): void {
  if (result?.kind === 'done') waiting.resolve(result.value as never);
  else if (result?.kind === 'refused') waiting.reject(new StoreRefusedError(result.refusal, result.message));
  else if (result?.kind === 'full') waiting.reject(new StoreFullError('the disk is full'));
  else waiting.reject(new TemporaryError(`store: ${result?.message ?? 'no answer from the writer'}`));
}
