// Letters that the host writes to people about their accounts: plain text in the mail system's own name, from the null sender, so
// that nothing comes back and no program answers (RFC 3834 §2). Durable when send() returns, and delivered as any mail.

import { encodeTextBody, encodeUnstructured } from '../message/encode-text.ts';
import { formatMailDate } from '../message/received.ts';
import { OwnMail, type OwnMailOptions, ownMessageId } from './own-mail.ts';

export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

interface OwnLetterOptions extends OwnMailOptions {
  readonly standardForm: (address: string) => string;
}

export class OwnLetters {
  readonly #options: OwnLetterOptions;
  readonly #mail: OwnMail;

  constructor(options: OwnLetterOptions) {
    this.#options = options;
    this.#mail = new OwnMail(options);
  }

  /** Throws TemporaryError or StoreFullError. */
  async send({ to, subject, text }: Letter): Promise<void> {
    const { standardForm, store, hostname, mailName } = this.#options;
    const recipient = standardForm(to);
    const { encoding, body } = encodeTextBody(text);
    const compose = (queueId: string, now: number): Buffer => {
      const date = formatMailDate(now);
      const lines = [
        `Received: by ${hostname} (${mailName})`,
        `\tid ${queueId}; ${date}`,
        `Date: ${date}`,
        `From: Mail accounts <postmaster@${hostname}>`,
        `To: <${recipient}>`,
        `Subject: ${encodeUnstructured(subject, 9)}`,
        `Message-Id: ${ownMessageId({ now, queueId, hostname })}`,
        'Auto-Submitted: auto-generated',
        'X-Auto-Response-Suppress: All',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        `Content-Transfer-Encoding: ${encoding}`,
        '',
        body,
      ];
      return Buffer.from(lines.join('\r\n'));
    };
    const smtputf8 = /[^\u0000-\u007f]/.test(recipient);
    const own = { kind: 'notify', sender: '', recipient, smtputf8, eightBit: false, compose } as const;
    const message = await this.#mail.prepare(own);
    await store.accept(message.operation);
    message.committed();
  }
}
