// Posthaste as the bench starts it: its own settings as shipped (synchronous=FULL), the same users as the peers.
// What counts is what IMAP shows: after a run every mailbox that was used is opened by a reader.

import { fillDirectory } from '../test/harness/fill-directory.ts';
import { ImapConnection } from '../test/harness/imap-connection.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import type { MailServer } from './mail-server.ts';
import { aliases, bulkAddress, password, users } from './users.ts';

const readers = 4;

export interface PosthasteBenchOptions {
  /** As in the report's tables. */
  readonly name?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** More lines for master.cf. */
  readonly services?: string;
  /** Without the users: they are in other tables. */
  readonly isEmpty?: boolean;
}

export class Posthaste implements MailServer {
  readonly name: string;
  readonly process: PosthasteProcess;
  readonly #seen = new Map<number, number>();

  static async create(folder: string, options: PosthasteBenchOptions = {}): Promise<Posthaste> {
    const server = await PosthasteProcess.create({
      folder,
      settings: options.settings ?? {},
      services: options.services ?? '',
    });
    if (options.isEmpty !== true) await fillDirectory(server, { mailboxes: users(), aliases: aliases(), password });
    return new Posthaste(server, options.name ?? 'Posthaste');
  }

  private constructor(server: PosthasteProcess, name: string) {
    this.process = server;
    this.name = name;
  }

  get smtpPort(): number {
    return this.process.smtpPort;
  }

  get imapPort(): number {
    return this.process.imapPort;
  }

  start(): Promise<void> {
    return this.process.start();
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  rootPids(): readonly number[] {
    return [this.process.pid];
  }

  /** 250 means: in the mailbox. */
  async waitUntilDelivered(): Promise<void> {}

  /** Logs in to each of the mailboxes and asks how many messages INBOX has. */
  async takeDelivered(mailboxes: number): Promise<number> {
    let delivered = 0;
    let next = 1;
    const read = async () => {
      for (let number = next++; number <= mailboxes; number = next++) {
        const connection = await ImapConnection.open({ port: this.imapPort });
        await connection.login(bulkAddress(number), password);
        const { untagged } = await connection.ok('STATUS INBOX (MESSAGES)');
        const count = Number(/MESSAGES (\d+)/.exec(untagged.map(({ text }) => text).join(' '))?.[1] ?? 0);
        delivered += count - (this.#seen.get(number) ?? 0);
        this.#seen.set(number, count);
        await connection.logout();
      }
    };
    await Promise.all(Array.from({ length: readers }, read));
    return delivered;
  }
}
