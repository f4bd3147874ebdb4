// What stands in the mailboxes of a started server, and mail handed in to it.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStoreReader } from '../../src/mailstore/store-reader.ts';
import type { StoreReads } from '../../src/mailstore/store-reads.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import type { ApiServer } from './api-server.ts';

export class Inboxes {
  readonly #api: ApiServer;
  #reads: StoreReads | undefined;

  constructor(api: ApiServer) {
    this.#api = api;
  }

  /** Whole, oldest first. */
  async of(address: string): Promise<string[]> {
    this.#reads ??= openStoreReader(join(this.#api.folder, 'data'));
    const mailbox = this.#api.directory.mailboxByAddress(address)?.id ?? 0;
    const folder = this.#reads?.folders(mailbox).find((one) => one.name === 'INBOX');
    const messages: string[] = [];
    for (const { content } of folder ? (this.#reads?.messages(folder.id, 0, 500) ?? []) : []) {
      const reader = this.#reads?.openContent(content);
      messages.push(Buffer.from((await reader?.readAll()) ?? []).toString());
      await reader?.close();
    }
    return messages;
  }

  /** Once there are so many. */
  async when(address: string, count: number): Promise<string[]> {
    for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(25)) {
      const messages = await this.of(address);
      if (messages.length >= count) return messages;
    }
    throw new Error(`waited in vain for ${count} messages to ${address}`);
  }

  async send(from: string, to: string, subject = 'a question'): Promise<void> {
    const connection = await SmtpConnection.open(this.#api.smtpPort);
    try {
      await connection.command('EHLO client.test');
      for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
        const { code, text } = await connection.command(command);
        if (code >= 400) throw new Error(`${command}: ${code} ${text}`);
      }
      connection.send(`From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\n\r\nHello\r\n.\r\n`);
      const { code, text } = await connection.reply();
      if (code >= 400) throw new Error(`not taken: ${code} ${text}`);
    } finally {
      await connection.quit();
    }
  }

  close(): void {
    this.#reads?.close();
  }
}
