// A MariaDB Galera cluster of its own on loopback (packages mariadb-server and galera-4): nodes with the same data to begin
// with, so that none has to be sent any.

import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { hasMariaDb, MariaDbServer } from './mariadb.ts';

const provider = '/usr/lib/galera/libgalera_smm.so';

export const hasGalera = hasMariaDb && existsSync(provider);

export class GaleraCluster {
  readonly nodes: readonly MariaDbServer[];
  readonly #folder: string;
  #ports: readonly (readonly [group: number, transfer: number])[] = [];

  constructor(folder: string, count: number) {
    this.#folder = folder;
    this.nodes = Array.from({ length: count }, (_, index) => new MariaDbServer(join(folder, `g${index}`)));
  }

  async start(): Promise<void> {
    const ports = await findFreePorts(this.nodes.length * 2);
    this.#ports = this.nodes.map((_node, index) => [ports[2 * index] ?? 0, ports[2 * index + 1] ?? 0]);
    this.#copyData();
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

  /** One installation for all, with a state that they have in common (the cluster's file grastate.dat). */
  #copyData(): void {
    this.nodes[0]?.install();
    const state = `# GALERA saved state\nversion: 2.1\nuuid: ${randomUUID()}\nseqno: 0\nsafe_to_bootstrap: 1\n`;
    const source = join(this.#folder, 'g0', 'data');
    for (const index of this.nodes.keys()) {
      const data = join(this.#folder, `g${index}`, 'data');
      if (index > 0) {
        mkdirSync(data, { recursive: true });
        cpSync(source, data, { recursive: true });
      }
      writeFileSync(join(data, 'grastate.dat'), state);
    }
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'mysql', this.#folder]);
  }

  #options(index: number, isFirst: boolean): string[] {
    const [group = 0, transfer = 0] = this.#ports[index] ?? [];
    const peers = this.#ports.map(([port]) => `127.0.0.1:${port}`).join(',');
    const tuning = [
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `ist.recv_addr=127.0.0.1:${transfer}`,
      'gcache.size=32M',
      // A dead node is out of the cluster within two seconds.
      'evs.keepalive_period=PT0.2S',
      'evs.inactive_check_period=PT0.2S',
      'evs.suspect_timeout=PT1S',
      'evs.inactive_timeout=PT2S',
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
