// What the server says of itself: what it is doing (`posthaste status`) and whether all is well (`posthaste health`).

import type { HealthReport } from '../admin/health-report.ts';
import type { ServerStatus } from '../cli/server-status.ts';
import { systemClock } from '../lib/clock.ts';
import type { SqliteMailstore } from '../mailstore/store.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Defence } from './defence.ts';
import type { Health } from './health.ts';
import type { Observation } from './observation.ts';
import { version } from './version.ts';

export interface ReportSources {
  readonly configDirectory: string;
  readonly dataDirectory: string;
  readonly observation: Observation;
  readonly store: () => SqliteMailstore;
  readonly defence: () => Defence;
  readonly configuration: () => Configuration;
  readonly listeners: () => ServerStatus['listeners'];
  readonly connections: () => ServerStatus['connections'];
  readonly active: () => number;
  /** Messages that were queued since the start. */
  readonly entered: () => number;
}

/** Queued messages that are counted in passing. */
const maxCounted = 5000;

export class ServerReport {
  readonly #sources: ReportSources;
  readonly #startedAt = systemClock.monotonic();
  #health: Health | undefined;

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  async status(): Promise<ServerStatus> {
    const { observation, configDirectory, dataDirectory, defence, listeners, connections, active, entered } =
      this.#sources;
    const accounting = await observation.accounting();
    return {
      version,
      pid: process.pid,
      uptimeSeconds: (systemClock.monotonic() - this.#startedAt) / 1000,
      configDirectory,
      dataDirectory,
      listeners: listeners(),
      connections: connections(),
      queue: { ...(await this.#counts()), active: active(), entered: entered() },
      defence: defence().status(),
      residentBytes: process.memoryUsage.rss(),
      ...(accounting === undefined ? {} : { accounting }),
    };
  }

  async #counts(): Promise<{ readonly messages: number; readonly hold: number }> {
    const { messages, hold, isExact } = this.#sources.store().queueNumbers(maxCounted);
    if (isExact) return { messages, hold };
    // A long queue is counted on a thread of its own.
    const census = await this.#sources.observation.census();
    if (census === undefined) return { messages, hold };
    const { due, deferred, hold: held } = census.messages;
    return { messages: due + deferred + held, hold: held };
  }

  async health(): Promise<HealthReport> {
    const { Health: Opened } = await import('./health.ts');
    const { dataDirectory, observation, store, configuration, defence, listeners } = this.#sources;
    this.#health ??= new Opened({
      clock: systemClock,
      dataDirectory,
      faults: observation.faults,
      configuration,
      listeners: () => listeners().length,
      queue: () => store().queueNumbers(maxCounted),
      oldest: () => store().queueOldest(),
      accounting: () => observation.accounting(),
      defence: () => defence().status(),
      trace: () => observation.trace,
    });
    return await this.#health.look();
  }
}
