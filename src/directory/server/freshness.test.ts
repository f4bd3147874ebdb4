// How long an answer of the server holds: from when it was asked, not from when it came.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Freshness } from './freshness.ts';

/** A server that shows its state as of the question, and answers after `milliseconds`. */
class SlowServer {
  state = 0;
  /** What the node has heard last. */
  seen = -1;
  questions = 0;
  failure: Error | undefined;
  readonly freshness: Freshness;

  constructor(milliseconds: number) {
    this.freshness = new Freshness(async () => {
      const { state, failure } = this;
      this.questions++;
      await sleep(milliseconds);
      if (failure !== undefined) throw failure;
      this.seen = state;
    });
  }

  async read(decision?: object): Promise<number> {
    await this.freshness.fresh(decision);
    return this.seen;
  }
}

describe('freshness', () => {
  it('shows what was done before it was asked, also while a slow answer is under way', async () => {
    const server = new SlowServer(15);
    for (let round = 1; round <= 20; round++) {
      const early = server.read();
      await sleep(5);
      // Done, and told to somebody, after the question was sent: its answer does not know.
      server.state = round;
      await early;
      expect(await server.read()).toBe(round);
    }
  });

  it('asks once for all who waited before the question was sent', async () => {
    const server = new SlowServer(5);
    await Promise.all(Array.from({ length: 50 }, () => server.read()));
    expect(server.questions).toBe(1);
  });

  it('asks once for all that a decision looks up, however slow the server is', async () => {
    const server = new SlowServer(5);
    const decision = {};
    for (let lookup = 0; lookup < 12; lookup++) await server.read(decision);
    expect(server.questions).toBe(1);
    server.state = 7;
    // The same decision goes on with what it has seen; the next one has to ask.
    expect(await server.read(decision)).toBe(0);
    expect(await server.read({})).toBe(7);
  });

  it('asks again for a decision whose question failed', async () => {
    const server = new SlowServer(2);
    server.failure = new Error('gone');
    const decision = {};
    await expect(server.read(decision)).rejects.toThrow(TemporaryError);
    server.failure = undefined;
    expect(await server.read(decision)).toBe(0);
  });
});
