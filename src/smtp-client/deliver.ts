// Delivers one message to one next hop: finds its hosts, tries them in order until every recipient has a final answer,
// the hosts are used up, or the limits are reached (smtp_mx_address_limit, smtp_mx_session_limit), then smtp_fallback_relay.
// A recipient that one host refuses for good is not asked about again; one refused for now is tried at the next host.

import { isIP } from 'node:net';
import { Connection, ConnectionError, type ConnectionTarget } from './connection.ts';
import { type Destination, parseDestination, splitDestinations } from './destination.ts';
import { findHosts, type Host } from './hosts.ts';
import { type Peer, Session } from './session.ts';
import { ClientFailure, type ClientOptions, type ClientOutcome, type ClientReport, type Envelope } from './types.ts';

interface Stop {
  readonly peer: Peer;
  readonly target: ConnectionTarget;
  /** The one with the best preference, where a server that is ourselves means a loop. */
  readonly isBest: boolean;
  readonly looksForLoops: boolean;
}

/** `onAnswer`: the first server is ready for the envelope. Before that, `signal` may end the attempt without any doubt. */
export async function deliver(
  nexthop: string,
  envelope: Envelope,
  options: ClientOptions,
  signal?: AbortSignal,
  onAnswer?: () => void,
): Promise<ClientReport> {
  const attempt = new Attempt(nexthop, envelope, options, signal, onAnswer);
  return attempt.run();
}

class Attempt {
  readonly #nexthop: string;
  readonly #envelope: Envelope;
  readonly #options: ClientOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #onAnswer: (() => void) | undefined;
  readonly #outcomes: (ClientOutcome | undefined)[];
  #addressesLeft: number;
  #sessionsLeft: number;
  /** Did any host let us hand over an envelope? */
  #hasTalked = false;
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
  ) {
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
      const stops = await this.#stops(destination);
      for (const stop of stops) {
        if (this.#isDone() || this.#addressesLeft <= 0 || this.#sessionsLeft <= 0) return;
        this.#addressesLeft--;
        await this.#tryStop(stop, this.#options.tls);
      }
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      this.#record(error.outcome);
    }
  }

  async #stops(destination: Destination): Promise<Stop[]> {
    if (destination.kind === 'unix') {
      const label = `${this.#options.hostname}[${destination.path}]`;
      const peer = { label, name: this.#options.hostname, relay: label };
      return [{ peer, target: { path: destination.path }, isBest: false, looksForLoops: false }];
    }
    const started = this.#options.clock.monotonic();
    const hosts = await findHosts(destination, this.#options);
    this.#setup += this.#options.clock.monotonic() - started;
    const best = Math.min(...hosts.map((host) => host.preference));
    const port = destination.port ?? this.#options.port;
    return hosts.map((host: Host) => {
      const label = `${host.name}[${host.address}]`;
      return {
        peer: { label, name: host.name, relay: `${label}:${port}` },
        target: { address: host.address, port, from: this.#options.bindAddress[isIP(host.address) === 6 ? 6 : 4] },
        isBest: host.preference === best,
        looksForLoops: port === 25,
      };
    });
  }

  async #tryStop(stop: Stop, tls: ClientOptions['tls']): Promise<void> {
    const started = this.#options.clock.monotonic();
    let session: Session | undefined;
    const abort = () => session?.close();
    this.#signal?.addEventListener('abort', abort);
    try {
      const connection = await this.#connect(stop);
      this.#sessionsLeft--;
      session = new Session(connection, stop.peer, this.#options);
      await session.open(tls);
      this.#refuseOurselves(stop, session);
      this.#setup += this.#options.clock.monotonic() - started;
      this.#hasTalked = true;
      this.#onAnswer?.();
      await this.#transact(session);
      this.#isStopped = session.isUncertain;
      // The queue need not wait for the farewell.
      void session.quit();
    } catch (error) {
      session?.close();
      if (!(error instanceof ClientFailure)) throw error;
      this.#options.note?.(error.outcome.reason);
      if (error.isTls && tls === 'may') return await this.#tryStop(stop, 'none');
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
    try {
      const outcomes = await session.send({ ...this.#envelope, recipients });
      open.forEach((index, order) => {
        this.#outcomes[index] = outcomes[order];
      });
    } finally {
      this.#transfer += this.#options.clock.monotonic() - started;
    }
  }

  /** The same outcome for everybody who has no final one. */
  #record(outcome: ClientOutcome): void {
    this.#outcomes.forEach((known, index) => {
      if (!isFinal(known)) this.#outcomes[index] = outcome;
    });
  }

  #isDone(): boolean {
    return this.#isStopped || this.#signal?.aborted === true || this.#outcomes.every(isFinal);
  }
}

function isFinal(outcome: ClientOutcome | undefined): boolean {
  return outcome !== undefined && outcome.kind !== 'deferred';
}

function deferred(status: string, reason: string): ClientOutcome {
  return { kind: 'deferred', status, reason, relay: 'none' };
}
