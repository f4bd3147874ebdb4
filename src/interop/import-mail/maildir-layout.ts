// Finds the Maildirs of a whole server by how their paths are made, as Dovecot's mail_location and Postfix's
// virtual_mailbox_maps say it: %d the domain, %n the user, %u both (`anna@example.com`).

import fs from 'node:fs';
import path from 'node:path';
import { fromTyped, isMaildir } from '../../maildir/folder-tree.ts';

export interface FoundMaildir {
  readonly path: string;
  readonly address: string;
}

interface Named {
  readonly d?: string;
  readonly n?: string;
}

/** In the order of their paths. */
export function findMaildirs(root: string, layout: string): FoundMaildir[] {
  const parts = layout.split('/').filter((part) => part !== '' && part !== '.');
  return below(root, parts, {});
}

function below(folder: string, parts: readonly string[], named: Named): FoundMaildir[] {
  const [part, ...rest] = parts;
  if (part === undefined) {
    const { d, n } = named;
    const isWhole = d !== undefined && n !== undefined && isMaildir(fromTyped(folder));
    return isWhole ? [{ path: folder, address: `${n}@${d}` }] : [];
  }
  if (!part.includes('%')) return isFolder(path.join(folder, part)) ? below(path.join(folder, part), rest, named) : [];
  return fs
    .readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const more = match(part, name);
      if (more === undefined || !isFolder(path.join(folder, name))) return [];
      if ((more.d ?? named.d) !== (named.d ?? more.d) || (more.n ?? named.n) !== (named.n ?? more.n)) return [];
      return below(path.join(folder, name), rest, { ...named, ...more });
    });
}

function match(part: string, name: string): Named | undefined {
  let pattern = '';
  const keys: string[] = [];
  for (const piece of part.split(/(%[dnu])/)) {
    if (piece === '%d' || piece === '%n' || piece === '%u') {
      keys.push(piece);
      pattern += piece === '%u' ? '([^@]+@[^@]+)' : '([^@/]+)';
    } else pattern += piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  const found = new RegExp(`^${pattern}$`).exec(name);
  if (found === null) return undefined;
  const named: { d?: string; n?: string } = {};
  keys.forEach((key, index) => {
    const value = found[index + 1] ?? '';
    if (key === '%d') named.d = value;
    else if (key === '%n') named.n = value;
    else [named.n, named.d] = value.split('@') as [string, string];
  });
  return named;
}

/** A link may lead anywhere: users make them. */
function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
