// One message in a session: MAIL, the recipients, DATA, the octets, the final dot. Recipients go out together where the
// server knows PIPELINING (RFC 2920), with DATA behind the last of them; a server that would take a message for nobody is
// left. Every recipient gets its own outcome (RFC 5321 §4.2.5; LMTP: RFC 2033 §4.2, one reply each after the final dot).
// A session that was kept begins with RSET, in the same write as MAIL where it can be: one that is dead is found out
// before anything is at stake.

import { NestingError, SevenBitConverter } from '../message/seven-bit-converter.ts';
import { BodyEncoder } from './body-encoder.ts';
import { mailCommand, recipientCommand } from './commands.ts';
import type { Features } from './features.ts';
import type { ServerReply } from './reply.ts';
import { ClientFailure, type ClientOptions, type ClientOutcome, type Envelope } from './types.ts';

/** What a session lends for a message. Waiting throws ClientFailure. */
export interface Dialog {
  readonly options: ClientOptions;
  readonly features: Features;
  /** It was used for a message before. */
  readonly isReused: boolean;
  /** A reply that nobody has asked for is waiting. */
  readonly hasReply: boolean;
  write(data: string | Uint8Array, timeout: number, stage: string): Promise<void>;
  reply(stage: string, timeout: number): Promise<ServerReply>;
  delivered(reply: ServerReply): ClientOutcome;
  verdict(reply: ServerReply, command: string, isSoft?: boolean): ClientOutcome;
  refused(reply: ServerReply): ClientFailure;
  /** An outcome of our own making. */
  outcome(kind: 'deferred' | 'bounced', status: string, reason: string): ClientOutcome;
  /** The connection must not be used again. */
  spend(): void;
  /** The connection broke after the final dot: nobody knows whether the message was delivered. */
  isUncertain(): void;
}

/** Read while the socket is busy with the piece before: large enough for speed, small enough for many sessions. */
const chunkBytes = 64 * 1024;
/** Commands sent in one go: their replies must fit into the buffers between both sides (RFC 2920 §3.1). */
const pipelineLength = 50;
const endOfData = 'sending end of data -- message may be sent more than once';

export class MessageSender {
  readonly #dialog: Dialog;
  readonly #isPipelining: boolean;
  /** DATA went out with the recipients. */
  #isDataSent = false;
  /** Refusals so far. */
  readonly #known: (ClientOutcome | undefined)[] = [];

  constructor(dialog: Dialog) {
    this.#dialog = dialog;
    this.#isPipelining = dialog.features.has('PIPELINING');
  }

  /** In step with the envelope's recipients. Throws ClientFailure, with what is known of them. */
  async send(envelope: Envelope): Promise<ClientOutcome[]> {
    try {
      return await this.#send(envelope);
    } catch (error) {
      if (error instanceof ClientFailure) error.known = this.#known;
      throw error;
    }
  }

  async #send(envelope: Envelope): Promise<ClientOutcome[]> {
    const outcomes = await this.#sendEnvelope(envelope);
    if (!Array.isArray(outcomes)) {
      await this.#forgetData();
      return envelope.recipients.map(() => outcomes);
    }
    const accepted = outcomes.flatMap((outcome, index) => (outcome ? [] : [index]));
    if (accepted.length === 0) await this.#forgetData();
    else {
      const results = await this.#sendBody(envelope, accepted.length);
      accepted.forEach((index, order) => {
        outcomes[index] = results[order];
      });
    }
    if (envelope.probe === 'rcpt') await this.#forgetProbe();
    const nothing = this.#dialog.outcome('deferred', '4.3.0', 'no reply for this recipient');
    return outcomes.map((outcome) => outcome ?? nothing);
  }

  /** For each recipient its refusal, or undefined where the server takes it; one outcome for all when MAIL is refused. */
  async #sendEnvelope(envelope: Envelope): Promise<(ClientOutcome | undefined)[] | ClientOutcome> {
    const { options, features, isReused } = this.#dialog;
    const rules = { features, quotes: options.quotesEnvelope };
    const mail = mailCommand(envelope, rules);
    const recipients = envelope.recipients.map((recipient) => recipientCommand(recipient, rules));
    const outcomes: (ClientOutcome | undefined)[] = [];
    if (!this.#isPipelining) {
      if (isReused) await this.#reset('RSET\r\n');
      const refused = await this.#mail(mail);
      if (refused) return refused;
      for (const recipient of recipients) outcomes.push(...(await this.#recipients(recipient, 1, envelope)));
      return outcomes;
    }
    for (let sent = 0; sent < recipients.length; sent += pipelineLength) {
      const burst = recipients.slice(sent, sent + pipelineLength);
      const isFirst = sent === 0;
      const isLast = sent + burst.length === recipients.length;
      const data = isLast && envelope.probe !== 'rcpt' ? 'DATA\r\n' : '';
      this.#isDataSent = data !== '';
      const head = isFirst ? (isReused ? 'RSET\r\n' : '') + mail : '';
      await this.#dialog.write(
        head + burst.join('') + data,
        options.timeouts.rcpt,
        isFirst ? 'sending MAIL FROM' : 'sending RCPT TO',
      );
      if (isFirst && isReused) await this.#reset('');
      const refused = isFirst ? await this.#mail('') : undefined;
      outcomes.push(...(await this.#recipients('', burst.length, envelope)));
      if (refused) return refused;
    }
    return outcomes;
  }

  /** Sends `command` where it is not yet sent; the outcome for all recipients when the sender is refused. */
  async #mail(command: string): Promise<ClientOutcome | undefined> {
    const stage = 'sending MAIL FROM';
    const { mail: timeout } = this.#dialog.options.timeouts;
    if (command !== '') await this.#dialog.write(command, timeout, stage);
    const reply = await this.#dialog.reply(stage, timeout);
    return isGood(reply) ? undefined : this.#dialog.verdict(reply, 'MAIL FROM');
  }

  /** Undefined for one that is taken, but for a probe, which ends with that. */
  async #recipients(command: string, count: number, { probe }: Envelope): Promise<(ClientOutcome | undefined)[]> {
    const stage = 'sending RCPT TO';
    const { rcpt: timeout } = this.#dialog.options.timeouts;
    if (command !== '') await this.#dialog.write(command, timeout, stage);
    const outcomes: (ClientOutcome | undefined)[] = [];
    while (outcomes.length < count) {
      const reply = await this.#dialog.reply(stage, timeout);
      // "Too many recipients" of old servers (RFC 5321 §4.5.3.1.10): later is better than never. A full mailbox says 5.2.2.
      const taken = probe === 'rcpt' ? this.#dialog.delivered(reply) : undefined;
      const outcome = isGood(reply) ? taken : this.#dialog.verdict(reply, 'RCPT TO', isTooMany(reply));
      outcomes.push(outcome);
      this.#known.push(outcome);
    }
    return outcomes;
  }

  async #reset(command: string): Promise<void> {
    const { rset: timeout } = this.#dialog.options.timeouts;
    if (command !== '') await this.#dialog.write(command, timeout, 'sending RSET');
    const reply = await this.#dialog.reply('sending RSET', timeout);
    if (!isGood(reply)) throw this.#dialog.refused(reply);
  }

  /** The answer is known; how the server takes this changes nothing. */
  async #forgetProbe(): Promise<void> {
    try {
      await this.#reset('RSET\r\n');
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      this.#dialog.spend();
    }
  }

  /** None of the recipients was taken: a server that wants a message all the same gets none (RFC 2920 §3.1). */
  async #forgetData(): Promise<void> {
    if (!this.#isDataSent) return;
    try {
      const reply = await this.#dialog.reply('sending DATA command', this.#dialog.options.timeouts.dataInit);
      if (reply.code < 400) this.#dialog.spend();
    } catch (error) {
      // All outcomes are known.
      if (!(error instanceof ClientFailure)) throw error;
      this.#dialog.spend();
    }
  }

  async #sendBody(envelope: Envelope, accepted: number): Promise<ClientOutcome[]> {
    const { timeouts, protocol } = this.#dialog.options;
    const stage = 'sending DATA command';
    if (!this.#isDataSent) await this.#dialog.write('DATA\r\n', timeouts.dataInit, stage);
    const start = await this.#dialog.reply(stage, timeouts.dataInit);
    if (start.code !== 354) {
      if (start.code < 400) this.#dialog.spend();
      const verdict = this.#dialog.verdict(start, 'DATA');
      return Array.from({ length: accepted }, () => verdict);
    }
    if (envelope.probe !== undefined) {
      // Without the final dot there is no message (RFC 5321 §4.1.1.4), and this is the only way out of DATA without one.
      this.#dialog.spend();
      return Array.from({ length: accepted }, () => this.#dialog.delivered(start));
    }
    const last = await this.#streamBody(envelope);
    const replies = await this.#finish(last, protocol === 'lmtp' ? accepted : 1);
    const [only] = replies;
    return protocol === 'lmtp' || !only ? replies : Array.from({ length: accepted }, () => only);
  }

  /** Sends the message but for its end, which goes with the final dot: a small message is one write. */
  async #streamBody({ body }: Envelope): Promise<Uint8Array> {
    const { lineLengthLimit, timeouts } = this.#dialog.options;
    const stage = 'sending message body';
    const encoder = new BodyEncoder(lineLengthLimit);
    const converter = this.#converter();
    const read = async (from: number): Promise<Buffer> => {
      const chunk = await body.read(from, Math.min(from + chunkBytes, body.size));
      return encoder.encode(converter ? this.#converted(() => converter.write(chunk)) : chunk);
    };
    let last = await read(0);
    for (let from = chunkBytes; from < body.size; from += chunkBytes) {
      await this.#dialog.write(last, timeouts.dataTransfer, stage);
      last = await read(from);
      // Without the final dot nothing is delivered, so an early refusal can be believed.
      if (this.#dialog.hasReply) throw this.#dialog.refused(await this.#dialog.reply(stage, timeouts.dataTransfer));
    }
    const rest = converter ? [encoder.encode(this.#converted(() => converter.end()))] : [];
    return Buffer.concat([last, ...rest, encoder.finish()]);
  }

  /** Where the server takes no 8-bit mail it gets none (RFC 6152 §3). */
  #converter(): SevenBitConverter | undefined {
    const { options, features } = this.#dialog;
    return options.conversion && !features.has('8BITMIME') ? new SevenBitConverter(options.conversion) : undefined;
  }

  #converted(convert: () => Buffer): Buffer {
    try {
      return convert();
    } catch (error) {
      if (!(error instanceof NestingError)) throw error;
      throw new ClientFailure(this.#dialog.outcome('bounced', '5.6.0', error.message), { isFinal: true });
    }
  }

  /** Sends the final dot. From then on a broken connection concerns only those who have no reply yet. */
  async #finish(last: Uint8Array, count: number): Promise<ClientOutcome[]> {
    const { dataTransfer, dataDone } = this.#dialog.options.timeouts;
    const outcomes: ClientOutcome[] = [];
    try {
      await this.#dialog.write(last, dataTransfer, endOfData);
      while (outcomes.length < count) {
        const reply = await this.#dialog.reply(endOfData, dataDone);
        outcomes.push(isGood(reply) ? this.#dialog.delivered(reply) : this.#dialog.verdict(reply, 'end of DATA'));
      }
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      this.#dialog.isUncertain();
      while (outcomes.length < count) outcomes.push(error.outcome);
    }
    return outcomes;
  }
}

function isTooMany({ code, status }: ServerReply): boolean {
  return code === 552 && status === '5.5.3';
}

function isGood(reply: ServerReply): boolean {
  return reply.code >= 200 && reply.code < 300;
}
