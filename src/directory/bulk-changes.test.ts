// Many objects at once: each with its own outcome, one revision a call, events from which the past can be made again.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { Directory } from './directory.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();
const options = { clock, actor: 'tester' };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulk-'));
  directory = await Directory.open(join(folder, 'directory.db'), options);
  await directory.bulk.domains([
    { name: 'd.test', class: 'mailbox', limits: { maxMailboxes: 1 } },
    { name: 'relay.test', class: 'relay', takesAll: false },
  ]);
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const kinds = (outcomes: readonly { readonly kind: string }[]): string[] => outcomes.map(({ kind }) => kind);

it('gives each object its outcome, and looks at limits no more than at what is there', async () => {
  const mailboxes = ['a@d.test', 'b@d.test', 'A@D.test', 'bad address', 'a@relay.test', 'a@no.test'];
  const rows = mailboxes.map((address) => ({ address, passwordHash: '{PLAIN}x' }));
  const outcomes = await directory.bulk.mailboxes(rows);
  expect(kinds(outcomes)).toEqual(['added', 'added', 'refused', 'refused', 'refused', 'refused']);
  expect(kinds(await directory.bulk.mailboxes(rows.slice(0, 2)))).toEqual(['unchanged', 'unchanged']);
  const [other] = await directory.bulk.mailboxes([{ address: 'a@d.test', passwordHash: '{PLAIN}y', quotaBytes: 5 }]);
  expect(other).toEqual({ kind: 'differs', difference: 'quota 0 here, 5 there, another password' });
  await directory.bulk.mailboxes([{ address: 'none@d.test' }]);
  const [without] = await directory.bulk.mailboxes([{ address: 'none@d.test', passwordHash: '{PLAIN}y' }]);
  expect(without).toEqual({ kind: 'differs', difference: 'no password here' });
});

it('leaves out what goes round in a circle, among the new and with the old', async () => {
  await directory.bulk.mailboxes([{ address: 'a@d.test' }]);
  const aliases = [
    { address: 'x@d.test', targets: ['y@d.test'] },
    { address: 'y@d.test', targets: ['x@d.test'] },
    { address: 'z@d.test', targets: ['a@d.test', 'z@d.test'] },
    { address: 'off@d.test', targets: ['a@d.test'], active: false },
  ];
  // Those that only lead to the circle are taken, whatever their place among the others.
  const leading = [
    { address: '@alias.test', targets: ['@d.test'] },
    { address: 'in@d.test', targets: ['x@d.test'] },
  ];
  await directory.domains.add('alias.test', { class: 'alias' });
  const outcomes = await directory.bulk.aliases([...leading, ...aliases]);
  expect(kinds(outcomes)).toEqual(['added', 'added', 'refused', 'added', 'added', 'added']);
  expect(kinds(await directory.bulk.aliases([{ address: 'off@d.test', targets: ['a@d.test'] }]))).toEqual(['differs']);
  const [looping] = await directory.bulk.mailboxes([
    { address: 'f@d.test', forward: { mode: 'forward', to: ['g@d.test', 'f@d.test'] } },
  ]);
  expect(looping).toMatchObject({ kind: 'added', without: 'its forward to g@d.test, f@d.test' });
  expect((await directory.mailboxes.need('f@d.test')).forward).toBeUndefined();
});

it('is one revision, and can be made again from its events', async () => {
  await directory.bulk.aliasDomains([{ name: 'ad.test', target: 'd.test' }]);
  await directory.bulk.mailboxes([
    { address: 'a@d.test', name: 'A', forward: { mode: 'both', to: ['far@else.test'] }, vacation: { text: 'Away' } },
    { address: 'b@d.test' },
  ]);
  await directory.bulk.aliases([
    { address: 'i@d.test', targets: ['a@d.test'] },
    { address: 'off@d.test', targets: ['a@d.test'], active: false },
  ]);
  const events = await directory.events({ limit: 1000 });
  expect(new Set(events.map(({ revision }) => revision)).size).toBe(4);
  expect(JSON.stringify(events)).not.toContain('{PLAIN}');
  const file = join(folder, 'past.db');
  await writeDirectoryAsOf(directory, { event: events.at(-1)?.id ?? 0 }, file, clock);
  const past = await Directory.open(file, options);
  const withoutTime = <One extends { readonly created: number }>(all: readonly One[]) =>
    all.map((one) => ({ ...one, created: 0 }));
  const told = async (one: Directory) => [
    withoutTime(await one.mailboxes.list()),
    withoutTime(await one.aliases.list()),
    withoutTime(await one.domains.list()),
  ];
  expect(await told(past)).toEqual(await told(directory));
  past.close();
});
