// What somebody has pasted or uploaded for one domain: CSV with named columns (csv-accounts.ts), or lines as people have them.
//
//   mailboxes   anna            anna@example.com,Anna Alt,2G            address, name, quota
//   aliases     sales: anna, ben@example.org                            as aliases(5), virtual(5) or CSV has them
//   addresses   anna@example.com   "Anna Alt" <anna@example.com>        members and recipients, one or many a line
//
// A name without @ is one of the domain. What is wrong with a row is told of that row.

import { domainToASCII } from 'node:url';
import { type CsvAccount, csvHeader, readAccount, wrongRow } from './csv-accounts.ts';
import { csvRows } from './csv-rows.ts';

export interface PastedAccount {
  /** From 1. */
  readonly line: number;
  readonly address: string;
  readonly account: CsvAccount;
  /** A password that stands in the row. */
  readonly typed: string;
}

export interface PastedAddress {
  readonly line: number;
  readonly address: string;
}

interface PastedRow {
  readonly line: number;
  readonly values: ReadonlyMap<string, string>;
  readonly problem?: string;
}

/** More stop the reading: the rest would not be done anyway. */
export async function readPastedAccounts(
  text: string,
  { domain, kind, limit }: { readonly domain: string; readonly kind: 'mailbox' | 'alias'; readonly limit: number },
  hash: (password: string) => Promise<string>,
): Promise<PastedAccount[]> {
  const found: PastedAccount[] = [];
  for await (const { line, values, problem } of rowsOf(text, kind)) {
    const whole = new Map(values);
    const address = completed(values.get('address') ?? '', domain);
    whole.set('address', address);
    for (const name of ['targets', 'forward']) {
      const text = values.get(name) ?? '';
      if (text !== '')
        whole.set(
          name,
          wordsOf(text)
            .map((one) => completed(one, domain))
            .join(','),
        );
    }
    const foreign = isOf(address, domain) ? undefined : `${address} is not an address of ${domain}`;
    const wrong = problem ?? (address.includes('@') ? foreign : undefined);
    const account = wrong === undefined ? await readAccount(whole, hash) : wrongRow('address', wrong);
    found.push({ line, address, account, typed: values.get('password') ?? '' });
    if (found.length > limit) break;
  }
  return found;
}

/** Addresses that are set apart by blanks, commas, semicolons or line ends; names and comments beside them are dropped. */
export function readPastedAddresses(text: string, domain: string, limit: number): PastedAddress[] {
  const found: PastedAddress[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*#/.test(line)) continue;
    const angled = [...line.matchAll(/<([^<>\s]*@[^<>\s]*)>/g)].map((match) => match[1] ?? '');
    for (const word of angled.length > 0 ? angled : wordsOf(line.replace(/"[^"]*"/g, ''))) {
      found.push({ line: index + 1, address: completed(word, domain) });
      if (found.length > limit) return found;
    }
  }
  return found;
}

async function* rowsOf(text: string, kind: 'mailbox' | 'alias'): AsyncGenerator<PastedRow> {
  const first = (text.replace(/^\uFEFF/, '').split('\n', 1)[0] ?? '').toLowerCase();
  const isNamed = /(?:^|[,;\t"])\s*address\s*(?:$|[,;\t"\r])/.test(first);
  if (kind === 'alias' && !isNamed) return yield* aliasLines(text);
  let columns: readonly string[] | undefined = isNamed ? undefined : ['address', 'name', 'quota'];
  for await (const { line, cells } of csvRows(once(text))) {
    if (columns === undefined) {
      const header = csvHeader(cells);
      if (header.kind === 'wrong') return yield { line, values: new Map(), problem: header.reason };
      columns = header.names;
      continue;
    }
    if (cells.every((cell) => cell.trim() === '') || (!isNamed && cells[0]?.trim().startsWith('#'))) continue;
    const values = new Map(columns.map((name, index) => [name, (cells[index] ?? '').trim()] as const));
    const isLong = cells.slice(columns.length).some((cell) => cell.trim() !== '');
    yield { line, values, ...(isLong ? { problem: `${cells.length} columns, not ${columns.length}` } : {}) };
  }
}

function* aliasLines(text: string): Generator<PastedRow> {
  for (const [index, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, address = '', targets = ''] = /^"?([^\s,;:="]+)"?(?:\s*(?:[:=,;]|\s)\s*(.*))?$/.exec(line) ?? [];
    const values = new Map([
      ['address', address],
      ['targets', targets.replaceAll('"', '')],
    ]);
    yield {
      line: index + 1,
      values,
      ...(targets === '' ? { problem: 'an alias needs an address that it leads to' } : {}),
    };
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((one) => one !== '');
}

function completed(word: string, domain: string): string {
  return word === '' || word.includes('@') ? word : `${word}@${domain}`;
}

function isOf(address: string, domain: string): boolean {
  const name = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return name === domain || domainToASCII(name) === domainToASCII(domain);
}
