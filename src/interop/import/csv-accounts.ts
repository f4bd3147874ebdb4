// What the columns of a CSV row say of a mailbox or an alias, for files and for what is pasted on the page. What is wrong is
// told with its column.

import type { BulkAlias } from '../../directory/bulk-aliases.ts';
import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import { listOf, passwordOf } from './row-values.ts';

const known = [
  'address',
  'targets',
  'password',
  'password_hash',
  'name',
  'quota',
  'enabled',
  'forward',
  'forward_mode',
];

export type CsvHeader =
  | { readonly kind: 'named'; readonly names: readonly string[] }
  /** `column` counts from 1. */
  | { readonly kind: 'wrong'; readonly column?: number; readonly reason: string };

export type CsvAccount =
  | { readonly kind: 'alias'; readonly value: BulkAlias }
  /** `withoutPassword`: why the one that was given is not taken. */
  | { readonly kind: 'mailbox'; readonly value: BulkMailbox; readonly withoutPassword?: string }
  | WrongRow;

interface WrongRow {
  readonly kind: 'wrong';
  readonly column: string;
  readonly reason: string;
}

/** The names of the columns, as the first row has them. */
export function csvHeader(cells: readonly string[]): CsvHeader {
  const names = cells.map((cell) => cell.trim().toLowerCase().replace(/[ -]/g, '_'));
  for (const [index, name] of names.entries()) {
    const column = index + 1;
    if (!known.includes(name)) {
      const reason = `there is no column "${name}": the first row names some of ${known.join(', ')}`;
      return { kind: 'wrong', column, reason };
    }
    if (names.indexOf(name) !== index) return { kind: 'wrong', column, reason: `the column "${name}" comes twice` };
  }
  if (!names.includes('address')) return { kind: 'wrong', reason: 'the column "address" is missing' };
  return { kind: 'named', names };
}

export function wrongRow(column: string, reason: string): WrongRow {
  return { kind: 'wrong', column, reason };
}

/** `hash` makes what is kept of a password that was typed. */
export async function readAccount(
  values: ReadonlyMap<string, string>,
  hash: (password: string) => Promise<string>,
): Promise<CsvAccount> {
  const address = values.get('address') ?? '';
  if (!address.includes('@')) return wrongRow('address', `"${address}" is no address: write user@example.com`);
  const targets = listOf((values.get('targets') ?? '').replaceAll(' ', ','));
  const given = [...values].filter(([name, value]) => value !== '' && name !== 'address' && name !== 'targets');
  if (targets.length > 0 && given.length > 0) {
    return wrongRow(given[0]?.[0] ?? '', 'a row with targets is an alias, which has nothing else');
  }
  if (targets.length > 0) return { kind: 'alias', value: { address, targets } };
  if (address.startsWith('@')) return wrongRow('targets', 'a catch-all needs them');
  const quotaBytes = sizeOf(values.get('quota') ?? '');
  if (quotaBytes === undefined) return wrongRow('quota', `"${values.get('quota')}" is no size: write it as 500M or 1G`);
  const enabled = values.get('enabled') ?? '';
  if (!/^(?:|yes|no|1|0|true|false)$/i.test(enabled)) return wrongRow('enabled', `"${enabled}" is neither yes nor no`);
  const mode = values.get('forward_mode') || 'both';
  if (mode !== 'both' && mode !== 'forward') return wrongRow('forward_mode', `"${mode}" is neither both nor forward`);
  const read = { quotaBytes, isEnabled: !/^(?:no|0|false)$/i.test(enabled), mode } as const;
  return await mailbox(address, values, read, hash);
}

interface ReadValues {
  readonly quotaBytes: number;
  readonly isEnabled: boolean;
  readonly mode: 'both' | 'forward';
}

async function mailbox(
  address: string,
  values: ReadonlyMap<string, string>,
  { quotaBytes, isEnabled, mode }: ReadValues,
  hash: (password: string) => Promise<string>,
): Promise<CsvAccount> {
  const stored = values.get('password_hash') ?? '';
  const typed = values.get('password') ?? '';
  const password = stored === '' ? undefined : passwordOf(stored, 'crypt');
  const passwordHash = typed === '' ? password?.hash : await hash(typed);
  const to = listOf((values.get('forward') ?? '').replaceAll(' ', ','));
  const has = (name: string): boolean => (values.get(name) ?? '') !== '';
  const value: BulkMailbox = {
    address,
    ...(passwordHash === undefined ? {} : { passwordHash }),
    ...(has('name') ? { name: values.get('name') ?? '' } : {}),
    ...(has('quota') ? { quotaBytes } : {}),
    ...(has('enabled') ? { enabled: isEnabled } : {}),
    ...(to.length === 0 ? {} : { forward: { mode, to } }),
  };
  return { kind: 'mailbox', value, ...(password?.reason === undefined ? {} : { withoutPassword: password.reason }) };
}

/** Bytes; 0 for nothing. */
function sizeOf(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?$/i.exec(text === '' ? '0' : text) ?? [];
  if (number === '') return undefined;
  const bytes = Math.round(Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
