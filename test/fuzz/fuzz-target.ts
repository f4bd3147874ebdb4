// Fuzzes one target in a worker, with a watchdog: an input that takes longer than the limit is a hang.

import { Worker } from 'node:worker_threads';
import type { FuzzFinding, FuzzOrder } from './fuzz-worker.ts';
import { makeInput } from './mutate.ts';
import { findTarget } from './targets.ts';

export interface FuzzOptions {
  readonly target: string;
  readonly seed: number;
  readonly count: number;
  readonly from?: number;
  /** Far above what any input may take, since the machine may be busy. */
  readonly hangMilliseconds?: number;
}

export interface FuzzFailure {
  readonly target: string;
  readonly seed: number;
  readonly number: number;
  readonly input: Buffer;
  readonly error: string;
}

/** Undefined when every input returned or was refused as documented. */
export async function fuzzTarget(options: FuzzOptions): Promise<FuzzFailure | undefined> {
  const { target, seed, count, from = 0, hangMilliseconds = 5_000 } = options;
  const progress = new SharedArrayBuffer(4);
  const order: FuzzOrder = { target, seed, from, count, progress };
  const worker = new Worker(new URL('fuzz-worker.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const at = new Int32Array(progress);
  let last = -1;
  let since = performance.now();
  const finding = await new Promise<FuzzFinding | undefined>((resolve) => {
    const watchdog = setInterval(() => {
      const number = Atomics.load(at, 0);
      if (number !== last) {
        last = number;
        since = performance.now();
      } else if (performance.now() - since > hangMilliseconds) {
        end({ number, error: `hangs: not done after ${hangMilliseconds} ms` });
      }
    }, 100);
    const end = (result: FuzzFinding | undefined) => {
      clearInterval(watchdog);
      resolve(result);
    };
    worker.once('message', end);
    worker.once('error', (error) => end({ number: Atomics.load(at, 0), error: `ends the thread: ${String(error)}` }));
  });
  await worker.terminate();
  if (!finding) return undefined;
  return { target, seed, ...finding, input: makeInput(findTarget(target), seed, finding.number) };
}

export function formatFailure({ target, seed, number, input, error }: FuzzFailure): string {
  const shown =
    input.length > 600
      ? `${JSON.stringify(input.toString('latin1', 0, 600))}…`
      : JSON.stringify(input.toString('latin1'));
  return (
    `${target}: input ${number} of seed ${seed} (${input.length} octets): ${error}\n  ${shown}\n` +
    `  again: npm run fuzz -- --target ${target} --seed ${seed} --from ${number} --inputs 1`
  );
}
