// What watches the server without having a part in the mail: the log's observer (metrics and trace), the accounting, and
// the listener of metrics.

import { randomInt } from 'node:crypto';
import path from 'node:path';
import type { AccountingStatus } from '../cli/server-status.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import type { LogWriter } from '../lib/log-writer.ts';
import type { SqliteMailstore } from '../mailstore/store.ts';
import type { QueueCensus } from '../mailstore/types.ts';
import { MailHistory, readHistory, statisticsFile } from '../metrics/mail-history.ts';
import { MailMetrics } from '../metrics/mail-metrics.ts';
import { type MailSeries, type Range, seriesOf } from '../metrics/mail-series.ts';
import { MetricsServer } from '../metrics/metrics-server.ts';
import type { Settings } from '../settings/settings.ts';
import { TraceSpool } from '../trace/spool.ts';
import { AccountingWatch } from './accounting-watch.ts';
import { Faults } from './faults.ts';
import { listenError } from './listeners.ts';
import { metricsListeners } from './metrics-listeners.ts';
import { MetricsPage, type PageSources } from './metrics-page.ts';

/** What is known when the server listens. */
export interface Observed {
  readonly store: Pick<SqliteMailstore, 'books' | 'wal'>;
  readonly active: PageSources['active'];
  readonly connections: PageSources['connections'];
}

export class Observation {
  readonly metrics = new MailMetrics();
  readonly faults = new Faults();
  readonly #history: MailHistory;
  readonly #historyFile: string;
  readonly #settings: Settings;
  readonly #log: ProgramLog;
  readonly #clock: Clock;
  readonly #trace: TraceSpool | undefined;
  readonly #servers: MetricsServer[] = [];
  /** Session names do not repeat after a restart. */
  readonly #sessionPrefix = randomInt(36 ** 4, 36 ** 5).toString(36);
  #sessions = 0;
  #accounting: AccountingWatch | undefined;
  #page: MetricsPage | undefined;
  #store: Observed['store'] | undefined;

  constructor(settings: Settings, log: LogWriter, dataDirectory: string, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
    const syslogName = settings.text('syslog_name');
    this.#log = new ProgramLog(log, `${syslogName}/master`);
    const days = settings.integer('posthaste_trace_days');
    const sizeLimit = settings.integer('posthaste_trace_size_limit');
    this.#trace =
      days > 0
        ? new TraceSpool({ dataDirectory, days, sizeLimit, clock, log: new ProgramLog(log, `${syslogName}/trace`) })
        : undefined;
    this.#historyFile = path.join(dataDirectory, statisticsFile);
    this.#history = new MailHistory({
      file: this.#historyFile,
      clock,
      totals: this.metrics.totals,
      log: new ProgramLog(log, `${syslogName}/master`),
    });
    log.observe((program, level, text, session) => {
      if (level !== 'info') this.faults.logged(clock.now(), program, level, text);
      this.metrics.logged(program, level, text);
      this.#trace?.add(program, level, text, session);
    });
    if (settings.flag('posthaste_trace_subjects')) {
      log.observeNotes((program, level, text, session) => this.#trace?.add(program, level, text, session));
    }
  }

  readonly newSession = (): string => `${this.#sessionPrefix}-${(this.#sessions++).toString(36)}`;

  /** Binds the listeners; returns what listens where. Throws SettingsError, or the error of the socket. */
  async listen({ store, active, connections }: Observed): Promise<{ label: string; host: string; port: number }[]> {
    this.#store = store;
    const accounting = new AccountingWatch({ books: store.books, clock: this.#clock, log: this.#log });
    this.#accounting = accounting;
    const { addresses, token } = metricsListeners(this.#settings);
    if (addresses.length === 0) return [];
    const page = new MetricsPage({
      metrics: this.metrics,
      startedAt: this.#clock.now(),
      census: () => accounting.look(),
      active,
      connections,
      walBytes: () => store.wal.bytes,
      trace: () => this.#trace?.state,
    });
    this.#page = page;
    const bound: { label: string; host: string; port: number }[] = [];
    for (const { host, port } of addresses) {
      const options = { host, port, page: () => page.print(), ...(token === undefined ? {} : { token }) };
      const server = new MetricsServer(options);
      this.#servers.push(server);
      try {
        bound.push({ label: 'metrics', host, port: await server.listen() });
      } catch (error) {
        throw listenError({ label: 'metrics', host, port, service: 'posthaste_metrics_listen' }, error);
      }
    }
    return bound;
  }

  /** When the server runs as the user that it is to run as. */
  start(): void {
    this.#accounting?.start();
    this.#trace?.start();
    this.#history.start();
  }

  get trace() {
    return this.#trace?.state;
  }

  flushStatistics(): Promise<void> {
    return this.#history.flush();
  }

  async statistics(range: Range, zoneMinutes: number): Promise<MailSeries> {
    await this.#history.flush();
    const now = this.#clock.now();
    return seriesOf(await readHistory(this.#historyFile, now), range, now, zoneMinutes);
  }

  /** How much is queued; undefined before the store is there. */
  async census(): Promise<QueueCensus | undefined> {
    return await this.#accounting?.look();
  }

  async accounting(): Promise<AccountingStatus | undefined> {
    const census = await this.#accounting?.look();
    if (census === undefined) return undefined;
    const { books, recipients, heldRecipients, mismatch } = census;
    return { ...books, queued: recipients - heldRecipients, held: heldRecipients, mismatch };
  }

  /** Returns how many recipients the books and the queue were apart. */
  async acknowledgeMismatch(): Promise<number> {
    const difference = (await this.#store?.books.acknowledgeMismatch()) ?? 0;
    this.#accounting?.forget();
    await this.#accounting?.look();
    return difference;
  }

  async flushTrace(): Promise<void> {
    await this.#trace?.flush();
  }

  /** The store must still be open. */
  async close(): Promise<void> {
    this.#accounting?.close();
    this.#page?.close();
    await this.#history.close();
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** After the last line about mail. */
  async closeTrace(): Promise<void> {
    await this.#trace?.close().catch((error: unknown) => this.#log.warning(`trace: ${String(error)}`));
  }
}
