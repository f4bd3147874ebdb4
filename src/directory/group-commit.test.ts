// Changes that are asked for one after the other within one turn of the event loop, as by many requests, share a transaction.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { openDirectoryFiles } from './database.ts';
import { GroupCommit } from './group-commit.ts';

it('waits for all who ask in the same turn, and answers none before all are durable', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'group-commit-'));
  const clock = new FakeClock();
  const { writer, reader } = await openDirectoryFiles(join(folder, 'directory.db'), false, clock);
  if (writer === undefined) throw new Error('not opened for writing');
  let transactions = 0;
  const commits = new GroupCommit(
    async (work) => {
      transactions++;
      return await writer.transact(work);
    },
    clock,
    () => undefined,
  );
  const counted = reader.prepare('SELECT count(*) FROM setting').pluck();
  const asked: Promise<unknown>[] = [];
  for (let index = 0; index < 10; index++) {
    // Each comes after everything that the one before has set going.
    await new Promise((resolve) => process.nextTick(resolve));
    const values = { name: `name${index}`, value: 'x' };
    asked.push(commits.run((db) => db.insertInto('setting').values(values).execute()).then(() => counted.get()));
  }
  expect(await Promise.all(asked)).toEqual(Array(10).fill(10));
  expect(transactions).toBe(1);
  reader.close();
  writer.connection.close();
  rmSync(folder, { recursive: true });
});
