// Transcripts of SMTP sessions with trouble, to the postmaster where notify_classes names their kind: to
// bounce_notice_recipient where recipients were refused, else to error_notice_recipient. They are no bounces: losing one
// loses no mail, so they wait for nothing, and no more than so many an hour are written: who makes the trouble is a stranger.

import { formatMailDate } from '../message/received.ts';
import type { NoticePolicy } from './notice-policy.ts';
import { OwnMail, type OwnMailOptions, ownMessageId } from './own-mail.ts';

export interface SessionReportOptions extends OwnMailOptions {
  readonly policy: () => NoticePolicy;
  readonly standardForm: (address: string) => string;
}

export interface TroubledSession {
  /** `name[address]`. */
  readonly client: string;
  /** Of notify_classes. */
  readonly troubles: ReadonlySet<string>;
  readonly lines: readonly string[];
}

const maxAnHour = 100;
const hour = 3_600_000;
const lineLength = 79;

export class SessionReports {
  readonly #options: SessionReportOptions;
  readonly #mail: OwnMail;
  #hourBegan = Number.NEGATIVE_INFINITY;
  #written = 0;

  constructor(options: SessionReportOptions) {
    this.#options = options;
    this.#mail = new OwnMail(options);
  }

  /** Never throws. */
  async report(session: TroubledSession): Promise<void> {
    const policy = this.#options.policy();
    const named = [...session.troubles].filter((trouble) => [...policy.classes].some((one) => one === trouble));
    if (named.length === 0) return;
    if (!this.#mayWrite()) {
      this.#log(
        'warning',
        `${session.client}: no transcript for the postmaster: ${maxAnHour} were written in this hour`,
      );
      return;
    }
    try {
      await this.#write(session, policy, named.includes('bounce') ? policy.bounceRecipient : policy.errorRecipient);
    } catch (error) {
      this.#log('warning', `${session.client}: no transcript for the postmaster: ${(error as Error).message}`);
    }
  }

  #mayWrite(): boolean {
    const now = this.#options.clock.now();
    if (now - this.#hourBegan >= hour) [this.#hourBegan, this.#written] = [now, 0];
    return ++this.#written <= maxAnHour;
  }

  async #write(session: TroubledSession, policy: NoticePolicy, address: string): Promise<void> {
    const { hostname, mailName, doubleBounceSender: sender } = policy;
    const recipient = this.#options.standardForm(address);
    const compose = (queueId: string, now: number): Buffer => {
      const date = formatMailDate(now);
      const header = [
        `Received: by ${hostname} (${mailName})`,
        `\tid ${queueId}; ${date}`,
        `Date: ${date}`,
        `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
        `To: Postmaster <${recipient}>`,
        `Subject: ${mailName} SMTP server: errors from ${session.client}`,
        `Message-Id: ${ownMessageId({ now, queueId, hostname })}`,
      ];
      const body = ['Transcript of session follows.', '', ...session.lines.flatMap(wrapped), '', ''];
      const text = [...header, '', ...body, 'For other details, see the local mail logfile', ''];
      return Buffer.from(text.map(printable).join('\r\n'));
    };
    const kind = 'notify';
    const message = await this.#mail.prepare({ kind, sender, recipient, smtputf8: false, eightBit: true, compose });
    await this.#options.store.accept(message.operation);
    message.committed();
  }

  #log(level: 'info' | 'warning', text: string): void {
    this.#options.log.write(`${this.#options.syslogName}/smtpd`, level, text);
  }
}

/** A space in front, and what follows the first line of it further in. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  let rest = ` ${line}`;
  while (rest.length > lineLength) {
    const blank = rest.lastIndexOf(' ', lineLength);
    const at = blank > 10 ? blank : lineLength;
    lines.push(rest.slice(0, at));
    rest = `     ${rest.slice(at).trimStart()}`;
  }
  return [...lines, rest];
}

function printable(line: string): string {
  return line.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '?');
}
