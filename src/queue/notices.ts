// Who is told what became of a message: failure notices, delay warnings, success reports to the sender, and copies of the
// first two to the postmaster (notify_classes). bounce/ has their words, own-mail.ts makes them messages, and they come
// into being in the transaction that records the outcome they report.
//
// Nothing here can loop: a notice has the null sender, and mail from the null sender causes none (RFC 5321 §6.1), at
// most a copy for the postmaster. Copies come from double_bounce_sender, and mail from there causes nothing at all.

import { headerLength } from '../bounce/header-end.ts';
import { composeNotice, type NoticeRecipient } from '../bounce/notice.ts';
import { verpSender } from '../bounce/verp.ts';
import { type NoticeKind, wantsNotice } from '../bounce/wishes.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { AcceptOperation, Content, QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import { findField, parseHeaderFields } from '../message/header-field.ts';
import type { RecipientOutcome } from './delivery-agent.ts';
import type { NoticePolicy } from './notice-policy.ts';
import { OwnMail, type OwnMailOptions, ownMessageId, type PreparedMessage } from './own-mail.ts';

export interface NoticeOptions extends OwnMailOptions {
  /** The newest, at each notice. */
  readonly policy: () => NoticePolicy;
  /** An address to its standard form: adds the domain that is missing. */
  readonly standardForm: (address: string) => string;
}

export interface Concerned {
  readonly recipient: QueueRecipient;
  readonly outcome: ReportedOutcome;
}

/** An alias's expansion is reported too, though nothing was delivered by it (RFC 3461 §5.2.7.3). */
export type ReportedOutcome = RecipientOutcome & { readonly isExpansion?: true };

export interface PreparedNotices {
  readonly operations: readonly AcceptOperation[];
  /** To be called when the transaction is durable. */
  committed(): void;
}

/** What of a message its notices tell. */
export type Reported = Omit<QueueMessage, 'content' | 'recipients' | 'attempts' | 'nextAttempt' | 'hold'> & {
  /** As the store has it, or what is about to be accepted. */
  readonly content: number | Content;
};

interface Plan {
  readonly kind: NoticeKind;
  readonly isPostmasterCopy?: boolean;
  readonly sender: string;
  readonly recipient: string;
  readonly headersOnly: boolean;
  readonly concerned: readonly Concerned[];
  readonly logged: string;
}

const logWords: Readonly<Record<NoticeKind, string>> = {
  failure: 'non-delivery',
  delay: 'delay',
  success: 'delivery status',
};

const actions = { failure: 'failed', delay: 'delayed', success: 'delivered' } as const;

/** A longer header is cut: it is given back as information only (header_size_limit). */
const maxHeaderBytes = 102_400;

export class Notices {
  readonly #options: NoticeOptions;
  readonly #mail: OwnMail;

  constructor(options: NoticeOptions) {
    this.#options = options;
    this.#mail = new OwnMail(options);
  }

  /** confirm_delay_cleared: whoever was warned hears of the end of the delay. */
  get confirmsDelayCleared(): boolean {
    return this.#options.policy().confirmsDelayCleared;
  }

  /** Undefined where nobody wants or may get a notice. Throws TemporaryError or StoreFullError. */
  async prepare(
    kind: NoticeKind,
    message: Reported,
    concerned: readonly Concerned[],
  ): Promise<PreparedNotices | undefined> {
    const policy = this.#options.policy();
    const made: { readonly plan: Plan; readonly notice: PreparedMessage }[] = [];
    for (const plan of this.#plans(kind, message, concerned, policy)) {
      try {
        made.push({ plan, notice: await this.#make(plan, message, policy) });
      } catch (error) {
        // The postmaster's copy is not worth a delay of the sender's notice.
        if (!plan.isPostmasterCopy || message.sender === '' || !(error instanceof TemporaryError)) throw error;
        this.#log('warning', `${message.id}: no postmaster notification: ${error.message}`);
      }
    }
    if (made.length === 0) return undefined;
    return {
      operations: made.map(({ notice }) => notice.operation),
      committed: () => {
        for (const { plan, notice } of made) {
          this.#log('info', `${message.id}: ${plan.logged} notification: ${notice.queueId}`);
          notice.committed();
        }
      },
    };
  }

  #plans(kind: NoticeKind, message: Reported, concerned: readonly Concerned[], policy: NoticePolicy): Plan[] {
    if (concerned.length === 0) return [];
    const { sender, id } = message;
    if (sender.toLowerCase() === policy.doubleBounceSender.toLowerCase()) {
      if (kind !== 'success') this.#log('warning', `${id}: undeliverable postmaster notification discarded`);
      return [];
    }
    if (sender === '') return kind === 'failure' ? this.#doubleBounce(message, concerned, policy) : [];
    if (kind === 'failure' && message.verp !== undefined && policy.hasVerpBounces) {
      const { verp } = message;
      return concerned.flatMap((each) =>
        this.#senderAndPostmaster(kind, message, verpSender(sender, verp, each.recipient), [each], policy),
      );
    }
    return this.#senderAndPostmaster(kind, message, sender, concerned, policy);
  }

  #senderAndPostmaster(
    kind: NoticeKind,
    message: Reported,
    recipient: string,
    concerned: readonly Concerned[],
    policy: NoticePolicy,
  ): Plan[] {
    const plans: Plan[] = [];
    const wanted = concerned.filter((each) => this.#isWanted(kind, message, each));
    if (wanted.length > 0) {
      const headersOnly = kind !== 'failure' || message.ret === 'HDRS' || message.size > policy.returnSizeLimit;
      const logged = `sender ${logWords[kind]}`;
      plans.push({ kind, sender: '', recipient, headersOnly, concerned: wanted, logged });
    }
    const hasCopy = kind === 'success' ? false : policy.classes.has(kind === 'failure' ? 'bounce' : 'delay');
    if (hasCopy) {
      const copied = kind === 'failure' ? policy.bounceRecipient : policy.delayRecipient;
      plans.push(this.#postmasterPlan(kind, copied, true, concerned, policy));
    }
    return plans;
  }

  /** A notice that cannot be delivered: the postmaster's, where the classes say so. */
  #doubleBounce(message: Reported, concerned: readonly Concerned[], policy: NoticePolicy): Plan[] {
    if (!policy.classes.has('bounce') && !policy.classes.has('2bounce')) {
      this.#log('info', `${message.id}: undeliverable notification discarded`);
      return [];
    }
    const headersOnly = message.size > policy.returnSizeLimit;
    return [this.#postmasterPlan('failure', policy.doubleBounceRecipient, headersOnly, concerned, policy)];
  }

  #postmasterPlan(
    kind: NoticeKind,
    recipient: string,
    headersOnly: boolean,
    concerned: readonly Concerned[],
    policy: NoticePolicy,
  ): Plan {
    const logged = `postmaster ${logWords[kind]}`;
    const to = this.#options.standardForm(recipient);
    return {
      kind,
      isPostmasterCopy: true,
      sender: policy.doubleBounceSender,
      recipient: to,
      headersOnly,
      concerned,
      logged,
    };
  }

  #isWanted(kind: NoticeKind, message: Reported, { recipient }: Concerned): boolean {
    if (wantsNotice(recipient.notify, kind)) return true;
    return kind === 'success' && this.confirmsDelayCleared && message.warned && wantsNotice(recipient.notify, 'delay');
  }

  async #make(plan: Plan, message: Reported, policy: NoticePolicy): Promise<PreparedMessage> {
    const { id, sender, arrival, envid, smtputf8, eightBit } = message;
    const { kind, headersOnly, concerned, recipient } = plan;
    const { hostname } = policy;
    const content = await this.#returned(message.content, headersOnly);
    return await this.#mail.prepare({
      kind: 'bounce',
      sender: plan.sender,
      recipient,
      smtputf8,
      eightBit: eightBit || policy.templates[kind].charset.toLowerCase() !== 'us-ascii',
      compose: (queueId, now) =>
        composeNotice({
          ...policy,
          ...(plan.isPostmasterCopy ? { isPostmasterCopy: true } : {}),
          kind,
          template: policy.templates[kind],
          to: recipient,
          queueId,
          messageId: ownMessageId({ now, queueId, hostname }),
          now,
          threadId: policy.isThreaded && !plan.isPostmasterCopy ? messageIdOf(content) : '',
          about: { queueId: id, sender, arrival, envid, smtputf8 },
          recipients: concerned.map((each) => noticeRecipient(kind, each)),
          returned: { headersOnly, content },
        }),
    });
  }

  async #returned(given: number | Content, headersOnly: boolean): Promise<Uint8Array> {
    const { store } = this.#options;
    const content = typeof given === 'number' ? store.openContent(given) : store.openNew(given);
    try {
      if (!headersOnly) return await content.readAll();
      const start = await content.read(0, Math.min(content.size, maxHeaderBytes));
      return start.subarray(0, headerLength(start));
    } finally {
      await content.close();
    }
  }

  #log(level: 'info' | 'warning', text: string): void {
    this.#options.log.write(`${this.#options.syslogName}/bounce`, level, text);
  }
}

/** '' where there is none, or one that no header could bear. */
function messageIdOf(content: Uint8Array): string {
  const header = Buffer.from(content.subarray(0, maxHeaderBytes));
  const fields = parseHeaderFields(header.toString('latin1', 0, headerLength(header)));
  const id = findField(fields, 'message-id')?.body ?? '';
  return /^<[\x21-\x7e]{1,900}>$/.test(id) ? id : '';
}

function noticeRecipient(kind: NoticeKind, { recipient, outcome }: Concerned): NoticeRecipient {
  const { status, reason, remoteMta, diagnostic, relay, isExpansion } = outcome;
  const isDelivery = kind === 'success' && !isExpansion;
  return {
    recipient: recipient.recipient,
    original: recipient.original,
    orcpt: recipient.orcpt,
    action: isExpansion ? 'expanded' : isDelivery && outcome.relayed ? 'relayed' : actions[kind],
    status,
    reason: isDelivery ? `delivery via ${relay ?? recipient.transport}: ${reason}` : reason,
    ...(remoteMta === undefined ? {} : { remoteMta }),
    ...(diagnostic === undefined ? {} : { diagnostic }),
  };
}
