// A MariaDB of its own for peer A, with default settings, on loopback.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { isListening } from '../test/harness/posthaste-process.ts';

export class MariaDb {
  readonly #folder: string;
  readonly #sqlFile: string;
  #child: ChildProcess | undefined;
  port = 0;

  constructor(folder: string, sqlFile: string) {
    this.#folder = folder;
    this.#sqlFile = sqlFile;
  }

  async start(): Promise<void> {
    const data = join(this.#folder, 'data');
    const isNew = !existsSync(join(data, 'mysql'));
    mkdirSync(this.#folder, { recursive: true });
    if (isNew) {
      mkdirSync(data, { recursive: true });
      execFileSync('chown', ['-R', 'mysql', this.#folder]);
      const options = [
        '--no-defaults',
        '--user=mysql',
        `--datadir=${data}`,
        '--auth-root-authentication-method=normal',
      ];
      execFileSync('mariadb-install-db', options, { stdio: 'pipe' });
    }
    const [port = 0] = await findFreePorts(1);
    this.port = port;
    const log = openSync(join(this.#folder, 'log'), 'a');
    const options = [
      '--no-defaults',
      '--user=mysql',
      `--datadir=${data}`,
      `--socket=${this.#socket()}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--pid-file=${join(this.#folder, 'pid')}`,
    ];
    this.#child = spawn('mariadbd', options, { stdio: ['ignore', log, log] });
    while (!(await isListening(port))) {
      if (this.#child.exitCode !== null) throw new Error(`mariadbd ended: see ${this.#folder}/log`);
      await sleep(100);
    }
    if (isNew) this.#load();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    await new Promise((done) => {
      child.once('exit', done);
      child.kill('SIGTERM');
    });
  }

  rootPids(): readonly number[] {
    return this.#child?.pid === undefined ? [] : [this.#child.pid];
  }

  /** A socket's path may have 107 octets. */
  #socket(): string {
    return join(this.#folder, 's');
  }

  #load(): void {
    const client = (input: string | Buffer, ...args: string[]) =>
      execFileSync('mariadb', ['--no-defaults', '-uroot', '-S', this.#socket(), ...args], { input, stdio: 'pipe' });
    client(
      "CREATE DATABASE mail; CREATE USER mail@'127.0.0.1' IDENTIFIED BY 'mail'; CREATE USER mail@localhost IDENTIFIED BY 'mail';" +
        "GRANT SELECT ON mail.* TO mail@'127.0.0.1'; GRANT SELECT ON mail.* TO mail@localhost;",
    );
    client(readFileSync(this.#sqlFile), 'mail');
  }
}
