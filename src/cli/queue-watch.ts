// posthaste queue watch: the queue as it changes, each second anew: how much waits, what comes and goes, for which domains
// and since when. On a terminal the view stays in its place; elsewhere each second is a line. Ends with Ctrl-C.
//
// It reads the store itself and asks the server for two numbers. The table by domain and age needs the whole queue, which
// takes seconds where a million messages wait: it is made anew when four times as long as it took has passed.

import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../lib/clock.ts';
import { openQueueSurvey, type QueueSurvey, type SurveyedMessage } from '../mailstore/queue-survey.ts';
import type { CommandContext } from './context.ts';
import { controlRequest } from './control.ts';
import { formatShape, measureShape, type Shape, type ShapeOptions, usualShape } from './queue-shape.ts';
import { activeIds, refuseStranger } from './queue-store.ts';
import type { ServerStatus } from './server-status.ts';
import { formatSize } from './sizes.ts';

export interface WatchOptions {
  readonly dataDirectory: string;
  readonly intervalMilliseconds: number;
  /** After this many views; without it until Ctrl-C. */
  readonly count?: number;
}

interface Sample {
  readonly time: number;
  readonly messages: number;
  readonly hold: number;
  /** Undefined where no server runs. */
  readonly active: number | undefined;
  readonly entered: number | undefined;
}

interface Rates {
  readonly in: number;
  readonly out: number;
}

const restShare = 4;
const shapeOptions: ShapeOptions = {
  ...usualShape,
  bySender: false,
  queues: new Set(['incoming', 'active', 'deferred', 'hold']),
};

export async function watchQueue(context: CommandContext, options: WatchOptions): Promise<void> {
  refuseStranger(options.dataDirectory);
  const screen = process.stdout.isTTY && !context.json ? new Screen(process.stdout) : undefined;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const view = new QueueView(options.dataDirectory, stop.signal);
  try {
    screen?.open();
    for (let shown = 0; !stop.signal.aborted && shown < (options.count ?? Number.POSITIVE_INFINITY); shown++) {
      if (shown > 0)
        await sleep(options.intervalMilliseconds, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) break;
      await view.look();
      if (screen) screen.show(view.lines(screen.rows));
      else context.print(context.json ? view.json() : view.line());
    }
  } finally {
    screen?.close();
    view.close();
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

class QueueView {
  readonly #dataDirectory: string;
  readonly #signal: AbortSignal;
  #survey: QueueSurvey | undefined;
  #sample: Sample = { time: 0, messages: 0, hold: 0, active: undefined, entered: undefined };
  #rates: Rates | undefined;
  #shape: Shape | undefined;
  #oldest: SurveyedMessage | undefined;
  #largest: SurveyedMessage | undefined;
  #nextShape = 0;
  #measuring: Promise<void> | undefined;

  constructor(dataDirectory: string, signal: AbortSignal) {
    this.#dataDirectory = dataDirectory;
    this.#signal = signal;
  }

  async look(): Promise<void> {
    this.#survey ??= openQueueSurvey(this.#dataDirectory);
    const before = this.#sample;
    const server = await this.#askServer();
    const counts = this.#survey?.counts() ?? { messages: 0, hold: 0 };
    this.#sample = { time: systemClock.now(), ...counts, active: server?.active, entered: server?.entered };
    this.#rates = rates(before, this.#sample);
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    // A small queue is measured at once, so that the first view is whole.
    await Promise.race([this.#measuring, sleep(200, undefined, { ref: false })]);
  }

  /** A server that has just ended answers nothing. */
  async #askServer(): Promise<ServerStatus['queue'] | undefined> {
    try {
      return ((await controlRequest(this.#dataDirectory, { command: 'status' })) as ServerStatus).queue;
    } catch {
      return undefined;
    }
  }

  async #measure(): Promise<void> {
    const began = systemClock.monotonic();
    if (this.#survey === undefined || began < this.#nextShape) return;
    const active = await activeIds(this.#dataDirectory);
    const isOver = (): boolean => this.#signal.aborted;
    const shape = await measureShape(this.#survey, active, shapeOptions, systemClock.now(), isOver);
    this.#shape = shape;
    [this.#oldest, this.#largest] = [shape.oldest, shape.largest].map((id = '') => this.#survey?.message(id));
    const took = systemClock.monotonic() - began;
    this.#nextShape = began + took * (1 + restShare);
  }

  lines(rows: number): string[] {
    const { time, messages, hold, active } = this.#sample;
    const state = active === undefined ? 'no server runs' : ratesText(this.#rates);
    const shape = this.#shape;
    const head = [
      `Queue  ${stamp(time)}  ${state}`.trimEnd(),
      `${number(messages)} messages: ${number(active ?? 0)} active, ${number(this.#deferred)} deferred, ${number(hold)} on hold`,
      '',
    ];
    if (shape === undefined) return [...head, 'counting …'];
    const foot = ['', ...remarkable('oldest ', this.#oldest, time), ...remarkable('largest', this.#largest, time)];
    const room = Math.max(1, rows - head.length - foot.length - 3);
    return [...head, ...formatShape(shape, shapeOptions, room), ...foot];
  }

  line(): string {
    const { time, messages, hold, active } = this.#sample;
    const rate = this.#rates === undefined ? '' : ` in=${perSecond(this.#rates.in)} out=${perSecond(this.#rates.out)}`;
    const top = this.#shape?.domains[0];
    const first = top === undefined ? '' : ` top=${top[0]}:${top[1][0]}`;
    return `${stamp(time)} messages=${messages} active=${active ?? '-'} deferred=${this.#deferred} hold=${hold}${rate}${first}`;
  }

  json(): string {
    const { time, messages, hold, active } = this.#sample;
    const counts = {
      time: new Date(time).toISOString(),
      messages,
      active: active ?? null,
      deferred: this.#deferred,
      hold,
    };
    const [inPerSecond, outPerSecond] = [this.#rates?.in ?? null, this.#rates?.out ?? null];
    return JSON.stringify({ ...counts, inPerSecond, outPerSecond });
  }

  get #deferred(): number {
    const { messages, hold, active = 0 } = this.#sample;
    return Math.max(0, messages - hold - active);
  }

  close(): void {
    const survey = this.#survey;
    // Not under a page that is being read.
    void (this.#measuring ?? Promise.resolve()).then(() => survey?.close());
  }
}

/** What left is what came less what has been added. Undefined without a server, or where it was started anew. */
function rates(before: Sample, now: Sample): Rates | undefined {
  const seconds = (now.time - before.time) / 1000;
  if (before.entered === undefined || now.entered === undefined || now.entered < before.entered || seconds <= 0) return;
  const came = now.entered - before.entered;
  return { in: came / seconds, out: Math.max(0, came - (now.messages - before.messages)) / seconds };
}

function ratesText(rate: Rates | undefined): string {
  return rate === undefined ? '' : `in ${perSecond(rate.in)}/s  out ${perSecond(rate.out)}/s`;
}

function perSecond(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function remarkable(title: string, one: SurveyedMessage | undefined, now: number): string[] {
  if (one === undefined) return [];
  const { id, sender, recipient, arrival, size, reason } = one;
  const line = `${title}  ${id}  ${formatAge(now - arrival)}  ${formatSize(size)}  <${sender}> to <${recipient}>`;
  return reason === '' ? [line] : [line, `         (${reason})`];
}

function formatAge(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days}d${hours}h`;
  return hours > 0 ? `${hours}h${minutes % 60}m` : `${minutes}m`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function stamp(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A second screen that gives the first one back; each view in one write over the one before, so that nothing flickers. */
class Screen {
  readonly #terminal: NodeJS.WriteStream;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  get rows(): number {
    return this.#terminal.rows || 24;
  }

  open(): void {
    this.#terminal.write('\x1b[?1049h\x1b[?25l\x1b[H');
  }

  /** Addresses and reasons are strangers' words: nothing in them reaches the terminal but print. */
  show(lines: readonly string[]): void {
    const width = this.#terminal.columns || 80;
    const shown = lines
      .slice(0, this.rows - 1)
      .map((line) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, width));
    this.#terminal.write(`\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
  }

  close(): void {
    this.#terminal.write('\x1b[?25h\x1b[?1049l');
  }
}
