// Runs the inputs of one target in a thread of its own, so that one that never ends can be ended. Tells the number
// of the input that it is at through shared memory; stops at the first finding.

import { parentPort, workerData } from 'node:worker_threads';
import { runInput } from './run-input.ts';
import { findTarget } from './targets.ts';

export interface FuzzOrder {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** One Int32: the input at work. */
  readonly progress: SharedArrayBuffer;
}

/** Undefined: all inputs did what they should. */
export interface FuzzFinding {
  readonly number: number;
  readonly error: string;
}

const order = workerData as FuzzOrder;
const progress = new Int32Array(order.progress);
const target = findTarget(order.target);
let finding: FuzzFinding | undefined;
for (let number = order.from; number < order.from + order.count; number++) {
  Atomics.store(progress, 0, number);
  const error = runInput(target, order.seed, number);
  if (error !== undefined) {
    finding = { number, error };
    break;
  }
}
parentPort?.postMessage(finding);
