// A started server that mail is moved to and from, its commands, and what a client sees of a mailbox.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ImapFlow } from 'imapflow';
import { type CommandContext, CommandError } from '../../src/cli/context.ts';
import { register as registerExport } from '../../src/cli/export-mail.ts';
import { register as registerImport } from '../../src/cli/import-mail.ts';
import { openSqlite } from '../../src/database/sqlite.ts';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { imapAccount, listingLine } from '../harness/dovecot-mail.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';

const program = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url));

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class MovingHost {
  readonly folder: string;
  readonly process: PosthasteProcess;

  readonly #mailboxes: readonly string[];

  private constructor(folder: string, process: PosthasteProcess, mailboxes: readonly string[]) {
    this.#mailboxes = mailboxes;
    this.folder = folder;
    this.process = process;
  }

  /** With these mailboxes of home.test; it is not started yet. */
  static async create(mailboxes: readonly string[]): Promise<MovingHost> {
    const folder = mkdtempSync(join(tmpdir(), 'moving-'));
    const process = await PosthasteProcess.create({ folder, settings: { posthaste_disable_plaintext_auth: 'no' } });
    const directory = await Directory.open(join(process.dataFolder, 'directory.db'), {
      clock: systemClock,
      actor: 'test',
    });
    await directory.domains.add('home.test');
    for (const name of mailboxes) {
      await directory.mailboxes.add({ address: `${name}@home.test`, passwordHash: '{PLAIN}secret' });
    }
    directory.close();
    return new MovingHost(folder, process, mailboxes);
  }

  #arguments(args: readonly string[]): string[] {
    return [program, '-c', this.process.configFolder, ...args];
  }

  /** Runs a command to its end, in this process, as main/command-line.ts does. */
  async run(args: readonly string[]): Promise<CommandResult> {
    const out: string[] = [];
    const err: string[] = [];
    const command = new Command().exitOverride();
    const context: CommandContext = {
      configDirectory: this.process.configFolder,
      json: false,
      print: (line) => out.push(`${line}\n`),
      warn: (line) => err.push(`${line}\n`),
    };
    for (const register of [registerImport, registerExport]) register(command, context);
    const before = process.exitCode;
    process.exitCode = 0;
    let status: number;
    try {
      await command.parseAsync(args, { from: 'user' });
      status = Number(process.exitCode);
    } catch (error) {
      status = error instanceof CommandError ? error.exitCode : 1;
      err.push(`posthaste: ${(error as Error).message}\n`);
    } finally {
      process.exitCode = before;
    }
    return { status, stdout: out.join(''), stderr: err.join('') };
  }

  /** Runs an import into this mailbox and ends it, by `kill`, when it has put something into the store. */
  async cutOff(args: readonly string[], name: string, kill: (command: ChildProcess) => unknown): Promise<void> {
    const command = spawn(process.execPath, this.#arguments(args), { stdio: 'ignore' });
    const ended = new Promise((resolve) => command.once('exit', resolve));
    const before = this.#importedCount(name);
    while (command.exitCode === null && this.#importedCount(name) === before) await sleep(2);
    await kill(command);
    await ended;
  }

  #importedCount(name: string): number {
    const database = openSqlite(join(this.process.dataFolder, 'store.db'), { readonly: true, busyTimeout: 5000 });
    try {
      const query = 'SELECT count(*) AS count FROM imported JOIN import_folder USING (folder) WHERE mailbox = ?';
      return (database.prepare(query).get(this.#mailboxes.indexOf(name) + 1) as { count: number }).count;
    } finally {
      database.close();
    }
  }

  account(name: string): string[] {
    return imapAccount(this.process.imapPort, `${name}@home.test`);
  }

  async #withClient<T>(name: string, work: (client: ImapFlow) => Promise<T>): Promise<T> {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: this.process.imapPort,
      secure: false,
      auth: { user: `${name}@home.test`, pass: 'secret' },
      logger: false,
      tls: { rejectUnauthorized: false },
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  }

  /** As DovecotMail.listing has it. */
  listing(name: string, folder: string): Promise<string[]> {
    return this.#withClient(name, async (client) => {
      await client.mailboxOpen(folder, { readOnly: true });
      const lines: string[] = [];
      const wanted = { uid: true, flags: true, internalDate: true, size: true } as const;
      for await (const message of client.fetch('1:*', wanted)) {
        const { uid, flags = new Set(), internalDate, size = 0 } = message;
        const date = Math.floor(new Date(internalDate ?? 0).getTime() / 1000);
        lines.push(listingLine({ uid, flags: [...flags], date, size }));
      }
      return lines;
    });
  }

  /** UIDVALIDITY and UIDNEXT. */
  validity(name: string, folder: string): Promise<string> {
    return this.#withClient(name, async (client) => {
      const status = await client.status(folder, { uidValidity: true, uidNext: true });
      if (status === false) throw new Error(`no folder ${folder}`);
      return `${status.uidValidity} ${status.uidNext}`;
    });
  }

  /** Names, what they are for, and whether they are subscribed. */
  folders(name: string): Promise<string[]> {
    return this.#withClient(name, async (client) => {
      const folders = await client.list();
      return folders
        .map(({ path, specialUse = '-', subscribed }) => `${path} ${specialUse} ${subscribed === true}`)
        .toSorted();
    });
  }

  /** The text of a message. */
  text(name: string, folder: string, uid: number): Promise<string> {
    return this.#withClient(name, async (client) => {
      await client.mailboxOpen(folder, { readOnly: true });
      const message = await client.fetchOne(String(uid), { source: true }, { uid: true });
      return message ? (message.source?.toString('latin1') ?? '') : '';
    });
  }

  async close(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
