// Small stand-ins for what an SMTP server needs around it, for its tests: a policy with a handful of addresses, a
// queue and a store that keep messages in memory, one login.

import { createHash } from 'node:crypto';
import type { ClientRights } from '../../src/access/client-rights.ts';
import { BuiltInSasl } from '../../src/auth/built-in-sasl.ts';
import { usualFailureDelay } from '../../src/auth/failure-delay.ts';
import { DelayGate } from '../../src/auth/login-gate.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Authenticator, AuthResult, Credentials } from '../../src/auth/types.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { type Content, type ContentWriter, StoreFullError } from '../../src/mailstore/types.ts';
import type { MailQueue, Submission } from '../../src/queue/types.ts';
import type { Client, RecipientDecision, Reply } from '../../src/routing/types.ts';
import type { SmtpPolicy } from '../../src/smtp-server/policy.ts';

export interface QueuedMessage {
  readonly submission: Submission;
  readonly text: string;
}

export class MemoryStore {
  isCongested = false;
  /** Octets after which the disk is full. */
  capacity = Number.POSITIVE_INFINITY;
  openWriters = 0;
  /** Makes every write wait a turn of the event loop. */
  isSlow = false;

  async whenUncongested(): Promise<void> {
    this.isCongested = false;
  }

  contentWriter(): ContentWriter {
    this.openWriters++;
    const chunks: Uint8Array[] = [];
    let size = 0;
    let isOpen = true;
    const done = () => {
      if (isOpen) this.openWriters--;
      isOpen = false;
    };
    return {
      get size() {
        return size;
      },
      write: (chunk) => {
        if (!isOpen) throw new Error('write after the end');
        chunks.push(chunk);
        size += chunk.length;
        if (size > this.capacity) return Promise.reject(new StoreFullError('no space left'));
        return this.isSlow ? new Promise((resolve) => setImmediate(resolve)) : undefined;
      },
      finish: async (): Promise<Content> => {
        done();
        const data = Buffer.concat(chunks);
        if (size > this.capacity) throw new StoreFullError('no space left');
        return { kind: 'inline', data, size, sha256: createHash('sha256').update(data).digest() };
      },
      reread: async () => {
        const data = Buffer.concat(chunks);
        const read = async (from: number, to: number) => data.subarray(from, to);
        return { size, read, readAll: async () => data, close: async () => undefined };
      },
      abort: async () => {
        chunks.length = 0;
        done();
      },
    };
  }
}

export class MemoryQueue implements MailQueue {
  readonly messages: QueuedMessage[] = [];
  /** The next submission fails with this. */
  failure: Error | undefined;
  /** Submissions wait for this. */
  gate: Promise<void> = Promise.resolve();
  #next = 1;

  newQueueId(): string {
    return `Q${this.#next++}`;
  }

  recordDiscarded(): void {}

  async submit(submission: Submission): Promise<void> {
    await this.gate;
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const { content } = submission;
    this.messages.push({
      submission,
      text: content.kind === 'inline' ? Buffer.from(content.data).toString('latin1') : '',
    });
  }
}

/** ann@ and bob@ of example.com are mailboxes, all else is as its name says; everything further is relayed for logins. */
export class MemoryPolicy implements SmtpPolicy {
  readonly isDelayed = true;

  async clientRights(): Promise<ClientRights> {
    return { mayUseXclient: false, mayUseXforward: false, maySendBareLineFeeds: false, isAuthHidden: false };
  }

  async allowsMechanism(): Promise<boolean> {
    return true;
  }

  async checkClient(): Promise<undefined> {}
  async checkHelo(): Promise<undefined> {}
  async checkData(): Promise<undefined> {}
  async checkEndOfData(): Promise<undefined> {}
  async checkEtrn(): Promise<undefined> {}
  async isFlushedSite(): Promise<boolean> {
    return false;
  }

  async routeOrdered(): Promise<[]> {
    return [];
  }

  async checkSender(sender: string): Promise<Reply | undefined> {
    if (sender === 'spammer@example.net') {
      return { code: 554, status: '5.7.1', text: `<${sender}>: Sender address rejected: Access denied` };
    }
    if (sender === 'unsure@example.net') throw new TemporaryError('sender table: timed out');
    return undefined;
  }

  async checkRecipient(recipient: string, envelope: { sender: string; client: Client }): Promise<RecipientDecision> {
    const decide = (reply: Reply, replyStage: 'rcpt' | 'data' = 'rcpt'): RecipientDecision => ({
      recipient,
      class: 'virtual-mailbox',
      reply,
      replyStage,
      deliveries:
        reply.code < 400 ? [{ recipient, original: recipient, transport: 'mailstore', nexthop: 'example.com' }] : [],
    });
    const ok = { code: 250, status: '2.1.5', text: 'Ok' };
    const localpart = recipient.slice(0, recipient.lastIndexOf('@'));
    if (!recipient.endsWith('@example.com')) {
      if (envelope.client.login !== undefined) return decide(ok);
      return decide({ code: 454, status: '4.7.1', text: `<${recipient}>: Relay access denied` });
    }
    switch (localpart) {
      case 'unsure':
        throw new TemporaryError('mailbox table: timed out');
      case 'broken':
        throw new Error('a bug of ours');
      case 'loop':
        return decide({ code: 451, status: '4.6.0', text: 'Alias expansion error' }, 'data');
      case 'full':
        return decide({ code: 552, status: '5.2.2', text: `<${recipient}>: Recipient address rejected: Mailbox full` });
      case 'nobody':
        return decide({
          code: 550,
          status: '5.1.1',
          text: `<${recipient}>: Recipient address rejected: User unknown in virtual mailbox table`,
        });
      default:
        return decide(ok);
    }
  }
}

class OneLogin implements Authenticator {
  async authenticate({ login, password }: Credentials): Promise<AuthResult> {
    if (login === 'unsure@example.com') throw new TemporaryError('directory: locked');
    if (login !== 'ann@example.com') return { kind: 'denied', reason: 'unknown user' };
    return password === 'secret'
      ? { kind: 'authenticated', mailboxId: 1, login: 'ann@example.com' }
      : { kind: 'denied', reason: 'password mismatch' };
  }
}

export function oneLoginSasl(): BuiltInSasl {
  const parts = {
    authenticator: new OneLogin(),
    gate: new DelayGate(systemClock, usualFailureDelay),
    hostname: 'mx.example.com',
  };
  return new BuiltInSasl(parts, ['PLAIN', 'LOGIN']);
}
