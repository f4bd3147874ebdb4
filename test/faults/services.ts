// What stands around the server of a fault run: its configuration for every delivery agent, the other servers, the
// program that pipe(8) runs, and what has come to each of them.

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../harness/random.ts';
import type { Arrival } from './ledger.ts';
import { recogniseMessage } from './numbered-message.ts';
import {
  errorDomain,
  lists,
  lmtpDomain,
  localDomain,
  maildirAddresses,
  maildirDomain,
  pipeDomain,
  smtpDomain,
} from './recipients.ts';
import { Sink } from './sink.ts';

const isRoot = process.getuid?.() === 0;
/** Whose the Maildirs are where the run is root's. */
const mailOwner = 5432;

/** Keeps the message, then notes it in one write; `later` waits once, `refuse` is refused. */
const program = `#!/bin/sh
folder=$1 recipient=$2
case $recipient in
  pipe.later.*) mkdir "$folder/later/$recipient" 2>/dev/null && exit 75;;
  pipe.refuse.*) exit 67;;
esac
name=$(date +%s%N)-$$
cat >"$folder/mail/$name" || exit 75
echo "$name $recipient" >>"$folder/taken"
`;

export interface ServicesOptions {
  readonly folder: string;
  /** Where Maildirs are: what a power cut takes away is taken from them too. */
  readonly maildirFolder: string;
  readonly rounds: number;
  readonly random: Random;
}

export class Services {
  readonly #options: ServicesOptions;
  readonly #sinks: readonly [smtp: Sink, lmtp: Sink];
  readonly #pipeFolder: string;
  /** Its path tells processes of this run from others. */
  readonly program: string;

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.#sinks = [new Sink('smtp', options.random), new Sink('lmtp', options.random)];
    this.#pipeFolder = join(options.folder, 'pipe');
    this.program = join(options.folder, 'take-mail');
  }

  async open(): Promise<void> {
    for (const sink of this.#sinks) await sink.listen();
    for (const name of ['', 'mail', 'later']) {
      mkdirSync(join(this.#pipeFolder, name), { recursive: true });
      chmodSync(join(this.#pipeFolder, name), 0o777);
    }
    writeFileSync(join(this.#pipeFolder, 'taken'), '');
    chmodSync(join(this.#pipeFolder, 'taken'), 0o666);
    writeFileSync(this.program, program, { mode: 0o755 });
    mkdirSync(this.#options.maildirFolder, { recursive: true });
    if (isRoot) chownSync(this.#options.maildirFolder, mailOwner, mailOwner);
    this.#writeTables();
  }

  async close(): Promise<void> {
    for (const sink of this.#sinks) await sink.close();
  }

  get services(): string {
    const user = isRoot ? 'nobody' : userInfo().username;
    return (
      'local unix - n n - - local\nlmtp unix - - n - - lmtp\nvirtual unix - n n - - virtual\n' +
      'nobody-here unix - - n - - error\n' +
      `keep unix - n n - - pipe user=${user} argv=${this.program} ${this.#pipeFolder} \${recipient}\n`
    );
  }

  get settings(): Readonly<Record<string, string>> {
    const [smtp, lmtp] = this.#sinks;
    const { folder, maildirFolder } = this.#options;
    const id = isRoot ? mailOwner : (process.getuid?.() ?? 0);
    const routes = [
      `${maildirDomain} = virtual`,
      `${pipeDomain} = keep`,
      `${smtpDomain} = smtp:[127.0.0.1]:${smtp.port}`,
      `${lmtpDomain} = lmtp:inet:127.0.0.1:${lmtp.port}`,
      // By another name than `error`, which would be refused at RCPT.
      `${errorDomain} = nobody-here:5.1.1 nobody is here`,
    ];
    return {
      mydestination: localDomain,
      local_recipient_maps: '',
      alias_maps: `hash:${join(folder, 'aliases')}`,
      relay_domains: [maildirDomain, pipeDomain, smtpDomain, lmtpDomain, errorDomain].join(', '),
      transport_maps: `inline:{ ${routes.map((route) => `{ ${route} }`).join(', ')} }`,
      virtual_mailbox_maps: `directory:mailboxes, texthash:${join(folder, 'maildirs')}`,
      virtual_mailbox_base: maildirFolder,
      virtual_uid_maps: `static:${id}`,
      virtual_gid_maps: `static:${isRoot ? mailOwner : (process.getgid?.() ?? 0)}`,
      virtual_mailbox_limit: '0',
      mailbox_size_limit: '0',
      keep_destination_recipient_limit: '1',
      minimal_backoff_time: '1s',
      maximal_backoff_time: '2s',
      queue_run_delay: '2s',
    };
  }

  #writeTables(): void {
    const { folder, rounds } = this.#options;
    const rows = maildirAddresses(rounds).map((address) => `${address} ${folderOf(address)}/\n`);
    writeFileSync(join(folder, 'maildirs'), rows.join(''));
    const entries = Object.entries(lists).map(
      ([name, ends]) => `${name}: ${ends.map(({ address }) => address).join(', ')}\n`,
    );
    writeFileSync(join(folder, 'aliases'), entries.join(''));
  }

  /** After a power cut: what was put back belongs to whoever put it back. */
  get owner(): number | undefined {
    return isRoot ? mailOwner : undefined;
  }

  /** Everything that has come to the other servers, the program and the Maildirs. */
  arrivals(): Arrival[] {
    return [...this.#sinks.flatMap((sink) => sink.arrivals), ...this.#piped(), ...this.#inMaildirs()];
  }

  #piped(): Arrival[] {
    const lines = readFileSync(join(this.#pipeFolder, 'taken'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const [name = '', address = ''] = line.split(' ');
      const at = Number(BigInt(name.split('-')[0] ?? '') / 1_000_000n);
      const message = recogniseStored(readFileSync(join(this.#pipeFolder, 'mail', name)));
      return { ...message, kind: 'pipe', address, at, where: `pipe ${address}` };
    });
  }

  #inMaildirs(): Arrival[] {
    const { rounds, maildirFolder } = this.#options;
    return maildirAddresses(rounds).flatMap((address) => {
      const folder = join(maildirFolder, folderOf(address), 'new');
      if (!existsSync(folder)) return [];
      return readdirSync(folder).map((name): Arrival => {
        const message = recogniseStored(readFileSync(join(folder, name)));
        return { ...message, kind: 'maildir', address, where: `in ${address} as ${name}` };
      });
    });
  }
}

function folderOf(address: string): string {
  return `${maildirDomain}/${address.slice(0, address.indexOf('@'))}`;
}

/** Files have local line ends. */
function recogniseStored(bytes: Buffer): { token: string; sha256: string } {
  return recogniseMessage(Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
}
