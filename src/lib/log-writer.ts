// Writes log lines to where the settings say: standard output, a file that may be rotated under us, or syslog.
//
// Lines are gathered for about ten milliseconds and written at once: at thousands of messages a second a write
// per line would cost more than the mail. What is gathered is bounded; a destination that stands still costs
// lines above the bound, never memory, and how many is said when it moves again. A crash of the process can lose
// the last ten milliseconds of log, an exit does not: flush().

import { closeSync, fchownSync, openSync, statSync, writeSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { formatLevel, type Log, type LogLevel } from './log.ts';
import { SyslogChildren } from './syslog.ts';

export type LogDestination =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'file'; readonly path: string }
  /** `facility` as in syslog.conf(5), normally mail. */
  | { readonly kind: 'syslog'; readonly facility: string };

export interface LogWriterOptions {
  readonly destination: LogDestination;
  readonly clock: Clock;
  /** This host's name as lines begin with it. */
  readonly hostname: string;
  /** One JSON object a line in place of the mail log's form. */
  readonly json?: boolean;
  readonly pid: number;
  /** Commands that lines name, as they are typed here: for a person at a terminal alone. */
  readonly asTyped?: (text: string) => string;
}

export type LogObserver = (program: string, level: LogLevel, text: string, session: string | undefined) => void;

const gatherMilliseconds = 10;
/** Some ten thousand lines. */
const maxGatheredOctets = 4 * 1024 * 1024;
/** syslog daemons cut beyond this, and Postfix before them (postconf(5), msg_vstream). */
const maxTextLength = 2000;
/** How often the file is looked at for having been renamed or removed. */
const rotationCheckMilliseconds = 1000;

export class LogWriter implements Log {
  readonly #options: LogWriterOptions;
  readonly #syslog: SyslogChildren | undefined;
  readonly #observers: LogObserver[] = [];
  readonly #noteObservers: LogObserver[] = [];
  #lines: string[] = [];
  #gatheredOctets = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #file: number | undefined;
  #fileIdentity = '';
  #isNew = false;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #stampSecond = -1;
  #stamp = '';

  constructor(options: LogWriterOptions) {
    this.#options = options;
    const { destination } = options;
    if (destination.kind === 'syslog') {
      this.#syslog = new SyslogChildren(destination.facility, options.pid, options.clock);
    }
    // A log that cannot be opened must stop the start, not the first line.
    if (destination.kind === 'file') this.#openFile(destination.path);
  }

  /** `observer` is told of every line, cleaned of control characters, also of those that the destination loses. */
  observe(observer: LogObserver): void {
    this.#observers.push(observer);
  }

  /** `observer` is told of what is written to no log, cleaned like the rest. */
  observeNotes(observer: LogObserver): void {
    this.#noteObservers.push(observer);
  }

  note(program: string, text: string): void {
    if (this.#noteObservers.length === 0) return;
    const clean = oneLine(text);
    for (const observer of this.#noteObservers) observer(program, 'info', clean, undefined);
  }

  write(program: string, level: LogLevel, text: string, session?: string): void {
    const clean = oneLine(text);
    for (const observer of this.#observers) observer(program, level, clean, session);
    if (this.#gatheredOctets > maxGatheredOctets) {
      this.#dropped++;
      return;
    }
    const line = this.#format(program, level, clean);
    this.#lines.push(line);
    this.#gatheredOctets += line.length;
    this.#timer ??= setTimeout(() => this.flush(), gatherMilliseconds).unref();
  }

  /** Writes what has been gathered; for exit and for tests. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#lines.push(this.#format('posthaste', 'warning', `${dropped} log lines dropped: the log does not keep up`));
    }
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#gatheredOctets = 0;
    const { destination } = this.#options;
    if (this.#syslog !== undefined) this.#syslog.write(lines);
    else if (destination.kind === 'file') this.#writeFile(destination.path, lines.join(''));
    else writeAll(1, lines.join(''));
  }

  /** Opens the file anew: for SIGHUP, and after a rotation that left the old name in place. */
  reopen(): void {
    const { destination } = this.#options;
    if (destination.kind !== 'file') return;
    this.flush();
    this.#openAgain(destination.path);
  }

  /** A file that was made at the start is the user's who writes on: otherwise he could not open it again. */
  giveTo(uid: number, gid: number): void {
    if (this.#isNew && this.#file !== undefined) fchownSync(this.#file, uid, gid);
  }

  close(): void {
    this.flush();
    this.#syslog?.close();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #format(program: string, level: LogLevel, text: string): string {
    const { destination, hostname, json, pid } = this.#options;
    if (json === true) {
      const time = new Date(this.#options.clock.now()).toISOString();
      const queueId = /^([0-9A-Za-z]{6,}): /.exec(text)?.[1];
      const fields = { time, host: hostname, program, pid, level, ...(queueId === undefined ? {} : { queueId }), text };
      const line = `${JSON.stringify(fields)}\n`;
      return destination.kind === 'syslog' ? `${program}\t${level}\t${line}` : line;
    }
    if (destination.kind === 'syslog') return `${program}\t${level}\t${formatLevel(level)}${text}\n`;
    const shown = this.#options.asTyped?.(text) ?? text;
    return `${this.#timestamp()} ${hostname} ${program}[${pid}]: ${formatLevel(level)}${shown}\n`;
  }

  /** `Nov  1 11:42:00`, in the machine's zone, as syslog writes it. */
  #timestamp(): string {
    const now = this.#options.clock.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#stampSecond) {
      this.#stampSecond = second;
      const date = new Date(now);
      const pad = (value: number) => `${value}`.padStart(2, '0');
      const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
      this.#stamp = `${months[date.getMonth()]} ${`${date.getDate()}`.padStart(2)} ${time}`;
    }
    return this.#stamp;
  }

  #writeFile(path: string, text: string): void {
    try {
      const now = this.#options.clock.monotonic();
      if (now - this.#checkedAt >= rotationCheckMilliseconds) {
        this.#checkedAt = now;
        if (identityOf(path) !== this.#fileIdentity) this.#openAgain(path);
      }
      writeAll(this.#file as number, text);
    } catch (error) {
      // A full disk or a folder that is gone must not stop the mail; people still see it here.
      writeAll(2, `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  /** What cannot be opened, as a file that was rotated and made anew for root, leaves the one that is open. */
  #openAgain(path: string): void {
    try {
      this.#openFile(path);
    } catch (error) {
      // Said once: it is tried again when there is another file, and by a reload.
      this.#fileIdentity = identityOf(path);
      const text = error instanceof Error ? error.message : String(error);
      const line = this.#format('posthaste', 'warning', `the log goes on in the file that is open: ${text}`);
      writeAll(this.#file as number, line);
      writeAll(2, line);
    }
  }

  #openFile(path: string): void {
    const made = makeFile(path);
    this.#isNew = made !== undefined;
    const opened = made ?? openSync(path, 'a', 0o640);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = opened;
    this.#fileIdentity = identityOf(path);
    this.#checkedAt = this.#options.clock.monotonic();
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Undefined where something has the name, a link that leads nowhere too: what that makes is not given to anybody. */
function makeFile(path: string): number | undefined {
  try {
    return openSync(path, 'ax', 0o640);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`;
}

/** What a stranger sent must not begin a new line, nor move a terminal's cursor. */
function oneLine(text: string): string {
  const cut = text.length > maxTextLength ? text.slice(0, maxTextLength) : text;
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(cut)
    ? cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
    : cut;
}

/** A pipe that is full (EAGAIN) or a terminal that is gone loses lines rather than the server. */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text, 'utf8');
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    if (descriptor > 2) throw error;
  }
}
