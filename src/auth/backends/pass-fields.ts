// What the fields mean that a backend returns for a login (Dovecot's "passdb extra fields"), and the judgement that
// follows from them. Fields for a userdb begin with `userdb_`. A field is true where it exists, whatever its value.
// Logins are not handed on to other servers here: a row that says so for IMAP or POP3 is "could not find out",
// since the user's mail is elsewhere.

import { TemporaryError } from '../../lib/temporary-error.ts';
import { type Network, parseNetwork } from '../../tables/networks.ts';
import type { Credentials } from '../types.ts';
import type { BackendAnswer, UserFields } from './types.ts';

/** Verifies a password against what is stored; only so many at a time. */
export type VerifyStored = (login: string, password: string, stored: string) => Promise<boolean>;

export interface PassRow {
  readonly login: string;
  /** Undefined where there is no such field; null where it has no value. */
  readonly stored: string | null | undefined;
  readonly fields: UserFields;
}

/** Reads a row's columns in their order, which counts for `username` and `domain`. */
export function readPassRow(
  login: string,
  columns: Iterable<readonly [string, string | null]>,
  defaultScheme: string,
): PassRow {
  let user = login;
  let stored: string | null | undefined;
  const fields = new Map<string, string>();
  for (const [column, value] of columns) {
    const [name = '', suffix = ''] = column.split(/:(protected|remove)$/, 2);
    if (name === 'password' || name === 'password_noscheme') {
      stored = value === null ? null : withScheme(value, defaultScheme, name === 'password_noscheme');
    } else if (value === null) continue;
    else if (suffix === 'remove') fields.delete(name);
    else if (suffix === 'protected' && fields.has(name)) continue;
    else if (name === 'user' || name === 'username' || name === 'domain') user = renamed(user, name, value);
    else fields.set(name, value);
  }
  return { login: user, stored, fields };
}

function withScheme(value: string, scheme: string, isBare: boolean): string {
  return !isBare && /^\{[A-Za-z0-9.-]{1,40}\}/.test(value) ? value : `{${scheme}}${value}`;
}

function renamed(user: string, field: string, value: string): string {
  const at = user.indexOf('@');
  if (field === 'user') return value === '' ? user : value;
  if (field === 'username')
    return value === '' || value.includes('@') || at === -1 ? value || user : value + user.slice(at);
  const name = at === -1 ? user : user.slice(0, at);
  return value === '' ? name : `${name}@${value}`;
}

/** `known` is the backend's name, for messages. Throws TemporaryError. */
export async function judge(
  row: PassRow,
  credentials: Credentials,
  known: string,
  verify: VerifyStored,
): Promise<BackendAnswer> {
  const { stored, fields, login } = row;
  if (fields.has('noauthenticate')) return { kind: 'unknown' };
  if (stored === null || stored === undefined) {
    // The query itself has compared the password (%w).
    if (!fields.has('nopassword')) return { kind: 'wrong', reason: 'no password' };
  } else if (fields.has('nopassword')) {
    throw new TemporaryError(`${known}: a row has both a password and nopassword`);
  } else if (!(await verify(login, credentials.password, stored))) {
    return { kind: 'wrong', reason: 'password mismatch' };
  }
  return admit(row, credentials, known);
}

/** The password was right: may the account be used from there, for that? */
export function admit({ login, fields }: PassRow, credentials: Credentials, known: string): BackendAnswer {
  const { service, remoteAddress } = credentials;
  if (fields.has('fail')) return { kind: 'refused', reason: 'refused by the field fail' };
  if (fields.has('nologin')) return { kind: 'refused', reason: fields.get('reason') || 'refused by the field nologin' };
  for (const name of ['allow_nets', 'allow_real_nets']) {
    const networks = fields.get(name);
    if (networks !== undefined && !isAllowedFrom(networks, remoteAddress, `${known}: ${name}`)) {
      return { kind: 'refused', reason: `${remoteAddress || 'local'} is not in ${name}` };
    }
  }
  if (fields.has('delay_until')) throw new TemporaryError(`${known}: the field delay_until is not supported`);
  const isMailService = service === 'imap' || service === 'pop3' || service === 'sieve';
  if (fields.has('proxy') && isMailService) {
    throw new TemporaryError(
      `${known}: ${login} is to be passed on to ${fields.get('host') ?? 'another server'} (proxy), which is not supported`,
    );
  }
  return { kind: 'right', login, fields };
}

function isAllowedFrom(networks: string, address: string, where: string): boolean {
  return networks
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .some((word) => (word === 'local' ? address === '' : network(word, where)(address)));
}

function network(text: string, where: string): Network {
  const slash = text.indexOf('/');
  const base = slash === -1 ? text : text.slice(0, slash);
  const plain = base.replace(/^::ffff:(?=\d+\.)/i, '');
  const bracketed = plain.includes(':') ? `[${plain}]` : plain;
  try {
    const parsed = parseNetwork(slash === -1 ? bracketed : `${bracketed}${text.slice(slash)}`);
    if (parsed !== undefined) return parsed;
  } catch {
    // As below.
  }
  throw new TemporaryError(`${where}: ${text} is no network`);
}
