// Dovecot's %variables as its files have them: `%u`, `%Ln`, `%2.1n`, `%{username}`, `%L{domain}`, `%{sha256:user}`,
// `%{passdb:name:default}`. A template is read once, when its file is read: what means nothing there stops the start,
// where Dovecot finds out at the first login. Whoever expands one says how a value is made fit for the language
// around it; that is done last, to the part that is used. (Dovecot quotes first and cuts then, so that `'%1u'` of a name
// that begins with a quote is open behind.)

import { SettingsError } from '../../settings/settings-error.ts';
import {
  type HashCall,
  hashValue,
  isModifier,
  modify,
  parseHashCall,
  type ValuePart,
  wholeValue,
} from './variable-modifiers.ts';

export interface Variable {
  /** The long name: `user`, `passdb:host`. */
  readonly name: string;
  /** `%{passdb:host:DEFAULT}`. */
  readonly fallback: string;
  readonly hash: HashCall | undefined;
  readonly modifiers: string;
  readonly part: ValuePart;
}

export interface VariableTemplate {
  readonly source: string;
  /** Texts and variables in turn: texts[0], placeholders[0], texts[1] ... texts[n]. */
  readonly texts: readonly string[];
  readonly placeholders: readonly Variable[];
}

/** Undefined: there is no such value now. */
export type VariableValues = (name: string) => string | undefined;

const shortNames: Readonly<Record<string, string>> = {
  u: 'user',
  n: 'username',
  d: 'domain',
  s: 'service',
  l: 'lip',
  r: 'rip',
  a: 'lport',
  b: 'rport',
  c: 'secured',
  m: 'mech',
  w: 'password',
  p: 'pid',
};

/** What a login knows. Those that belong to proxies and master users, which there are none of, have no value. */
const plainNames = new Set([
  ...Object.values(shortNames),
  ...(
    'hostname domain_first domain_last master_user login_user login_username login_domain orig_user orig_username ' +
    'orig_domain auth_user auth_username auth_domain real_rip real_lip real_rport real_lport local_name session cert'
  ).split(' '),
]);

/** `%{passdb:field}` and `%{userdb:field}` are what was found so far, `%{ldap:attribute}` is an entry's. */
const fieldNames = /^(passdb|userdb|ldap):([^:]+)(?::(.*))?$/s;

/** `where` begins the message, as `dovecot-sql.conf.ext: password_query`. Throws SettingsError. */
export function parseTemplate(source: string, where: string): VariableTemplate {
  const texts: string[] = [];
  const placeholders: Variable[] = [];
  let text = '';
  let at = 0;
  while (at < source.length) {
    const percent = source.indexOf('%', at);
    if (percent === -1) break;
    text += source.slice(at, percent);
    if (source[percent + 1] === '%') {
      text += '%';
      at = percent + 2;
      continue;
    }
    const read = readVariable(source, percent + 1);
    if (typeof read === 'string') throw new SettingsError(`${where}: ${read}`);
    texts.push(text);
    placeholders.push(read.variable);
    text = '';
    at = read.end;
  }
  texts.push(text + source.slice(at));
  return { source, texts, placeholders };
}

/** `quote` makes a value fit for the place of the placeholder with this index. */
export function expandTemplate(
  { texts, placeholders }: VariableTemplate,
  values: VariableValues,
  quote: (value: string, index: number) => string = (value) => value,
): string {
  let expanded = texts[0] ?? '';
  for (const [index, { name, fallback, hash, modifiers, part }] of placeholders.entries()) {
    const value = values(name) ?? fallback;
    const modified = modify(hash === undefined ? value : hashValue(value, hash), modifiers, part);
    expanded += quote(modified, index) + (texts[index + 1] ?? '');
  }
  return expanded;
}

/** `[OFFSET.][WIDTH][MODIFIERS]VARIABLE`; else what is wrong. */
function readVariable(source: string, start: number): { variable: Variable; end: number } | string {
  const match = /^(?:(-?)(\d{1,9})(?:\.(-?)(\d{1,9}))?)?([A-Z]{0,10})/.exec(source.slice(start, start + 40));
  const [all = '', sign, first, widthSign, width, letters = ''] = match ?? [];
  const modifiers = Array.from(letters).filter(isModifier).join('');
  if (modifiers !== letters) return `%${all}: there is no modifier ${letters.replaceAll(/[LUEXRNHMDT]/g, '')[0]}`;
  const part = readPart({ sign, first, widthSign, width });
  const at = start + all.length;
  const letter = source[at] ?? '';
  if (letter !== '{') {
    const name = shortNames[letter];
    if (name === undefined) return `%${letter} means nothing here (%% is a %)`;
    return { variable: { name, fallback: '', hash: undefined, modifiers, part }, end: at + 1 };
  }
  const close = source.indexOf('}', at);
  if (close === -1) return `a { is not closed behind %`;
  const named = readLongName(source.slice(at + 1, close));
  return typeof named === 'string' ? named : { variable: { ...named, modifiers, part }, end: close + 1 };
}

function readPart(text: Record<'sign' | 'first' | 'widthSign' | 'width', string | undefined>): ValuePart {
  const { sign = '', first, widthSign = '', width } = text;
  if (first === undefined) return wholeValue;
  const isPadded = (width ?? first).startsWith('0') && Number(width ?? first) > 0 && widthSign === '';
  // A sign before a lone width means nothing to Dovecot either.
  if (width === undefined) return { offset: 0, width: Number(first), isPadded };
  return { offset: Number(`${sign}${first}`), width: Number(`${widthSign}${width}`), isPadded };
}

function readLongName(text: string): Pick<Variable, 'name' | 'fallback' | 'hash'> | string {
  const field = fieldNames.exec(text);
  if (field !== null) return { name: `${field[1]}:${field[2]}`, fallback: field[3] ?? '', hash: undefined };
  if (plainNames.has(text)) return { name: text, fallback: '', hash: undefined };
  const colon = text.indexOf(':');
  const hash = colon === -1 ? undefined : parseHashCall(text.slice(0, colon));
  const name = text.slice(colon + 1);
  if (hash !== undefined && (plainNames.has(name) || fieldNames.test(name))) return { name, fallback: '', hash };
  if (/^(if|env|encrypt|decrypt|pkcs5|dict)\b/.test(text)) return `%{${text}} is not supported here`;
  return `%{${text}} means nothing here`;
}
