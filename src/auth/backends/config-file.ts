// Reads the files that Dovecot's passdb and userdb name in `args` (dovecot-sql.conf.ext, dovecot-ldap.conf.ext):
// `name = value` lines, `#` begins a comment also behind a value unless it stands in quotes, a backslash at the end
// continues the line. A name that nobody knows stops the start: it may have been meant to keep somebody out.

import { readFileSync } from 'node:fs';
import { SettingsError } from '../../settings/settings-error.ts';

/** It may be there, for root: a reload comes after the server has become another user. */
export class UnreadableFile extends SettingsError {
  override name = 'UnreadableFile';
}

export interface ConfigFile {
  readonly path: string;
  /** '' where it is not set. */
  text(name: string): string;
  flag(name: string, preset: boolean): boolean;
}

/** `known` are the names that this kind of file may have. Throws SettingsError. */
export function readConfigFile(path: string, known: ReadonlySet<string>): ConfigFile {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const Mistake = code === 'EACCES' || code === 'EPERM' ? UnreadableFile : SettingsError;
    throw new Mistake(`posthaste_auth_backends: ${message}`);
  }
  const values = parseConfig(content, path, known);
  return {
    path,
    text: (name) => values.get(name) ?? '',
    flag: (name, preset) => readFlag(values.get(name), preset, `${path}: ${name}`),
  };
}

function parseConfig(content: string, path: string, known: ReadonlySet<string>): Map<string, string> {
  const values = new Map<string, string>();
  let pending = '';
  for (const [index, raw] of content.split('\n').entries()) {
    const line = withoutComment(raw.trim()).trimEnd();
    if (line.endsWith('\\')) {
      pending += line.slice(0, -1);
      continue;
    }
    const whole = pending + line;
    pending = '';
    if (whole === '') continue;
    const match = /^([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*)$/s.exec(whole);
    // The line itself stays out of the message: it may be a password.
    if (match === null) throw new SettingsError(`${path}:${index + 1}: must be name = value`);
    const [, name = '', value = ''] = match;
    if (!known.has(name)) throw new SettingsError(`${path}:${index + 1}: ${name} is no setting of this file`);
    values.set(name, unquote(value));
  }
  return values;
}

function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] as string;
    if (quote === '' && sign === '#') return line.slice(0, at);
    if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (quote !== '' && sign === '\\') at++;
    else if (sign === quote) quote = '';
  }
  return line;
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length < 2 || (quote !== '"' && quote !== "'") || !value.endsWith(quote)) return value;
  return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}

function readFlag(value: string | undefined, preset: boolean, where: string): boolean {
  if (value === undefined || value === '') return preset;
  if (/^(yes|y|1|true)$/i.test(value)) return true;
  if (/^(no|n|0|false)$/i.test(value)) return false;
  throw new SettingsError(`${where}: must be yes or no`);
}
