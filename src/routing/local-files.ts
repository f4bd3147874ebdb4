// The files of local aliasing (Postfix aliases(5), local(8)): `:include:` lists and `~/.forward`. What is not safe to
// follow is said and not followed; what cannot be read at this moment is "could not find out", never "not there".

import { lstat, readFile, stat } from 'node:fs/promises';
import { TemporaryError } from '../lib/temporary-error.ts';

/** A list of people, not a data base: Postfix has no limit, but reads no file into memory either. */
export const maxListBytes = 16 << 20;
const worldWritable = 0o002;

export interface FoundFile {
  readonly isRegular: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
  /** '' of what is no regular file, or larger than maxListBytes. */
  readonly text: string;
}

/** Whoever reads the lists: a server that can act as their owners (delivery/list-reader.ts), or this process itself. */
export interface LocalFiles {
  /** What stands in a file of this user's is the administrator's word. */
  isTrusted(uid: number): boolean;
  /** With the rights of this account, a line of passwd(5), or of root; undefined where there is none. Throws TemporaryError. */
  find(
    path: string,
    options: { readonly account: string | undefined; readonly followsLinks: boolean },
  ): Promise<FoundFile | undefined>;
}

export const ownFiles: LocalFiles = {
  isTrusted: (uid) => uid === 0 || uid === process.getuid?.(),
  async find(path, { followsLinks }) {
    try {
      const found = await (followsLinks ? stat(path) : lstat(path));
      const isRegular = found.isFile();
      const text = isRegular && found.size <= maxListBytes ? await readFile(path, 'utf8') : '';
      return { isRegular, mode: found.mode, uid: found.uid, size: found.size, text };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new TemporaryError(`${path}: ${(error as Error).message}`);
    }
  },
};

export type ListFile =
  | { readonly kind: 'list'; readonly lines: readonly string[]; readonly uid: number }
  /** `reason` for the log; Postfix bounces an :include: with 5.3.5 and ignores a .forward. */
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'missing' };

/** The lines of an `:include:` file. Throws TemporaryError. */
export async function readInclude(files: LocalFiles, path: string, account: string | undefined): Promise<ListFile> {
  if (!path.startsWith('/')) return { kind: 'unusable', reason: `:include:${path} uses a relative path` };
  return checkedList(`:include: file ${path}`, await files.find(path, { account, followsLinks: true }), undefined);
}

/** The lines of a `.forward` file of this account. Throws TemporaryError. */
export async function readForward(files: LocalFiles, path: string, account: string): Promise<ListFile> {
  const found = await files.find(path, { account, followsLinks: false });
  return checkedList(`file ${path}`, found, Number(account.split(':')[2]));
}

function checkedList(name: string, found: FoundFile | undefined, owner: number | undefined): ListFile {
  if (found === undefined) return { kind: 'missing' };
  if (!found.isRegular) return { kind: 'unusable', reason: `${name} is not a regular file` };
  if ((found.mode & worldWritable) !== 0) return { kind: 'unusable', reason: `${name} is world writable` };
  if (owner !== undefined && found.uid !== 0 && found.uid !== owner) {
    return { kind: 'unusable', reason: `${name} has bad owner uid ${found.uid}` };
  }
  if (found.size > maxListBytes) throw new TemporaryError(`${name} is larger than ${maxListBytes} bytes`);
  return { kind: 'list', lines: logicalLines(found.text), uid: found.uid };
}

/** Lines without comments; one that begins with a blank goes on with the line before. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop() ?? ''} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}
