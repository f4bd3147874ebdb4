// The output of postconf(1): which parameters, in which order, in which form.

import type { Configuration } from './configuration.ts';
import { splitNameValue } from './main-cf.ts';
import type { ServiceEntry } from './master-cf.ts';
import { parameterNames } from './registry.ts';
import type { Settings } from './settings.ts';
import { transportParameterNames } from './transport-parameters.ts';

export interface FormatOptions {
  readonly d?: true;
  readonly n?: true;
  readonly h?: true;
  readonly H?: true;
  readonly x?: true;
  readonly f?: true;
  /** -C: builtin: declared ones; service: those that a transport has; user: names that main.cf makes up. */
  readonly classes?: ReadonlySet<ParameterClass>;
}

export type ParameterClass = 'builtin' | 'service' | 'user';

export interface ParameterRow {
  readonly name: string;
  /** Undefined: no such parameter. */
  readonly value: string | undefined;
}

/** postconf(1) folds at this column with -f. */
const lineLimit = 80;

/** The named parameters in the order given, or all that the options choose, sorted. */
export function parameterRows(
  settings: Settings,
  configuration: Configuration,
  names: readonly string[],
  options: FormatOptions,
): ParameterRow[] {
  const all = names.length > 0 ? names : chooseNames(settings, configuration, options);
  // With -n a name that has no value of its own is left out, also where it is asked for.
  const chosen = options.n ? all.filter((name) => settings.isSet(name) || settings.raw(name) === undefined) : all;
  return chosen.map((name) => {
    const raw = options.d ? settings.defaultOf(name) : settings.raw(name);
    if (raw === undefined) return { name, value: undefined };
    return { name, value: options.x ? settings.expandText(raw, name) : raw };
  });
}

function chooseNames(settings: Settings, configuration: Configuration, options: FormatOptions): string[] {
  const builtin = new Set(parameterNames());
  const service = new Set(
    configuration.services
      .filter((one) => one.type === 'unix' && transportCommands.has(one.command))
      .flatMap(({ name, command }) => transportParameterNames(name, command === 'pipe' || command === 'spawn')),
  );
  const own = [...settings.names()].filter((name) => isShown(name, settings, configuration));
  const isWanted = (name: string): boolean => {
    const one: ParameterClass = service.has(name) ? 'service' : builtin.has(name) ? 'builtin' : 'user';
    return options.classes?.has(one) ?? true;
  };
  const all = options.n ? own : [...builtin, ...service, ...(options.d ? [] : own)];
  return [...new Set(all)].filter(isWanted).sort(byBytes);
}

/** Commands that deliver, so that their services have transport parameters. */
const transportCommands = new Set(['smtp', 'lmtp', 'local', 'virtual', 'pipe', 'error', 'mailstore', 'spawn']);

/** What nothing reads is warned of instead of shown, as by postconf(1). */
function isShown(name: string, settings: Settings, configuration: Configuration): boolean {
  if (name === 'service_name') return false;
  const origin = settings.origin(name);
  if (origin.kind !== 'file') return true;
  return !configuration.findings.some(
    (finding) =>
      finding.line === origin.line &&
      finding.file === origin.file &&
      finding.text.startsWith(`unknown parameter ${name}:`),
  );
}

function byBytes(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** `name = value`, in one line, or folded with -f. */
export function formatParameter(name: string, value: string, options: FormatOptions): string[] {
  if (options.H) return [name];
  const words = splitOutsideBraces(value);
  if (options.h) return options.f ? fold('', words) : [words.join(' ')];
  if (words.length === 0) return [`${name} =`];
  return options.f ? fold(`${name} =`, words) : [`${name} = ${words.join(' ')}`];
}

/** The eight fields in columns, then the arguments. */
export function formatService(
  service: ServiceEntry,
  isFolded: boolean,
  expandValue: (value: string) => string = (value) => value,
): string[] {
  const widths = [10, 5, 7, 7, 7, 7, 7];
  let start = '';
  let column = 0;
  for (const [at, field] of service.fields.slice(0, 8).entries()) {
    start += field;
    const width = widths[at];
    if (width === undefined) break;
    column += width + 1;
    start = `${start} `.padEnd(column);
  }
  const args = normalArguments(service.fields.slice(8), expandValue);
  if (args.length === 0) return [start];
  return isFolded ? foldArguments(start, args) : [`${start} ${args.join(' ')}`];
}

/** What `postconf -F` shows of a service, one field a call; the last has the arguments with it. */
export function formatField(
  service: ServiceEntry,
  field: number,
  options: FormatOptions,
  expandValue: (value: string) => string,
): string[] {
  const name = `${service.name}/${service.type}/${fieldNames[field]}`;
  if (options.H) return [name];
  const start = options.h ? (service.fields[field] ?? '') : `${name} = ${service.fields[field]}`;
  if (field !== fieldNames.length - 1) return [start];
  const args = normalArguments(service.fields.slice(8), expandValue);
  if (args.length === 0) return [start];
  return options.f ? foldArguments(start, args) : [`${start} ${args.join(' ')}`];
}

/** As postconf(1) names the fields of master.cf. */
export const fieldNames = [
  'service',
  'type',
  'private',
  'unprivileged',
  'chroot',
  'wakeup',
  'process_limit',
  'command',
] as const;

/** Options come with their values: `-o name=value`, in braces where the value has blanks. */
export function normalArguments(
  words: readonly string[],
  expandValue: (value: string) => string = (value) => value,
): string[] {
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith('-') || word === '--') return [...args, ...words.slice(at)];
    if (!word.startsWith('-o')) {
      args.push(word);
      continue;
    }
    const assignment = word === '-o' ? words[++at] : word.slice(2);
    const split = splitNameValue((assignment ?? '').replace(/^\{(.*)\}$/s, '$1'));
    if (typeof split === 'string') continue;
    const value = expandValue(splitOutsideBraces(split.value).join(' '));
    args.push(/[ \t\r\n]/.test(value) ? `-o {${split.name}=${value}}` : `-o ${split.name}=${value}`);
  }
  return args;
}

/** Each `-o` has a line of its own; other words fill the lines, from the command's line on. */
function foldArguments(start: string, args: readonly string[]): string[] {
  const lines: string[] = [];
  let line = start;
  let isOption = false;
  for (const arg of args) {
    const wasOption = isOption;
    isOption = arg.startsWith('-o ');
    const joined = `${line} ${arg}`;
    // One column less than for parameters, as in Postfix.
    if (isOption || wasOption || joined.length >= lineLimit) {
      lines.push(line);
      line = `    ${arg}`;
    } else line = joined;
  }
  return [...lines, line];
}

function fold(start: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = start;
  for (const word of words) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length > lineLimit && line !== '') {
      lines.push(line);
      line = `    ${word}`;
    } else line = joined;
  }
  return [...lines, line];
}

/** postconf(1) shows each run of blanks as one. */
function splitOutsideBraces(value: string): string[] {
  return value.split(/[ \t\r\n]+/).filter((word) => word !== '');
}
