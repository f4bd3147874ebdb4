// Mail of a real Dovecot: doveadm writes and reads its Maildirs, and clients reach them by IMAP.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrivateDovecot } from '../imap-dialogs/private-dovecot.ts';
import { isListening } from './posthaste-process.ts';

export class DovecotMail {
  readonly server: PrivateDovecot;

  private constructor(server: PrivateDovecot) {
    this.server = server;
  }

  /** `more` is added to the configuration. Any user may log in with the password `secret`. */
  static async start(more = ''): Promise<DovecotMail> {
    const server = await PrivateDovecot.start('plain', more);
    for (const deadline = performance.now() + 30_000; !(await isListening(server.port)); await sleep(50)) {
      if (performance.now() > deadline) throw new Error('Dovecot does not listen after 30 s');
    }
    return new DovecotMail(server);
  }

  mailFolder(user: string): string {
    return join(this.server.mailFolder, user);
  }

  doveadm(user: string, command: readonly string[], args: readonly string[] = [], input = ''): string {
    return execFileSync('doveadm', ['-c', this.server.configFile, ...command, '-u', user, ...args], {
      encoding: 'utf8',
      input,
      maxBuffer: 1024 ** 3,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** One line a message of a folder: uid, flags but \Recent, date, size. */
  listing(user: string, folder: string): string[] {
    const wanted = ['uid flags date.received.unixtime size.virtual', 'mailbox', folder, 'all'];
    const text = this.doveadm(user, ['-f', 'tab', 'fetch'], wanted);
    const lines = text.split('\n').slice(1);
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [uid = '', flags = '', date = '', size = ''] = line.split('\t');
        return listingLine({ uid, flags: flags.split(' '), date, size });
      });
  }

  /** A file that Dovecot may read. */
  write(user: string, name: string, text: string): string {
    const folder = join(this.server.mailFolder, `${user}.files`);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, name);
    writeFileSync(file, text, 'latin1');
    this.adopt(folder);
    return file;
  }

  /** Gives files that were written by another to Dovecot's user. */
  adopt(folder: string): void {
    execFileSync('chown', ['-R', 'nobody:nogroup', folder]);
    chownSync(folder, 65_534, 65_534);
  }

  /** How mbsync reaches it. */
  account(user: string): string[] {
    return imapAccount(this.server.port, user);
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

export function imapAccount(port: number, user: string): string[] {
  return [
    'Host 127.0.0.1',
    `Port ${port}`,
    `User ${user}`,
    'Pass secret',
    'SSLType None',
    'AuthMechs LOGIN',
    'Timeout 120',
  ];
}

/** In the form of `listing`. */
export function listingLine(message: {
  readonly uid: string | number;
  readonly flags: readonly string[];
  readonly date: string | number;
  readonly size: string | number;
}): string {
  const kept = message.flags.filter((flag) => flag !== '' && flag !== '\\Recent').toSorted();
  return `${message.uid} [${kept.join(' ')}] ${message.date} ${message.size}`;
}
