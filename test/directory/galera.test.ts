// The directory on a MariaDB Galera cluster of three: two of our nodes write through two of its nodes at once, and one of these
// is killed among the writes.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerAddress } from '../../src/database/server/server-session.ts';
import { Directory } from '../../src/directory/directory.ts';
import { DirectoryRefusedError } from '../../src/directory/refusal.ts';
import { replicaFile } from '../../src/directory/server/replica-path.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { quickFolder } from '../harness/directory-servers.ts';
import { GaleraCluster, hasGalera } from '../harness/galera.ts';

// Needs Debian's mariadb-server, galera-4 and rsync.
describe.skipIf(!hasGalera && process.env['CI'] !== 'true')('a Galera cluster', () => {
  let folder: string;
  let cluster: GaleraCluster;
  let nodes: readonly [Directory, Directory];

  const open = async (name: string, order: readonly number[]): Promise<Directory> => {
    const tls = { level: 'none' } as const;
    const account = { dialect: 'mysql', user: 'root', password: '', database: 'directory', tls } as const;
    const addresses = order.map((index): ServerAddress => {
      return { ...account, name: `g${index}`, socket: cluster.nodes[index]?.socket ?? '' };
    });
    const server = { dialect: 'mysql', name: 'galera', addresses } as const;
    const limits = { connectMilliseconds: 5000, queryMilliseconds: 15_000 };
    const options = { clock: systemClock, actor: name, warn: () => undefined, limits };
    return await Directory.openOnServer(server, replicaFile(mkdtempSync(join(folder, name))), options);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(quickFolder(), 'galera-'));
    // The servers' user goes through it.
    chmodSync(folder, 0o755);
    cluster = new GaleraCluster(folder, 3);
    await cluster.start();
    cluster.nodes[0]?.execute('CREATE DATABASE directory');
    // Both make the schema, through two nodes that do not share their locks.
    nodes = await Promise.all([open('one', [0, 1, 2]), open('two', [1, 0, 2])]);
    for (const node of nodes) await node.fresh();
  });

  afterAll(async () => {
    for (const node of nodes ?? []) node.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const isOnServer = (index: number, address: string): string | undefined => {
    const [localpart] = address.split('@');
    return cluster.nodes[index]?.execute(`SELECT id FROM mailbox WHERE localpart = '${localpart}'`, 'directory');
  };

  it('takes the same rows from two nodes at once, with no error and nothing doubled', async () => {
    const [one, two] = nodes;
    await one.domains.add('example.com');
    const names = Array.from({ length: 10 }, (_, index) => `user${index}@example.com`);
    const add = (node: Directory, address: string) => node.mailboxes.add({ address, passwordHash: 'x' });
    const results = await Promise.allSettled([one, two].flatMap((node) => names.map((name) => add(node, name))));
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as Error);
    expect(failures.map(({ message }) => message.replace(/:.*/, ''))).toEqual(
      failures.map(() => expect.stringMatching(/exists already/)),
    );
    expect(failures).toHaveLength(10);
    // The same row, changed by both at once.
    await Promise.all([one, two].map((node) => node.mailboxes.set('user0@example.com', { quotaBytes: 5 })));
    // What a node was answered before may hold for a millisecond.
    await sleep(2);
    for (const node of nodes) {
      const boxes = await node.mailboxes.list();
      expect(boxes.map(({ address }) => address).toSorted()).toEqual(names.toSorted());
      expect(new Set(boxes.map(({ id }) => id)).size).toBe(10);
      expect((await node.events({ object: 'user0@example.com' })).map(({ action }) => action)).toEqual([
        'mailbox.add',
        'mailbox.set',
        'mailbox.set',
      ]);
    }
  });

  it('loses nothing that was acknowledged when a node is killed among the writes, and goes on', async () => {
    const acknowledged: string[] = [];
    let isKilled = false;
    let afterwards = 0;
    const write = async (node: Directory, prefix: string): Promise<void> => {
      for (let index = 0; afterwards < 20; index++) {
        const address = `${prefix}${index}@example.com`;
        try {
          await node.mailboxes.add({ address, passwordHash: 'x' });
          acknowledged.push(address);
          if (isKilled) afterwards++;
        } catch (error) {
          // "Try again" is an answer while the cluster finds itself; that it was made after all is another one's.
          if (error instanceof TemporaryError) await sleep(200);
          else if (!(error instanceof DirectoryRefusedError)) throw error;
        }
      }
    };
    const kill = async (): Promise<void> => {
      while (acknowledged.length < 20) await sleep(20);
      await cluster.nodes[0]?.stop('SIGKILL');
      isKilled = true;
    };
    await Promise.all([write(nodes[0], 'x'), write(nodes[1], 'y'), kill()]);
    await sleep(2);
    for (const node of nodes) {
      await node.fresh();
      const lost = acknowledged.filter((address) => node.mailboxByAddress(address) === undefined);
      // Where one is missing it matters whether the servers have it.
      const onServers = lost.map((address) => [address, ...[1, 2].map((index) => isOnServer(index, address))]);
      expect(onServers).toEqual([]);
      const ids = acknowledged.map((address) => node.mailboxByAddress(address)?.id);
      expect(new Set(ids).size).toBe(acknowledged.length);
    }
    const count = cluster.nodes[2]?.execute('SELECT count(*) FROM mailbox', 'directory');
    const boxes = (await nodes[0].mailboxes.list({ limit: 1000 })).length;
    expect(count).toMatch(new RegExp(`\\b${boxes}\\b`));
  });
});
