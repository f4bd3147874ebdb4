// Test messages, which administrators send to mailboxes of the host to see them arrive: mail that the system writes itself,
// routed and delivered as any. Nobody can fill a mailbox with them: each asker has a few in a while.

import { RecentMap } from '../lib/recent-map.ts';
import { formatMailDate } from '../message/received.ts';
import { OwnMail, type OwnMailOptions, ownMessageId } from './own-mail.ts';

export interface SentTestMessage {
  readonly queueId: string;
  readonly sender: string;
  readonly recipient: string;
  readonly messageId: string;
  /** Milliseconds since 1970. */
  readonly accepted: number;
}

/** Enough for somebody who mends something and tries again. */
const maxInPeriod = 20;
const periodMilliseconds = 10 * 60_000;
const maxAskers = 1000;

export class TestMessages {
  readonly #options: OwnMailOptions;
  readonly #mail: OwnMail;
  /** When each asker's last messages were sent. */
  readonly #sent = new RecentMap<string, readonly number[]>(maxAskers);

  constructor(options: OwnMailOptions) {
    this.#options = options;
    this.#mail = new OwnMail(options);
  }

  /** A number: so many seconds must pass first. Throws TemporaryError or StoreFullError. */
  async send(recipient: string, asker: string): Promise<SentTestMessage | number> {
    const wait = this.#waitSeconds(asker);
    if (wait > 0) return wait;
    const { hostname, clock, store } = this.#options;
    // The postmaster of the host hears of what goes wrong (RFC 5321 §4.5.1).
    const sender = `postmaster@${hostname}`;
    let messageId = '';
    const compose = (queueId: string, now: number): Buffer => {
      messageId = ownMessageId({ now, queueId, hostname });
      return Buffer.from(this.#text({ sender, recipient, queueId, now, messageId }).join('\r\n'));
    };
    const prepared = await this.#mail.prepare({
      kind: 'notify',
      sender,
      recipient,
      smtputf8: /[^\x00-\x7f]/.test(recipient),
      eightBit: false,
      compose,
    });
    await store.accept(prepared.operation);
    prepared.committed();
    return { queueId: prepared.queueId, sender, recipient, messageId, accepted: clock.now() };
  }

  #waitSeconds(asker: string): number {
    const now = this.#options.clock.now();
    const recent = (this.#sent.get(asker) ?? []).filter((time) => time > now - periodMilliseconds);
    const [first = now] = recent;
    if (recent.length >= maxInPeriod) return Math.max(1, Math.ceil((first + periodMilliseconds - now) / 1000));
    this.#sent.set(asker, [...recent, now]);
    return 0;
  }

  #text({ sender, recipient, queueId, now, messageId }: Omit<SentTestMessage, 'accepted'> & { now: number }): string[] {
    const { hostname, mailName } = this.#options;
    const date = formatMailDate(now);
    return [
      `Received: by ${hostname} (${mailName})`,
      `\tid ${queueId}; ${date}`,
      `Date: ${date}`,
      `From: ${mailName} <${sender}>`,
      `To: <${recipient}>`,
      `Subject: A test message from ${hostname}`,
      `Message-Id: ${messageId}`,
      // No vacation answers it (RFC 3834 §5).
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'Hello,',
      '',
      'this is a test message that an administrator has sent from the',
      `administration page of ${hostname}.`,
      'If you read it in your mailbox, mail for it arrives.',
      '',
      `Its way through the server: posthaste trace ${queueId}`,
      '',
    ];
  }
}
