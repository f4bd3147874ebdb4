// What the columns of other systems' tables mean in ours.

import { isVerifiable, schemeName } from '../../auth/password-scheme.ts';
import type { DomainLimits } from '../../directory/domain-limits.ts';
import type { SourceRow } from './source-database.ts';

export function textOf(row: SourceRow, name: string): string {
  return row[name] ?? '';
}

/** MySQL's 1, PostgreSQL's t; `preset` where the column is NULL or not there. */
export function isTrue(row: SourceRow, name: string, preset = false): boolean {
  const text = row[name];
  return text === undefined || text === null || text === '' ? preset : /^(?:1|t|true|y|yes)$/i.test(text);
}

/** A whole number of at least 0; `preset` for anything else. */
export function numberOf(row: SourceRow, name: string, preset = 0): number {
  const value = Number(row[name] ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : preset;
}

/** Milliseconds since 1970 of `2026-01-31 12:00:00`, in this machine's time; undefined for none and 0000-00-00. */
export function timeOf(row: SourceRow, name: string): number | undefined {
  const text = row[name] ?? '';
  if (text === '' || text.startsWith('0000')) return undefined;
  const time = Date.parse(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}

/** Addresses between commas and line ends. */
export function listOf(text: string): string[] {
  return text
    .split(/[,\r\n]+/)
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** How a system that writes no scheme before its hashes makes them. */
export type BareHashes = 'crypt' | 'md5' | 'plain';

/** A hash that nobody can log in with. */
export const noPassword = '!';

export interface ImportedPassword {
  readonly hash: string;
  readonly reason?: string;
}

/** The hash as it is where it can be verified here; the reason says why it is not taken. */
export function passwordOf(stored: string, bare: BareHashes): ImportedPassword {
  const hash = withScheme(stored.trim(), bare);
  if (hash === '') return { hash: noPassword, reason: 'it has no password' };
  if (hash.length > maxHashLength) return { hash: noPassword, reason: 'its password hash is too long' };
  if (isVerifiable(hash)) return { hash };
  return { hash: noPassword, reason: `its password scheme ${schemeName(hash)} cannot be verified here` };
}

const maxHashLength = 512;

function withScheme(stored: string, bare: BareHashes): string {
  // Courier's name for what Dovecot calls PLAIN-MD5 and LDAP-MD5 (authlib).
  const courier = /^\{(md5raw|md5)\}(.+)$/i.exec(stored);
  if (courier?.[1]?.toLowerCase() === 'md5raw') return `{PLAIN-MD5}${courier[2]}`;
  if (stored === '' || stored.startsWith('{') || stored.startsWith('$')) return stored;
  if (bare === 'md5' && /^[0-9a-f]{32}$/i.test(stored)) return `{PLAIN-MD5}${stored}`;
  // MySQL's SHA2() and SHA1() in the tables of hand-made systems.
  const sum = /^[0-9a-f]+$/i.test(stored) ? { 40: 'SHA1', 64: 'SHA256', 128: 'SHA512' }[stored.length] : undefined;
  if (sum !== undefined) return `{${sum}.HEX}${stored}`;
  return bare === 'plain' ? `{PLAIN}${stored}` : stored;
}

/** Limits that contradict each other are none here: a quota of one mailbox beyond that of all is no limit. */
export function fittingLimits(limits: DomainLimits): DomainLimits {
  const { maxQuotaBytes = 0, totalQuotaBytes = 0, defaultQuotaBytes = 0 } = limits;
  const most = totalQuotaBytes !== 0 && maxQuotaBytes > totalQuotaBytes ? totalQuotaBytes : maxQuotaBytes;
  const bound = Math.min(...[most, totalQuotaBytes].filter((one) => one !== 0), Number.MAX_SAFE_INTEGER);
  return { ...limits, maxQuotaBytes: most, defaultQuotaBytes: Math.min(defaultQuotaBytes, bound) };
}
