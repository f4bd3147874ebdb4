// Notices when an account sends as its owner never does: many more recipients within an hour than in the hours before,
// many recipients that nobody takes, or logins from many networks at once. Each is what a stolen password looks like
// from here. An alarm is a line in the log, a metric and a line of `posthaste status`; with posthaste_alarm_hold the
// user's mail waits on hold. It stands until somebody removes it, over restarts too.

import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { KeptEntries } from './defence-store.ts';

export type AlarmKind = 'recipients' | 'rejected' | 'networks';

export interface Alarm {
  readonly login: string;
  readonly kind: AlarmKind;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What a user sends in an hour with mail in it, as a moving average. */
export interface UsualSending {
  readonly recipients: number;
}

export interface AlarmLimits {
  readonly recipients: number;
  readonly growth: number;
  readonly rejected: number;
  readonly networks: number;
  readonly holds: boolean;
}

export interface AbuseAlarmOptions {
  readonly clock: Clock;
  readonly log: ProgramLog;
  readonly limits: () => AlarmLimits;
  readonly alarms: KeptEntries<Alarm>;
  readonly usual: KeptEntries<UsualSending>;
  readonly onAlarm?: (kind: AlarmKind) => void;
}

interface Hour {
  readonly began: number;
  recipients: number;
  rejected: number;
  readonly networks: Set<string>;
}

const hourMilliseconds = 3_600_000;
const yearMilliseconds = 365 * 86_400_000;
/** How much the newest hour counts in what is usual. */
const newestShare = 0.1;
const maxUsers = 20_000;

export class AbuseAlarm {
  readonly #options: AbuseAlarmOptions;
  /** What falls out of it unlearned was not used for longer than an hour, or there are more users than this. */
  readonly #hours = new RecentMap<string, Hour>(maxUsers);
  readonly #alarms = new Map<string, Alarm>();

  constructor(options: AbuseAlarmOptions) {
    this.#options = options;
    for (const { key, value } of options.alarms.entries()) this.#alarms.set(key, value);
  }

  /** A message was accepted from this user. */
  sent(login: string, recipients: number): void {
    const hour = this.#hourOf(login);
    hour.recipients += recipients;
    const { recipients: limit, growth } = this.#options.limits();
    if (limit === 0 || hour.recipients <= limit) return;
    const usual = this.#options.usual.get(login)?.recipients ?? 0;
    if (hour.recipients <= usual * growth) return;
    this.#raise(login, 'recipients', `${hour.recipients} recipients within an hour, usual are ${Math.round(usual)}`);
  }

  /** A recipient of this user was refused. */
  rejected(login: string): void {
    const hour = this.#hourOf(login);
    hour.rejected++;
    const { rejected: limit } = this.#options.limits();
    if (limit > 0 && hour.rejected > limit) {
      this.#raise(login, 'rejected', `${hour.rejected} recipients refused within an hour`);
    }
  }

  loggedIn(login: string, network: string): void {
    const { networks: limit } = this.#options.limits();
    if (limit === 0) return;
    const { networks } = this.#hourOf(login);
    if (networks.size <= limit) networks.add(network);
    if (networks.size > limit) this.#raise(login, 'networks', `logins from more than ${limit} networks within an hour`);
  }

  /** Whether this user's mail is to wait on hold. */
  holds(login: string): boolean {
    return this.#options.limits().holds && this.list().some((alarm) => alarm.login === login);
  }

  list(): Alarm[] {
    return [...this.#alarms.values()];
  }

  /** Of one user, or all; returns those removed. */
  remove(login: string | undefined): Alarm[] {
    const wanted = login?.toLowerCase();
    const removed = [...this.#alarms].filter(([, alarm]) => wanted === undefined || alarm.login === wanted);
    for (const [key, alarm] of removed) {
      this.#alarms.delete(key);
      this.#options.alarms.remove(key);
      this.#hours.delete(alarm.login);
    }
    return removed.map(([, alarm]) => alarm);
  }

  #raise(login: string, kind: AlarmKind, text: string): void {
    const key = `${kind} ${login}`;
    if (this.#alarms.has(key)) return;
    const { clock, log, alarms, onAlarm } = this.#options;
    const alarm = { login, kind, text, since: clock.now() };
    this.#alarms.set(key, alarm);
    alarms.put(key, alarm, alarm.since + yearMilliseconds);
    onAlarm?.(kind);
    const held = this.#options.limits().holds ? '; its mail is held' : '';
    log.warning(`alarm: ${login}: ${text}${held}: see posthaste alarm list`);
  }

  #hourOf(login: string): Hour {
    const now = this.#options.clock.now();
    const known = this.#hours.get(login);
    if (known !== undefined && now - known.began < hourMilliseconds) return known;
    if (known !== undefined) this.#learn(login, known, now);
    const hour: Hour = { began: now, recipients: 0, rejected: 0, networks: new Set() };
    this.#hours.set(login, hour);
    return hour;
  }

  #learn(login: string, { recipients }: Hour, now: number): void {
    if (recipients === 0) return;
    const usual = this.#options.usual.get(login)?.recipients;
    const { recipients: limit, growth } = this.#options.limits();
    // An attack is nothing to get used to.
    const counted = Math.min(recipients, Math.max(limit, (usual ?? 0) * growth));
    const average = usual === undefined ? counted : usual + (counted - usual) * newestShare;
    this.#options.usual.put(login, { recipients: average }, now + yearMilliseconds);
  }
}
