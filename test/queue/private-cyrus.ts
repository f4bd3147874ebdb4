// A Cyrus of our own (package cyrus-common: its LMTP server and what starts it), with everything that it keeps in a folder
// of its own. A mailbox comes into being with its first message, which Cyrus keeps as a file `1.`, `2.` …

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const programs = '/usr/lib/cyrus/bin';

/** Installed, and startable: it must run as its own user. */
export const canRunCyrus = existsSync(join(programs, 'lmtpd')) && process.getuid?.() === 0;

export class PrivateCyrus {
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** `folder`: to be made, below one that everybody may enter. */
  static async start(folder: string): Promise<PrivateCyrus> {
    for (const one of ['', 'run', 'proc', 'lock']) mkdirSync(join(folder, one));
    chmodSync(join(folder, 'run'), 0o755);
    writeFileSync(join(folder, 'imapd.conf'), configuration(folder));
    const lmtpd = `lmtpd -C ${folder}/imapd.conf -a`;
    const service = `lmtp cmd="${lmtpd}" listen="${folder}/run/lmtp" prefork=0 maxchild=5`;
    writeFileSync(join(folder, 'cyrus.conf'), `START {\n}\nSERVICES {\n  ${service}\n}\nEVENTS {\n}\n`);
    execFileSync('chown', ['-R', 'cyrus:mail', folder]);
    const cyrus = new PrivateCyrus(folder);
    for (let tries = 0; !existsSync(cyrus.socket); tries++) {
      if (tries === 500) throw new Error('cyrus does not start: see the syslog');
      await sleep(20);
    }
    return cyrus;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    const [uid, gid] = ['-u', '-g'].map((option) =>
      Number(execFileSync('id', [option, 'cyrus'], { encoding: 'utf8' })),
    );
    const args = ['-C', join(folder, 'imapd.conf'), '-M', join(folder, 'cyrus.conf'), '-p', join(folder, 'pid')];
    // Its socket is for others, who are not of its group.
    const command = ['-c', 'umask 0; exec "$0" "$@"', join(programs, 'master'), ...args];
    const user = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    this.#process = spawn('/bin/sh', command, { ...user, cwd: folder, stdio: 'ignore' });
  }

  get socket(): string {
    return join(this.#folder, 'run/lmtp');
  }

  /** Everything that it keeps, with LF line ends. */
  messages(): string[] {
    const spool = join(this.#folder, 'spool');
    if (!existsSync(spool)) return [];
    const files = readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => /\/\d+\.$/.test(name));
    return files.map((name) => readFileSync(join(spool, name), 'utf8').replaceAll('\r\n', '\n'));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}

function configuration(folder: string): string {
  return `configdirectory: ${folder}/lib
partition-default: ${folder}/spool
defaultpartition: default
proc_path: ${folder}/proc
mboxname_lockpath: ${folder}/lock
lmtpsocket: ${folder}/run/lmtp
sievedir: ${folder}/sieve
syslog_prefix: posthaste-test
virtdomains: userid
defaultdomain: none.example
unixhierarchysep: yes
autocreate_quota: 0
autocreate_post: yes
duplicatesuppression: no
`;
}
