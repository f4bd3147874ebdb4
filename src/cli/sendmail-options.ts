// The options of sendmail(1) as Postfix's reads them: single letters with their value attached or behind, `-o…` and `-b…`
// families, and those of other mail systems that mean nothing here and are taken without a word.

import { CommandError } from './context.ts';

export interface SendmailOptions {
  readonly mode: 'send' | 'list' | 'index';
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
}

type Mutable = { -readonly [Name in keyof SendmailOptions]: SendmailOptions[Name] } & { recipients: string[] };

/** Letters with a value. Those without a meaning here have an empty action. */
const withValue: Readonly<Record<string, (options: Mutable, value: string) => void>> = {
  f: (options, value) => (options.sender = value),
  r: (options, value) => (options.sender = value),
  F: (options, value) => (options.fullName = value.replace(/[\x00-\x1f\x7f]/g, ' ')),
  N: (options, value) => (options.notify = notify(value)),
  R: (options, value) => (options.ret = returned(value)),
  V: (options, value) => (options.envid = value),
  B: () => undefined,
  h: () => undefined,
  L: () => undefined,
  O: () => undefined,
  p: () => undefined,
  X: () => undefined,
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
};

export function parseSendmailOptions(args: readonly string[]): SendmailOptions {
  const options: Mutable = {
    mode: 'send',
    fromHeader: false,
    ignoreDots: false,
    sender: undefined,
    fullName: '',
    recipients: [],
    notify: '',
    ret: '',
    envid: '',
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
    if (letter === 'b') {
      mode(options, rest);
      return false;
    }
    if (letter === 'o') {
      if (rest === 'i') options.ignoreDots = true;
      return false;
    }
    const take = withValue[letter];
    if (take) {
      if (rest === '' && following === undefined) throw new CommandError(`-${letter} needs a value`, 2);
      take(options, rest === '' ? (following ?? '') : rest);
      return rest === '';
    }
    const set = plain[letter];
    if (!set) throw new CommandError(`sendmail: -${letter} is not supported`, 2);
    set(options);
  }
  return false;
}

function mode(options: Mutable, letter: string): void {
  if (letter === 'm') options.mode = 'send';
  else if (letter === 'p') options.mode = 'list';
  else if (letter === 'i') options.mode = 'index';
  else if (letter === 's')
    throw new CommandError('sendmail: -bs is not supported yet: speak SMTP to a port of the server', 2);
  else if (letter === 'v')
    throw new CommandError('sendmail: -bv is not supported yet: use posthaste explain ADDRESS', 2);
  else if (letter === 'd') throw new CommandError('sendmail: -bd is not supported: use posthaste start', 2);
  else throw new CommandError(`sendmail: -b${letter} is not supported`, 2);
}

function notify(text: string): string {
  const words = text.toUpperCase().split(',');
  const isNever = words.length === 1 && words[0] === 'NEVER';
  const known = ['SUCCESS', 'FAILURE', 'DELAY'];
  if (!isNever && !(words.length <= 3 && words.every((word) => known.includes(word)))) {
    throw new CommandError(`-N ${text}: must be never, or some of success,failure,delay`, 2);
  }
  return words.join(',');
}

function returned(text: string): string {
  const word = text.toUpperCase();
  if (word !== 'FULL' && word !== 'HDRS') throw new CommandError(`-R ${text}: must be full or hdrs`, 2);
  return word;
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
