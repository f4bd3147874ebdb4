// A started server with people on it: their directory, what they send, and what stands in their mailboxes.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStoreReader } from '../../src/mailstore/store-reader.ts';
import type { StoreReads } from '../../src/mailstore/store-reads.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';

export interface Mail {
  readonly from: string;
  readonly to: string | readonly string[];
  /** Header lines; by default From and To as in the envelope, and a subject. */
  readonly header?: readonly string[];
  readonly body?: string;
  /** Parameters of RCPT TO. */
  readonly parameters?: string;
}

export class PeopleServer {
  readonly folder: string;
  readonly process: PosthasteProcess;
  readonly directory: Directory;
  #reads: StoreReads | undefined;
  #sent = 0;

  private constructor(folder: string, process: PosthasteProcess, directory: Directory) {
    this.folder = folder;
    this.process = process;
    this.directory = directory;
  }

  /** Mail for far.test goes to `farPort`. Mailboxes of home.test are made, with the alias domain alias.test. */
  static async start(
    mailboxes: readonly string[],
    farPort: number,
    settings: Readonly<Record<string, string>> = {},
    services = '',
  ): Promise<PeopleServer> {
    const folder = mkdtempSync(join(tmpdir(), 'people-'));
    const process = await PosthasteProcess.create({
      folder,
      services,
      settings: {
        transport_maps: `directory:transports, inline:{ { far.test = smtp:[127.0.0.1]:${farPort} } }`,
        minimal_backoff_time: '1s',
        maximal_backoff_time: '2s',
        queue_run_delay: '1s',
        smtp_tls_security_level: 'none',
        ...settings,
      },
    });
    const file = join(process.dataFolder, 'directory.db');
    const directory = await Directory.open(file, { clock: systemClock, actor: 'test' });
    await directory.domains.add('home.test');
    await directory.aliasDomains.add('alias.test', 'home.test');
    for (const name of mailboxes) {
      await directory.mailboxes.add({ address: `${name}@home.test`, passwordHash: '!', name: name.toUpperCase() });
    }
    await process.start();
    return new PeopleServer(folder, process, directory);
  }

  async close(): Promise<void> {
    this.directory.close();
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Hands a message in; what the server said at the first refusal, or at the end. */
  async offer({ from, to, header, body = 'Hello\r\n', parameters = '' }: Mail): Promise<SmtpReply> {
    const recipients = typeof to === 'string' ? [to] : to;
    const lines = header ?? [`From: <${from}>`, `To: ${recipients.join(', ')}`, 'Subject: a question'];
    const connection = await SmtpConnection.open(this.process.smtpPort);
    try {
      await connection.command('EHLO client.test');
      const commands = [`MAIL FROM:<${from}>`, ...recipients.map((one) => `RCPT TO:<${one}>${parameters}`), 'DATA'];
      for (const command of commands) {
        const reply = await connection.command(command);
        if (reply.code >= 400) return reply;
      }
      const id = `Message-ID: <${++this.#sent}@client.test>`;
      connection.send(`${[id, ...lines].join('\r\n')}\r\n\r\n${body}.\r\n`);
      return await connection.reply();
    } finally {
      await connection.quit();
    }
  }

  /** Hands a message in, and waits until the queue is done with it. Returns its queue id. */
  async send(mail: Mail): Promise<string> {
    const reply = await this.offer(mail);
    const [, id] = /queued as (\w+)/.exec(reply.text) ?? [];
    if (id === undefined) throw new Error(`not taken: ${reply.code} ${reply.text}`);
    await this.whenRemoved(id);
    return id;
  }

  async whenRemoved(id: string): Promise<void> {
    await this.until(() => this.lines(id).some((line) => line.endsWith(`${id}: removed`)), `${id} to leave the queue`);
  }

  async whenQueueEmpty(): Promise<void> {
    this.#reads ??= openStoreReader(this.process.dataFolder);
    await this.until(() => this.#reads?.queueNextAttempt() === undefined, 'the queue to be empty');
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(15)) if (isSo()) return;
    throw new Error(`waited in vain for ${what}; the log ends:\n${this.process.logTail(25)}`);
  }

  /** The log's lines about a message, without date and program. */
  lines(id: string): string[] {
    return this.process.logLines().flatMap((line) => {
      const at = line.indexOf(`${id}: `);
      return at === -1 ? [] : [line.slice(at)];
    });
  }

  /** What became of the question whether a mailbox answers: `answered`, or the reason why not. */
  vacation(id: string): string | undefined {
    const line = this.lines(id).find((one) => one.includes('relay=vacation'));
    return line === undefined ? undefined : /status=sent \((?:no reply: )?(.*?)(?: as \w+)?\)$/.exec(line)?.[1];
  }

  /** The messages in a mailbox's INBOX, whole, oldest first. */
  async inbox(name: string): Promise<string[]> {
    this.#reads ??= openStoreReader(this.process.dataFolder);
    const mailbox = this.directory.mailboxByAddress(`${name}@home.test`)?.id ?? 0;
    const folder = this.#reads?.folders(mailbox).find((one) => one.name === 'INBOX');
    const messages: string[] = [];
    for (const { content } of folder ? (this.#reads?.messages(folder.id, 0, 500) ?? []) : []) {
      const reader = this.#reads?.openContent(content);
      messages.push(Buffer.from((await reader?.readAll()) ?? []).toString());
      await reader?.close();
    }
    return messages;
  }
}
