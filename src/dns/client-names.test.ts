// Names of clients: believed only when name and address agree, remembered, and never waited for long.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { ClientNames } from './client-names.ts';
import { HostsFile } from './hosts-file.ts';
import { HostsResolver } from './hosts-resolver.ts';
import type { Resolver } from './resolver.ts';
import { ZoneResolver } from './zone-resolver.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'hosts-'));
  await writeFile(path.join(folder, 'hosts'), '127.0.0.1 localhost # us\n10.0.0.1\tinside.example inside\n');
});
afterAll(() => rm(folder, { recursive: true }));

const zone = `
192.0.2.1     PTR mail.good.example
mail.good.example A 192.0.2.1
192.0.2.2     PTR liar.good.example
liar.good.example A 192.0.2.99
192.0.2.3     PTR gone.example
192.0.2.4     PTR silent.example
silent.example FAIL
192.0.2.5     PTR wrong.good.example
192.0.2.5     PTR right.good.example
wrong.good.example A 192.0.2.99
right.good.example A 192.0.2.5
192.0.2.6     PTR bad]name
2001:db8::1   PTR six.good.example
six.good.example AAAA 2001:DB8:0::1
10.9.9.9      PTR inside.example
`;

function names(
  clock = new FakeClock(),
  resolver: Resolver = new ZoneResolver(zone),
  timeoutMilliseconds = 1000,
): ClientNames {
  return new ClientNames({
    resolver,
    clock,
    hosts: new HostsFile(path.join(folder, 'hosts'), clock),
    timeoutMilliseconds,
  });
}

describe('the name of a client', () => {
  test.each([
    ['192.0.2.1', 'mail.good.example'],
    ['192.0.2.2', 'unknown'],
    ['192.0.2.3', 'unknown'],
    ['192.0.2.4', 'unknown'],
    ['192.0.2.5', 'right.good.example'],
    ['192.0.2.6', 'unknown'],
    ['192.0.2.7', 'unknown'],
    ['2001:db8::1', 'six.good.example'],
    ['127.0.0.1', 'localhost'],
    ['10.0.0.1', 'inside.example'],
    ['10.9.9.9', 'unknown'],
    ['nonsense', 'unknown'],
  ])('%s is %s', async (address, name) => {
    expect((await names().lookup(address)).name).toBe(name);
  });

  test.each([
    ['192.0.2.1', 'mail.good.example', 'found', 'found'],
    ['192.0.2.2', 'liar.good.example', 'forged', 'found'],
    ['192.0.2.3', 'gone.example', 'none', 'found'],
    ['192.0.2.4', 'silent.example', 'unsure', 'found'],
    ['192.0.2.7', 'unknown', 'none', 'none'],
  ])('%s is called %s, %s', async (address, reverseName, nameStatus, reverseNameStatus) => {
    expect(await names().lookup(address)).toMatchObject({ reverseName, nameStatus, reverseNameStatus });
  });

  test('is asked for once a minute', async () => {
    const clock = new FakeClock();
    const resolver = new ZoneResolver(zone);
    const asker = names(clock, resolver);
    await Promise.all([asker.lookup('192.0.2.1'), asker.lookup('192.0.2.1')]);
    clock.advance(59_000);
    await asker.lookup('192.0.2.1');
    expect(resolver.asked.get('192.0.2.1 PTR')).toBe(1);
    clock.advance(2000);
    await asker.lookup('192.0.2.1');
    expect(resolver.asked.get('192.0.2.1 PTR')).toBe(2);
  });

  test('is unknown where the DNS does not answer in time', async () => {
    const silent = { names: () => new Promise<never>(() => undefined) } as unknown as Resolver;
    expect(await names(new FakeClock(), silent, 20).lookup('192.0.2.1')).toEqual({
      name: 'unknown',
      nameStatus: 'unsure',
      reverseName: 'unknown',
      reverseNameStatus: 'unsure',
    });
  });
});

test('the hosts file is read again when it has changed, and may be missing', async () => {
  const clock = new FakeClock();
  const file = path.join(folder, 'changing');
  const hosts = new HostsFile(file, clock);
  expect(await hosts.addresses('x.example')).toEqual([]);
  await writeFile(file, '192.0.2.8 X.example\n');
  expect(await hosts.addresses('x.example')).toEqual([]);
  clock.advance(6000);
  expect(await hosts.addresses('x.Example')).toEqual(['192.0.2.8']);
  const resolver = new HostsResolver(hosts, new ZoneResolver('y.example A 192.0.2.9'));
  expect(await resolver.addresses('x.example', 4)).toEqual({ kind: 'found', records: ['192.0.2.8'] });
  expect(await resolver.addresses('x.example', 6)).toEqual({ kind: 'no-data' });
  expect(await resolver.addresses('y.example', 4)).toEqual({ kind: 'found', records: ['192.0.2.9'] });
});
