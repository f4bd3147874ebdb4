// virtual(8): writes mail for virtual mailboxes into Maildirs and mbox files, as the user and group that the tables give.
// No aliases, no .forward, no commands, and no loop detection by Delivered-To: as in Postfix.
//
// One message is one file, whose name is made of queue id and recipient: after a crash the agent finds what it had
// delivered, so that a Maildir gets no second copy. An mbox has no names; a crash between the last octet and the
// record of it makes a second copy there, as with Postfix.

import type { Clock } from '../lib/clock.ts';
import type { LockStyle } from '../maildir/file-lock.ts';
import type { QueueRecipient } from '../mailstore/types.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  RecipientOutcome,
  RecipientProbe,
} from '../queue/delivery-agent.ts';
import { copyPrefix } from '../queue/trace-headers.ts';
import type { VirtualMailbox } from '../routing/virtual-mailbox.ts';
import { StoredForm } from '../maildir/stored-form.ts';
import type { Helper } from './helper/on-demand.ts';
import type { Failure, FileJob, FileOutcome } from './helper/protocol.ts';
import { mboxFromLine, storedContent } from './stored-content.ts';

export interface VirtualAgentOptions {
  readonly files: Helper<FileJob, FileOutcome>;
  /** Throws TemporaryError. */
  readonly find: (recipient: string) => Promise<VirtualMailbox>;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
  readonly hostname: string;
  /** virtual_mailbox_limit; 0 is none. */
  readonly limit: number;
  readonly locks: readonly LockStyle[];
  readonly lockAttempts: number;
  readonly lockDelayMilliseconds: number;
  readonly staleLockMilliseconds: number;
  /** strict_mailbox_ownership. */
  readonly mustOwn: boolean;
}

type Found = Extract<VirtualMailbox, { kind: 'mailbox' }>;

const misconfigured: RecipientOutcome = {
  kind: 'deferred',
  status: '4.3.5',
  reason: 'mail system configuration error',
};

export class VirtualAgent implements DeliveryAgent {
  readonly #options: VirtualAgentOptions;

  constructor(options: VirtualAgentOptions) {
    this.#options = options;
  }

  readonly probe: RecipientProbe = {
    asksOthers: false,
    ask: async ({ recipient, transport }) => {
      const found = await this.#find(recipient);
      const what = found.kind === 'mailbox' && found.isMaildir ? 'maildir' : 'mailbox';
      const taken = { kind: 'delivered', status: '2.0.0', reason: `delivers to ${what}` } as const;
      return { outcomes: [{ relay: transport, ...(found.kind === 'mailbox' ? taken : found) }] };
    },
  };

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const outcomes: RecipientOutcome[] = [];
    for (const recipient of request.recipients) {
      outcomes.push({ relay: request.transport, ...(await this.#deliverTo(recipient, request)) });
    }
    return { outcomes };
  }

  async #deliverTo(recipient: QueueRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    if (request.signal.aborted) return { kind: 'deferred', status: '4.3.2', reason: 'the server stops' };
    const found = await this.#find(recipient.recipient);
    return found.kind === 'mailbox' ? await this.#write(found, recipient, request) : found;
  }

  /** The mailbox, or why there is none. */
  async #find(recipient: string): Promise<Found | RecipientOutcome> {
    let found: VirtualMailbox;
    try {
      found = await this.#options.find(recipient);
    } catch (error) {
      this.#options.warn((error as Error).message);
      return misconfigured;
    }
    if (found.kind === 'unknown') {
      return { kind: 'bounced', status: '5.1.1', reason: `unknown user: "${recipient.toLowerCase()}"` };
    }
    if (found.kind === 'misconfigured') {
      this.#options.warn(found.mistake);
      return misconfigured;
    }
    return found;
  }

  async #write(found: Found, recipient: QueueRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    const { message } = request;
    const fields = copyPrefix(message.sender, [recipient]);
    const first = found.isMaildir ? '' : `${mboxFromLine(message.sender, new Date(this.#options.clock.now()))}\n`;
    const form = new StoredForm({ quotesFrom: !found.isMaildir, endsEmpty: !found.isMaildir });
    const reader = request.openContent();
    try {
      const job = this.#job(found, recipient, request);
      const outcome = await this.#options.files.run(
        job,
        storedContent(reader, form, { first, fields }),
        request.signal,
      );
      if (outcome.kind !== 'failed') {
        return {
          kind: 'delivered',
          status: '2.0.0',
          reason: `delivered to ${found.isMaildir ? 'maildir' : 'mailbox'}`,
        };
      }
      const where = found.isMaildir ? 'maildir delivery failed' : `delivery failed to mailbox ${found.path}`;
      return failedOutcome(outcome, `${where}: `);
    } finally {
      await reader.close();
    }
  }

  #job(found: Found, recipient: QueueRecipient, { message, mayBeRepeated }: DeliveryRequest): FileJob {
    const { files, limit, hostname } = this.#options;
    // Without root everything is one user's.
    const owner = files.isRoot ? { uid: found.uid, gid: found.gid } : { uid: undefined, gid: undefined };
    if (found.isMaildir) {
      const seconds = Math.floor(message.arrival / 1000);
      const host = hostname.replaceAll('/', '\\057').replaceAll(':', '\\072');
      const name = `${seconds}.Q${message.id}R${recipient.id}.${host}`;
      return { kind: 'maildir', ...owner, limit, folder: found.path, name, isRepeated: mayBeRepeated };
    }
    const { locks, lockAttempts, lockDelayMilliseconds, staleLockMilliseconds, mustOwn } = this.#options;
    const waiting = { locks, lockAttempts, lockDelayMilliseconds, staleLockMilliseconds };
    return { kind: 'mbox', ...owner, limit, file: found.path, mustOwn, ...waiting };
  }
}

/** Bounced: what will not become better by waiting (Postfix's mbox_dsn). */
function failedOutcome({ code, text }: Failure, prefix: string): RecipientOutcome {
  const reason = `${prefix}${text}`;
  if (code === 'EFBIG' || code === 'EDQUOT') return { kind: 'bounced', status: '5.2.2', reason };
  return { kind: 'deferred', status: code === 'ENOSPC' ? '4.3.0' : '4.2.0', reason };
}
