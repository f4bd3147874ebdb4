// The clients of a fault run: many SMTP sessions that send numbered messages in every way the server knows
// (DATA, pipelined, BDAT; recipients of all kinds, small and large), and one IMAP client that appends and
// expunges, so that bodies are also removed. They go on until the server is gone, and write down what they were told.

import { ImapConnection } from '../harness/imap-connection.ts';
import type { Random } from '../harness/random.ts';
import { ConnectionLostError, SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';
import { inMailbox, type Ledger, type NumberedMessage } from './ledger.ts';
import { buildMessage, pickSize, stuffDots } from './numbered-message.ts';
import { noticeTo, pickRecipients, senders } from './recipients.ts';

export interface LoadOptions {
  readonly smtpPort: number;
  readonly imapPort: number;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly round: number;
  /** The mailbox in which messages are appended and expunged. */
  readonly churnMailbox: string;
  readonly password: string;
  readonly sessions: number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #clients: Promise<void>[] = [];
  readonly #refusals = new Map<string, number>();
  #isStopping = false;
  /** Messages. */
  #begun = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    for (let i = 0; i < this.#options.sessions; i++) this.#clients.push(this.#runSmtpClient());
    this.#clients.push(this.#runImapClient());
  }

  /** Resolves when every client has ended: because the server is gone, or because this asked them to. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
  }

  /** Replies other than 250 to a message, and how often. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  async #runSmtpClient(): Promise<void> {
    const { random, smtpPort } = this.#options;
    while (!this.#isStopping) {
      let connection: SmtpConnection | undefined;
      try {
        connection = await SmtpConnection.open(smtpPort);
        await connection.command('EHLO client.test');
        for (let left = random.between(1, 20); left > 0 && !this.#isStopping; left--) {
          await this.#sendMessage(connection);
        }
        await connection.quit();
      } catch (error) {
        connection?.destroy();
        if (!(error instanceof ConnectionLostError)) throw error;
        return;
      }
    }
  }

  async #sendMessage(connection: SmtpConnection): Promise<void> {
    const { ledger, random, round } = this.#options;
    const token = ledger.nextToken();
    const sender = random.pick(senders);
    const { recipients, ends } = pickRecipients(random, token, round, this.#begun++);
    const { bytes, sha256 } = buildMessage(token, pickSize(random), random);
    const message = ledger.begin(token, noticeTo(sender, ends), sha256, round);
    const envelope = [`MAIL FROM:<${sender}>`, ...recipients.map((address) => `RCPT TO:<${address}>`)];
    connection.send(`${envelope.join('\r\n')}\r\n`);
    const replies: SmtpReply[] = [];
    for (let i = 0; i < envelope.length; i++) replies.push(await connection.reply());
    const refused = replies.find((reply) => reply.code !== 250);
    if (refused) {
      this.#noteRefusal(refused);
      await connection.command('RSET');
    } else if (random.chance(25)) {
      await this.#sendChunks(connection, bytes, message);
    } else {
      await this.#sendData(connection, bytes, message);
    }
  }

  async #sendData(connection: SmtpConnection, bytes: Buffer, message: NumberedMessage): Promise<void> {
    const goAhead = await connection.command('DATA');
    if (goAhead.code !== 354) return this.#noteRefusal(goAhead);
    message.outcome = 'unknown';
    connection.send(stuffDots(bytes));
    this.#recordReply(message, await connection.reply());
  }

  /** RFC 3030: pieces of any size, cut anywhere. */
  async #sendChunks(connection: SmtpConnection, bytes: Buffer, message: NumberedMessage): Promise<void> {
    const cut = this.#options.random.between(1, bytes.length - 1);
    connection.send(Buffer.concat([Buffer.from(`BDAT ${cut}\r\n`), bytes.subarray(0, cut)]));
    const first = await connection.reply();
    if (first.code !== 250) return this.#noteRefusal(first);
    message.outcome = 'unknown';
    connection.send(Buffer.concat([Buffer.from(`BDAT ${bytes.length - cut} LAST\r\n`), bytes.subarray(cut)]));
    this.#recordReply(message, await connection.reply());
  }

  #recordReply(message: NumberedMessage, reply: SmtpReply): void {
    message.outcome = reply.code === 250 ? 'accepted' : 'absent';
    if (reply.code !== 250) this.#noteRefusal(reply);
  }

  #noteRefusal(reply: SmtpReply): void {
    const text = `${reply.code} ${reply.text}`.replace(/\S*token\S*|<\S*>/g, '…');
    this.#refusals.set(text, (this.#refusals.get(text) ?? 0) + 1);
  }

  async #runImapClient(): Promise<void> {
    const { imapPort, churnMailbox, password } = this.#options;
    let connection: ImapConnection | undefined;
    try {
      connection = await ImapConnection.open({ port: imapPort });
      await connection.login(churnMailbox, password);
      await connection.ok('SELECT INBOX');
      while (!this.#isStopping) await this.#appendAndExpunge(connection);
      await connection.logout();
    } catch (error) {
      connection?.destroy();
      if (!(error instanceof ConnectionLostError)) throw error;
    }
  }

  /** Appends three, expunges one or two of them by UID. */
  async #appendAndExpunge(connection: ImapConnection): Promise<void> {
    const { ledger, random, round, churnMailbox } = this.#options;
    const appended: { message: NumberedMessage; uid: number }[] = [];
    for (let i = 0; i < 3; i++) {
      const token = ledger.nextToken();
      const { bytes, sha256 } = buildMessage(token, random.chance(50) ? 2_000 : 50_000, random);
      const message = ledger.begin(token, [inMailbox(churnMailbox)], sha256, round);
      message.outcome = 'unknown';
      const result = await connection.append('INBOX', bytes);
      message.outcome = result.status === 'OK' ? 'accepted' : 'absent';
      const uid = Number(/APPENDUID \d+ (\d+)/.exec(result.text)?.[1] ?? 0);
      if (uid > 0) appended.push({ message, uid });
    }
    for (const { message, uid } of appended.slice(0, random.between(1, 2))) {
      const marked = await connection.command(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`);
      if (marked.status !== 'OK') continue;
      message.outcome = 'maybe-removed';
      const expunged = await connection.command(`UID EXPUNGE ${uid}`);
      message.outcome = expunged.status === 'OK' ? 'removed' : 'accepted';
    }
  }
}
