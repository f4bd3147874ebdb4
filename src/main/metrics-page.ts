// One page of metrics: what has been counted (metrics/mail-metrics.ts), and what is looked at when somebody asks.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { QueueCensus } from '../mailstore/types.ts';
import { Exposition } from '../metrics/exposition.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { TraceState } from '../trace/spool.ts';
import { version } from './version.ts';

export interface PageSources {
  readonly metrics: MailMetrics;
  readonly startedAt: number;
  census(): Promise<QueueCensus>;
  active(): number;
  connections(): { readonly smtp: number; readonly imap: number };
  walBytes(): number;
  trace(): TraceState | undefined;
}

const delayResolutionMilliseconds = 20;
const restMilliseconds = 600_000;

export class MetricsPage {
  readonly #sources: PageSources;
  readonly #loopDelay = monitorEventLoopDelay({ resolution: delayResolutionMilliseconds });

  #restTimer: NodeJS.Timeout | undefined;

  constructor(sources: PageSources) {
    this.#sources = sources;
  }

  async print(): Promise<string> {
    const page = new Exposition();
    printQueue(page, await this.#sources.census(), this.#sources.active());
    this.#sources.metrics.print(page);
    this.#printServer(page);
    this.#printTrace(page);
    this.#printProcess(page);
    return page.toString();
  }

  close(): void {
    clearTimeout(this.#restTimer);
    this.#loopDelay.disable();
  }

  /** Fifty wake-ups a second: only while somebody asks. */
  #measureLoopDelay(): void {
    this.#loopDelay.enable();
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.#loopDelay.disable(), restMilliseconds).unref();
  }

  #printServer(page: Exposition): void {
    const { smtp, imap } = this.#sources.connections();
    page.gauge('posthaste_connections', 'Clients that are connected now.', [
      { labels: { protocol: 'smtp' }, value: smtp },
      { labels: { protocol: 'imap' }, value: imap },
    ]);
    page.gauge('posthaste_store_wal_bytes', "Size of the store's write-ahead log.", [
      { value: this.#sources.walBytes() },
    ]);
    page.gauge('posthaste_start_time_seconds', 'When the server was started, seconds since 1970.', [
      { value: this.#sources.startedAt / 1000 },
    ]);
    page.gauge('posthaste_info', 'Which version runs.', [{ labels: { version }, value: 1 }]);
  }

  #printTrace(page: Exposition): void {
    const state = this.#sources.trace();
    if (state === undefined) return;
    page.counter('posthaste_trace_events_lost_total', 'Events that could not be kept for posthaste trace.', [
      { value: state.lost },
    ]);
    page.gauge('posthaste_trace_paused', '1 while nothing can be kept for posthaste trace.', [
      { value: state.isPaused ? 1 : 0 },
    ]);
  }

  /** The delays are those since the page before. */
  #printProcess(page: Exposition): void {
    const delay = this.#loopDelay;
    const seconds = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - delayResolutionMilliseconds / 1000) : 0;
    page.gauge('posthaste_event_loop_delay_seconds', 'How late the event loop was since the last scrape.', [
      { labels: { quantile: '0.5' }, value: seconds(delay.percentile(50)) },
      { labels: { quantile: '0.99' }, value: seconds(delay.percentile(99)) },
      { labels: { quantile: '1' }, value: seconds(delay.max) },
    ]);
    delay.reset();
    this.#measureLoopDelay();
    const { rss, heapUsed, external } = process.memoryUsage();
    page.gauge('process_resident_memory_bytes', 'Resident memory.', [{ value: rss }]);
    page.gauge('posthaste_heap_bytes', 'JavaScript objects of the main thread.', [{ value: heapUsed }]);
    page.gauge('posthaste_external_memory_bytes', 'Memory that those objects hold outside.', [{ value: external }]);
    const { user, system } = process.cpuUsage();
    page.counter('process_cpu_seconds_total', 'CPU time of all threads.', [{ value: (user + system) / 1e6 }]);
  }
}

function printQueue(page: Exposition, census: QueueCensus, active: number): void {
  const { books, recipients, heldRecipients, messages, mismatch } = census;
  // What is active is due as well.
  page.gauge('posthaste_queue_messages', "Messages in the queue, by Postfix's names.", [
    { labels: { state: 'incoming' }, value: Math.max(0, messages.due - active) },
    { labels: { state: 'active' }, value: active },
    { labels: { state: 'deferred' }, value: messages.deferred },
    { labels: { state: 'hold' }, value: messages.hold },
  ]);
  page.gauge('posthaste_queue_recipients', 'Recipients in the queue.', [
    { labels: { state: 'waiting' }, value: recipients - heldRecipients },
    { labels: { state: 'hold' }, value: heldRecipients },
  ]);
  const { entered, ...left } = books;
  page.counter('posthaste_recipients_accepted_total', 'Recipients accepted since the store was made.', [
    { value: entered },
  ]);
  page.counter(
    'posthaste_recipients_total',
    'How accepted recipients have left the queue since the store was made.',
    Object.entries(left).map(([outcome, value]) => ({ labels: { outcome }, value })),
  );
  page.gauge(
    'posthaste_accounting_mismatch',
    'Accepted recipients without an outcome that are not queued: must be 0.',
    [{ value: mismatch }],
  );
}
