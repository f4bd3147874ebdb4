// The words in which parameters are declared, one line each. `status` says whether this program acts on the
// parameter. `unsupported` ones are Postfix's that are reported when a configuration sets them; so are
// `unneeded` ones, quietly: they name a process or a file of Postfix that has no counterpart here.

import type { Guard } from '../guards.ts';
import type { TimeUnit } from '../values.ts';

export type Status = 'supported' | 'unsupported' | 'unneeded';

interface Common {
  /** As `postconf -d` shows it: unexpanded. */
  readonly default: string;
  readonly status: Status;
  /** One sentence; empty for those that nobody has described yet. */
  readonly text: string;
  /** Why it is changed on the machine itself and not over the network (guards.ts). */
  readonly guard?: Guard;
  /** Its value may hold a password: it is never shown over the network. */
  readonly isSecret?: true;
}

export interface TextParameter extends Common {
  readonly kind: 'text';
  /** The words that may stand here, in any case of letters; undefined: anything. */
  readonly words?: readonly string[];
}
/** A text whose `$names` are not parameters: whoever uses it fills them in, as $recipient or $rbl_code. */
export interface RawParameter extends Common {
  readonly kind: 'raw';
}
export interface ListParameter extends Common {
  readonly kind: 'list';
}
export interface FlagParameter extends Common {
  readonly kind: 'flag';
}
export interface IntegerParameter extends Common {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
}
export interface TimeParameter extends Common {
  readonly kind: 'time';
  /** Of a number without a letter; Postfix takes it from the default's own letter. */
  readonly unit: TimeUnit;
}

export type Parameter = TextParameter | RawParameter | ListParameter | FlagParameter | IntegerParameter | TimeParameter;

export function text(
  value: string,
  status: Status = 'unsupported',
  description = '',
  words?: readonly string[],
): TextParameter {
  return { kind: 'text', default: value, status, text: description, ...(words === undefined ? {} : { words }) };
}

export function raw(value: string, status: Status = 'unsupported', description = ''): RawParameter {
  return { kind: 'raw', default: value, status, text: description };
}

export function list(value: string, status: Status = 'unsupported', description = ''): ListParameter {
  return { kind: 'list', default: value, status, text: description };
}

export function flag(value: string, status: Status = 'unsupported', description = ''): FlagParameter {
  return { kind: 'flag', default: value, status, text: description };
}

export function integer(
  value: string,
  status: Status = 'unsupported',
  description = '',
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): IntegerParameter {
  return { kind: 'integer', default: value, status, text: description, min, max };
}

export function time(value: string, status: Status = 'unsupported', description = ''): TimeParameter {
  const last = value.at(-1);
  const unit = last === 'm' || last === 'h' || last === 'd' || last === 'w' ? last : 's';
  return { kind: 'time', default: value, status, text: description, unit };
}

/** Whoever may change it may do on the machine what the server's user, or root, may. */
export function guarded<One extends Parameter>(guard: Guard, parameter: One): One {
  return { ...parameter, guard };
}

export function secret<One extends Parameter>(parameter: One): One {
  return { ...parameter, isSecret: true };
}
