// A server for the tests of accounting, metrics and trace: two mailboxes, an alias, and domains whose mail is relayed to a
// polite server, put off, bounced and discarded.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openSqlite } from '../../src/database/sqlite.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { takeCensus } from '../../src/mailstore/take-census.ts';
import type { QueueCensus } from '../../src/mailstore/types.ts';
import { fillDirectory } from '../harness/fill-directory.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';
import { polite, ScriptedServer } from '../queue/scripted-server.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

export class ObservedServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'observation-'));
  readonly relay = new ScriptedServer(polite);
  readonly refusing = new ScriptedServer([['RCPT', '550 5.1.1 nobody is here'], ...polite]);
  process!: PosthasteProcess;
  metricsPort = 0;

  /** `files` are written into the configuration folder. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<ObservedServer> {
    const server = new ObservedServer();
    const relayPort = await server.relay.listen();
    const refusingPort = await server.refusing.listen();
    const [metricsPort = 0, deadPort = 0] = await findFreePorts(2);
    server.metricsPort = metricsPort;
    const routes =
      `relay.test=smtp:[127.0.0.1]:${relayPort}, dead.test=smtp:[127.0.0.1]:${deadPort}, ` +
      `gone.test=smtp:[127.0.0.1]:${refusingPort}, { void.test = discard:thrown away }`;
    server.process = await PosthasteProcess.create({
      folder: server.folder,
      settings: {
        posthaste_metrics_listen: `127.0.0.1:${metricsPort}`,
        smtpd_sender_restrictions: 'check_sender_access inline:{void@example.net=DISCARD}',
        transport_maps: `inline:{ ${routes} }`,
        ...settings,
      },
    });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(server.process.configFolder, name), text);
    const mailboxes = ['anna@example.com', 'bob@example.com'];
    await fillDirectory(server.process, {
      mailboxes,
      aliases: { 'sales@example.com': 'anna@example.com' },
      password: 'observed',
    });
    try {
      await server.process.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.relay.close();
    await this.refusing.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends one message in a session of its own; returns the replies to RCPT, and the last one. */
  async send(sender: string, recipients: readonly string[], messageId = ''): Promise<SmtpReply[]> {
    const connection = await SmtpConnection.open(this.process.smtpPort);
    try {
      const replies: SmtpReply[] = [];
      await connection.command('EHLO client.test');
      await connection.command(`MAIL FROM:<${sender}>`);
      for (const recipient of recipients) replies.push(await connection.command(`RCPT TO:<${recipient}>`));
      const data = await connection.command('DATA');
      if (data.code !== 354) return [...replies, data];
      const id = messageId === '' ? '' : `Message-Id: <${messageId}>\r\n`;
      return [...replies, await connection.command(`${id}From: <${sender}>\r\nSubject: hi\r\n\r\nBody text\r\n.`)];
    } finally {
      await connection.quit();
    }
  }

  /** `posthaste …` as an administrator types it. */
  command(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const command = ['scripts/with-node', 'src/main/main.ts', '-c', this.process.configFolder, ...args];
    const { status, stdout, stderr } = spawnSync('sh', command, { cwd: checkout, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  /** Read from the database itself, whether the server runs or not. */
  census(): QueueCensus {
    const database = openSqlite(join(this.process.dataFolder, 'store.db'), { readonly: true, busyTimeout: 5000 });
    try {
      return takeCensus(database, systemClock.now(), Number.MAX_SAFE_INTEGER - 1) as QueueCensus;
    } finally {
      database.close();
    }
  }

  /** Waits until the log has a line with this. */
  async logged(part: string): Promise<string> {
    for (let tries = 0; tries < 500; tries++) {
      const line = this.process.logLines().find((one) => one.includes(part));
      if (line !== undefined) return line;
      await sleep(20);
    }
    throw new Error(`the log never said ${part}; it ends:\n${this.process.logTail()}`);
  }

  async metrics(headers: Readonly<Record<string, string>> = {}): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`, { headers })).text();
  }
}
