import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { Checkpointer } from './checkpointer.ts';

const untilTold =
  "const { parentPort } = require('node:worker_threads'); parentPort.once('message', () => parentPort.close());";

test('the checkpoint thread lives while there are commits, and comes back for one that finds it ending', async () => {
  const clock = new FakeClock();
  const threads: Worker[] = [];
  const broken: Error[] = [];
  const open = (): Worker => {
    const thread = new Worker(untilTold, { eval: true });
    threads.push(thread);
    return thread;
  };
  const checkpointer = new Checkpointer(open, clock, (error) => broken.push(error));
  expect(threads).toHaveLength(0);

  checkpointer.wake();
  checkpointer.wake();
  clock.advance(59_000);
  checkpointer.rest();
  expect(threads).toHaveLength(1);

  clock.advance(2_000);
  checkpointer.rest();
  await once(threads[0] as Worker, 'exit');
  expect(threads).toHaveLength(1);

  checkpointer.wake();
  clock.advance(61_000);
  checkpointer.rest();
  checkpointer.wake();
  await once(threads[1] as Worker, 'exit');
  expect(threads).toHaveLength(3);

  await checkpointer.close();
  checkpointer.wake();
  expect(threads).toHaveLength(3);
  expect(broken).toEqual([]);
});

test('a thread that ends by itself is an alarm', async () => {
  const broken = new Promise<Error>((resolve) => {
    const open = (): Worker => new Worker('process.exit(1)', { eval: true });
    new Checkpointer(open, new FakeClock(), resolve).wake();
  });
  expect((await broken).message).toContain('checkpoint thread');
});
