// `unix:passwd.byname` and `unix:group.byname`: the system's accounts, which the default of local_recipient_maps
// names. Read from /etc/passwd and /etc/group; who is not there is asked for at the name service (LDAP, sssd), where
// nsswitch.conf(5) names one.

import { foldKey } from '../address/form.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { readFile, stat } from 'node:fs/promises';
import { type AccountDatabase, type NameService, openNameService } from './name-service.ts';
import { type LookupResult, notFound, type Table } from './table.ts';
import { TableError } from './table-error.ts';

const databases: Readonly<Record<string, AccountDatabase>> = { 'passwd.byname': 'passwd', 'group.byname': 'group' };

export function openUnixTable(text: string): Table {
  const database = Object.hasOwn(databases, text) ? databases[text] : undefined;
  if (database === undefined) throw new TableError(`unix:${text}: need unix:passwd.byname or unix:group.byname`);
  const accounts = new AccountFile(database);
  return { name: `unix:${text}`, kind: 'fixed', lookup: (key) => accounts.lookup(key) };
}

/** The line of passwd(5) of a user id; undefined where nobody has it. The function throws TemporaryError. */
export function openAccountsByUid(): (uid: number) => Promise<string | undefined> {
  const accounts = new AccountFile('passwd');
  return (uid) => accounts.findId(uid);
}

class AccountFile {
  readonly #path: string;
  readonly #nameService: NameService | undefined;
  #stamp = '';
  #lines = new Map<string, string>();

  constructor(database: AccountDatabase) {
    this.#path = `/etc/${database}`;
    this.#nameService = openNameService(database);
  }

  async findId(id: number): Promise<string | undefined> {
    await this.#readFile();
    for (const line of this.#lines.values()) if (line.split(':')[2] === String(id)) return line;
    return await this.#nameService?.findId(id);
  }

  async lookup(key: string): Promise<LookupResult> {
    await this.#readFile();
    // Account names are looked up folded, as local(8) folds the localpart; names with capitals stay out of reach.
    const name = foldKey(key);
    const line = this.#lines.get(name);
    if (line !== undefined) return { kind: 'found', value: line, source: this.#path };
    const entry = name === '' ? undefined : await this.#nameService?.find(name);
    return entry === undefined ? notFound : { kind: 'found', value: entry, source: 'the name service' };
  }

  async #readFile(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      throw new TemporaryError(`${this.#path}: ${(error as Error).message}`);
    }
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
