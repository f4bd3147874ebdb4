// The arguments of a pipe(8) service in master.cf: `flags=`, `user=`, `directory=`, `size=`, `eol=`, `null_sender=`, and
// last `argv=`. What cannot be followed is a reason in words, and the service's mail waits.

import type { MasterService } from '../settings/services.ts';

const knownFlags = 'BDFORXhqu.>';

/** Of what stands behind `$` in argv; the client_ and sasl_ ones are not kept with the message. */
export const recipientMacros = ['recipient', 'original_recipient', 'user', 'extension', 'mailbox', 'domain'] as const;
export const messageMacros = ['nexthop', 'sender', 'size', 'queue_id'] as const;

export type RecipientMacro = (typeof recipientMacros)[number];
export type MessageMacro = (typeof messageMacros)[number];

export interface PipeOptions {
  readonly flags: ReadonlySet<string>;
  /** A name, and a group's name where it is not the user's own. */
  readonly user: string;
  readonly group: string | undefined;
  /** Undefined: queue_directory. */
  readonly directory: string | undefined;
  /** Octets of a message; 0 is no limit. */
  readonly sizeLimit: number;
  readonly endOfLine: string;
  readonly nullSender: string;
  readonly argv: readonly string[];
}

const attributes = new Set(['flags', 'user', 'directory', 'size', 'eol', 'null_sender', 'chroot']);

/** A reason where the service cannot be used. */
export function readPipeOptions({ args }: MasterService): PipeOptions | string {
  const values = new Map<string, string>();
  let argv: string[] | undefined;
  for (const [index, argument] of args.entries()) {
    const equals = argument.indexOf('=');
    const name = argument.slice(0, Math.max(0, equals));
    const value = argument.slice(equals + 1);
    if (name === 'argv') {
      argv = [value, ...args.slice(index + 1)];
      break;
    }
    if (argument === '-v') continue;
    if (!attributes.has(name)) return `unknown attribute "${argument}"`;
    values.set(name, value);
  }
  if (argv === undefined || argv[0] === '') return 'argv= is missing';
  if (values.has('chroot')) return 'chroot= is not supported';
  const flags = new Set(values.get('flags') ?? '');
  const unknown = [...flags].find((flag) => !knownFlags.includes(flag));
  if (unknown !== undefined) return `unknown flag "${unknown}"`;
  const [user = '', group] = (values.get('user') ?? '').split(':');
  if (user === '') return 'user= is missing';
  const size = values.get('size') ?? '0';
  if (!/^\d{1,15}$/.test(size)) return `size=${size} is no number`;
  const macro = unknownMacro(argv);
  if (macro !== undefined) return `argv=: $${macro} is not supported`;
  return {
    flags,
    user,
    group,
    directory: values.get('directory'),
    sizeLimit: Number(size),
    endOfLine: unescape(values.get('eol') ?? '\\n'),
    nullSender: values.get('null_sender') ?? 'MAILER-DAEMON',
    argv,
  };
}

/** Where a `$name`, `${name}` or `$(name)` stands; `$$` is a dollar sign. */
export const macroPattern = /\$(?:\$|\{(\w+)\}|\((\w+)\)|(\w+))/g;

function unknownMacro(argv: readonly string[]): string | undefined {
  const known = new Set<string>([...recipientMacros, ...messageMacros]);
  for (const argument of argv) {
    for (const match of argument.matchAll(macroPattern)) {
      const name = match[1] ?? match[2] ?? match[3];
      if (name !== undefined && !known.has(name)) return name;
    }
  }
  return undefined;
}

/** `\n`, `\r`, `\t`, `\\` and octal numbers, as unescape(3) of Postfix. */
function unescape(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };
  return text.replaceAll(/\\([0-7]{1,3}|.)/g, (_all, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : (letters[code] ?? code),
  );
}
