// smtp(8) and lmtp(8): hands one message to the hosts of a next hop through the SMTP client, and says in the queue's words
// what became of each recipient. Addresses are what smtp_generic_maps makes of them on the wire and in the header; the log
// and the queue keep them as they were.

import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  ProbeRequest,
  RecipientOutcome,
  RecipientProbe,
} from '../queue/delivery-agent.ts';
import type { GenericMaps } from '../routing/generic-maps.ts';
import { ConnectionCache } from '../smtp-client/connection-cache.ts';
import { deliver } from '../smtp-client/deliver.ts';
import type { Session } from '../smtp-client/session.ts';
import type { ClientOptions, EnvelopeRecipient } from '../smtp-client/types.ts';
import { encodeUtf8Xtext, encodeXtext } from '../smtp/xtext.ts';
import { LeavingMessage } from './leaving-message.ts';
import type { StatusFilter } from './status-filter.ts';

interface SmtpAgentParts {
  readonly generic: GenericMaps;
  readonly filter: StatusFilter | undefined;
  /** detect_8bit_encoding_header. */
  readonly detectsEightBit: boolean;
  /** smtp_address_verify_target, the command whose reply tells whether an address is good. */
  readonly probeTarget: 'rcpt' | 'data';
}

/** As large as a small message: what a server says of no message at all would be no answer to a probe. */
const probeBytes = 250;

export class SmtpAgent implements DeliveryAgent {
  readonly #options: ClientOptions;
  readonly #parts: SmtpAgentParts;
  readonly #cache: ConnectionCache<Session> | undefined;
  readonly probe: RecipientProbe = { asksOthers: true, ask: (request) => this.#ask(request) };

  constructor(options: ClientOptions, parts: SmtpAgentParts) {
    this.#options = options;
    this.#parts = parts;
    this.#cache = options.cache && new ConnectionCache(options.cache, options.clock);
  }

  /** The conversation of a delivery, up to the answer; no message is sent. */
  async #ask({ sender, recipient, nexthop, signal }: ProbeRequest): Promise<DeliveryReport> {
    const { generic, probeTarget } = this.#parts;
    const address = await generic.map(recipient);
    const envelope = {
      sender: await generic.map(sender),
      recipients: [{ address, notify: '', orcpt: '' }],
      ret: '',
      envid: '',
      eightBit: false,
      smtputf8: !isAscii(address),
      body: { size: probeBytes, read: async () => Buffer.alloc(0) },
      probe: probeTarget,
    };
    return await deliver(nexthop, envelope, this.#options, signal);
  }

  async close(): Promise<void> {
    await this.#cache?.close();
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const { message, nexthop, signal } = request;
    const { generic, detectsEightBit } = this.#parts;
    const content = request.openContent();
    try {
      const body = await LeavingMessage.open(content);
      const recipients = request.recipients.map(envelopeRecipient);
      let { sender } = message;
      if (!generic.isEmpty) {
        sender = await generic.map(sender);
        for (const recipient of recipients) recipient.address = await generic.map(recipient.address);
        await body.rewriteHeader(generic);
      }
      const envelope = {
        sender,
        recipients,
        ret: message.ret,
        envid: message.envid,
        eightBit: message.eightBit || (detectsEightBit && body.saysEightBit),
        smtputf8: needsUtf8(sender, recipients, message.smtputf8 && body.hasEightBitHeader),
        body,
      };
      const { onAnswer } = request;
      const report = await deliver(nexthop, envelope, this.#options, signal, onAnswer, this.#cache);
      return await this.#filtered(report);
    } finally {
      await content.close();
    }
  }

  async #filtered(report: DeliveryReport): Promise<DeliveryReport> {
    const { filter } = this.#parts;
    if (!filter) return report;
    const outcomes: RecipientOutcome[] = [];
    for (const outcome of report.outcomes) outcomes.push(await filter.apply(outcome));
    return { ...report, outcomes };
  }
}

function envelopeRecipient({
  recipient,
  original,
  notify,
  orcpt,
}: DeliveryRequest['recipients'][number]): EnvelopeRecipient & { address: string } {
  // Without ORCPT the address that the client gave is the original one (RFC 3461 §4.2), as Postfix passes it on.
  const derived =
    original === '' ? '' : isAscii(original) ? `rfc822;${encodeXtext(original)}` : `utf-8;${encodeUtf8Xtext(original)}`;
  return { address: recipient, notify, orcpt: orcpt === '' ? derived : orcpt };
}

/** A client may announce SMTPUTF8 without need; only addresses or header fields beyond ASCII ask it of the next server. */
function needsUtf8(sender: string, recipients: readonly EnvelopeRecipient[], isHeaderUtf8: boolean): boolean {
  return isHeaderUtf8 || !isAscii(sender) || recipients.some(({ address }) => !isAscii(address));
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
