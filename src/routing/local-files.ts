// The files of local aliasing (Postfix aliases(5), local(8)): `:include:` lists and `~/.forward`. What is not safe to
// follow is said and not followed; what cannot be read at this moment is "could not find out", never "not there".

import { lstat, readFile, stat } from 'node:fs/promises';
import { TemporaryError } from '../lib/temporary-error.ts';

/** A list of people, not a data base: Postfix has no limit, but reads no file into memory either. */
const maxListBytes = 16 << 20;
const worldWritable = 0o002;

export type ListFile =
  | { readonly kind: 'list'; readonly lines: readonly string[] }
  /** `reason` for the log; Postfix bounces an :include: with 5.3.5 and ignores a .forward. */
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'missing' };

/** The lines of an `:include:` file. Throws TemporaryError. */
export async function readInclude(path: string): Promise<ListFile> {
  if (!path.startsWith('/')) return { kind: 'unusable', reason: `:include:${path} uses a relative path` };
  return await readList(path, undefined);
}

/** The lines of a `.forward` file of the user with this id. Throws TemporaryError. */
export async function readForward(path: string, uid: number): Promise<ListFile> {
  return await readList(path, uid);
}

async function readList(path: string, owner: number | undefined): Promise<ListFile> {
  try {
    const found = await (owner === undefined ? stat(path) : lstat(path));
    if (!found.isFile()) return { kind: 'unusable', reason: `file ${path} is not a regular file` };
    if ((found.mode & worldWritable) !== 0) return { kind: 'unusable', reason: `file ${path} is world writable` };
    if (owner !== undefined && found.uid !== 0 && found.uid !== owner) {
      return { kind: 'unusable', reason: `file ${path} has bad owner uid ${found.uid}` };
    }
    if (found.size > maxListBytes) throw new TemporaryError(`${path} is larger than ${maxListBytes} bytes`);
    return { kind: 'list', lines: logicalLines(await readFile(path, 'utf8')) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    if (error instanceof TemporaryError) throw error;
    throw new TemporaryError(`${path}: ${(error as Error).message}`);
  }
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
