// How many recipients a second a server can answer: each session sends one MAIL, then pipelines batches of RCPT with
// random addresses, as they are in the tables or as nobody has them. Nothing is delivered: this is tables, routing and
// SMTP alone. Ours is asked with its directory, with the peers' text tables, and with peer A's MariaDB.

import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Random } from '../test/harness/random.ts';
import { type MailServer, recipientLoadSettings } from './mail-server.ts';
import type { Postfix } from './postfix.ts';
import { Posthaste } from './posthaste.ts';
import { cpuSeconds } from './process-tree.ts';
import { domains } from './users.ts';

export interface RecipientRow {
  readonly server: string;
  readonly kind: 'valid' | 'unknown';
  /** Recipients a second: medians and extremes of the runs. */
  readonly rates: readonly number[];
  readonly cpuMicroseconds: number;
}

export interface RecipientOptions {
  readonly ours: Posthaste;
  readonly peers: readonly Postfix[];
  /** For the servers of ours that read the peers' tables. */
  readonly folder: string;
  /** Where writeUserFiles has put the text tables. */
  readonly userFiles: string;
  readonly runs: number;
  readonly seconds: number;
  readonly report: (line: string) => void;
}

const sessions = 10;
const batch = 50;

export async function measureRecipients(options: RecipientOptions): Promise<RecipientRow[]> {
  const own = [options.ours, ...(await startOthersOfOurs(options))];
  const servers: MailServer[] = [...own, ...options.peers];
  const rows: RecipientRow[] = [];
  try {
    for (const server of servers) await load(server, 'valid', 2);
    for (const kind of ['valid', 'unknown'] as const) rows.push(...(await measureKind(kind, servers, options)));
  } finally {
    for (const server of own.slice(1)) await server.stop();
  }
  return rows;
}

async function measureKind(
  kind: RecipientRow['kind'],
  servers: readonly MailServer[],
  { runs, seconds, report }: RecipientOptions,
): Promise<RecipientRow[]> {
  const results = new Map<MailServer, { rate: number; cpu: number }[]>(servers.map((server) => [server, []]));
  for (let run = 0; run < runs; run++) {
    for (const server of servers) {
      const result = await load(server, kind, seconds);
      results.get(server)?.push(result);
      report(`${kind} recipients, ${sessions} sessions: ${server.name}: ${Math.round(result.rate)}/s`);
    }
  }
  return [...results].map(([server, all]) => {
    const cpu = all.map((one) => one.cpu).toSorted((a, b) => a - b)[all.length >> 1] ?? 0;
    const rates = all.map(({ rate }) => rate).toSorted((a, b) => a - b);
    return { server: server.name, kind, rates, cpuMicroseconds: cpu };
  });
}

async function startOthersOfOurs({ folder, userFiles, peers }: RecipientOptions): Promise<Posthaste[]> {
  const sets: [string, Record<string, string>][] = [
    [
      'Posthaste, text tables',
      {
        virtual_mailbox_domains: `hash:${userFiles}/domains`,
        virtual_alias_domains: '',
        virtual_alias_maps: `hash:${userFiles}/aliases`,
        virtual_mailbox_maps: `hash:${userFiles}/mailboxes`,
      },
    ],
  ];
  const sql = peers.find(({ name }) => name.startsWith('A'))?.configFolder;
  if (sql !== undefined) {
    const table = (name: string): string => `proxy:mysql:${sql}/mysql-${name}.cf`;
    const settings = {
      virtual_mailbox_domains: table('domains'),
      virtual_alias_domains: '',
      virtual_alias_maps: `${table('forwardings')}, ${table('email2email')}`,
      virtual_mailbox_maps: table('mailboxes'),
    };
    sets.push(['Posthaste + MariaDB', settings]);
  }
  const servers: Posthaste[] = [];
  for (const [index, [name, settings]] of sets.entries()) {
    const server = await Posthaste.create(join(folder, `recipients-${index}`), {
      name,
      settings: { ...settings, ...recipientLoadSettings },
      isEmpty: true,
    });
    await server.start();
    servers.push(server);
  }
  return servers;
}

export async function load(
  server: Pick<MailServer, 'smtpPort' | 'rootPids'>,
  kind: RecipientRow['kind'],
  seconds: number,
): Promise<{ rate: number; cpu: number }> {
  const wanted = kind === 'valid' ? 0x32 : 0x35;
  const clients = await Promise.all(Array.from({ length: sessions }, () => RecipientClient.open(server.smtpPort)));
  const before = cpuSeconds(server.rootPids());
  const started = performance.now();
  const counts = await Promise.all(
    clients.map((client, index) => client.run({ seed: index, kind, wanted, until: started + seconds * 1000 })),
  );
  const elapsed = (performance.now() - started) / 1000;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { rate: total / elapsed, cpu: ((cpuSeconds(server.rootPids()) - before) / total) * 1e6 };
}

interface RunOptions {
  readonly seed: number;
  readonly kind: RecipientRow['kind'];
  /** The first digit that every reply must have. */
  readonly wanted: number;
  readonly until: number;
}

class RecipientClient {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<RecipientClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RecipientClient(socket);
    await client.#replies(1, 0x32);
    for (const line of ['HELO bench.test', 'MAIL FROM:<s@client.test>']) {
      socket.write(`${line}\r\n`);
      await client.#replies(1, 0x32);
    }
    return client;
  }

  /** Returns how many recipients were answered. */
  async run({ seed, kind, wanted, until }: RunOptions): Promise<number> {
    const random = new Random(seed + 1);
    let count = 0;
    while (performance.now() < until) {
      let text = '';
      for (let index = 0; index < batch; index++) {
        const user = kind === 'valid' ? `u${random.below(10)}` : `x${random.below(1_000_000)}`;
        text += `RCPT TO:<${user}@${domains[random.below(1000)] ?? ''}>\r\n`;
      }
      this.#socket.write(text);
      await this.#replies(batch, wanted);
      count += batch;
    }
    this.#socket.destroy();
    return count;
  }

  /** Resolves after so many lines; each must begin with this digit. */
  #replies(lines: number, digit: number): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      let left = lines;
      let isStart = true;
      const onData = (piece: Buffer): void => {
        for (const code of piece) {
          if (isStart && code !== digit)
            return finish(new Error(`unexpected reply: ${piece.toString('latin1', 0, 200)}`));
          isStart = code === 0x0a;
          if (isStart) left--;
        }
        if (left <= 0) finish();
      };
      const onEnd = (): void => finish(new Error('the server closed the connection'));
      const finish = (error?: Error): void => {
        socket.off('data', onData).off('close', onEnd).off('error', onEnd);
        if (error) reject(error);
        else resolve();
      };
      socket.on('data', onData).on('close', onEnd).on('error', onEnd);
    });
  }
}
