// Who wrote a table's rows: whoever owns its file, with whose rights local(8) runs the commands that stand there. What
// main.cf itself says, or a server, is the administrator's word. A text and its index count both, and the stranger of the two wins.

import { stat } from 'node:fs/promises';
import { TemporaryError } from '../lib/temporary-error.ts';
import { splitList } from '../lib/split-list.ts';
import { insideBraces } from '../tables/braces.ts';

const indexed = new Set(['hash', 'btree', 'dbm', 'lmdb', 'cdb']);
const suffixes = ['', '.db', '.lmdb', '.cdb', '.dir', '.pag'];
const composed = new Set(['unionmap', 'pipemap']);

/** 0 is root: nobody's rights are meant. `name` is `type:name`. Throws TemporaryError. */
export async function tableOwner(name: string): Promise<number> {
  const colon = name.indexOf(':');
  const [type, rest] = [name.slice(0, colon), name.slice(colon + 1)];
  if (type === 'proxy') return await tableOwner(rest);
  if (composed.has(type)) return strangest(await Promise.all(splitList(insideBraces(rest)).map(tableOwner)));
  if (!rest.startsWith('/')) return 0;
  const owners = await Promise.all((indexed.has(type) ? suffixes : ['']).map((suffix) => fileOwner(rest + suffix)));
  return strangest(owners.filter((owner) => owner !== undefined));
}

function strangest(owners: readonly number[]): number {
  return owners.find((owner) => owner !== 0) ?? 0;
}

async function fileOwner(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).uid;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new TemporaryError(`${path}: ${message}`);
  }
}
