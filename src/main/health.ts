// Whether all is well, as far as the server can tell by itself: one finding for each thing that is looked at, with the
// numbers that it was judged by. "Could not find out" is a state of its own. Looking costs little, and is done when somebody asks.

import fs from 'node:fs/promises';
import type { HealthCheck, HealthReport } from '../admin/health-report.ts';
import { listCertificates } from '../cli/certificate.ts';
import type { AccountingStatus, DefenceStatus } from '../cli/server-status.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import type { Clock } from '../lib/clock.ts';
import { plural } from '../lib/plural.ts';
import type { QueueNumbers } from '../mailstore/store-reads.ts';
import { queueIdTime } from '../queue/queue-id.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { TraceState } from '../trace/spool.ts';
import type { Faults } from './faults.ts';

export interface HealthSources {
  readonly clock: Clock;
  readonly dataDirectory: string;
  readonly faults: Faults;
  configuration(): Configuration;
  listeners(): number;
  queue(): QueueNumbers;
  /** The id of the message that has waited longest, held ones included. */
  oldest(): string | undefined;
  accounting(): Promise<AccountingStatus | undefined>;
  defence(): DefenceStatus;
  trace(): TraceState | undefined;
}

const day = 86_400_000;
const oldMilliseconds = day;
const lowPercent = 10;
const lowBytes = 1024 ** 3;
/** Where mail of the usual largest size (message_size_limit) has no room any more. */
const fullBytes = 100 * 1024 ** 2;
/** Authorities' certificates are renewed a third of their time before the end: then something has gone wrong for a while. */
const certificateMilliseconds = 14 * day;
const shiftMilliseconds = 60_000;
const dnsMilliseconds = 1500;
const dnsKeptMilliseconds = 60_000;

export class Health {
  readonly #sources: HealthSources;
  readonly #began: number;
  readonly #resolver = new SystemResolver({ timeout: dnsMilliseconds, tries: 1 });
  #dns: { readonly until: number; readonly check: Promise<HealthCheck> } | undefined;

  constructor(sources: HealthSources) {
    this.#sources = sources;
    this.#began = sources.clock.now() - sources.clock.monotonic();
  }

  async look(): Promise<HealthReport> {
    const [disk, certificates, accounting, dns] = await Promise.all([
      this.#disk().catch((error: unknown) => unknown('disk', error)),
      this.#certificates().catch((error: unknown) => unknown('certificates', error)),
      this.#accounting().catch((error: unknown) => unknown('accounting', error)),
      this.#askDns(),
    ]);
    const checks = [
      this.#listeners(),
      this.#queue(),
      disk,
      certificates,
      accounting,
      this.#defence(),
      this.#trace(),
      this.#clock(),
      dns,
      this.#faults(),
    ];
    return { checks: checks.filter((check) => check !== undefined), faults: this.#sources.faults.list() };
  }

  #listeners(): HealthCheck {
    const listeners = this.#sources.listeners();
    return { check: 'listeners', state: 'good', text: plural(listeners, 'listener'), values: { listeners } };
  }

  #queue(): HealthCheck {
    const { clock } = this.#sources;
    const { messages, hold, isExact } = this.#sources.queue();
    const arrival = queueIdTime(this.#sources.oldest() ?? '');
    const ageSeconds = arrival === undefined ? 0 : Math.max(0, Math.round((clock.now() - arrival) / 1000));
    const state = ageSeconds * 1000 > oldMilliseconds ? 'warning' : 'good';
    const text = `${isExact ? '' : 'more than '}${plural(messages, 'message waits', 'messages wait')}, the oldest for ${plural(Math.round(ageSeconds / 60), 'minute')}`;
    return { check: 'queue', state, text, values: { messages, hold, ageSeconds, isExact: Number(isExact) } };
  }

  async #disk(): Promise<HealthCheck> {
    const { bavail, blocks, bsize } = await fs.statfs(this.#sources.dataDirectory);
    const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize];
    const percent = Math.floor((freeBytes / totalBytes) * 100);
    const isLow = percent < lowPercent || freeBytes < lowBytes;
    const state = freeBytes < fullBytes ? 'bad' : isLow ? 'warning' : 'good';
    const text = `${percent} % of the disk are free (${Math.floor(freeBytes / 1024 ** 2)} MiB)`;
    return { check: 'disk', state, text, values: { freeBytes, totalBytes } };
  }

  async #certificates(): Promise<HealthCheck> {
    const lines = await listCertificates(this.#sources.configuration());
    const ends = lines.flatMap(({ validUntil }) => validUntil ?? []);
    const until = ends.length === 0 ? 0 : Math.min(...ends);
    const problems = lines.filter(({ problem }) => problem !== null).length;
    const left = until - this.#sources.clock.now();
    const isSoon = until > 0 && left < certificateMilliseconds;
    const state = until > 0 && left <= 0 ? 'bad' : isSoon || problems > 0 ? 'warning' : 'good';
    const first = until === 0 ? 'there is none' : `the first ends in ${plural(Math.floor(left / day), 'day')}`;
    return { check: 'certificates', state, text: `certificates: ${first}`, values: { until, problems } };
  }

  async #accounting(): Promise<HealthCheck | undefined> {
    const accounting = await this.#sources.accounting();
    if (accounting === undefined) return undefined;
    const { mismatch, entered } = accounting;
    const text =
      mismatch === 0
        ? `${plural(entered, 'recipient')} accepted, each accounted for`
        : `the books and the queue are ${plural(Math.abs(mismatch), 'recipient')} apart`;
    return { check: 'accounting', state: mismatch === 0 ? 'good' : 'bad', text, values: { mismatch, entered } };
  }

  #defence(): HealthCheck {
    const { alarms, lockouts } = this.#sources.defence();
    const text = `${plural(alarms.length, 'alarm')} about senders, ${plural(lockouts, 'lock-out')}`;
    const values = { alarms: alarms.length, lockouts };
    return { check: 'alarms', state: alarms.length === 0 ? 'good' : 'warning', text, values };
  }

  #trace(): HealthCheck | undefined {
    const trace = this.#sources.trace();
    if (trace === undefined || (trace.lost === 0 && !trace.isPaused)) return undefined;
    const text = `the trace ${trace.isPaused ? 'cannot be written' : 'has gaps'}: ${plural(trace.lost, 'line')} lost`;
    return { check: 'trace', state: 'warning', text, values: { lost: trace.lost } };
  }

  /** Set by hand, or by a time service that had to jump. */
  #clock(): HealthCheck {
    const { clock } = this.#sources;
    const shiftSeconds = Math.round((clock.now() - clock.monotonic() - this.#began) / 1000);
    const isGood = Math.abs(shiftSeconds) * 1000 < shiftMilliseconds;
    const text = isGood
      ? 'the clock runs evenly'
      : `the clock was moved by ${plural(shiftSeconds, 'second')} since the start`;
    return { check: 'clock', state: isGood ? 'good' : 'warning', text, values: { shiftSeconds } };
  }

  #askDns(): Promise<HealthCheck> {
    const now = this.#sources.clock.monotonic();
    if (this.#dns === undefined || now > this.#dns.until) {
      this.#dns = { until: now + dnsKeptMilliseconds, check: this.#lookUpOwnName() };
    }
    return this.#dns.check;
  }

  /** Any answer will do: whether the records are right is asked for each domain. */
  async #lookUpOwnName(): Promise<HealthCheck> {
    const name = this.#sources.configuration().settings.text('myhostname');
    try {
      await this.#resolver.addresses(name, 4);
      return { check: 'dns', state: 'good', text: 'the DNS answers', values: {} };
    } catch (error) {
      return unknown('dns', error);
    }
  }

  #faults(): HealthCheck {
    const { clock, faults } = this.#sources;
    const recent = faults.list().filter(({ time }) => clock.now() - time < day).length;
    const text = recent === 0 ? 'no errors in the last 24 hours' : `${plural(recent, 'error')} in the last 24 hours`;
    return { check: 'faults', state: recent === 0 ? 'good' : 'warning', text, values: { recent } };
  }
}

function unknown(check: HealthCheck['check'], error: unknown): HealthCheck {
  const text = error instanceof Error ? error.message : String(error);
  return { check, state: 'unknown', text, values: {} };
}
