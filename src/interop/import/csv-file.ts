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
import { ImportError, type ImportObject, type ImportSource, notTaken } from './import-source.ts';
import { csvHeader, readAccount, wrongRow } from './csv-accounts.ts';
import { csvRows } from './csv-rows.ts';
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
    const header = csvHeader(cells);
    if (header.kind === 'named') return header.names;
    const column = header.column === undefined ? '' : `, column ${header.column}`;
    throw new ImportError(`${this.#file}:${line}${column}: ${header.reason}`);
  }

  async #objects({ line, values, problem }: CsvRow): Promise<readonly ImportObject[]> {
    const address = values.get('address') ?? '';
    const account = problem === '' ? await readAccount(values, hashPassword) : wrongRow('', problem);
    if (account.kind === 'wrong') {
      const { column, reason } = account;
      return [notTaken(`${this.#file}:${line}${column === '' ? '' : `, column ${column}`}`, reason, address)];
    }
    if (account.kind === 'alias') return [account];
    const { value, withoutPassword } = account;
    const typed = values.get('password') ?? '';
    if (withoutPassword === undefined) return [{ kind: 'mailbox', value, ...(typed === '' ? {} : { typed }) }];
    return [{ kind: 'mailbox', value }, notTaken(`password of ${address}`, `${withoutPassword}: set a new one`)];
  }
}

interface CsvRow {
  readonly line: number;
  readonly values: ReadonlyMap<string, string>;
  readonly problem: string;
}
