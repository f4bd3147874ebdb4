// A MariaDB Galera cluster of its own on loopback (packages mariadb-server, galera-4 and rsync, by which a node gets its data).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { hasMariaDb, MariaDbServer } from './mariadb.ts';

const provider = '/usr/lib/galera/libgalera_smm.so';

export const hasGalera = hasMariaDb && existsSync(provider);

export class GaleraCluster {
  readonly nodes: readonly MariaDbServer[];
  #ports: readonly (readonly number[])[] = [];

  constructor(folder: string, count: number) {
    this.nodes = Array.from({ length: count }, (_, index) => new MariaDbServer(join(folder, `g${index}`)));
  }

  async start(): Promise<void> {
    const ports = await findFreePorts(this.nodes.length * 3);
    this.#ports = this.nodes.map((_node, index) => ports.slice(3 * index, 3 * index + 3));
    for (const index of this.nodes.keys()) await this.startNode(index, index === 0);
  }

  /** Resolves when it serves again. */
  async startNode(index: number, isFirst = false): Promise<void> {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    await node.start(this.#options(index, isFirst));
    while (!isReady(node)) await sleep(50);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop('SIGKILL')));
  }

  #options(index: number, isFirst: boolean): string[] {
    const [group = 0, increments = 0, whole = 0] = this.#ports[index] ?? [];
    const peers = this.#ports.map(([port]) => `127.0.0.1:${port}`).join(',');
    const tuning = [
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `ist.recv_addr=127.0.0.1:${increments}`,
      'gcache.size=32M',
      // A dead node is out of the cluster within a few seconds; with less patience a busy machine splits a living cluster.
      'evs.suspect_timeout=PT4S',
      'pc.recovery=FALSE',
    ].join(';');
    return [
      '--innodb-buffer-pool-size=32M',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-flush-method=nosync',
      '--innodb-autoinc-lock-mode=2',
      '--binlog-format=ROW',
      '--wsrep-on=ON',
      `--wsrep-provider=${provider}`,
      `--wsrep-provider-options=${tuning}`,
      `--wsrep-cluster-address=gcomm://${isFirst ? '' : peers}`,
      '--wsrep-cluster-name=posthaste',
      `--wsrep-node-address=127.0.0.1:${group}`,
      `--wsrep-node-name=node${index}`,
      '--wsrep-sst-method=rsync',
      `--wsrep-sst-receive-address=127.0.0.1:${whole}`,
      ...(isFirst ? ['--wsrep-new-cluster'] : []),
    ];
  }
}

function isReady(node: MariaDbServer): boolean {
  try {
    return node.execute("SHOW STATUS LIKE 'wsrep_ready'").includes('ON');
  } catch {
    return false;
  }
}
