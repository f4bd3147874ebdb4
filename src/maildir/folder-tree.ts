// Finds the folders of an account's Maildir, in either of Dovecot's layouts: Maildir++ (`.Sent`, `.Work.2026` beside the
// INBOX's own cur, new and tmp) and fs (`Work/2026`). Links that lead elsewhere are not followed: whoever owns the Maildir
// could have put one there that leads to another's mail, and the import may run as root.

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMailboxName } from '../imap/modified-utf7.ts';

export type MaildirLayout = 'maildir++' | 'fs';

export interface MaildirFolder {
  /** Empty for the INBOX at the root. */
  readonly levels: readonly string[];
  /** Absolute; a character an octet. */
  readonly path: string;
  /** Its path below the root, '' for the root: control files may stand in another tree of the same form. */
  readonly relative: string;
}

export interface MaildirTree {
  readonly layout: MaildirLayout;
  readonly folders: readonly MaildirFolder[];
  /** Entries that look like folders and are not taken. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

const messageFolders = ['cur', 'new'];
const noFolders = new Set(['cur', 'new', 'tmp', 'sieve', 'courierimapkeywords', 'courierimaphieracl', 'virtual']);
/** Of folders in folders: more would be a circle of mounts. */
const maxDepth = 64;

type Refuse = (path: string, reason: string) => void;

export function isMaildir(path: string): boolean {
  return messageFolders.some((name) => kindOf(join(path, name)) === 'folder');
}

/** Paths have a character an octet; see `octets`. */
export function findMaildirFolders(root: string, wanted?: MaildirLayout): MaildirTree {
  const refused: { path: string; reason: string }[] = [];
  const refuse: Refuse = (path, reason) => refused.push({ path, reason });
  const layout = wanted ?? guessLayout(root);
  const inbox = isMaildir(root) && hasNoLink(root, refuse) ? [{ levels: [], path: root, relative: '' }] : [];
  const folders = layout === 'fs' ? findNested(root, '', 0, refuse) : findDotted(root, refuse);
  return { layout, folders: [...inbox, ...folders], refused };
}

function guessLayout(root: string): MaildirLayout {
  const names = namesIn(root).filter((name) => !noFolders.has(name));
  if (names.some((name) => name.startsWith('.') && isMaildir(join(root, name)))) return 'maildir++';
  return names.some((name) => !name.startsWith('.') && hasMaildir(join(root, name), 0)) ? 'fs' : 'maildir++';
}

function hasMaildir(path: string, depth: number): boolean {
  if (kindOf(path) !== 'folder' || depth > 3) return false;
  if (isMaildir(path)) return true;
  return namesIn(path).some((name) => !name.startsWith('.') && hasMaildir(join(path, name), depth + 1));
}

function findDotted(root: string, refuse: Refuse): MaildirFolder[] {
  const names = namesIn(root).filter((name) => name.startsWith('.') && name.length > 1 && name !== '..');
  return names.toSorted().flatMap((name) => {
    const path = join(root, name);
    if (!isOwnFolder(path, refuse)) return [];
    return [{ levels: name.slice(1).split('.').map(decodeMailboxName), path, relative: name }];
  });
}

function findNested(root: string, relative: string, depth: number, refuse: Refuse): MaildirFolder[] {
  const names = namesIn(join(root, relative)).filter((name) => !name.startsWith('.') && !noFolders.has(name));
  return names.toSorted().flatMap((name) => {
    const below = relative === '' ? name : `${relative}/${name}`;
    const path = join(root, below);
    const kind = kindOf(path);
    if (kind === 'link') refuse(path, 'it is a symbolic link');
    if (kind !== 'folder' || depth >= maxDepth) return [];
    const own = isMaildir(path) && isOwnFolder(path, refuse);
    const levels = below.split('/').map(decodeMailboxName);
    const found = own ? [{ levels, path, relative: below }] : [];
    return [...found, ...findNested(root, below, depth + 1, refuse)];
  });
}

function isOwnFolder(path: string, refuse: Refuse): boolean {
  const kind = kindOf(path);
  if (kind === 'link') refuse(path, 'it is a symbolic link');
  return kind === 'folder' && hasNoLink(path, refuse) && isMaildir(path);
}

function hasNoLink(path: string, refuse: Refuse): boolean {
  const link = messageFolders.find((name) => kindOf(join(path, name)) === 'link');
  if (link !== undefined) refuse(join(path, link), 'it is a symbolic link');
  return link === undefined;
}

function kindOf(path: string): 'folder' | 'link' | 'other' | 'missing' {
  const stats = lstatSync(octets(path), { throwIfNoEntry: false });
  if (stats === undefined) return 'missing';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isDirectory() ? 'folder' : 'other';
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(octets(path), { encoding: 'latin1' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** File names are octets, and not all of them are UTF-8. */
export function octets(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** The form in which this file and its callers keep a path that somebody has typed. */
export function fromTyped(path: string): string {
  return Buffer.from(path).toString('latin1');
}
