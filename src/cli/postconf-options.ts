// The options of postconf(1) and which of them may stand together. What Postfix refuses is refused with its words, so that
// a script that tests for an option sees the same.

import type { ParameterClass } from '../settings/postconf-format.ts';
import { fatal } from './tool.ts';
import { parseToolOptions, type ToolOptions } from './tool-options.ts';

export interface PostconfOptions {
  readonly options: ToolOptions;
  /** a A b l m t T; M F P for master.cf; p for main.cf. */
  readonly mode: string;
  readonly edit: 'set' | 'remove' | 'comment' | undefined;
  readonly classes: ReadonlySet<ParameterClass>;
  readonly operands: readonly string[];
}

const usage = [
  '[-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] [-c param_class]',
  '[-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)]',
  '[-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default parameters)]',
  '[-o name=value (override parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)]',
  '[-t (bounce templates)] [-T compile-version|run-version|public-key-algorithms] [-v (verbose)]',
  '[-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]',
].join(' ');

/** In the order in which messages name them. */
const letters = 'a A b d e f F h H l m M n o p P t T x X #'.split(' ');

const modes = 'aAblmtpMFPT';

/** Of each at most one. */
const exclusive = [modes, 'den#X', 'fe#X', 'xe#X', 'ode#X', 'heX#H'];

/** What may stand with a mode. */
const companions: Readonly<Record<string, string>> = {
  p: 'eX#fhHxdno',
  M: 'eX#fox',
  F: 'efhHox',
  P: 'eXfhHox',
};

export function parsePostconfOptions(args: readonly string[]): PostconfOptions {
  const options = parseToolOptions({ tool: 'postconf', letters: 'aAbc:C:deEfFhHlmMno:pPtT:vxX#', usage }, args);
  const given = letters.filter((letter) => options.has(letter));
  if (!given.some((letter) => modes.includes(letter))) given.push('p');
  const isConfiguration = given.some((letter) => 'pMFP'.includes(letter));
  if (isConfiguration && options.operands[0]?.includes('=') && !given.includes('e')) given.push('e');
  const chosen = letters.filter((letter) => given.includes(letter));
  refuseConflicts(chosen);
  const edit = chosen.includes('e')
    ? 'set'
    : chosen.includes('X')
      ? 'remove'
      : chosen.includes('#')
        ? 'comment'
        : undefined;
  if (edit !== undefined && options.operands.length === 0)
    throw fatal('postconf', edit === 'set' ? '-e requires name=value argument' : 'missing service argument');
  return {
    options,
    mode: chosen.find((letter) => modes.includes(letter)) ?? 'p',
    edit,
    classes: parseClasses(options.value('C') ?? 'all'),
    operands: options.operands,
  };
}

function refuseConflicts(chosen: readonly string[]): void {
  for (const group of exclusive) {
    const both = chosen.filter((letter) => group.includes(letter));
    if (both.length > 1) throw fatal('postconf', `specify one of ${dashed(both)}`);
  }
  for (const mode of chosen.filter((letter) => modes.includes(letter))) {
    const excess = chosen.filter((letter) => letter !== mode && !(companions[mode] ?? '').includes(letter));
    if (excess.length > 0) throw fatal('postconf', `with option -${mode}, do not specify ${dashed(excess)}`);
  }
}

function dashed(chosen: readonly string[]): string {
  return chosen.map((letter) => `-${letter}`).join(' ');
}

function parseClasses(text: string): ReadonlySet<ParameterClass> {
  const classes = new Set<ParameterClass>();
  for (const word of text.split(/[, \t\r\n]+/).filter((one) => one !== '')) {
    const name = word.toLowerCase();
    if (name === 'all') for (const one of ['builtin', 'service', 'user'] as const) classes.add(one);
    else if (name === 'builtin' || name === 'service' || name === 'user') classes.add(name);
    else throw fatal('postconf', `unknown -C option value "${word}" in "${text}"`);
  }
  return classes;
}
