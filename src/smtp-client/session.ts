// One SMTP or LMTP session as a client: greeting, EHLO/LHLO with its features, STARTTLS, login, and any number of messages
// (send-message.ts). Turns replies and broken connections into outcomes, in Postfix's words.

import { type Connection, ConnectionError } from './connection.ts';
import type { CachedSession } from './connection-cache.ts';
import { filterReply, ReplyError, type ServerReply } from './reply.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type Features, parseFeatures, withoutDiscarded } from './features.ts';
import { askForTls, authenticate, localError, type Peer, type SessionParts, startTls } from './protection.ts';
import type { Security } from './security.ts';
import { type Dialog, MessageSender } from './send-message.ts';
import { ClientFailure, type ClientOptions, type ClientOutcome, type Envelope } from './types.ts';

export class Session implements CachedSession {
  readonly #connection: Connection;
  readonly #peer: Peer;
  readonly #options: ClientOptions;
  #features: Features = new Map();
  /** What the server called itself in its EHLO reply. */
  serverName = '';
  /** The connection broke after the final dot: nobody knows whether the message was delivered. */
  isUncertain = false;
  /** Messages that were begun. */
  uses = 0;
  readonly openedAt: number;
  /** The server is about to leave, or is not where we think it is. */
  #isSpent = false;
  #isEncrypted = false;
  #stage = '';
  #usesEhlo = true;

  /** What protects it: a connection that is kept may be used for other mail where this is the same (`key`). */
  readonly security: Security;

  constructor(connection: Connection, peer: Peer, options: ClientOptions, security: Security) {
    this.#connection = connection;
    this.#peer = peer;
    this.#options = options;
    this.security = security;
    this.openedAt = options.clock.monotonic();
  }

  get peer(): Peer {
    return this.#peer;
  }

  get isUsable(): boolean {
    const { isKeptWithTls } = this.#options;
    return this.#connection.isUsable && !this.#isSpent && !this.isUncertain && (isKeptWithTls || !this.#isEncrypted);
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
    this.#isEncrypted = check !== undefined;
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
    this.uses++;
    const refusal = this.#capabilityRefusal(envelope);
    if (refusal) return envelope.recipients.map(() => refusal);
    return await new MessageSender(this.#dialog()).send(envelope);
  }

  #dialog(): Dialog {
    const connection = this.#connection;
    return {
      options: this.#options,
      features: this.#features,
      isReused: this.uses > 1,
      get hasReply() {
        return connection.hasReply;
      },
      write: (data, timeout, stage) => {
        this.#stage = stage;
        return this.#write(data, timeout);
      },
      reply: (stage, timeout) => this.#reply(stage, timeout),
      delivered: (reply) => this.#delivered(reply),
      verdict: (reply, command, isSoft) => this.#verdict(reply, command, isSoft),
      refused: (reply) => this.#refused(reply, 'deferred'),
      outcome: (kind, status, reason) => ({ kind, status, reason, ...this.#where }),
      spend: () => {
        this.#isSpent = true;
      },
      isUncertain: () => {
        this.isUncertain = true;
      },
    };
  }

  async quit(): Promise<void> {
    if (this.#isSpent) return this.close();
    if (this.#options.skipsQuitResponse) return this.#connection.end('QUIT\r\n');
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
      ...this.#where,
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
      const reply = await this.#filtered(await this.#connection.readReply(timeout));
      // The server closes the connection (RFC 5321 §3.8).
      if (reply.code === 421) this.#isSpent = true;
      return reply;
    } catch (error) {
      throw this.#lost(error);
    }
  }

  async #filtered(reply: ServerReply): Promise<ServerReply> {
    const options = this.#options;
    if (!options.filterReplyLine) return reply;
    try {
      return await filterReply(reply, (line) => options.filterReplyLine?.(line) ?? Promise.resolve(line));
    } catch (error) {
      if (error instanceof ReplyError) throw new ConnectionError('protocol', error.message);
      throw error instanceof TemporaryError ? localError(this.#peer, error, options) : error;
    }
  }

  #delivered(reply: ServerReply): ClientOutcome {
    return {
      kind: 'delivered',
      status: reply.status.startsWith('2') ? reply.status : '2.0.0',
      reason: reply.text,
      ...this.#where,
      remoteMta: this.#peer.name,
      diagnostic: reply.text,
      relayed: !this.#features.has('DSN'),
    };
  }

  /** A refusal of this mail or this recipient. A kept session that ends before the message is no verdict on it. */
  #verdict(reply: ServerReply, command: string, isSoft = false): ClientOutcome {
    if (reply.code === 421 && this.uses > 1 && command !== 'end of DATA') throw this.#refused(reply, 'deferred');
    // 2xx to DATA must not count as delivered; another attempt would hear the same.
    if (reply.code < 400) {
      const said = `Protocol error: host ${this.#peer.label} said: ${reply.text} (in reply to ${command} command)`;
      return { ...this.#said(reply, 'bounced', said), status: '5.5.0' };
    }
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
    return { kind, status, reason, ...this.#where, remoteMta: this.#peer.name, diagnostic: reply.text };
  }

  get #where(): { readonly relay: string; readonly connectionUse?: number } {
    const { relay } = this.#peer;
    return this.uses > 1 ? { relay, connectionUse: this.uses } : { relay };
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
    return new ClientFailure({ kind: 'deferred', status, reason, ...this.#where });
  }
}
