// Dovecot for peer B: LMTP in, IMAP out, Maildir, its own default durability (mail_fsync = optimized).

import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { isListening } from '../test/harness/posthaste-process.ts';
import { mailUid } from './mail-user.ts';

export class Dovecot {
  readonly #folder: string;
  readonly #passwdFile: string;
  imapPort = 0;

  constructor(folder: string, passwdFile: string) {
    this.#folder = folder;
    this.#passwdFile = passwdFile;
  }

  get mailFolder(): string {
    return join(this.#folder, 'mail');
  }

  get lmtpSocket(): string {
    return join(this.#folder, 'run/lmtp');
  }

  async start(): Promise<void> {
    for (const name of ['run', 'state', 'mail']) mkdirSync(join(this.#folder, name), { recursive: true });
    chownSync(this.mailFolder, mailUid, mailUid);
    copyFileSync(this.#passwdFile, join(this.#folder, 'passwd'));
    const [imapPort = 0] = await findFreePorts(1);
    this.imapPort = imapPort;
    writeFileSync(this.#configFile(), this.#configuration());
    // A daemon keeps what it inherits: with pipes this call would wait for its end.
    execFileSync('dovecot', ['-c', this.#configFile()], { stdio: 'ignore' });
    while (!(await isListening(imapPort))) await sleep(100);
  }

  async stop(): Promise<void> {
    const pids = this.rootPids();
    execFileSync('doveadm', ['-c', this.#configFile(), 'stop'], { stdio: 'pipe' });
    for (let i = 0; i < 100 && pids.some(isAlive); i++) await sleep(50);
  }

  rootPids(): readonly number[] {
    return [Number(readFileSync(join(this.#folder, 'run/master.pid'), 'utf8'))];
  }

  #configFile(): string {
    return join(this.#folder, 'dovecot.conf');
  }

  #configuration(): string {
    return `base_dir = ${this.#folder}/run
state_dir = ${this.#folder}/state
log_path = ${this.#folder}/log
listen = 127.0.0.1
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = ${mailUid}
mail_max_userip_connections = 10000
default_client_limit = 10000
default_process_limit = 200
passdb {
  driver = passwd-file
  args = ${this.#folder}/passwd
}
userdb {
  driver = static
  args = uid=${mailUid} gid=${mailUid} home=${this.mailFolder}/%d/%n
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service imap-login {
  inet_listener imap {
    port = ${this.imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
`;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
