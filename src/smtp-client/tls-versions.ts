// smtp_tls_protocols and smtp_tls_ciphers with their kin, in the words of OpenSSL: a range of versions, a list of ciphers
// (postconf(5)). TLS 1.2 is the oldest version spoken, whatever is allowed beyond that (RFC 8996).

import type { SecureVersion } from 'node:tls';

export interface VersionRange {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

const names = ['sslv2', 'sslv3', 'tlsv1', 'tlsv1.1', 'tlsv1.2', 'tlsv1.3'];
const spoken: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const numbers: Readonly<Record<number, string>> = {
  0x0300: 'sslv3',
  0x0301: 'tlsv1',
  0x0302: 'tlsv1.1',
  0x0303: 'tlsv1.2',
  0x0304: 'tlsv1.3',
};

/** `>=TLSv1.2, <=TLSv1.3`, `!SSLv3, !TLSv1`, `TLSv1.2 TLSv1.3`. Undefined where it names no protocol or leaves none. */
export function parseVersions(list: string): VersionRange | undefined {
  let lowest = 0;
  let highest = names.length - 1;
  const included = new Set<number>();
  const excluded = new Set<number>();
  for (const word of list.split(/[\s,:]+/).filter((one) => one !== '')) {
    const [, sign = '', name = ''] = /^(>=|<=|!|)(.*)$/.exec(word) ?? [];
    // `>=` and `<=` alone lift a bound (postconf(5)).
    if (name === '' && sign.endsWith('=')) continue;
    const version = findVersion(name);
    if (version < 0) return undefined;
    if (sign === '>=') lowest = version;
    else if (sign === '<=') highest = version;
    else (sign === '!' ? excluded : included).add(version);
  }
  const isAllowed = (version: SecureVersion): boolean => {
    const index = names.indexOf(version.toLowerCase());
    const isIn = included.size === 0 || included.has(index);
    return isIn && !excluded.has(index) && index >= lowest && index <= highest;
  };
  const allowed = spoken.filter(isAllowed);
  const [first] = allowed;
  const last = allowed.at(-1);
  return first && last && { minVersion: first, maxVersion: last };
}

function findVersion(name: string): number {
  const number = /^0x[0-9a-f]{1,4}$/i.test(name) ? numbers[Number(name)] : undefined;
  return names.indexOf(number ?? name.toLowerCase());
}

/** tls_high_cipherlist and so on. */
export type CipherLists = Readonly<Record<string, string>>;

/** The grade's list without what is excluded; undefined for a grade or an exclusion that is none. */
export function cipherList(grade: string, lists: CipherLists, exclusions: readonly string[]): string | undefined {
  const name = grade.toLowerCase();
  const list = Object.hasOwn(lists, name) ? lists[name] : undefined;
  if (list === undefined || list === '') return undefined;
  const words = exclusions.flatMap((text) => text.split(/[\s,:]+/)).filter((one) => one !== '');
  if (words.some((word) => /^[!+\-@]/.test(word))) return undefined;
  return [list, ...words.map((word) => `!${word}`)].join(':');
}
