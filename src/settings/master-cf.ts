// Reads master.cf (master(5)): one service a logical line, eight fields of which `-` takes the default, then the
// command's arguments, where `{ ... }` keeps blanks and `-o name=value` overrides main.cf for that service alone.
// A line that Postfix refuses is a finding, and the service is left out.

import { readLogicalLines } from '../lib/logical-lines.ts';
import { shorten, splitNameValue } from './main-cf.ts';
import type { Finding } from './origin.ts';

export type ServiceType = 'inet' | 'unix' | 'fifo' | 'pass' | 'unix-dgram';

/** A service as written, before main.cf is known. */
export interface ServiceEntry {
  /** `smtp`, `127.0.0.1:2525`; for unix services the name of the transport. */
  readonly name: string;
  readonly type: ServiceType;
  readonly private: boolean;
  readonly unprivileged: boolean;
  readonly chroot: boolean;
  readonly wakeupSeconds: number;
  /** `60?`: woken only when in use. */
  readonly wakeupOnlyIfUsed: boolean;
  /** Undefined: default_process_limit; 0: no limit. */
  readonly maxProcesses: number | undefined;
  readonly command: string;
  /** Arguments without the overrides, in order: `-v`, or pipe(8)'s `flags=...`, `user=...`, `argv=...`. */
  readonly args: readonly string[];
  readonly overrides: Readonly<Record<string, string>>;
  /** The eight fields and the arguments as `postconf -M` prints them. */
  readonly fields: readonly string[];
  readonly file: string;
  readonly line: number;
}

export interface MasterCf {
  readonly services: readonly ServiceEntry[];
  readonly findings: readonly Finding[];
}

const types: readonly string[] = ['inet', 'unix', 'fifo', 'pass', 'unix-dgram'];

/** What is wrong with a line; caught in parseMasterCf. */
class LineError extends Error {}

/** Never throws: what cannot be read is in the findings. */
export function parseMasterCf(text: string, file = 'master.cf'): MasterCf {
  const services = new Map<string, ServiceEntry>();
  const findings: Finding[] = [];
  for (const { text: content, line } of readLogicalLines(text)) {
    const report = (severity: Finding['severity'], what: string): void => {
      findings.push({ severity, file, line, text: what });
    };
    if (/^[ \t\r\f\v]/.test(content)) {
      report('error', `logical line must not start with whitespace: "${shorten(content)}"`);
      continue;
    }
    try {
      const service = parseService(content, file, line);
      const key = `${service.name}/${service.type}`;
      const earlier = services.get(key);
      if (earlier !== undefined)
        report('warning', `service ${key} is already defined on line ${earlier.line}; the last one counts`);
      services.set(key, service);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      report('error', error.message);
    }
  }
  return { services: [...services.values()], findings };
}

function parseService(content: string, file: string, line: number): ServiceEntry {
  const words = splitWords(content);
  const [name, type, isPrivate, unprivileged, chroot, wakeup, maxProcesses, command] = words.map((word) => word.text);
  if (name === undefined || type === undefined || isPrivate === undefined || unprivileged === undefined)
    throw badCount();
  if (chroot === undefined || wakeup === undefined || maxProcesses === undefined || command === undefined)
    throw badCount();
  if (!types.includes(type)) throw invalid('type', type, 'inet, unix, fifo, pass or unix-dgram');
  const { args, overrides } = splitArguments(words.slice(8).map((word) => word.text));
  return {
    name,
    type: type as ServiceType,
    // inet services are never private; master(8) refuses `y` there only because nobody could mean it.
    private: parseYesNo('private', isPrivate, type !== 'inet'),
    unprivileged: parseYesNo('unprivileged', unprivileged, true),
    chroot: parseYesNo('chroot', chroot, false),
    wakeupSeconds: parseCount('wakeup', wakeup.replace(/\?$/, ''), 0) ?? 0,
    wakeupOnlyIfUsed: wakeup.endsWith('?'),
    maxProcesses: parseCount('max_proc', maxProcesses, undefined),
    command,
    args,
    overrides,
    fields: words.map((word) => (word.braced ? `{${word.text}}` : word.text)),
    file,
    line,
  };
}

function badCount(): LineError {
  return new LineError(
    'bad field count: a service needs name, type, private, unprivileged, chroot, wakeup, max_proc and command',
  );
}

function invalid(field: string, value: string, allowed: string): LineError {
  return new LineError(`invalid ${field} field "${shorten(value)}": must be ${allowed}`);
}

function parseYesNo(field: string, value: string, fallback: boolean): boolean {
  if (value === '-') return fallback;
  if (value !== 'y' && value !== 'n') throw invalid(field, value, 'y, n or -');
  return value === 'y';
}

function parseCount(field: string, value: string, fallback: number | undefined): number | undefined {
  if (value === '-') return fallback;
  if (!/^[0-9]{1,9}$/.test(value)) throw invalid(field, value, 'a whole number or -');
  return Number(value);
}

interface Word {
  readonly text: string;
  readonly braced: boolean;
}

/** Splits at blanks; `{ a b }` is one word, without its braces and outer blanks. */
function splitWords(content: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < content.length) {
    if (isBlank(content[at])) {
      at++;
      continue;
    }
    const start = at;
    let depth = 0;
    for (; at < content.length && (depth > 0 || !isBlank(content[at])); at++) {
      if (content[at] === '{') depth++;
      else if (content[at] === '}' && depth > 0) depth--;
    }
    words.push(unbrace(content.slice(start, at), depth));
  }
  return words;
}

function unbrace(word: string, openBraces: number): Word {
  if (!word.startsWith('{')) return { text: word, braced: false };
  if (openBraces > 0) throw new LineError(`missing '}' in "${shorten(word)}"`);
  if (!word.endsWith('}')) throw new LineError(`syntax error after '}' in "${shorten(word)}"`);
  return { text: word.slice(1, -1).trim(), braced: true };
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

/** Takes the `-o` options out, which stand before the first other word; the last override of a name wins. */
function splitArguments(words: readonly string[]): { args: string[]; overrides: Record<string, string> } {
  const args: string[] = [];
  const overrides = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith('-') || word === '--') {
      args.push(...words.slice(at));
      break;
    }
    if (!word.startsWith('-o')) {
      args.push(word);
      continue;
    }
    const assignment = word === '-o' ? words[++at] : word.slice(2);
    if (assignment === undefined) throw new LineError('-o needs name=value');
    const split = splitNameValue(assignment);
    if (typeof split === 'string') throw new LineError(`-o ${shorten(assignment)}: ${split}`);
    overrides.set(split.name, split.value);
  }
  return { args, overrides: Object.fromEntries(overrides) };
}
