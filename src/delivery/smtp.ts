// smtp(8) and lmtp(8): hands one message to the hosts of a next hop through the SMTP client, and says in the queue's words
// what became of each recipient.
//
// Message bytes go as they are: where the next server lacks 8BITMIME, Postfix would convert to quoted-printable, and this
// agent sends 8 bits all the same, as Postfix does with disable_mime_output_conversion = yes.

import { headerLength } from '../bounce/header-end.ts';
import type { ContentReader } from '../mailstore/types.ts';
import type { DeliveryAgent, DeliveryReport, DeliveryRequest } from '../queue/delivery-agent.ts';
import { deliver } from '../smtp-client/deliver.ts';
import type { ClientOptions, EnvelopeRecipient } from '../smtp-client/types.ts';
import { encodeXtext } from '../smtp/xtext.ts';

/** Enough for any header that says something about the character set of its fields. */
const headerBytes = 102_400;

export class SmtpAgent implements DeliveryAgent {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const { message, recipients, nexthop, signal } = request;
    const body = request.openContent();
    try {
      const envelope = {
        sender: message.sender,
        recipients: recipients.map(envelopeRecipient),
        ret: message.ret,
        envid: message.envid,
        eightBit: message.eightBit,
        smtputf8: await needsUtf8(request, body),
        body,
      };
      const report = await deliver(nexthop, envelope, this.#options, signal, request.onAnswer);
      return report;
    } finally {
      await body.close();
    }
  }
}

function envelopeRecipient({
  recipient,
  original,
  notify,
  orcpt,
}: DeliveryRequest['recipients'][number]): EnvelopeRecipient {
  // Without ORCPT the address that the client gave is the original one (RFC 3461 §4.2), as Postfix passes it on.
  const derived = original !== '' && isAscii(original) ? `rfc822;${encodeXtext(original)}` : '';
  return { address: recipient, notify, orcpt: orcpt === '' ? derived : orcpt };
}

/** A client may announce SMTPUTF8 without need; only addresses or header fields beyond ASCII ask it of the next server. */
async function needsUtf8({ message, recipients }: DeliveryRequest, body: ContentReader): Promise<boolean> {
  if (!isAscii(message.sender) || recipients.some(({ recipient }) => !isAscii(recipient))) return true;
  if (!message.smtputf8) return false;
  const start = await body.read(0, Math.min(body.size, headerBytes));
  return start.subarray(0, headerLength(start)).some((octet) => octet > 127);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
