// Asks whether mail for an address would be taken: the address is routed as any, and the agent that would deliver is asked
// instead of told to (DeliveryAgent.probe). Nothing is stored and nothing can be delivered: a probe that a crash cuts off
// is asked again with the next client.
//
// Bounded as deliveries are: so many at a time to one destination, and to none that does not answer (destination.ts);
// beyond address_verify_pending_request_limit the answer is "later".

import { fold } from '../address/form.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Delivery } from '../routing/types.ts';
import type { DeliveryReport, RecipientOutcome, Transport, TransportTable } from './delivery-agent.ts';
import { Destination } from './destination.ts';
import { recipientLine } from './log-lines.ts';

export interface ProberOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly syslogName: string;
  readonly transports: TransportTable;
  /** Where mail for an address goes; blind copies are not asked about. Throws TemporaryError. */
  readonly route: (address: string, sender: string) => Promise<readonly Delivery[]>;
  /** address_verify_sender. */
  readonly sender: () => string;
  newQueueId(): string;
  /** address_verify_pending_request_limit. */
  readonly pendingLimit: () => number;
  readonly minimalBackoffSeconds: number;
}

/** Where an address leads. */
export interface ProbeRoute {
  /** The same as long as the same servers would be asked in the same way. */
  readonly key: string;
  /** The answer depends on nobody but this server: it need not be kept. */
  readonly isOurs: boolean;
  readonly deliveries: readonly Delivery[];
}

interface Waiting {
  readonly isRetry: false;
  readonly transport: Transport;
  readonly delivery: Delivery;
  readonly queued: number;
  finish(outcome: RecipientOutcome): void;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #destinations = new Map<string, Destination<Waiting>>();
  readonly #busy = new Map<string, number>();
  readonly #resting = new Set<Destination<Waiting>>();
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #pending = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Throws TemporaryError. */
  async route(address: string): Promise<ProbeRoute> {
    const all = await this.#options.route(address, this.#options.sender());
    const deliveries = all.filter(({ isCopy }) => !isCopy);
    const isOurs = deliveries.every(
      ({ transport }) => !this.#options.transports.find(transport)?.agent.probe?.asksOthers,
    );
    const key = deliveries.map(({ transport, nexthop, recipient }) => `${transport}:${nexthop}:${recipient}`).join(' ');
    return { key: fold(key), isOurs: isOurs || deliveries.length !== 1, deliveries };
  }

  /** Never throws. */
  async probe({ deliveries }: ProbeRoute): Promise<RecipientOutcome> {
    const [delivery, ...others] = deliveries;
    // As Postfix: somebody of several will be there.
    if (others.length > 0) return deliverable('aliased to multiple recipients');
    if (delivery === undefined) return { kind: 'bounced', status: '5.1.1', reason: 'User unknown' };
    const transport = this.#options.transports.find(delivery.transport);
    if (transport === undefined) return deferred('4.3.0', 'mail transport unavailable');
    if (transport.agent.probe === undefined) return deliverable(`delivers to ${delivery.transport}`);
    if (this.#pending >= this.#options.pendingLimit()) {
      return deferred('4.3.2', 'Too many address verification requests');
    }
    this.#pending++;
    try {
      return await this.#enqueue(transport, delivery);
    } finally {
      this.#pending--;
    }
  }

  /** Nothing is kept of servers that did not answer. */
  reviveAll(): void {
    for (const destination of this.#destinations.values()) destination.revive();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    for (const destination of this.#destinations.values()) {
      for (let one = destination.next(false); one !== undefined; one = destination.next(false)) {
        one.finish(deferred('4.3.2', 'the server stops'));
      }
    }
    await Promise.all(this.#running);
  }

  #enqueue(transport: Transport, delivery: Delivery): Promise<RecipientOutcome> {
    const key = `${transport.name}:${delivery.nexthop.toLowerCase()}`;
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      this.#forgetIdle();
      destination = new Destination(key, transport);
      this.#destinations.set(key, destination);
    }
    const to = destination;
    if (this.#abort.signal.aborted) return Promise.resolve(deferred('4.3.2', 'the server stops'));
    return new Promise((finish) => {
      to.add({ isRetry: false, transport, delivery, queued: this.#options.clock.now(), finish });
      this.#pump(to, transport);
    });
  }

  #forgetIdle(): void {
    const now = this.#options.clock.now();
    for (const [key, destination] of this.#destinations) if (destination.isIdle(now)) this.#destinations.delete(key);
  }

  #hasRoom(destination: Destination<Waiting>, { name, processLimit }: Transport): boolean {
    return destination.hasRoom && (this.#busy.get(name) ?? 0) < processLimit;
  }

  /** TRANSPORT_destination_rate_delay holds for probes too. */
  #pumpLater(destination: Destination<Waiting>, transport: Transport, milliseconds: number): void {
    if (this.#resting.has(destination)) return;
    this.#resting.add(destination);
    const timer = setTimeout(() => {
      this.#resting.delete(destination);
      this.#pump(destination, transport);
    }, milliseconds);
    timer.unref();
  }

  #pump(destination: Destination<Waiting>, transport: Transport): void {
    for (;;) {
      const now = this.#options.clock.now();
      const death = destination.death(now);
      if (!destination.hasWaiting || (death === undefined && !this.#hasRoom(destination, transport))) return;
      const pause = death === undefined ? destination.pause(now) : 0;
      if (pause > 0) return this.#pumpLater(destination, transport, pause);
      const first = destination.next(false);
      if (first === undefined) return;
      if (death !== undefined) {
        first.finish(deferred(death.status, `delivery temporarily suspended: ${death.reason}`));
        continue;
      }
      destination.busy++;
      this.#busy.set(transport.name, (this.#busy.get(transport.name) ?? 0) + 1);
      const work = this.#run(first, destination).finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
  }

  async #run(waiting: Waiting, destination: Destination<Waiting>): Promise<void> {
    const { clock, log, minimalBackoffSeconds } = this.#options;
    const { transport, delivery } = waiting;
    const began = clock.now();
    const report = await this.#ask(transport, delivery);
    const outcome = report.outcomes[0] ?? deferred('4.3.0', 'no answer');
    if (report.unreachable) destination.failed(outcome, clock.now(), minimalBackoffSeconds * 1000);
    else destination.succeeded(clock.now());
    destination.busy--;
    this.#busy.set(transport.name, (this.#busy.get(transport.name) ?? 1) - 1);
    const { setupMilliseconds: setup = 0, transferMilliseconds = clock.now() - began - setup } = report;
    const delays = [0, began - waiting.queued, setup, transferMilliseconds] as const;
    const word = outcome.kind === 'delivered' ? 'deliverable' : 'undeliverable';
    log.write(transport.program, 'info', recipientLine(this.#options.newQueueId(), delivery, outcome, delays, word));
    waiting.finish(outcome);
    // What else waits for this transport.
    for (const [key, other] of this.#destinations) {
      if (key.startsWith(`${transport.name}:`)) this.#pump(other, transport);
    }
  }

  async #ask({ agent, name }: Transport, { recipient, original, nexthop }: Delivery): Promise<DeliveryReport> {
    try {
      const report = await agent.probe?.ask({
        sender: this.#options.sender(),
        recipient,
        original,
        transport: name,
        nexthop,
        signal: this.#abort.signal,
      });
      return report ?? { outcomes: [] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'failed';
      if (!(error instanceof TemporaryError)) {
        this.#options.log.write(`${this.#options.syslogName}/verify`, 'error', `${recipient}: ${reason}`);
      }
      return { outcomes: [deferred('4.3.0', reason)] };
    }
  }
}

function deliverable(reason: string): RecipientOutcome {
  return { kind: 'delivered', status: '2.0.0', reason };
}

function deferred(status: string, reason: string): RecipientOutcome {
  return { kind: 'deferred', status, reason };
}
