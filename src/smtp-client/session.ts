// One SMTP or LMTP session as a client: greeting, EHLO/LHLO with its features, STARTTLS, and any number of messages.
// Recipients go out together where the server knows PIPELINING (RFC 2920), DATA only when their replies are known: so
// a server is never left waiting for a message that has no recipient. Every recipient gets its own outcome
// (RFC 5321 §4.2.5; LMTP: RFC 2033 §4.2, one reply each after the final dot).

import { BodyEncoder } from './body-encoder.ts';
import { mailCommand, recipientCommand } from './commands.ts';
import { type Connection, ConnectionError } from './connection.ts';
import type { ServerReply } from './reply.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type Features, parseFeatures, withoutDiscarded } from './features.ts';
import { askForTls, authenticate, localError, type Peer, type SessionParts, startTls } from './protection.ts';
import type { Security } from './security.ts';
import { ClientFailure, type ClientOptions, type ClientOutcome, type Envelope } from './types.ts';

/** Read while the socket is busy with the piece before: large enough for speed, small enough for many sessions. */
const chunkBytes = 64 * 1024;
/** Commands sent in one go: their replies must fit into the buffers between both sides (RFC 2920 §3.1). */
const pipelineLength = 50;

export class Session {
  readonly #connection: Connection;
  readonly #peer: Peer;
  readonly #options: ClientOptions;
  #features: Features = new Map();
  /** What the server called itself in its EHLO reply. */
  serverName = '';
  /** The connection broke after the final dot: nobody knows whether the message was delivered. */
  isUncertain = false;
  #stage = '';
  #usesEhlo = true;

  /** What protects it: a connection that is kept may be used for other mail where this is the same (`key`). */
  readonly security: Security;

  constructor(connection: Connection, peer: Peer, options: ClientOptions, security: Security) {
    this.#connection = connection;
    this.#peer = peer;
    this.#options = options;
    this.security = security;
  }

  get features(): Features {
    return this.#features;
  }

  /** Greeting, EHLO (HELO where refused), TLS as the policy asks, EHLO again, login. */
  async open(): Promise<void> {
    const { timeouts, tls, ehlo, skips5xxGreeting } = this.#options;
    let check = tls.isWrapped ? await startTls(this.#parts()) : undefined;
    const greeting = await this.#reply('receiving the initial server greeting', timeouts.helo);
    if (greeting.code >= 300) {
      const isFinal = greeting.code >= 500 && !skips5xxGreeting;
      throw this.#refused(greeting, isFinal ? 'bounced' : 'deferred');
    }
    this.#usesEhlo = ehlo === 'always' || (ehlo === 'offered' && /\sESMTP(\s|$)/i.test(greeting.text));
    await this.#hello();
    const answer = tls.isWrapped ? undefined : await askForTls(this.#parts());
    if (answer?.kind === 'secured') {
      check = answer.check;
      await this.#helloUnderTls();
    }
    await authenticate(this.#parts(), check, this.#stage);
  }

  /** What was said in clear does not count any more (RFC 3207 §4.2). */
  async #helloUnderTls(): Promise<void> {
    this.#features = new Map();
    try {
      await this.#hello();
    } catch (error) {
      // A server whose TLS breaks only now is as one whose handshake fails.
      if (!(error instanceof ClientFailure) || error.outcome.diagnostic !== undefined) throw error;
      throw new ClientFailure(error.outcome, { isTls: true });
    }
  }

  #parts(): SessionParts {
    return {
      peer: this.#peer,
      connection: this.#connection,
      security: this.security,
      options: this.#options,
      features: this.#features,
      command: (line, timeout, stage) => this.#command(line, timeout, stage),
    };
  }

  async send(envelope: Envelope): Promise<ClientOutcome[]> {
    const refusal = this.#capabilityRefusal(envelope);
    if (refusal) return envelope.recipients.map(() => refusal);
    const outcomes = await this.#sendEnvelope(envelope);
    if (!Array.isArray(outcomes)) return envelope.recipients.map(() => outcomes);
    const accepted = outcomes.flatMap((outcome, index) => (outcome ? [] : [index]));
    if (accepted.length > 0) {
      const results = await this.#sendBody(envelope, accepted.length);
      accepted.forEach((index, order) => {
        outcomes[index] = results[order];
      });
    }
    return outcomes.map((outcome) => outcome ?? this.#failure('4.3.0', 'no reply for this recipient').outcome);
  }

  async quit(): Promise<void> {
    try {
      await this.#connection.write('QUIT\r\n', this.#options.timeouts.quit);
      await this.#connection.readReply(this.#options.timeouts.quit);
    } catch {
      // The mail is delivered; how the other side hangs up does not matter.
    } finally {
      this.#connection.close();
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #hello(): Promise<void> {
    const { protocol, helloName, timeouts } = this.#options;
    const verb = protocol === 'lmtp' ? 'LHLO' : this.#usesEhlo ? 'EHLO' : 'HELO';
    let reply = await this.#command(`${verb} ${helloName}`, timeouts.helo, `performing the ${verb} handshake`);
    this.#features = reply.code === 250 && verb !== 'HELO' ? parseFeatures(reply.lines.slice(1)) : new Map();
    if (reply.code >= 500 && reply.code !== 521 && verb === 'EHLO') {
      reply = await this.#command(`HELO ${helloName}`, timeouts.helo, 'performing the HELO handshake');
    }
    if (reply.code !== 250) throw this.#refused(reply, reply.code >= 500 ? 'bounced' : 'deferred');
    this.serverName = reply.lines[0]?.split(' ')[0] ?? '';
    this.#features = await this.#withoutDiscarded(this.#features);
  }

  async #withoutDiscarded(features: Features): Promise<Features> {
    const options = this.#options;
    if (features.size === 0) return features;
    try {
      const discarded = await options.discardedKeywords(this.#peer.address);
      return withoutDiscarded(features, discarded, (text) => options.note?.(text));
    } catch (error) {
      throw error instanceof TemporaryError ? localError(this.#peer, error, options) : error;
    }
  }

  /** Things that this server cannot do: known before the first command. */
  #capabilityRefusal(envelope: Envelope): ClientOutcome | undefined {
    const bounce = (status: string, reason: string): ClientOutcome => ({
      kind: 'bounced',
      status,
      reason,
      relay: this.#peer.relay,
    });
    if (envelope.smtputf8 && !this.#features.has('SMTPUTF8')) {
      return bounce('5.6.7', `SMTPUTF8 is required, but was not offered by host ${this.#peer.label}`);
    }
    const limit = Number(this.#features.get('SIZE') ?? 0);
    if (limit > 0 && envelope.body.size > limit) {
      const sizes = `message size ${envelope.body.size} exceeds size limit ${limit}`;
      return bounce('5.3.4', `${sizes} of server ${this.#peer.label}`);
    }
    return undefined;
  }

  /** For each recipient its refusal, or undefined where the server takes it; one outcome for all when MAIL is refused. */
  async #sendEnvelope(envelope: Envelope): Promise<(ClientOutcome | undefined)[] | ClientOutcome> {
    const { timeouts } = this.#options;
    const mail = mailCommand(envelope, this.#features);
    const recipients = envelope.recipients.map((recipient) => recipientCommand(recipient, this.#features));
    const step = this.#features.has('PIPELINING') ? pipelineLength : 1;
    const outcomes: (ClientOutcome | undefined)[] = [];
    let sent = 0;
    let waitsForMail = true;
    while (sent < recipients.length) {
      const burst = recipients.slice(sent, sent + step);
      sent += burst.length;
      if (waitsForMail && step === 1) {
        const refused = await this.#mailReply(mail);
        if (refused) return refused;
        waitsForMail = false;
      }
      this.#stage = 'sending RCPT TO';
      await this.#write((waitsForMail ? mail : '') + burst.join(''), timeouts.rcpt);
      const refused = waitsForMail ? await this.#mailReply('') : undefined;
      waitsForMail = false;
      for (let count = 0; count < burst.length; count++) {
        const reply = await this.#reply('sending RCPT TO', timeouts.rcpt);
        // 552 is "too many recipients" in old servers (RFC 5321 §4.5.3.1.10): later is better than never.
        outcomes.push(isGood(reply) ? undefined : this.#verdict(reply, 'RCPT TO', reply.code === 552));
      }
      if (refused) return refused;
    }
    return outcomes;
  }

  /** Sends `command` where it is not yet sent; the outcome for all recipients when the sender is refused. */
  async #mailReply(command: string): Promise<ClientOutcome | undefined> {
    const { mail: timeout } = this.#options.timeouts;
    if (command !== '') await this.#write(command, timeout);
    const reply = await this.#reply('sending MAIL FROM', timeout);
    return isGood(reply) ? undefined : this.#verdict(reply, 'MAIL FROM');
  }

  async #sendBody(envelope: Envelope, accepted: number): Promise<ClientOutcome[]> {
    const { timeouts, protocol } = this.#options;
    const start = await this.#command('DATA', timeouts.dataInit, 'sending DATA command');
    if (start.code !== 354) {
      // 2xx to DATA would be nonsense; it must not count as delivered.
      const verdict = this.#verdict(start, 'DATA', start.code < 400);
      return Array.from({ length: accepted }, () => verdict);
    }
    await this.#streamBody(envelope);
    const replies = await this.#finalReplies(protocol === 'lmtp' ? accepted : 1);
    const [only] = replies;
    return protocol === 'lmtp' || !only ? replies : Array.from({ length: accepted }, () => only);
  }

  /** After the final dot a broken connection concerns only those who have no reply yet. */
  async #finalReplies(count: number): Promise<ClientOutcome[]> {
    const outcomes: ClientOutcome[] = [];
    try {
      while (outcomes.length < count) {
        const stage = 'sending end of data -- message may be sent more than once';
        const reply = await this.#reply(stage, this.#options.timeouts.dataDone);
        outcomes.push(isGood(reply) ? this.#delivered(reply) : this.#verdict(reply, 'end of DATA'));
      }
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      this.isUncertain = true;
      while (outcomes.length < count) outcomes.push(error.outcome);
    }
    return outcomes;
  }

  async #streamBody({ body }: Envelope): Promise<void> {
    const { dataTransfer } = this.#options.timeouts;
    const encoder = new BodyEncoder(this.#options.lineLengthLimit);
    this.#stage = 'sending message body';
    for (let from = 0; from < body.size; from += chunkBytes) {
      const chunk = await body.read(from, Math.min(from + chunkBytes, body.size));
      await this.#write(encoder.encode(chunk), dataTransfer);
      // Without the final dot nothing is delivered, so an early refusal can be believed.
      if (this.#connection.hasReply) throw this.#refused(await this.#reply(this.#stage, dataTransfer), 'deferred');
    }
    await this.#write(encoder.finish(), dataTransfer);
  }

  async #command(line: string, timeout: number, stage = `sending ${line}`): Promise<ServerReply> {
    this.#stage = stage;
    await this.#write(`${line}\r\n`, timeout);
    return this.#reply(stage, timeout);
  }

  async #write(data: string | Uint8Array, timeout: number): Promise<void> {
    try {
      await this.#connection.write(data, timeout);
    } catch (error) {
      throw this.#lost(error);
    }
  }

  async #reply(stage: string, timeout: number): Promise<ServerReply> {
    this.#stage = stage;
    try {
      return await this.#connection.readReply(timeout);
    } catch (error) {
      throw this.#lost(error);
    }
  }

  #delivered(reply: ServerReply): ClientOutcome {
    return {
      kind: 'delivered',
      status: reply.status.startsWith('2') ? reply.status : '2.0.0',
      reason: reply.text,
      relay: this.#peer.relay,
      remoteMta: this.#peer.name,
      diagnostic: reply.text,
      relayed: !this.#features.has('DSN'),
    };
  }

  /** A refusal of this mail or this recipient. */
  #verdict(reply: ServerReply, command: string, isSoft = false): ClientOutcome {
    const kind = reply.code >= 500 && !isSoft ? 'bounced' : 'deferred';
    return this.#said(reply, kind, `host ${this.#peer.label} said: ${reply.text} (in reply to ${command} command)`);
  }

  /** A refusal to talk at all: the next host may be kinder. */
  #refused(reply: ServerReply, kind: 'deferred' | 'bounced'): ClientFailure {
    return new ClientFailure(this.#said(reply, kind, `host ${this.#peer.label} refused to talk to me: ${reply.text}`));
  }

  #said(reply: ServerReply, kind: 'deferred' | 'bounced', reason: string): ClientOutcome {
    const wanted = kind === 'bounced' ? '5' : '4';
    const status = reply.status.startsWith(wanted) ? reply.status : `${wanted}${reply.status.slice(1)}`;
    return { kind, status, reason, relay: this.#peer.relay, remoteMta: this.#peer.name, diagnostic: reply.text };
  }

  #lost(error: unknown): unknown {
    if (!(error instanceof ConnectionError)) return error;
    const { label } = this.#peer;
    if (error.problem === 'timeout') {
      return this.#failure('4.4.2', `conversation with ${label} timed out while ${this.#stage}`);
    }
    if (error.problem === 'protocol') {
      return this.#failure('4.5.0', `protocol error from ${label} while ${this.#stage}: ${error.message}`);
    }
    return this.#failure('4.4.2', `lost connection with ${label} while ${this.#stage}`);
  }

  #failure(status: string, reason: string): ClientFailure {
    return new ClientFailure({ kind: 'deferred', status, reason, relay: this.#peer.relay });
  }
}

function isGood(reply: ServerReply): boolean {
  return reply.code >= 200 && reply.code < 300;
}
