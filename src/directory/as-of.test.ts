import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf, type Moment } from './as-of.ts';
import { directoryOpener } from '../../test/harness/directory-opener.ts';
import { Directory } from './directory.ts';
import { findVirtualAlias } from './virtual-alias.ts';

const openDirectory = directoryOpener();

let folder: string;
let directory: Directory;
const clock = new FakeClock();
let files = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'as-of-'));
  directory = await openDirectory(join(folder, 'directory.db'), { clock, actor: 'tester' });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

async function at<T>(moment: Moment, look: (past: Directory, event: number, revision: number) => T): Promise<T> {
  const file = join(folder, `past-${files++}.db`);
  const { event, revision } = await writeDirectoryAsOf(directory, moment, file, clock);
  const past = await Directory.open(file, { readonly: true, clock, actor: 'tester' });
  try {
    return look(past, event, revision);
  } finally {
    past.close();
  }
}

async function lastEvent(): Promise<number> {
  return (await directory.events({ limit: 1000 })).at(-1)?.id ?? 0;
}

const targetsOf = (past: Directory, key: string) => {
  const hit = findVirtualAlias(past.lookups, key);
  return hit.kind === 'found' ? hit.value : undefined;
};

it('is what the directory was after each event, and empty before the first', async () => {
  await directory.domains.add('example.com');
  const anna = await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
  await directory.aliasDomains.add('example.org', 'example.com');
  await directory.aliases.add('sales@example.com', ['anna@example.com']);
  const first = await lastEvent();
  await directory.aliases.set('sales@example.com', ['anna@example.com', 'far@elsewhere.test']);
  const second = await lastEvent();
  await directory.domains.remove('example.com', { recursive: true });

  expect(directory.lookups.domain('example.com')).toBeUndefined();
  await at({ event: first }, (past) => {
    expect(targetsOf(past, 'sales@example.com')).toBe('anna@example.com');
    expect(targetsOf(past, 'sales@example.org')).toBe('sales@example.com');
    expect(past.mailboxByAddress('anna@example.com')?.id).toBe(anna.id);
    expect(past.lookups.domain('example.com')?.kind).toBe('mailbox');
  });
  await at({ event: second }, (past, event) => {
    expect(event).toBe(second);
    expect(targetsOf(past, 'sales@example.com')).toContain('far@elsewhere.test');
  });
  await at({ event: 0 }, (past) => expect(past.lookups.isEmpty()).toBe(true));
  // Several events are one revision, which has the number of the first.
  const last = await lastEvent();
  const newest = (await directory.events({ limit: 1000 })).at(-1)?.revision ?? 0;
  expect(newest).toBeLessThan(last);
  await at({ revision: last }, (_, event, revision) => expect([event, revision]).toEqual([last, newest]));
});

it('tells a mailbox from a later one at the same address', async () => {
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'bert@example.com', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.remove('bert@example.com');
  clock.advance(90 * 86_400_000);
  const later = await directory.mailboxes.add({ address: 'Bert@example.com', passwordHash: '{PLAIN}x' });
  for (const { id } of await directory.mailboxes.purgeable(clock.now())) await directory.mailboxes.purge(id);
  await at({ time: clock.now() }, (past) => expect(past.mailboxByAddress('bert@example.com')?.id).toBe(later.id));
});

it('has the grants and denials of then', async () => {
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
  await directory.senderRights.add('boss@example.com', 'anna@example.com', true);
  const granted = await lastEvent();
  await directory.senderRights.set('boss@example.com', 'anna@example.com', false);
  const denied = await lastEvent();
  await directory.senderRights.remove('boss@example.com', 'anna@example.com');
  const allowed = (past: Directory) => past.senderRights.answer('boss@example.com')?.allowed.map(({ login }) => login);
  await at({ event: granted }, (past) => expect(allowed(past)).toEqual(['anna@example.com']));
  await at({ event: denied }, (past) => expect(allowed(past)).toEqual([]));
  expect(allowed(directory)).toBeUndefined();
});
