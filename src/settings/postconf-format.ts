// The output of postconf(1): which parameters, in which order, in which form.

import type { Configuration } from './configuration.ts';
import { referencedNames } from './expand.ts';
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
}

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
  configuration: Configuration | undefined,
  names: readonly string[],
  options: FormatOptions,
): ParameterRow[] {
  const chosen = names.length > 0 ? names : chooseNames(settings, configuration, options);
  return chosen.map((name) => {
    const raw = options.d ? settings.defaultOf(name) : settings.raw(name);
    if (raw === undefined) return { name, value: undefined };
    return { name, value: options.x ? settings.expandText(raw, name) : raw };
  });
}

function chooseNames(settings: Settings, configuration: Configuration | undefined, options: FormatOptions): string[] {
  if (options.n) return [...settings.names()].filter((name) => isShown(name, settings, configuration)).sort(byBytes);
  const transports = (configuration?.services ?? [])
    .filter((service) => service.type === 'unix' && transportCommands.has(service.command))
    .flatMap(({ name, command }) => transportParameterNames(name, command === 'pipe' || command === 'spawn'));
  const own = options.d ? [] : [...settings.names()].filter((name) => isShown(name, settings, configuration));
  return [...new Set([...parameterNames(), ...transports, ...own])].sort(byBytes);
}

/** Commands that deliver, so that their services have transport parameters. */
const transportCommands = new Set([
  'smtp',
  'lmtp',
  'local',
  'virtual',
  'pipe',
  'error',
  'discard',
  'mailstore',
  'spawn',
]);

/** What nothing reads is warned of instead of shown, as by postconf(1). */
function isShown(name: string, settings: Settings, configuration: Configuration | undefined): boolean {
  if (name === 'service_name') return false;
  const origin = settings.origin(name);
  if (origin.kind !== 'file' || configuration === undefined) return true;
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
export function formatService(service: ServiceEntry, isFolded: boolean): string[] {
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
  const args = service.fields.slice(8);
  if (args.length === 0) return [start];
  return isFolded ? [start, ...foldArguments(args)] : [`${start} ${args.join(' ')}`];
}

/** One option with its value a line. */
function foldArguments(args: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    lines.push(word === '-o' && at + 1 < args.length ? `    -o ${args[++at]}` : `    ${word}`);
  }
  return lines;
}

function fold(start: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = start;
  for (const word of words) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length > lineLimit - 1 && line !== '' && line !== start) {
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

/** Names that a value refers to and nothing defines, for the warning. */
export function undefinedNames(value: string, settings: Settings): string[] {
  return [...referencedNames(value)].filter((name) => settings.raw(name) === undefined);
}
