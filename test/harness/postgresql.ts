// A PostgreSQL of its own (package postgresql), on a free port and a socket in its folder, with the superuser
// `postgres`, whom it trusts. Tests that need it are skipped where it is not installed.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';

const programs = findPrograms();

export const hasPostgreSql = programs !== undefined;

export class PostgreSqlServer {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  port = 0;

  /** The folder is made where it does not exist; what it holds from an earlier start is used again. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True when the data was made by this start. A second start keeps the port. */
  async start(options: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const isNew = !existsSync(this.#data);
    if (isNew) this.#install();
    if (this.port === 0) [this.port = 0] = await findFreePorts(1);
    const log = openSync(join(this.#folder, 'log'), 'a');
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: this.#folder,
      fsync: 'off',
      ...options,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const program = join(programs ?? '', 'postgres');
    this.#child = spawn(program, ['-D', this.#data, ...args], { stdio: ['ignore', log, log], ...account() });
    while (!(await this.#answers())) {
      if (this.#child.exitCode !== null) throw new Error(`postgres ended:\n${this.#logTail()}`);
      await sleep(30);
    }
    return isNew;
  }

  /** SIGINT ends the sessions and then the server; SIGQUIT is a crash. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((done) => {
      child.once('exit', done);
      child.kill(signal);
    });
  }

  /** SIGSTOP and SIGCONT, to the server and to its sessions: the kernel goes on accepting, nobody answers. */
  signalAll(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
    for (const one of [pid, ...children.trim().split(/\s+/).map(Number)]) {
      try {
        process.kill(one, signal);
      } catch {
        // A worker that ended meanwhile.
      }
    }
  }

  /** Runs statements as the superuser; what they print, without headings. */
  execute(sql: string, database = 'postgres'): string {
    const args = ['-h', this.#folder, '-p', String(this.port), '-U', 'postgres', '-d', database];
    const all = [...args, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-'];
    const env = { PATH: process.env['PATH'] ?? '', PGCLIENTENCODING: 'UTF8' };
    return execFileSync(join(programs ?? '', 'psql'), all, { input: sql, stdio: 'pipe', encoding: 'utf8', env });
  }

  /** The folder of the socket `.s.PGSQL.PORT`. */
  get socketFolder(): string {
    return this.#folder;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #answers(): Promise<boolean> {
    if (!(await isListening(this.port))) return false;
    const args = ['-h', this.#folder, '-p', String(this.port), '-q'];
    return spawnSync(join(programs ?? '', 'pg_isready'), args).status === 0;
  }

  #install(): void {
    mkdirSync(this.#folder, { recursive: true });
    if (process.getuid?.() === 0) execFileSync('chown', ['postgres', this.#folder]);
    const args = ['-D', this.#data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
    execFileSync(join(programs ?? '', 'initdb'), args, { stdio: 'pipe', ...account() });
  }

  #logTail(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8').slice(-2000);
  }
}

/** Debian keeps each version's programs in a folder of their own. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : [];
  return [...versions.toSorted().toReversed(), '/usr/bin', '/usr/local/bin'].find((folder) =>
    existsSync(join(folder, 'initdb')),
  );
}

/** PostgreSQL refuses to run as root. */
function account(): { uid?: number; gid?: number; cwd: string } {
  if (process.getuid?.() !== 0) return { cwd: '/' };
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g'), cwd: '/' };
}
