// Debian's Roundcube (packages roundcube-core, roundcube-sqlite3, roundcube-plugins), served by PHP's own web server on a free
// port, with a configuration and an SQLite database in a folder of its own: nothing of the system's is read but the program.
// And a browser that knows as much as its pages ask for: cookies, redirections and the request token.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';

const installed = '/usr/share/roundcube';

/** Why there is none here; undefined where it can run. */
export const noRoundcube: string | undefined =
  existsSync(join(installed, 'plugins/password/password.php')) && existsSync('/usr/bin/php')
    ? undefined
    : 'needs Roundcube (packages roundcube-core, roundcube-sqlite3, roundcube-plugins, php-cli)';

type Setting = string | number | boolean | readonly string[] | { readonly [name: string]: Setting };

export class Roundcube {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #port = 0;

  /** `settings` are those of config.inc.php, with the plugins' among them. */
  constructor(folder: string, settings: Readonly<Record<string, Setting>>) {
    this.#folder = folder;
    for (const name of ['config', 'plugins', 'temp', 'logs', 'public']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    for (const name of ['program', 'skins']) symlinkSync(join(installed, name), join(folder, name));
    symlinkSync('/etc/roundcube/defaults.inc.php', join(folder, 'config/defaults.inc.php'));
    symlinkSync('/etc/roundcube/mimetypes.php', join(folder, 'config/mimetypes.php'));
    // The two that it loads by itself, and the one that we are about.
    for (const name of ['jqueryui', 'filesystem_attachments', 'password']) this.#addPlugin(name);
    const database = join(folder, 'roundcube.db');
    const connection = new Database(database);
    connection.exec(readFileSync(join(installed, 'SQL/sqlite.initial.sql'), 'utf8'));
    connection.close();
    const all = {
      db_dsnw: `sqlite:///${database}?mode=0600`,
      des_key: 'twenty-four-octets-here.',
      plugins: ['password'],
      language: 'en_US',
      log_driver: 'file',
      log_dir: join(folder, 'logs'),
      temp_dir: join(folder, 'temp'),
      enable_spellcheck: false,
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `$config['${name}'] = ${literal(value)};\n`);
    writeFileSync(join(folder, 'config/config.inc.php'), `<?php\n${lines.join('')}`);
    writeFileSync(
      join(folder, 'public/index.php'),
      `<?php\ndefine('INSTALL_PATH', '${folder}/');\nrequire '${installed}/index.php';\n`,
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Without the system's configuration for it, which would be read over ours. */
  #addPlugin(name: string): void {
    const plugin = join(this.#folder, 'plugins', name);
    cpSync(join(installed, 'plugins', name), plugin, { recursive: true, verbatimSymlinks: true });
    rmSync(join(plugin, 'config.inc.php'), { force: true });
  }

  async start(): Promise<void> {
    [this.#port = 0] = await findFreePorts(1);
    const log = openSync(join(this.#folder, 'logs/php'), 'a');
    const args = ['-S', `127.0.0.1:${this.#port}`, '-t', join(this.#folder, 'public')];
    this.#child = spawn('/usr/bin/php', args, { stdio: ['ignore', log, log], cwd: this.#folder });
    while (!(await isListening(this.#port))) {
      if (this.#child.exitCode !== null) throw new Error(`php ended:\n${this.log()}`);
      await sleep(30);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((done) => {
      child.once('exit', done);
      child.kill('SIGTERM');
    });
  }

  /** What PHP and Roundcube say, at the end. */
  log(): string {
    const files = ['php', 'errors.log'].map((name) => join(this.#folder, 'logs', name));
    return files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8').slice(-3000) : '')).join('\n');
  }
}

/** As PHP writes it. */
function literal(value: Setting): string {
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&')}'`;
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((one: string) => literal(one)).join(', ')}]`;
  const pairs = Object.entries(value).map(([name, one]: [string, Setting]) => `${literal(name)} => ${literal(one)}`);
  return `[${pairs.join(', ')}]`;
}

export class Browser {
  readonly #roundcube: Roundcube;
  readonly #cookies = new Map<string, string>();
  /** Of the last page that had one: without it Roundcube does nothing (it thinks of forged requests). */
  #token = '';

  constructor(roundcube: Roundcube) {
    this.#roundcube = roundcube;
  }

  /** A page, behind its redirections. */
  async open(query: Readonly<Record<string, string>>): Promise<string> {
    return await this.#fetch(`?${new URLSearchParams(query).toString()}`);
  }

  /** What a page's script asks for by itself. */
  async ask(query: Readonly<Record<string, string>>): Promise<string> {
    const answer = await this.#fetch(`?${new URLSearchParams({ ...query, _remote: '1' }).toString()}`, {
      headers: { 'X-Roundcube-Request': this.#token },
    });
    return (JSON.parse(answer) as { exec: string }).exec;
  }

  async post(query: Readonly<Record<string, string>>, form: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ _token: this.#token, ...form });
    return await this.#fetch(`?${new URLSearchParams(query).toString()}`, { method: 'POST', body });
  }

  async logIn(user: string, password: string): Promise<string> {
    await this.open({ _task: 'login' });
    const form = { _task: 'login', _action: 'login', _timezone: 'UTC', _url: '', _user: user, _pass: password };
    return await this.post({ _task: 'login' }, form);
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<string> {
    let url = new URL(path, this.#roundcube.url);
    let options = init;
    for (let hops = 0; hops < 5; hops++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { ...(options.headers as Record<string, string> | undefined), cookie };
      const response = await fetch(url, { ...options, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) this.#keep(line);
      const location = response.headers.get('location');
      const text = await response.text();
      if (response.status >= 500) throw new Error(`Roundcube: ${response.status}\n${this.#roundcube.log()}`);
      if (location === null) {
        this.#token = /"request_token":"(\w+)"/.exec(text)?.[1] ?? this.#token;
        return text;
      }
      url = new URL(location, url);
      options = {};
    }
    throw new Error(`Roundcube redirects for ever, at last to ${url.href}:\n${this.#roundcube.log()}`);
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '-del-') this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
