// The options of sendmail(1) as Postfix's reads them: single letters with their value attached or behind, families `-o...` and
// `-b...`, and those of other mail systems that mean nothing here and are taken without a word.

import { CommandError } from './context.ts';

export interface SendmailOptions {
  readonly mode: 'send' | 'list' | 'index' | 'flush';
  /** -C: the configuration folder, or a file in it. */
  readonly config: string | undefined;
  /** -q, -qI, -qR: everything, a message, a domain. */
  readonly flush: 'all' | { readonly id: string } | { readonly site: string };
  /** What was given in vain. */
  readonly warnings: readonly string[];
  /** -t */
  readonly fromHeader: boolean;
  /** -i, -oi: a line with a single dot is text. */
  readonly ignoreDots: boolean;
  /** -f, -r; undefined: who calls. */
  readonly sender: string | undefined;
  readonly fullName: string;
  readonly recipients: readonly string[];
  readonly notify: string;
  readonly ret: string;
  readonly envid: string;
  /** -XV: '' for the usual delimiters, or the two that are given. */
  readonly verp: string | undefined;
}

type Mutable = { -readonly [Name in keyof SendmailOptions]: SendmailOptions[Name] } & {
  recipients: string[];
  warnings: string[];
};

/** Letters with a value. Those without a meaning here have an empty action. */
const withValue: Readonly<Record<string, (options: Mutable, value: string) => void>> = {
  f: (options, value) => (options.sender = value),
  r: (options, value) => (options.sender = value),
  F: (options, value) => (options.fullName = value.replace(/[\x00-\x1f\x7f]/g, ' ')),
  N: notify,
  R: returned,
  C: (options, value) => (options.config = value),
  A: () => undefined,
  V: (options, value) => (options.envid = value),
  B: () => undefined,
  e: () => undefined,
  h: () => undefined,
  L: () => undefined,
  O: () => undefined,
  p: () => undefined,
  X: (options, value) => (options.verp = verp(value)),
};

const plain: Readonly<Record<string, (options: Mutable) => void>> = {
  t: (options) => (options.fromHeader = true),
  i: (options) => (options.ignoreDots = true),
  I: (options) => (options.mode = 'index'),
  G: () => undefined,
  m: () => undefined,
  n: () => undefined,
  U: () => undefined,
  v: () => undefined,
  c: () => undefined,
  x: () => undefined,
};

export function parseSendmailOptions(args: readonly string[], mode: SendmailOptions['mode'] = 'send'): SendmailOptions {
  const options: Mutable = {
    mode,
    config: undefined,
    flush: 'all',
    warnings: [],
    fromHeader: false,
    ignoreDots: false,
    sender: undefined,
    fullName: '',
    recipients: [],
    notify: '',
    ret: '',
    envid: '',
    verp: undefined,
  };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === '--') {
      options.recipients.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') options.recipients.push(arg);
    else if (parseCluster(options, arg.slice(1), args[index + 1])) index++;
  }
  return options;
}

/** One argument, as `ti` or `fjoe@example.com`. Returns whether it took the next argument as its value. */
function parseCluster(options: Mutable, cluster: string, following: string | undefined): boolean {
  for (let at = 0; at < cluster.length; at++) {
    const letter = cluster.charAt(at);
    const rest = cluster.slice(at + 1);
    if (letter === 'q') {
      setFlush(options, rest);
      return false;
    }
    if (letter === 'b' || letter === 'o') {
      const word = rest === '' ? following : rest;
      if (word === undefined) throw missingValue(letter);
      if (letter === 'b') setMode(options, word);
      else if (word === 'i') options.ignoreDots = true;
      return rest === '';
    }
    const take = withValue[letter];
    if (take) {
      if (rest === '' && following === undefined) throw missingValue(letter);
      take(options, rest === '' ? (following ?? '') : rest);
      return rest === '';
    }
    const set = plain[letter];
    if (!set) throw usage(`invalid option -- '${letter}'`);
    set(options);
  }
  return false;
}

function setMode(options: Mutable, letter: string): void {
  if (letter === 'm') options.mode = 'send';
  else if (letter === 'p') options.mode = 'list';
  else if (letter === 'i') options.mode = 'index';
  else if (letter === 's') throw sendmailError('-bs is not supported: speak SMTP to a port of the server');
  else if (letter === 'v') throw sendmailError('-bv is not supported: use posthaste explain ADDRESS');
  else if (/^[dDl]/.test(letter)) throw sendmailError(`-b${letter} is not supported: use posthaste start`);
  else throw sendmailError(`unsupported: -b${letter}`);
}

/** A time (`-q15m`) would be for a daemon, which needs none. */
function setFlush(options: Mutable, word: string): void {
  if (/^\d/.test(word)) return;
  if (word === 'I' || word === 'R') throw sendmailError(`specify: -q${word}${word === 'I' ? 'queueid' : 'sitename'}`);
  if (word !== '' && !/^[IR]/.test(word)) throw sendmailError(`-q${word.charAt(0)} is not implemented`);
  options.mode = 'flush';
  if (word.startsWith('I')) options.flush = { id: word.slice(1) };
  else if (word.startsWith('R')) options.flush = { site: word.slice(1) };
}

function notify(options: Mutable, text: string): void {
  const words = text.toUpperCase().split(',');
  const isNever = words.length === 1 && words[0] === 'NEVER';
  const known = ['SUCCESS', 'FAILURE', 'DELAY'];
  const unknown = words.find((word) => !isNever && !known.includes(word));
  if (isNever || (unknown === undefined && words.length <= 3)) options.notify = words.join(',');
  else {
    if (unknown !== undefined && unknown !== 'NEVER')
      options.warnings.push(`unknown DSN NOTIFY command value "${unknown.toLowerCase()}" in "${text}"`);
    options.warnings.push('bad -N option value -- ignored');
  }
}

/** Other mail systems have a log file here: that would be misunderstood. */
function verp(text: string): string {
  if (!text.startsWith('V')) throw sendmailError(`-X${text} is not supported: only -XV`);
  return text.slice(1);
}

function returned(options: Mutable, text: string): void {
  const word = text.toUpperCase();
  if (word === 'FULL' || word === 'HDRS') options.ret = word;
  else options.warnings.push('bad -R option value -- ignored');
}

/** EX_TEMPFAIL, as Postfix's sendmail ends whatever the mistake: who called keeps the mail. */
export function sendmailError(text: string): CommandError {
  return new CommandError(`fatal: ${text}`, 75, 'sendmail');
}

function usage(reason: string): CommandError {
  return new CommandError(`${reason}\nsendmail: fatal: usage: sendmail [options]`, 75, 'sendmail');
}

function missingValue(letter: string): CommandError {
  return usage(`option requires an argument -- '${letter}'`);
}

/** The lines before the one that is a single dot. */
export class DotReader implements AsyncIterable<Buffer> {
  readonly #input: AsyncIterable<Buffer>;

  constructor(input: AsyncIterable<Buffer>) {
    this.#input = input;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let line: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#input) {
      const text = line.length === 0 ? chunk : Buffer.concat([line, chunk]);
      const whole = text.lastIndexOf(10) + 1;
      const end = dotLine(text.subarray(0, whole));
      if (end >= 0) {
        yield text.subarray(0, end);
        return;
      }
      yield text.subarray(0, whole);
      line = text.subarray(whole);
    }
    if (line.toString() !== '.') yield line;
  }
}

/** Where a line with a single dot begins in `text`, which holds whole lines; -1 where there is none. */
function dotLine(text: Buffer): number {
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1)) {
    const isStart = at === 0 || text[at - 1] === 10;
    const next = text[at + 1] === 13 ? text[at + 2] : text[at + 1];
    if (isStart && next === 10) return at;
  }
  return -1;
}
