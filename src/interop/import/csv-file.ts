// Mailboxes and aliases from a CSV file (RFC 4180; `;` and tabs separate too), whose first row names the columns:
//
//   address                  needed; `@domain` with targets is the catch-all
//   targets                  the row is an alias; between blanks or commas
//   password, password_hash  as typed (it is hashed), or as another system keeps it
//   name, quota, enabled     quota as 500M or 1G; enabled yes or no
//   forward, forward_mode    addresses; `both` (the usual) keeps a copy, `forward` does not
//
// What is wrong with a row is told with its line and column and stops nothing; a column that nobody knows stops all.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hashPassword } from '../../auth/password-scheme.ts';
import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import { ImportError, type ImportObject, type ImportSource, notTaken } from './import-source.ts';
import { csvRows } from './csv-rows.ts';
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
const objectsPerPage = 1000;

export class CsvSource implements ImportSource {
  readonly name: string;
  readonly old = undefined;
  readonly #file: string;
  /** Domains that are not hosted yet are added. */
  readonly #addsDomains: boolean;

  constructor(file: string, addsDomains: boolean) {
    this.#file = file;
    this.#addsDomains = addsDomains;
    this.name = file;
  }

  async count(): Promise<number> {
    try {
      // A guess, for the progress alone.
      return Math.ceil((await stat(this.#file)).size / 60);
    } catch (error) {
      throw new ImportError(`${this.#file} cannot be read: ${(error as Error).message}`);
    }
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    if (this.#addsDomains) yield* this.#readDomains();
    // Mailboxes come first, whatever the order of the file: an alias at a mailbox's address is refused before it.
    for (const kind of ['mailbox', 'alias'] as const) {
      let page: ImportObject[] = [];
      for await (const row of this.#rows()) {
        for (const object of await this.#objects(row)) {
          const isFirst = kind === 'mailbox';
          if (object.kind === kind || (object.kind === 'not-taken' && isFirst)) page.push(object);
        }
        if (page.length < objectsPerPage) continue;
        yield page;
        page = [];
      }
      yield page;
    }
  }

  close(): void {
    // The file is closed where its end is read.
  }

  async *#readDomains(): AsyncGenerator<readonly ImportObject[]> {
    const names = new Set<string>();
    for await (const { values } of this.#rows()) {
      const address = values.get('address') ?? '';
      const at = address.lastIndexOf('@');
      if (at >= 0) names.add(address.slice(at + 1).toLowerCase());
    }
    yield [...names].map((name): ImportObject => ({ kind: 'domain', value: { name, class: 'mailbox' } }));
  }

  /** Rows as names and values. */
  async *#rows(): AsyncGenerator<CsvRow> {
    let header: readonly string[] | undefined;
    const stream = createReadStream(this.#file, 'utf8');
    for await (const { line, cells } of csvRows(stream as AsyncIterable<string>)) {
      if (header === undefined) {
        header = this.#readHeader(line, cells);
        continue;
      }
      if (cells.length === 1 && cells[0]?.trim() === '') continue;
      const columns = header;
      const values = new Map(columns.map((name, index) => [name, (cells[index] ?? '').trim()] as const));
      yield {
        line,
        values,
        problem: cells.length > columns.length ? `${cells.length} columns, not ${columns.length}` : '',
      };
    }
    if (header === undefined) throw new ImportError(`${this.#file} is empty: its first row names the columns`);
  }

  #readHeader(line: number, cells: readonly string[]): readonly string[] {
    const names = cells.map((cell) => cell.trim().toLowerCase().replace(/[ -]/g, '_'));
    for (const [index, name] of names.entries()) {
      const place = `${this.#file}:${line}, column ${index + 1}`;
      if (!known.includes(name)) {
        throw new ImportError(
          `${place}: there is no column "${name}": the first row names some of ${known.join(', ')}`,
        );
      }
      if (names.indexOf(name) !== index) throw new ImportError(`${place}: the column "${name}" comes twice`);
    }
    if (!names.includes('address')) throw new ImportError(`${this.#file}:${line}: the column "address" is missing`);
    return names;
  }

  async #objects({ line, values, problem }: CsvRow): Promise<readonly ImportObject[]> {
    const address = values.get('address') ?? '';
    const wrong = (column: string, why: string): readonly ImportObject[] => [
      notTaken(`${this.#file}:${line}${column === '' ? '' : `, column ${column}`}`, why, address),
    ];
    if (problem !== '') return wrong('', problem);
    if (!address.includes('@')) return wrong('address', `"${address}" is no address: write user@example.com`);
    const targets = listOf((values.get('targets') ?? '').replaceAll(' ', ','));
    const given = [...values].filter(([name, value]) => value !== '' && name !== 'address' && name !== 'targets');
    if (targets.length > 0 && given.length > 0) {
      return wrong(given[0]?.[0] ?? '', 'a row with targets is an alias, which has nothing else');
    }
    if (targets.length > 0) return [{ kind: 'alias', value: { address, targets } }];
    if (address.startsWith('@')) return wrong('targets', 'a catch-all needs them');
    const quotaBytes = sizeOf(values.get('quota') ?? '');
    if (quotaBytes === undefined) return wrong('quota', `"${values.get('quota')}" is no size: write it as 500M or 1G`);
    const enabled = values.get('enabled') ?? '';
    if (!/^(?:|yes|no|1|0|true|false)$/i.test(enabled)) return wrong('enabled', `"${enabled}" is neither yes nor no`);
    const mode = values.get('forward_mode') || 'both';
    if (mode !== 'both' && mode !== 'forward') return wrong('forward_mode', `"${mode}" is neither both nor forward`);
    return await mailbox(address, values, { quotaBytes, isEnabled: !/^(?:no|0|false)$/i.test(enabled), mode });
  }
}

interface CsvRow {
  readonly line: number;
  readonly values: ReadonlyMap<string, string>;
  readonly problem: string;
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
): Promise<readonly ImportObject[]> {
  const stored = values.get('password_hash') ?? '';
  const typed = values.get('password') ?? '';
  const password = stored === '' ? undefined : passwordOf(stored, 'crypt');
  const hash = typed === '' ? password?.hash : await hashPassword(typed);
  const to = listOf((values.get('forward') ?? '').replaceAll(' ', ','));
  const has = (name: string): boolean => (values.get(name) ?? '') !== '';
  const value: BulkMailbox = {
    address,
    ...(hash === undefined ? {} : { passwordHash: hash }),
    ...(has('name') ? { name: values.get('name') ?? '' } : {}),
    ...(has('quota') ? { quotaBytes } : {}),
    ...(has('enabled') ? { enabled: isEnabled } : {}),
    ...(to.length === 0 ? {} : { forward: { mode, to } }),
  };
  const object: ImportObject = { kind: 'mailbox', value };
  if (password?.reason === undefined) return [object];
  return [object, notTaken(`password of ${address}`, `${password.reason}: set a new one`)];
}

/** Bytes; 0 for nothing. */
function sizeOf(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?$/i.exec(text === '' ? '0' : text) ?? [];
  if (number === '') return undefined;
  const bytes = Math.round(Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
