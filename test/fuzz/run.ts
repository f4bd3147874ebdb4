// npm run fuzz -- [--inputs 1000000] [--target NAME] [--seed N] [--from N]
// Each parser with so many inputs; every one must return or be refused as documented, and end. Exit status 1 when
// one did not, with the input and the command that makes it again.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { formatFailure, fuzzTarget } from './fuzz-target.ts';
import { findTarget, targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});

const count = Number(values.inputs);
const seed = Number(values.seed);
const from = Number(values.from);
const waiting = (values.target === undefined ? targets : [findTarget(values.target)]).map((target) => target.name);
console.log(`${count} inputs for each of ${waiting.join(', ')}; seed ${seed}`);

let failures = 0;
async function takeTargets(): Promise<void> {
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    const started = performance.now();
    const failure = await fuzzTarget({ target, seed, count, from });
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    if (failure) {
      failures++;
      console.log(`FAILED  ${formatFailure(failure)}`);
    } else {
      console.log(`ok      ${target}: ${count} inputs in ${seconds} s`);
    }
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, takeTargets));
console.log(failures === 0 ? 'no crash, no hang' : `${failures} parsers failed`);
process.exitCode = failures === 0 ? 0 : 1;
