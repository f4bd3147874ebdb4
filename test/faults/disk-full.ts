// A full disk: mail is refused with 452 4.3.1, nothing that was accepted is lost, expunging still works and makes
// room, and the server takes mail again by itself. Needs root: the data folder is a small file system of its own.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillDirectory } from '../harness/fill-directory.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { Random } from '../harness/random.ts';
import { SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';
import { inMailbox, isClean, Ledger } from './ledger.ts';
import { buildMessage, stuffDots } from './numbered-message.ts';
import { formatJudgement } from './sums.ts';
import { MailboxReader } from './verify.ts';

export interface DiskFullResult {
  readonly summary: string;
  /** One line each; empty when every promise was kept. */
  readonly problems: string[];
}

export const canMount = process.platform === 'linux' && process.getuid?.() === 0;

const mailbox = 'full@fault.test';
const password = 'fault-run-password';
const messageBytes = 500_000;

/** `folder` is emptied first. */
export async function runDiskFull(folder: string): Promise<DiskFullResult> {
  if (!canMount) return { summary: 'disk full: skipped, needs root to mount a small file system', problems: [] };
  rmSync(folder, { recursive: true, force: true });
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=0755', 'posthaste-disk-full', data]);
  try {
    return await new DiskFullScenario(folder, data).run();
  } finally {
    execFileSync('umount', ['-l', data]);
  }
}

class DiskFullScenario {
  readonly #folder: string;
  readonly #data: string;
  readonly #ledger = new Ledger();
  readonly #random = new Random(1);
  readonly #problems: string[] = [];
  #server!: PosthasteProcess;

  constructor(folder: string, data: string) {
    this.#folder = folder;
    this.#data = data;
  }

  async run(): Promise<DiskFullResult> {
    // message_size_limit decides Postfix's free-space rule (queue_minfree, smtpd(8)): small, as the disk is.
    const settings = { message_size_limit: '1000000' };
    this.#server = await PosthasteProcess.create({ folder: this.#folder, dataFolder: this.#data, settings });
    await fillDirectory(this.#server, { mailboxes: [mailbox], password });
    await this.#server.start();
    try {
      const { accepted, refusal } = await this.#sendUntilRefused();
      const isRightReply = refusal?.code === 452 && refusal.text.startsWith('4.3.1');
      this.#expect(isRightReply, `at a full disk: ${refusal?.code} ${refusal?.text}`);
      this.#fillRest();
      const second = await this.#sendOne();
      this.#expect(second.code === 452, `with no byte free: ${second.code} ${second.text}`);
      await this.#expungeAll();
      unlinkSync(join(this.#data, 'filler'));
      const recovered = await this.#waitUntilAccepted();
      await this.#server.kill();
      await this.#server.start();
      const copies = await new MailboxReader({ port: this.#server.imapPort, password }).read(mailbox);
      const judgement = this.#ledger.judge(copies);
      this.#expect(isClean(judgement), formatJudgement(judgement));
      const summary =
        `disk full: ${accepted} × ${messageBytes} octets accepted on 200 MB, then ${refusal?.code} ${refusal?.text}; ` +
        `all expunged while full; accepts again after ${recovered} ms; after kill -9: ${judgement.reached.mailbox} copies`;
      return { summary, problems: this.#problems };
    } finally {
      await this.#server.kill();
    }
  }

  #expect(isKept: boolean, problem: string): void {
    if (!isKept) this.#problems.push(problem);
  }

  async #sendUntilRefused(): Promise<{ accepted: number; refusal: SmtpReply | undefined }> {
    for (let accepted = 0; accepted < 2_000; accepted++) {
      const reply = await this.#sendOne();
      if (reply.code !== 250) return { accepted, refusal: reply };
    }
    return { accepted: 2_000, refusal: undefined };
  }

  /** The reply that decided: to MAIL, RCPT, DATA or the final dot. */
  async #sendOne(): Promise<SmtpReply> {
    const token = this.#ledger.nextToken();
    const { bytes, sha256 } = buildMessage(token, messageBytes, this.#random);
    const message = this.#ledger.begin(token, [inMailbox(mailbox)], sha256, 1);
    const connection = await SmtpConnection.open(this.#server.smtpPort);
    try {
      await connection.command('EHLO client.test');
      for (const line of ['MAIL FROM:<sender@client.test>', `RCPT TO:<${mailbox}>`, 'DATA']) {
        const reply = await connection.command(line);
        if (reply.code >= 400) return reply;
      }
      message.outcome = 'unknown';
      connection.send(stuffDots(bytes));
      const reply = await connection.reply();
      message.outcome = reply.code === 250 ? 'accepted' : 'absent';
      return reply;
    } finally {
      connection.destroy();
    }
  }

  /** Somebody else's file takes what the free-space rule has left. */
  #fillRest(): void {
    const filler = openSync(join(this.#data, 'filler'), 'w');
    const block = Buffer.alloc(65_536);
    try {
      for (;;) writeSync(filler, block);
    } catch {
      // ENOSPC: that is what it is for.
    } finally {
      closeSync(filler);
    }
    const { bavail, bsize } = statfsSync(this.#data);
    this.#expect(bavail * bsize < messageBytes, `the disk still has ${bavail * bsize} octets free`);
  }

  /** With no byte free: everything that was accepted is readable, and can be expunged. */
  async #expungeAll(): Promise<void> {
    const reader = new MailboxReader({ port: this.#server.imapPort, password });
    const judgement = this.#ledger.judge(await reader.read(mailbox));
    this.#expect(isClean(judgement), formatJudgement(judgement));
    const connection = await ImapConnection.open({ port: this.#server.imapPort });
    await connection.login(mailbox, password);
    await connection.ok('SELECT INBOX');
    const marked = await connection.command('UID STORE 1:* +FLAGS.SILENT (\\Deleted)');
    this.#expect(marked.status === 'OK', `STORE on a full disk: ${marked.status} ${marked.text}`);
    const expunged = await connection.command('EXPUNGE');
    this.#expect(expunged.status === 'OK', `EXPUNGE on a full disk: ${expunged.status} ${expunged.text}`);
    await connection.logout();
    for (const message of this.#ledger.messages.values()) {
      if (message.outcome === 'accepted') message.outcome = 'removed';
    }
  }

  async #waitUntilAccepted(): Promise<number> {
    const started = performance.now();
    for (let reply: SmtpReply | undefined; performance.now() - started < 30_000; await sleep(200)) {
      reply = await this.#sendOne();
      if (reply.code === 250) return Math.round(performance.now() - started);
    }
    this.#problems.push('does not accept mail again 30 s after room was made');
    return -1;
  }
}
