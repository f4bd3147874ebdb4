// A real Postfix of Debian's with a folder of its own, on loopback: its own configuration, queue and log; it touches
// nothing of the system's instance. It is ended by killing its process group: this is a scratch instance, and
// postfix-script(1) takes seconds.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isListening } from './posthaste-process.ts';
import { realPostconf } from './real-postconf.ts';

/** Why there can be none here; undefined where it can run. */
export const noRealPostfix: string | undefined =
  realPostconf === undefined
    ? 'needs Postfix 3.7 (package postfix)'
    : process.getuid?.() !== 0
      ? 'needs root to run a Postfix'
      : undefined;

export interface PostfixFolder {
  readonly etc: string;
  readonly spool: string;
  readonly data: string;
  readonly log: string;
}

export class RealPostfix {
  readonly folder: PostfixFolder;
  readonly port: number;
  readonly #postfixUid = Number(execFileSync('id', ['-u', 'postfix'], { encoding: 'utf8' }));
  #pid = 0;

  /** `folder` must be one that the user postfix may enter: not below a private folder. */
  constructor(folder: string, port: number) {
    this.folder = {
      etc: join(folder, 'etc'),
      spool: join(folder, 'spool'),
      data: join(folder, 'data'),
      log: join(folder, 'maillog'),
    };
    this.port = port;
    for (const path of [folder, this.folder.etc, this.folder.spool, this.folder.data]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o755);
    }
    chownSync(this.folder.data, this.#postfixUid, -1);
  }

  /** What main.cf must say so that nothing of the system's instance is used. */
  get settings(): Record<string, string> {
    return {
      queue_directory: this.folder.spool,
      data_directory: this.folder.data,
      command_directory: '/usr/sbin',
      daemon_directory: '/usr/lib/postfix/sbin',
      maillog_file: this.folder.log,
      maillog_file_prefixes: this.folder.log.slice(0, this.folder.log.indexOf('/', 1)),
    };
  }

  /** Writes the two files and starts with them. Throws where master(8) does not start. */
  async start(mainCf: string, masterCf: string): Promise<void> {
    this.stop();
    const { etc, log } = this.folder;
    for (const [name, text] of [
      ['main.cf', mainCf],
      ['master.cf', masterCf],
    ] as const) {
      writeFileSync(join(etc, name), text);
      ageFile(join(etc, name));
    }
    writeFileSync(log, '', { flag: 'a' });
    // On a busy machine a master that was started just after another was killed sometimes starts no process but
    // smtpd(8): sessions begin and are never answered. One that works has logged its start.
    for (let attempt = 0; !(await this.#startOnce(this.readLog().length)); attempt++) {
      if (attempt === 3) throw new Error(`postfix starts without a word in its log:\n${this.readLog().slice(-1500)}`);
      this.stop();
    }
  }

  /** False where the log, from `logged` on, does not say that the daemon has started. */
  async #startOnce(logged: number): Promise<boolean> {
    const { etc, spool } = this.folder;
    const isNew = !existsSync(join(spool, 'public/pickup'));
    const command = isNew
      ? (['/usr/sbin/postfix', ['-c', etc, 'start']] as const)
      : (['/usr/lib/postfix/sbin/master', ['-c', etc, '-w']] as const);
    // The lock of a killed master may linger for a moment.
    for (let attempt = 0; ; attempt++) {
      const { status, stderr } = spawnSync(command[0], command[1], {
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      if (status === 0) break;
      if (attempt === 20) throw new Error(`postfix does not start: ${stderr}\n${this.readLog().slice(-1500)}`);
      await sleep(50);
    }
    this.#pid = Number(readFileSync(join(spool, 'pid/master.pid'), 'utf8'));
    for (let attempt = 0; !(await isListening(this.port)); attempt++) {
      if (attempt === 500) throw new Error(`postfix does not listen:\n${this.readLog().slice(-1500)}`);
      await sleep(10);
    }
    for (let attempt = 0; attempt < 300; attempt++) {
      if (this.readLog().includes('daemon started', logged)) return true;
      await sleep(10);
    }
    return false;
  }

  /** master(8)'s; its daemons are its children. */
  get pid(): number {
    return this.#pid;
  }

  readLog(): string {
    return existsSync(this.folder.log) ? readFileSync(this.folder.log, 'utf8') : '';
  }

  clearLog(): void {
    rmSync(this.folder.log, { force: true });
  }

  /** Ends it at once and empties its queue. */
  stop(): void {
    if (this.#pid === 0) return;
    const pid = this.#pid;
    this.#pid = 0;
    // master(8) leads a process group of its own.
    if (readStat(pid)?.group === pid) process.kill(-pid, 'SIGKILL');
    while (readStat(pid) !== undefined) spawnSync('sleep', ['0.005']);
    for (const queue of ['maildrop', 'incoming', 'active', 'deferred', 'bounce', 'defer', 'trace']) {
      spawnSync('find', [join(this.folder.spool, queue), '-type', 'f', '-delete']);
    }
  }
}

/** Postfix sleeps until a file is older than two seconds before it trusts it. */
export function ageFile(path: string): void {
  utimesSync(path, 1, 1);
}

/** Undefined for a process that has ended. */
function readStat(pid: number): { readonly group: number } | undefined {
  try {
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' ? undefined : { group: Number(group) };
  } catch {
    return undefined;
  }
}
