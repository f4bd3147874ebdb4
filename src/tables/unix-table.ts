// `unix:passwd.byname` and `unix:group.byname`: the system's accounts, which the default of local_recipient_maps
// names. Read from /etc/passwd and /etc/group.
// NOTE: accounts that only the name service knows (LDAP, sssd) are not seen; Node has no getpwnam(3).

import { TemporaryError } from '../lib/temporary-error.ts';
import { readFile, stat } from 'node:fs/promises';
import { type LookupResult, notFound, type Table } from './table.ts';
import { TableError } from './table-error.ts';

const files: Readonly<Record<string, string>> = { 'passwd.byname': '/etc/passwd', 'group.byname': '/etc/group' };

export function openUnixTable(text: string): Table {
  const path = files[text];
  if (path === undefined) throw new TableError(`unix:${text}: need unix:passwd.byname or unix:group.byname`);
  const accounts = new AccountFile(path);
  return { name: `unix:${text}`, kind: 'fixed', lookup: (key) => accounts.lookup(key) };
}

class AccountFile {
  readonly #path: string;
  #stamp = '';
  #lines = new Map<string, string>();

  constructor(path: string) {
    this.#path = path;
  }

  async lookup(key: string): Promise<LookupResult> {
    try {
      await this.#refresh();
    } catch (error) {
      throw new TemporaryError(`${this.#path}: ${(error as Error).message}`);
    }
    // Account names are looked up folded, as local(8) folds the localpart; names with capitals stay out of reach.
    const line = this.#lines.get(key.toLowerCase());
    return line === undefined ? notFound : { kind: 'found', value: line, source: this.#path };
  }

  async #refresh(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.#path);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp === this.#stamp) return;
    const text = await readFile(this.#path, 'utf8');
    this.#lines = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line]));
    this.#stamp = stamp;
  }
}
