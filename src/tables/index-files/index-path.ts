// Where postmap(1) puts the index of a table's text.

export type IndexType = 'hash' | 'btree' | 'lmdb' | 'cdb';

const suffixes: Readonly<Record<IndexType, string>> = { hash: '.db', btree: '.db', lmdb: '.lmdb', cdb: '.cdb' };

export function indexPath(type: IndexType, path: string): string {
  return path + suffixes[type];
}
