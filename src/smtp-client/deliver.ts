// Delivers one message to one next hop: finds its hosts, tries them in order until every recipient has a final answer,
// the hosts are used up, or the limits are reached (smtp_mx_address_limit, smtp_mx_session_limit), then smtp_fallback_relay.
// A session that was kept from an earlier message goes first; where it turns out dead, nothing has happened yet.
// A recipient that one host refuses for good is not asked about again; one refused for now is tried at the next host.

import { isIP } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { Connection, ConnectionError, type ConnectionTarget } from './connection.ts';
import type { ConnectionCache, Keep } from './connection-cache.ts';
import { type Destination, parseDestination, splitDestinations } from './destination.ts';
import { findHosts, type Host } from './hosts.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { localError, type Peer } from './protection.ts';
import { type Security, security } from './security.ts';
import { Session } from './session.ts';
import { type TlsPolicy, TlsPolicyError } from './tls-policy.ts';
import { ClientFailure, type ClientOptions, type ClientOutcome, type ClientReport, type Envelope } from './types.ts';

interface Stop {
  readonly peer: Peer;
  readonly target: ConnectionTarget;
  /** The one with the best preference, where a server that is ourselves means a loop. */
  readonly isBest: boolean;
  readonly looksForLoops: boolean;
  /** Its domain or path: what certificates and tables may name. */
  readonly nexthop: string;
}

/** `onAnswer`: the first server is ready for the envelope. Before that, `signal` may end the attempt without any doubt. */
export async function deliver(
  nexthop: string,
  envelope: Envelope,
  options: ClientOptions,
  signal?: AbortSignal,
  onAnswer?: () => void,
  cache?: ConnectionCache<Session>,
): Promise<ClientReport> {
  const attempt = new Attempt(nexthop, envelope, options, signal, onAnswer, cache);
  const end = cache?.begin(nexthop);
  try {
    return await attempt.run();
  } finally {
    end?.();
  }
}

class Attempt {
  readonly #nexthop: string;
  readonly #envelope: Envelope;
  readonly #options: ClientOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #onAnswer: (() => void) | undefined;
  readonly #outcomes: (ClientOutcome | undefined)[];
  readonly #cache: ConnectionCache<Session> | undefined;
  #addressesLeft: number;
  #sessionsLeft: number;
  /** Did any host let us hand over an envelope? */
  #hasTalked = false;
  /** By the host that was talked to last. */
  readonly #justSaid = new Set<ClientOutcome>();
  /** Another host must not be given what one may already have taken. */
  #isStopped = false;
  #setup = 0;
  #transfer = 0;

  constructor(
    nexthop: string,
    envelope: Envelope,
    options: ClientOptions,
    signal: AbortSignal | undefined,
    onAnswer: (() => void) | undefined,
    cache: ConnectionCache<Session> | undefined,
  ) {
    this.#cache = cache;
    this.#nexthop = nexthop;
    this.#envelope = envelope;
    this.#options = options;
    this.#signal = signal;
    this.#onAnswer = onAnswer;
    this.#outcomes = envelope.recipients.map(() => undefined);
    this.#addressesLeft = options.addressLimit || Number.POSITIVE_INFINITY;
    this.#sessionsLeft = options.sessionLimit || Number.POSITIVE_INFINITY;
  }

  async run(): Promise<ClientReport> {
    const nexthops = [...splitDestinations(this.#nexthop), ...this.#options.fallback];
    for (const text of nexthops) {
      if (this.#isDone()) break;
      await this.#tryDestination(text);
    }
    const nothing: ClientOutcome = deferred('4.3.5', `empty next-hop destination: ${this.#nexthop}`);
    return {
      outcomes: this.#outcomes.map((outcome) => outcome ?? nothing),
      unreachable: !this.#hasTalked && this.#outcomes.some((outcome) => outcome?.kind !== 'bounced'),
      setupMilliseconds: this.#setup,
      transferMilliseconds: this.#transfer,
    };
  }

  async #tryDestination(text: string): Promise<void> {
    const destination = parseDestination(text, this.#options.protocol);
    if (typeof destination === 'string') return this.#record(deferred('4.3.5', destination));
    try {
      const stops = this.#keptFirst(await this.#stops(destination));
      const name = destination.kind === 'unix' ? `unix:${destination.path}` : destination.host;
      const key = destination.kind === 'unix' ? destination.path : text.replace(/^inet:/, '');
      const policy = await this.#policy(key, stops[0]?.peer);
      for (const stop of stops) {
        if (this.#isDone() || this.#addressesLeft <= 0 || this.#sessionsLeft <= 0) return;
        this.#addressesLeft--;
        const protection = await this.#security(stop, key, policy);
        const keep = { key: stop.peer.relay, demand: this.#nexthop, destination: name };
        if (!(await this.#tryKept(keep, protection))) await this.#tryStop(stop, keep, protection);
      }
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      this.#record(error.outcome);
    }
  }

  async #policy(key: string, first: Peer | undefined): Promise<TlsPolicy> {
    const options = this.#options;
    try {
      const policy = await options.tls.policy(key);
      // Nobody listens between two programs of one machine, and there would be no second try (smtp(8)).
      const isLocal = first !== undefined && isIP(first.address) === 0;
      return isLocal && policy.level === 'may' ? { ...policy, level: 'none' } : policy;
    } catch (error) {
      if (!(error instanceof TlsPolicyError) && !(error instanceof TemporaryError)) throw error;
      const reason = error instanceof TlsPolicyError ? error.reason : 'client TLS configuration problem';
      options.warn?.(error.message);
      options.warn?.(`TLS policy lookup for ${key}/${first?.name}: ${reason}`);
      throw new ClientFailure(deferred('4.7.5', reason));
    }
  }

  async #security({ peer, nexthop }: Stop, destination: string, policy: TlsPolicy): Promise<Security> {
    const question = { sender: this.#envelope.sender, host: peer.name, destination };
    try {
      return security(policy, await this.#options.sasl?.credentials(question), nexthop);
    } catch (error) {
      throw error instanceof TemporaryError ? localError(peer, error, this.#options) : error;
    }
  }

  async #stops(destination: Destination): Promise<Stop[]> {
    if (destination.kind === 'unix') {
      const { path } = destination;
      const label = `${this.#options.hostname}[${path}]`;
      const peer = { label, name: this.#options.hostname, address: path, relay: label };
      const target = { path: resolvePath(this.#options.socketFolder ?? '', path) };
      return [{ peer, target, isBest: false, looksForLoops: false, nexthop: path }];
    }
    const started = this.#options.clock.monotonic();
    const hosts = await findHosts(destination, this.#options);
    this.#setup += this.#options.clock.monotonic() - started;
    const best = Math.min(...hosts.map((host) => host.preference));
    const port = destination.port ?? this.#options.port;
    return hosts.map((host: Host) => {
      const label = `${host.name}[${host.address}]`;
      return {
        peer: { label, name: host.name, address: host.address, relay: `${label}:${port}` },
        target: { address: host.address, port, from: this.#options.bindAddress[isIP(host.address) === 6 ? 6 : 4] },
        isBest: host.preference === best,
        looksForLoops: port === 25,
        nexthop: destination.host,
      };
    });
  }

  /** Among hosts that are equally good one to which there is a connection. */
  #keptFirst(stops: Stop[]): Stop[] {
    const index = stops.findIndex(({ isBest, peer }) => isBest && this.#cache?.has(peer.relay));
    const [kept] = index > 0 ? stops.splice(index, 1) : [];
    return kept ? [kept, ...stops] : stops;
  }

  /** True where a session that was kept gave answers. A dead one is forgotten: before the final dot nobody has taken anything. */
  async #tryKept(keep: Keep, protection: Security): Promise<boolean> {
    const session = this.#cache?.take(keep.key, (kept) => kept.security.key === protection.key);
    if (!session) return false;
    const abort = () => session.close();
    this.#signal?.addEventListener('abort', abort);
    try {
      this.#onAnswer?.();
      await this.#transact(session);
      this.#hasTalked = true;
      await this.#done(session, keep);
      return true;
    } catch (error) {
      session.close();
      if (!(error instanceof ClientFailure) || error.isFinal) throw error;
      this.#cache?.drop(keep.key);
      return this.#isDone();
    } finally {
      this.#signal?.removeEventListener('abort', abort);
    }
  }

  /** After a message: the next one may use the session; the queue need not wait for a farewell. */
  async #done(session: Session, keep: Keep): Promise<void> {
    this.#isStopped = session.isUncertain;
    if (this.#cache) await this.#cache.give(keep, session);
    else void session.quit();
  }

  async #tryStop(stop: Stop, keep: Keep, protection: Security): Promise<void> {
    const started = this.#options.clock.monotonic();
    let session: Session | undefined;
    const abort = () => session?.close();
    this.#signal?.addEventListener('abort', abort);
    try {
      const connection = await this.#connect(stop);
      this.#sessionsLeft--;
      session = new Session(connection, stop.peer, this.#options, protection);
      await session.open();
      this.#refuseOurselves(stop, session);
      this.#setup += this.#options.clock.monotonic() - started;
      this.#hasTalked = true;
      this.#onAnswer?.();
      await this.#transact(session);
      await this.#done(session, keep);
    } catch (error) {
      session?.close();
      if (!(error instanceof ClientFailure)) throw error;
      this.#options.note?.(error.outcome.reason);
      const plain = error.isTls ? withoutTls(protection) : undefined;
      if (plain) return await this.#tryStop(stop, keep, plain);
      if (error.isFinal) throw error;
      this.#record(error.outcome);
    } finally {
      this.#signal?.removeEventListener('abort', abort);
    }
  }

  #refuseOurselves(stop: Stop, session: Session): void {
    if (!stop.looksForLoops || session.serverName.toLowerCase() !== this.#options.hostname.toLowerCase()) return;
    const reason = `mail for ${this.#nexthop} loops back to myself`;
    if (!stop.isBest) throw new ClientFailure(deferred('4.4.6', reason));
    throw new ClientFailure({ kind: 'bounced', status: '5.4.6', reason, relay: 'none' }, { isFinal: true });
  }

  async #connect(stop: Stop): Promise<Connection> {
    try {
      return await Connection.open(stop.target, this.#options.timeouts.connect, this.#signal);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      throw new ClientFailure(deferred('4.4.1', `connect to ${stop.peer.relay}: ${error.message}`));
    }
  }

  /** Sends to all who have no final answer yet. */
  async #transact(session: Session): Promise<void> {
    const open = this.#outcomes.flatMap((outcome, index) => (isFinal(outcome) ? [] : [index]));
    const recipients = open.flatMap((index) => this.#envelope.recipients[index] ?? []);
    const started = this.#options.clock.monotonic();
    this.#justSaid.clear();
    try {
      const outcomes = await session.send({ ...this.#envelope, recipients });
      open.forEach((index, order) => {
        this.#outcomes[index] = outcomes[order];
      });
    } catch (error) {
      if (error instanceof ClientFailure) this.#keepKnown(open, error);
      throw error;
    } finally {
      this.#transfer += this.#options.clock.monotonic() - started;
    }
  }

  /** What this host has said of a recipient stands, though the connection was lost later. */
  #keepKnown(open: readonly number[], { known }: ClientFailure): void {
    open.forEach((index, order) => {
      const outcome = known[order];
      if (!outcome) return;
      this.#outcomes[index] = outcome;
      this.#justSaid.add(outcome);
    });
  }

  /** The same outcome for everybody who has no final one, nor one of this host. */
  #record(outcome: ClientOutcome): void {
    this.#outcomes.forEach((known, index) => {
      if (!isFinal(known) && !(known && this.#justSaid.has(known))) this.#outcomes[index] = outcome;
    });
  }

  #isDone(): boolean {
    return this.#isStopped || this.#signal?.aborted === true || this.#outcomes.every(isFinal);
  }
}

/**
 * TLS that was only a wish is done without. Not where there is a login: it is meant for a connection under TLS, and without
 * it the server would refuse the mail for good (smtp(8)).
 */
function withoutTls({ policy, credentials, nexthop }: Security): Security | undefined {
  if (policy.level !== 'may' || credentials !== undefined) return undefined;
  return security({ ...policy, level: 'none' }, undefined, nexthop);
}

function isFinal(outcome: ClientOutcome | undefined): boolean {
  return outcome !== undefined && outcome.kind !== 'deferred';
}

function deferred(status: string, reason: string): ClientOutcome {
  return { kind: 'deferred', status, reason, relay: 'none' };
}
