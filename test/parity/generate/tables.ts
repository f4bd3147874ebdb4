// Writes generated rows as a table of some type: the same rows must answer the same whatever holds them, as far as
// the types have the same rules.

import type { Random } from '../../harness/random.ts';
import { canServe } from '../backends.ts';
import type { ServedTable } from '../parity-case.ts';

export type Row = readonly [key: string, value: string];

/** What a group's tables are put together from. */
export interface TableFiles {
  /** Types to choose from; one that stands there twice is twice as likely. */
  readonly types: readonly TableType[];
  readonly tables: Record<string, string>;
  readonly sqlite: Record<string, string>;
  /** Files that postmap(1) makes an index of, with its type. */
  readonly indexed: Record<string, string>;
  readonly served: Record<string, ServedTable>;
}

export function noTables(types: readonly TableType[]): TableFiles {
  return { types, tables: {}, sqlite: {}, indexed: {}, served: {} };
}

export interface TableWish {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Results with `$1` are refused for these maps (transport_maps and the like). */
  readonly refusesSubstitution?: boolean;
}

export const tableTypes = [
  'texthash',
  'texthash',
  'texthash',
  'texthash',
  'inline',
  'inline',
  'hash',
  'hash',
  'proxy:texthash',
  'btree',
  'lmdb',
  'cdb',
  'pcre',
  'regexp',
  'sqlite',
  'sqlite-parts',
  'split',
  'union',
  'pipe',
  'fail',
  'mysql',
  'mysql-parts',
  'pgsql',
  'pgsql-parts',
  'ldap',
] as const;
export type TableType = (typeof tableTypes)[number];

/** Without those whose server is not installed here. */
export function availableTableTypes(): TableType[] {
  return tableTypes.filter((type) => {
    const server = /^(?:mysql|pgsql|ldap)/.exec(type)?.[0];
    return server === undefined || canServe(server as ServedTable['type']);
  });
}

/** Adds the table's files and returns how a parameter names it. */
export function addTable(random: Random, files: TableFiles, wish: TableWish): string {
  const rows = withoutDoubles(wish.rows);
  const type = rows.length === 0 ? 'texthash' : random.pick(files.types);
  return write(random, files, { ...wish, rows }, type);
}

const networks = [
  '203.0.113.5',
  '203.0.113.0/24',
  '203.0.113.5/24',
  '203.0.113.0/33',
  '198.51.100.0/28',
  '127.0.0.0/8',
  '0.0.0.0/0',
  '!203.0.113.0/24',
  '2001:db8::/32',
  '::/0',
  '[203.0.113.5]',
  'not-a-network',
] as const;

/** Rules in order, some in an `if`, some that cannot be read. */
export function addCidrTable(random: Random, files: TableFiles, name: string, action: () => string): string {
  const lines: string[] = [];
  for (let count = random.between(1, 6); count > 0; count--) {
    const line = `${random.pick(networks)} ${action()}`;
    lines.push(
      ...(random.chance(20) ? [`if ${random.chance(30) ? '!' : ''}${random.pick(networks)}`, line, 'endif'] : [line]),
    );
  }
  files.tables[name] = `${lines.join('\n')}\n`;
  return `cidr:$T/${name}`;
}

function write(random: Random, files: TableFiles, wish: TableWish, type: TableType): string {
  const { name, rows } = wish;
  switch (type) {
    case 'inline':
      return `inline:{${rows.map(([key, value]) => `{${key} = ${value}}`).join(', ')}}`;
    case 'hash':
    case 'btree':
    case 'lmdb':
    case 'cdb':
      files.tables[name] = asText(rows);
      files.indexed[name] = type;
      return `${type}:$T/${name}`;
    case 'pcre':
    case 'regexp':
      files.tables[name] = rows.map((row) => patternLine(random, row, wish.refusesSubstitution === true)).join('');
      return `${type}:$T/${name}`;
    case 'sqlite':
    case 'sqlite-parts':
      files.sqlite[`${name}.db`] = databaseOf(rows);
      files.tables[name] =
        `dbpath = $T/${name}.db\n` +
        (type === 'sqlite'
          ? `query = SELECT v FROM t WHERE k = '%s'\n`
          : `query = SELECT v FROM t WHERE u = '%u' AND d = '%d'\n`);
      return `sqlite:$T/${name}`;
    case 'mysql':
    case 'mysql-parts':
    case 'pgsql':
    case 'pgsql-parts':
    case 'ldap': {
      const [served = type, parts] = type.split('-');
      files.served[name] = { type: served as ServedTable['type'], rows, byParts: parts !== undefined };
      return `${served}:$T/${name}`;
    }
    case 'split': {
      const middle = Math.ceil(rows.length / 2);
      const first = write(random, files, { ...wish, name: `${name}-1`, rows: rows.slice(0, middle) }, 'texthash');
      const second = write(random, files, { ...wish, name: `${name}-2`, rows: rows.slice(middle) }, 'inline');
      return rows.length < 2 ? first : random.pick([`${first}, ${second}`, `${second} ${first}`]);
    }
    case 'union': {
      const first = write(random, files, { ...wish, name: `${name}-1` }, 'texthash');
      const half = rows.slice(0, Math.ceil(rows.length / 2));
      const second = write(random, files, { ...wish, name: `${name}-2`, rows: half }, 'texthash');
      // Both have a row: the results are joined, which only lists stand.
      return wish.refusesSubstitution === true ? first : `unionmap:{${first},${second}}`;
    }
    case 'pipe': {
      const first = write(random, files, { ...wish, name: `${name}-1` }, 'texthash');
      const second = rows.filter(() => random.chance(60)).map(([, value]): Row => [value, value]);
      const plain = withoutDoubles(second.filter(([key]) => /^[\w.@:+-]+$/.test(key)));
      return plain.length === 0
        ? first
        : `pipemap:{${first},${write(random, files, { ...wish, name: `${name}-2`, rows: plain }, 'texthash')}}`;
    }
    case 'fail': {
      // Seldom on its own: most keys are found before it is asked.
      const first = write(random, files, wish, 'texthash');
      return random.chance(30) ? `${first}, fail:broken` : first;
    }
    case 'texthash':
      files.tables[name] = asText(rows);
      return `texthash:$T/${name}`;
    case 'proxy:texthash':
      // Through proxymap(8) a texthash: never finds a key that is written with capitals (docs/postfix-parity.md).
      files.tables[name] = asText(rows.map(([key, value]) => [key.toLowerCase(), value]));
      return `${type}:$T/${name}`;
  }
}

function asText(rows: readonly Row[]): string {
  return `# generated\n\n${rows.map(([key, value]) => `${key}\t${value}\n`).join('')}`;
}

function withoutDoubles(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.filter(([key]) => {
    const folded = key.toLowerCase();
    if (seen.has(folded)) return false;
    seen.add(folded);
    return true;
  });
}

/** `/^key$/ value`; an `@domain` key matches by its end, and may carry the localpart over. */
function patternLine(random: Random, [key, value]: Row, refusesSubstitution: boolean): string {
  const escaped = key.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const plain = value.replaceAll('$', '$$$$');
  if (!key.startsWith('@')) return `/^${escaped}$/ ${plain}\n`;
  if (refusesSubstitution || !value.startsWith('@') || random.chance(30)) return `/${escaped}$/ ${plain}\n`;
  return `/^(.*)${escaped}$/ \${1}${plain}\n`;
}

function databaseOf(rows: readonly Row[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const inserts = rows.map(([key, value]) => {
    const at = key.lastIndexOf('@');
    const [user, domain] = at === -1 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)];
    return `INSERT INTO t VALUES (${[key.toLowerCase(), user.toLowerCase(), domain.toLowerCase(), value].map(quote).join(', ')});`;
  });
  return `CREATE TABLE t (k TEXT, u TEXT, d TEXT, v TEXT);\n${inserts.join('\n')}\n`;
}
