// The tables of a configuration as the proof opens them: texts below the folder's own root, by the same code that
// serves mail; what only a server knows answers "not found"; and tables of the proof's own, which rewritten restriction
// lists name: `proof:N` (an oracle), `proof:begin-LIST`, `proof:end-LIST` (they mark how far a list was asked) and
// `proof:error` (the SMTP server would answer 451 there).

import type { Log } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Tables } from '../../tables/registry.ts';
import { type LookupResult, notFound, type Table, type TableOpener } from '../../tables/table.ts';
import type { DirectoryRules } from '../context.ts';
import { openRules } from '../directory-rules.ts';
import type { MachineFiles } from '../machine-files.ts';
import { indexedTypes } from '../table-uses.ts';
import type { Oracle, Play } from './oracles.ts';

const textTypes = ['texthash', ...Object.keys(indexedTypes).filter((type) => type !== 'sdbm')];
const fileTypes = [...textTypes, 'pcre', 'regexp', 'cidr'];
/** Asked over a connection, or of this machine, which need not be the one that the folder is for. */
const closedTypes =
  'mysql pgsql sqlite ldap memcache tcp socketmap unix environ nis nisplus netinfo internal sdbm'.split(' ');

export const quietLog: Log = { write: () => undefined };

export class ProofTables {
  readonly tables: Tables;
  readonly #files: Tables;
  readonly #oracles: Oracle[] = [];
  /** The answers of the attempt that is being played. */
  play: Play | undefined;

  /** `rules` are those of the directory's access tables. */
  constructor(files: MachineFiles, rules?: DirectoryRules) {
    this.#files = new Tables({ log: quietLog, isWatching: false });
    const openers: Record<string, TableOpener> = { proof: (name) => this.#openOwn(name) };
    for (const type of closedTypes) openers[type] = (name) => silent(`${type}:${name}`);
    openers['directory'] = (name) => openRules(`directory:${name}`, rules) ?? silent(`directory:${name}`);
    for (const type of fileTypes) {
      openers[type] = (name, _registry, options) =>
        this.#files.open(`${type}:${name.startsWith('{') ? name : files.locate(name)}`, options);
    }
    openers['proxy'] = (name, registry, options) => registry.open(name, options);
    this.tables = new Tables({ log: quietLog, isWatching: false, openers });
  }

  /** The name under which a restriction list asks it. */
  addOracle(oracle: Oracle): string {
    this.#oracles.push(oracle);
    return `proof:${this.#oracles.length - 1}`;
  }

  /** What a restriction of a rewritten list was. */
  describe(restriction: string): string {
    const number = /^check_client_access proof:(\d+)$/.exec(restriction)?.[1];
    return (
      (number === undefined ? undefined : this.#oracles[Number(number)]?.what.replace(/^\w+: /, '')) ?? restriction
    );
  }

  close(): void {
    this.tables.close();
    this.#files.close();
  }

  #openOwn(name: string): Table {
    const oracle = this.#oracles[Number(name)];
    const answer = (): LookupResult => {
      if (name === 'error') throw new TemporaryError('the restriction is not known');
      return oracle !== undefined && this.play?.ask(oracle) === true ? { kind: 'found', value: 'OK' } : notFound;
    };
    return { name: `proof:${name}`, kind: 'fixed', lookup: async () => answer() };
  }
}

function silent(name: string): Table {
  return { name, kind: 'fixed', lookup: async () => notFound };
}
