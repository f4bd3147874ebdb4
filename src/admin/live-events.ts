// What changes while somebody looks on: told to each viewer as far as he may see it. The host's administrators hear numbers;
// a domain's hear that something of theirs has changed, a mailbox's user that something of the mailbox has. Nothing is looked
// at while nobody looks on, and what is looked at each time is small whatever the size of the queue.

import type { Directory } from '../directory/directory.ts';
import type { DirectoryEvent } from '../directory/events.ts';
import type { ProgramLog } from '../lib/log.ts';
import { seesEvent } from './operations/history.ts';
import { PageMarks } from './page-marks.ts';
import type { Principal, Sight } from './principal.ts';

/** Never called for nobody. */
export interface Viewer {
  readonly principal: Principal;
  readonly sight: Sight;
  /** `id`: where to go on after a break. */
  send(kind: LiveKind, data: object, id?: string): void;
}

export const liveKinds = ['directory', 'queue', 'deliveries', 'alarms', 'settings'] as const;
export type LiveKind = (typeof liveKinds)[number];

export interface LiveSources {
  readonly directory: Directory;
  readonly log: ProgramLog;
  /** Small objects of numbers; another one than before is told. */
  queue(): object;
  deliveries(): object;
  alarms(): Promise<readonly { readonly login: string }[]>;
  lockouts(): Promise<number>;
  /** Another object after each reload. */
  settings(): unknown;
}

const lookMilliseconds = 1000;
/** Numbers are told every second look. */
const numbersEvery = 2;
const eventsAtOnce = 1000;
/** Changes that are read after a break; beyond, everything is said to have changed. */
const maxMissed = 5000;
/** Addresses that deliveries are noted of, in two seconds. */
const maxNoted = 5000;

export class LiveEvents {
  readonly #sources: LiveSources;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #looks = 0;
  #revision: number | undefined;
  #lastEvent = 0;
  #told: Readonly<Record<string, string>> = {};
  #alarmLogins: readonly string[] = [];
  #settings: unknown;
  /** Somebody wants to hear whose deliveries they were. */
  #notesDeliveries = false;
  readonly #noted = new Set<string>();

  constructor(sources: LiveSources) {
    this.#sources = sources;
  }

  /** `after`: the id of the last event that he has heard. Returns what ends it. */
  async attach(viewer: Viewer, after: string | undefined): Promise<() => void> {
    if (this.#viewers.size === 0) await this.#begin();
    const marks = new PageMarks(this.#sources.directory.lookups);
    const missed = after === undefined ? undefined : marks.tryRead(after);
    if (missed === undefined) viewer.send('directory', { areas: [] }, marks.write(this.#lastEvent));
    else await this.#tellMissed(viewer, missed, marks);
    this.#viewers.add(viewer);
    this.#countListeners();
    return () => {
      this.#viewers.delete(viewer);
      this.#countListeners();
      if (this.#viewers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** A line of the log, as it is written. */
  logged(text: string): void {
    if (!this.#notesDeliveries || this.#noted.size >= maxNoted || !text.includes(', status=')) return;
    for (const [, address] of text.matchAll(/(?:to|orig_to)=<([^>]*)>/g))
      this.#noted.add((address ?? '').toLowerCase());
  }

  close(): void {
    clearInterval(this.#timer);
    this.#viewers.clear();
  }

  #countListeners(): void {
    this.#notesDeliveries = [...this.#viewers].some(({ sight }) => !sight.seesAll);
    if (!this.#notesDeliveries) this.#noted.clear();
  }

  async #begin(): Promise<void> {
    const { directory } = this.#sources;
    await directory.fresh();
    this.#revision = directory.revision();
    const [newest] = await directory.history({ limit: 1, maxChanges: 1 });
    this.#lastEvent = newest === undefined ? 0 : newest.revision - 1;
    for (let found = await this.#next(); found.length > 0; ) found = await this.#next();
    this.#settings = this.#sources.settings();
    this.#told = await this.#numbers();
    this.#timer ??= setInterval(() => void this.#look(), lookMilliseconds).unref();
  }

  async #next(): Promise<readonly DirectoryEvent[]> {
    const found = await this.#sources.directory.events({ after: this.#lastEvent, limit: eventsAtOnce });
    this.#lastEvent = found.at(-1)?.id ?? this.#lastEvent;
    return found;
  }

  async #tellMissed(viewer: Viewer, after: number, marks: PageMarks): Promise<void> {
    const areas = new Set<string>();
    let last = after;
    while (last < this.#lastEvent) {
      if (last - after >= maxMissed) {
        areas.add('*');
        break;
      }
      const found = await this.#sources.directory.events({ after: last, limit: eventsAtOnce });
      last = found.at(-1)?.id ?? this.#lastEvent;
      for (const area of areasFor(viewer, found)) areas.add(area);
    }
    viewer.send('directory', { areas: [...areas] }, marks.write(this.#lastEvent));
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#lookAtDirectory();
      if (++this.#looks % numbersEvery === 0) await this.#lookAtNumbers();
    } catch (error) {
      // The next look tells what this one could not find out.
      this.#sources.log.warning(`events: ${String(error)}`);
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAtDirectory(): Promise<void> {
    const { directory } = this.#sources;
    await directory.fresh();
    const revision = directory.revision();
    if (revision === this.#revision) return;
    const found = await this.#next();
    // What does not fit is told at the next look.
    if (found.length < eventsAtOnce) this.#revision = revision;
    if (found.length === 0) return;
    const mark = new PageMarks(directory.lookups).write(this.#lastEvent);
    for (const viewer of this.#viewers) {
      const areas = areasFor(viewer, found);
      if (areas.length === 0) continue;
      const more = viewer.sight.seesAll ? { revision: found.at(-1)?.revision } : {};
      viewer.send('directory', { areas, ...more }, mark);
    }
  }

  async #numbers(): Promise<Readonly<Record<string, string>>> {
    const sources = this.#sources;
    const now = await sources.alarms();
    this.#alarmLogins = now.map(({ login }) => login);
    return {
      queue: JSON.stringify(sources.queue()),
      deliveries: JSON.stringify(sources.deliveries()),
      alarms: JSON.stringify({ alarms: now.length, lockouts: await sources.lockouts() }),
    };
  }

  async #lookAtNumbers(): Promise<void> {
    const before = this.#told;
    const alarmsBefore = this.#alarmLogins;
    const now = await this.#numbers();
    this.#told = now;
    const kinds = (['queue', 'deliveries', 'alarms'] as const).filter((kind) => now[kind] !== before[kind]);
    const settings = this.#sources.settings();
    const isReloaded = settings !== this.#settings;
    this.#settings = settings;
    const noted = [...this.#noted];
    this.#noted.clear();
    const logins = [...alarmsBefore, ...this.#alarmLogins];
    for (const viewer of this.#viewers) {
      const { sight } = viewer;
      if (sight.seesAll) {
        for (const kind of kinds) viewer.send(kind, JSON.parse(now[kind] ?? '{}') as object);
        if (isReloaded) viewer.send('settings', {});
        continue;
      }
      if (noted.some((address) => sight.address(address))) viewer.send('deliveries', {});
      if (kinds.includes('alarms') && logins.some((login) => sight.address(login))) viewer.send('alarms', {});
    }
  }
}

/** Of what somebody may see: `mailbox`, `alias` ... */
function areasFor({ principal, sight }: Viewer, events: readonly DirectoryEvent[]): string[] {
  const areas = new Set<string>();
  for (const event of events) {
    const area = event.action.slice(0, event.action.indexOf('.'));
    if (areas.has(area)) continue;
    const isSeen = principal.role === 'user' ? sight.isSelf(event.object) : seesEvent(event, sight);
    if (isSeen) areas.add(area);
  }
  return [...areas];
}
