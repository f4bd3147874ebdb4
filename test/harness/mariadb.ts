// A MariaDB of its own (packages mariadb-server, mariadb-client), on a free port and a socket in its folder; `root`
// has no password there. Tests that need it are skipped where it is not installed.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';
import { stopOrGo } from './stop-and-go.ts';

export const hasMariaDb = ['mariadbd', 'mariadb-install-db', 'mariadb'].every((program) =>
  ['/usr/sbin', '/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, program))),
);

export class MariaDbServer {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  port = 0;

  /** The folder is made where it does not exist; what it holds from an earlier start is used again. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True when the data was made by this start. A second start keeps the port. */
  async start(options: readonly string[] = []): Promise<boolean> {
    const isNew = this.install();
    if (this.port === 0) [this.port = 0] = await findFreePorts(1);
    const log = openSync(join(this.#folder, 'log'), 'a');
    const all = [
      '--no-defaults',
      ...userOption(),
      `--datadir=${this.#data}`,
      `--socket=${this.socket}`,
      `--port=${this.port}`,
      '--bind-address=127.0.0.1',
      `--pid-file=${join(this.#folder, 'pid')}`,
      ...options,
    ];
    this.#child = spawn('mariadbd', all, { stdio: ['ignore', log, log] });
    while (!(await isListening(this.port))) {
      if (this.#child.exitCode !== null) throw new Error(`mariadbd ended:\n${this.#logTail()}`);
      await sleep(30);
    }
    // It listens before it is ready, and one that is told to end meanwhile never does. (A node of Galera answers SHOW alone.)
    this.execute("SHOW STATUS LIKE 'Uptime'");
    return isNew;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((done) => {
      child.once('exit', done);
      child.kill(signal);
    });
  }

  /** The kernel goes on accepting connections, nobody answers. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#child?.pid !== undefined) stopOrGo(this.#child.pid, signal);
  }

  /** Runs statements as root; what they print. */
  execute(sql: string | Buffer, database = ''): string {
    const client = ['--no-defaults', '--batch', '-uroot', '-S', this.socket, '--default-character-set=utf8mb4'];
    const args = database === '' ? client : [...client, database];
    return execFileSync('mariadb', args, { input: sql, stdio: 'pipe', encoding: 'utf8', maxBuffer: 1 << 28 });
  }

  rootPids(): readonly number[] {
    return this.#child?.pid === undefined ? [] : [this.#child.pid];
  }

  /** A socket's path may have 107 octets. */
  get socket(): string {
    return join(this.#folder, 's');
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  /** Makes the data where there is none; true where it has. */
  install(): boolean {
    const data = this.#data;
    if (existsSync(join(data, 'mysql'))) return false;
    mkdirSync(data, { recursive: true });
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'mysql', this.#folder]);
    const options = [
      '--no-defaults',
      ...userOption(),
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ];
    execFileSync('mariadb-install-db', options, { stdio: 'pipe' });
    return true;
  }

  #logTail(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8').slice(-2000);
  }
}

function userOption(): string[] {
  return process.getuid?.() === 0 ? ['--user=mysql'] : [];
}
