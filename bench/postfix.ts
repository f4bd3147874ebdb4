// Real Postfix as a peer, with its own configuration, queue and Maildirs below the bench's folder, on loopback:
//   A  tables in MariaDB, through proxymap, delivered by virtual(8) into Maildirs
//   A2 lmdb tables, delivered as A
//   B  lmdb tables, delivered over LMTP by Dovecot into Maildirs
//   relay  no tables; everything goes on to one next hop
// Settings are Debian's defaults where nothing else is said; durability is Postfix's own (fsync before 250).

import { execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { Dovecot } from './dovecot.ts';
import { type MailServer, recipientLoadSettings } from './mail-server.ts';
import { MariaDb } from './mariadb.ts';
import { removeNewFiles } from './maildirs.ts';
import { mailUid } from './mail-user.ts';

const lmdbTables = ['domains', 'mailboxes', 'aliases'] as const;

const names = {
  A: 'A: Postfix + MariaDB',
  A2: 'A2: Postfix + lmdb',
  B: 'B: Postfix → Dovecot LMTP',
  relay: 'Postfix',
} as const;

export interface PostfixOptions {
  /** Below it: configuration, queue, mail. */
  readonly folder: string;
  /** Where writeUserFiles has put the tables. */
  readonly userFiles: string;
  readonly kind: 'A' | 'A2' | 'B' | 'relay';
  /** `default_transport` of the relay. */
  readonly transport?: string;
}

export class Postfix implements MailServer {
  readonly name: string;
  readonly #options: PostfixOptions;
  readonly configFolder: string;
  readonly #mail: string;
  readonly #mariaDb: MariaDb | undefined;
  readonly #dovecot: Dovecot | undefined;
  smtpPort = 0;

  constructor(options: PostfixOptions) {
    const { folder, kind, userFiles } = options;
    this.#options = options;
    this.name = names[kind];
    this.configFolder = join(folder, 'etc');
    if (kind === 'A') this.#mariaDb = new MariaDb(join(folder, 'mariadb'), join(userFiles, 'tables.sql'));
    if (kind === 'B') this.#dovecot = new Dovecot(join(folder, 'dovecot'), join(userFiles, 'passwd'));
    this.#mail = this.#dovecot?.mailFolder ?? join(folder, 'mail');
  }

  /** Dovecot's IMAP port; only B has one. */
  get imapPort(): number {
    return this.#dovecot?.imapPort ?? 0;
  }

  async start(): Promise<void> {
    await this.#mariaDb?.start();
    await this.#dovecot?.start();
    const [smtpPort = 0] = await findFreePorts(1);
    this.smtpPort = smtpPort;
    this.#configure();
    // A daemon keeps what it inherits: with pipes this call would wait for its end.
    execFileSync('postfix', ['-c', this.configFolder, 'start'], { stdio: 'ignore' });
    await sleep(500);
  }

  async stop(): Promise<void> {
    execFileSync('postfix', ['-c', this.configFolder, 'stop'], { stdio: 'ignore' });
    await this.#dovecot?.stop();
    await this.#mariaDb?.stop();
  }

  rootPids(): readonly number[] {
    const master = Number(readFileSync(join(this.#options.folder, 'spool/pid/master.pid'), 'utf8'));
    return [master, ...(this.#mariaDb?.rootPids() ?? []), ...(this.#dovecot?.rootPids() ?? [])];
  }

  /** Two looks in a row, 50 ms apart, at which incoming and active hold no file. */
  async waitUntilDelivered(): Promise<void> {
    const queues = ['incoming', 'active'].map((name) => join(this.#options.folder, 'spool', name));
    for (let empty = 0; empty < 2; await sleep(50)) {
      const busy = await Promise.all(queues.map(holdsFiles));
      empty = busy.some(Boolean) ? 0 : empty + 1;
    }
  }

  takeDelivered(): Promise<number> {
    return removeNewFiles(this.#mail);
  }

  #configure(): void {
    const { folder, kind } = this.#options;
    for (const name of ['etc', 'etc/dynamicmaps.cf.d', 'spool', 'lib', 'mail']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    const postfixUid = Number(execFileSync('id', ['-u', 'postfix'], { encoding: 'utf8' }));
    chownSync(join(folder, 'lib'), postfixUid, 0);
    chownSync(join(folder, 'mail'), mailUid, mailUid);
    writeFileSync(join(this.configFolder, 'main.cf'), this.#mainCf());
    writeFileSync(join(this.configFolder, 'master.cf'), this.#masterCf());
    for (const name of ['dynamicmaps.cf', 'postfix-files']) {
      if (existsSync(`/etc/postfix/${name}`)) copyFileSync(`/etc/postfix/${name}`, join(this.configFolder, name));
    }
    if (kind === 'A') this.#useSqlTables();
    if (kind === 'A2' || kind === 'B') this.#useLmdbTables();
    if (kind === 'relay') {
      appendFileSync(join(this.configFolder, 'main.cf'), `default_transport = ${this.#options.transport ?? 'smtp'}\n`);
    }
  }

  #mainCf(): string {
    const { folder } = this.#options;
    return `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/lib
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
alias_maps =
alias_database =
myhostname = mx.peers.test
mydestination = localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtp_tls_security_level = none
smtpd_tls_security_level = none
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_base = ${this.#mail}
virtual_uid_maps = static:${mailUid}
virtual_gid_maps = static:${mailUid}
${Object.entries(recipientLoadSettings)
  .map(([name, value]) => `${name} = ${value}\n`)
  .join('')}`;
  }

  /** Debian's master.cf, nothing chrooted, smtpd on our port. */
  #masterCf(): string {
    const original = readFileSync('/etc/postfix/master.cf.proto', 'utf8')
      .replace(/^([a-z]\S*\s+\S+\s+\S+\s+\S+\s+)y/gm, '$1n')
      .replace(/^smtp(\s+inet)/m, `127.0.0.1:${this.smtpPort}$1`);
    return /^postlog/m.test(original) ? original : `${original}postlog unix-dgram n - n - 1 postlogd\n`;
  }

  #useSqlTables(): void {
    const queries = {
      domains: "SELECT domain FROM domains WHERE domain='%s'",
      forwardings: "SELECT destination FROM forwardings WHERE source='%s'",
      email2email: "SELECT email FROM users WHERE email='%s'",
      mailboxes:
        "SELECT CONCAT(SUBSTRING_INDEX(email,'@',-1),'/',SUBSTRING_INDEX(email,'@',1),'/') FROM users WHERE email='%s'",
    };
    const table = (name: string) => `proxy:mysql:${this.configFolder}/mysql-${name}.cf`;
    for (const [name, query] of Object.entries(queries)) {
      const access = `user = mail\npassword = mail\nhosts = 127.0.0.1:${this.#mariaDb?.port}\ndbname = mail\n`;
      writeFileSync(join(this.configFolder, `mysql-${name}.cf`), `${access}query = ${query}\n`);
    }
    appendFileSync(
      join(this.configFolder, 'main.cf'),
      `virtual_mailbox_domains = ${table('domains')}\nvirtual_mailbox_maps = ${table('mailboxes')}\n` +
        `virtual_alias_maps = ${table('forwardings')}, ${table('email2email')}\n`,
    );
  }

  #useLmdbTables(): void {
    const table = (name: (typeof lmdbTables)[number]) => `lmdb:${this.configFolder}/${name}`;
    appendFileSync(
      join(this.configFolder, 'main.cf'),
      `lmdb_map_size = 1073741824\nvirtual_mailbox_domains = ${table('domains')}\n` +
        `virtual_mailbox_maps = ${table('mailboxes')}\nvirtual_alias_maps = ${table('aliases')}\n` +
        (this.#dovecot === undefined ? '' : `virtual_transport = lmtp:unix:${this.#dovecot.lmtpSocket}\n`),
    );
    for (const name of lmdbTables) {
      copyFileSync(join(this.#options.userFiles, name), join(this.configFolder, name));
      execFileSync('postmap', ['-c', this.configFolder, table(name)], { stdio: 'pipe' });
    }
  }
}

async function holdsFiles(folder: string): Promise<boolean> {
  for await (const entry of await opendir(folder)) {
    if (entry.isFile()) return true;
    if (entry.isDirectory() && (await holdsFiles(join(folder, entry.name)))) return true;
  }
  return false;
}
