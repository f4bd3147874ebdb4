// A machine for tests of local(8): users of its own with homes in a folder of its own, aliases, lists and .forward files,
// and a program that does what its first argument says and writes down what it was given. The same for our server and
// for a real Postfix. Only root can make users.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SmtpConnection } from '../harness/smtp-connection.ts';

export const domain = 'mx.local.test';

/** Two characters tell the machines of one test run apart. */
const users = ['ann', 'bob', 'cleo'] as const;

export type User = (typeof users)[number];

const program = `#!/bin/sh
out=$1; shift
umask 022
{ env | sort | grep -v ^_=; echo "uid=$(id -u) groups=$(id -G)"; echo "args=$*"; } >"$out/$1.env"
cat >"$out/$1.mail"
echo run >>"$out/$1.runs"
case $1 in
  exit*) echo some output; exit "\${1#exit}";;
  once*) test -e "$out/$1.seen" || { touch "$out/$1.seen"; exit 75; };;
  says) echo 4.7.9 said so; exit 1;;
  kill) kill -9 $$;;
  sleep) sleep 30;;
  large) head -c 2000000 /dev/zero >"$out/large.data";;
esac
`;

export class LocalMachine {
  readonly folder: string;
  readonly out: string;
  readonly spool: string;
  readonly #mark: string;

  /** `mark` tells machines of the same process apart: a letter. */
  constructor(mark: string) {
    this.#mark = `${mark}${process.pid}`;
    this.folder = mkdtempSync('/var/tmp/posthaste-local-');
    chmodSync(this.folder, 0o755);
    this.out = this.#folder('out', 0o777);
    this.spool = this.#folder('mail', 0o1777);
    this.#folder('home', 0o755);
    this.#folder('lists', 0o755);
    writeFileSync(join(this.folder, 'program'), program);
    chmodSync(join(this.folder, 'program'), 0o755);
    for (const user of users) {
      execFileSync('useradd', ['-M', '-d', this.home(user), '-s', '/bin/sh', this.login(user)]);
      if (user === 'cleo') continue;
      mkdirSync(this.home(user), { mode: 0o700 });
      chownSync(this.home(user), this.uid(user), this.uid(user));
    }
    this.#makeFiles();
  }

  #folder(name: string, mode: number): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    chmodSync(path, mode);
    return path;
  }

  #makeFiles(): void {
    const file = (name: string, mode: number): string => {
      const path = join(this.out, name);
      writeFileSync(path, '');
      chmodSync(path, mode);
      return path;
    };
    file('executable', 0o777);
    symlinkSync(file('target', 0o666), join(this.out, 'link'));
    linkSync(file('hard', 0o666), join(this.out, 'hard2'));
    const annsList = join(this.folder, 'lists/anns');
    writeFileSync(annsList, `|${this.command('anns')}\n${this.out}/annsfile\n`);
    chownSync(annsList, this.uid('ann'), this.uid('ann'));
    writeFileSync(join(this.folder, 'lists/roots'), `${this.login('ann')}\n`);
    writeFileSync(join(this.folder, 'lists/open'), 'x@far.test\n');
    chmodSync(join(this.folder, 'lists/open'), 0o666);
    writeFileSync(join(this.folder, 'aliases'), this.#aliases());
  }

  #aliases(): string {
    const exits = [0, 1, 65, 67, 69, 75, 77, 99].map(
      (status) => `exit${status}: "|${this.command(`exit${status}`)}"\n`,
    );
    return `${exits.join('')}
says: "|${this.command('says')}"
kill: "|${this.command('kill')}"
sleep: "|${this.command('sleep')}"
large: "|${this.command('large')}"
missing: "|/nonexistent/program x"
noprogram: "|nosuchprogram x"
builtin: "|exit 75"
shell: "|echo hi; exit 69"
noexec: "|/etc/passwd x"
file: ${this.out}/file
null: /dev/null
maildir: ${this.out}/maildir/
forbidden: /etc/nobodys
executable: ${this.out}/executable
folder: /etc
link: ${this.out}/link
hard: ${this.out}/hard
list: :include:${this.folder}/lists/roots
anns: :include:${this.folder}/lists/anns
nolist: :include:${this.folder}/lists/none
openlist: :include:${this.folder}/lists/open
relative: :include:list
nested: "|${this.command('nested')}"
nest: nested
owned: "|${this.command('owned')}"
owner-owned: ${this.login('bob')}
tilde: ~/file
waits: "|exit 75", ${this.out}/waitsfile
fails: "|exit 67", ${this.out}/failsfile
spread: ${this.login('ann')}, ${this.out}/box1/, ${this.out}/box2/
several: "|${this.command('several')}", ${this.out}/severalfile, "|${this.command('once75')}", ${this.out}/severalbox/, x@far.test
`;
  }

  login(user: User): string {
    return `ph${this.#mark}${user}`;
  }

  home(user: User): string {
    return join(this.folder, 'home', user);
  }

  uid(user: User): number {
    return Number(execFileSync('id', ['-u', this.login(user)], { encoding: 'utf8' }));
  }

  command(what: string): string {
    return `${this.folder}/program ${this.out} ${what}`;
  }

  /** Of both servers. */
  get settings(): Record<string, string> {
    return {
      compatibility_level: '3.6',
      myhostname: domain,
      mydestination: domain,
      mynetworks: '127.0.0.0/8',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      recipient_delimiter: '+',
      alias_maps: `hash:${this.folder}/aliases`,
      local_recipient_maps: '',
      mail_spool_directory: this.spool,
      command_time_limit: '4s',
      default_transport: 'discard',
      message_size_limit: '1000000',
      mailbox_size_limit: '1000000',
      biff: 'no',
    };
  }

  /** Mode 0600, and the user's. */
  writeHome(user: User, name: string, text: string): void {
    const path = join(this.home(user), name);
    writeFileSync(path, text, { mode: 0o600 });
    chownSync(path, this.uid(user), this.uid(user));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  /** How often the program was run with this first argument. */
  runs(what: string): number {
    const path = join(this.out, `${what}.runs`);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
  }

  onlyFile(path: string): string {
    const names = readdirSync(join(this.folder, path));
    if (names.length !== 1) throw new Error(`${path} has ${names.length} files`);
    return join(path, names[0] as string);
  }

  /** Without what differs from machine to machine and from time to time. */
  plain(text: string): string {
    return text
      .replaceAll(this.folder, 'FOLDER')
      .replaceAll(new RegExp(`ph${this.#mark}`, 'g'), '')
      .replaceAll(/\d\d:\d\d:\d\d/g, 'TIME');
  }

  remove(): void {
    for (const user of users) execFileSync('userdel', [this.login(user)], { stdio: 'ignore' });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const body = 'Subject: one\r\n\r\nFrom here on\r\n..two dots\r\nend\r\n';

/** Each recipient a message of its own. */
export async function sendEach(port: number, recipients: readonly string[], sender = 'joe@far.test'): Promise<void> {
  const connection = await SmtpConnection.open(port);
  await connection.command('EHLO client.test');
  for (const recipient of recipients) {
    await connection.command(`MAIL FROM:<${sender}>`);
    const reply = await connection.command(`RCPT TO:<${recipient}@${domain}>`);
    if (reply.code !== 250) throw new Error(`${recipient}: ${reply.code}`);
    await connection.command('DATA');
    connection.send(`${body}.\r\n`);
    const accepted = await connection.reply();
    if (accepted.code !== 250) throw new Error(`${recipient}: ${accepted.code}`);
  }
  await connection.quit();
}
