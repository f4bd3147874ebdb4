// sh scripts/with-node bench/virtual-maildirs.ts [--runs 3] [--seconds 5] [--folder DIR]: SMTP in, out by virtual(8) into
// Maildirs that are there already, ours and Postfix's turn about, with the same lmdb tables on the same file system. Needs root and Postfix.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openStoreReader } from '../src/mailstore/store-reader.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { mountBenchFileSystem } from './file-system.ts';
import type { MailServer } from './mail-server.ts';
import { mailUid } from './mail-user.ts';
import { removeNewFiles } from './maildirs.ts';
import { Postfix } from './postfix.ts';
import type { LoadShape } from './smtp-run.ts';
import { describeShape, measureThroughput } from './throughput.ts';
import { bulkAddress, bulkUserCount, maildirOf, writeUserFiles } from './users.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    folder: { type: 'string', default: '/var/tmp/posthaste-bench' },
  },
});

const shapes: readonly LoadShape[] = [
  { sessions: 10, bytes: 4096, mode: 'new' },
  { sessions: 10, bytes: 4096, mode: 'reuse' },
];

class VirtualPosthaste implements MailServer {
  readonly name = 'Posthaste';
  readonly #process: PosthasteProcess;
  readonly #mail: string;
  #reads: ReturnType<typeof openStoreReader>;

  /** With the tables that Postfix has in `tables`. */
  static async create(folder: string, tables: string): Promise<VirtualPosthaste> {
    const mail = join(folder, 'mail');
    mkdirSync(mail, { recursive: true });
    chownSync(mail, mailUid, mailUid);
    const server = await PosthasteProcess.create({
      folder,
      services: 'virtual unix - n n - - virtual\n',
      settings: {
        virtual_transport: 'virtual',
        virtual_mailbox_domains: `lmdb:${tables}/domains`,
        virtual_mailbox_maps: `lmdb:${tables}/mailboxes`,
        virtual_alias_maps: `lmdb:${tables}/aliases`,
        virtual_alias_domains: '',
        virtual_mailbox_base: mail,
        virtual_uid_maps: `static:${mailUid}`,
        virtual_gid_maps: `static:${mailUid}`,
        virtual_mailbox_limit: '0',
      },
    });
    return new VirtualPosthaste(server, mail);
  }

  private constructor(process: PosthasteProcess, mail: string) {
    this.#process = process;
    this.#mail = mail;
  }

  get smtpPort(): number {
    return this.#process.smtpPort;
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  rootPids(): readonly number[] {
    return [this.#process.pid];
  }

  /** Nothing is due any more, and nothing under way: rows go when their outcome is recorded. */
  async waitUntilDelivered(): Promise<void> {
    this.#reads ??= openStoreReader(this.#process.dataFolder);
    while (this.#reads?.queueNextAttempt() !== undefined) await sleep(5);
  }

  takeDelivered(): Promise<number> {
    return removeNewFiles(this.#mail);
  }
}

function makeMaildirs(mail: string): void {
  for (let number = 1; number <= bulkUserCount; number++) {
    const maildir = join(mail, maildirOf(bulkAddress(number)));
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true });
  }
  execFileSync('chown', ['-R', `${mailUid}:${mailUid}`, mail]);
}

async function main(): Promise<void> {
  const work = resolve(values.folder);
  const disk = mountBenchFileSystem(work, 8192);
  const userFiles = join(work, 'users');
  writeUserFiles(userFiles);
  for (const name of ['virtual', 'A2']) rmSync(join(disk.folder, name), { recursive: true, force: true });
  const postfix = new Postfix({ folder: join(disk.folder, 'A2'), userFiles, kind: 'A2' });
  const ours = await VirtualPosthaste.create(join(disk.folder, 'virtual'), postfix.configFolder);
  try {
    for (const server of ['virtual', 'A2']) makeMaildirs(join(disk.folder, server, 'mail'));
    await postfix.start();
    await ours.start();
    const [runs, seconds] = [Number(values.runs), Number(values.seconds)];
    const report = (line: string): void => console.error(line);
    const rows = await measureThroughput({ ours, peers: [postfix], shapes, runs, seconds, report });
    console.log(
      `${disk.description}\n\n| load | server | accepted | into the Maildir | CPU a message |\n|---|---|---|---|---|`,
    );
    for (const { shape, server, accepted, delivered, cpuMilliseconds } of rows) {
      const spread = `${Math.round(delivered.median)}/s (${Math.round(delivered.least)}–${Math.round(delivered.most)})`;
      console.log(
        `| ${describeShape(shape)} | ${server} | ${Math.round(accepted.median)}/s | ${spread} | ${cpuMilliseconds.toFixed(2)} ms |`,
      );
    }
  } finally {
    await ours.stop();
    await postfix.stop();
    disk.unmount();
  }
}

await main();
