// Writes what is exported: whole or not at all, never over a file that somebody else has made, and readable by the program
// that needs it alone.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../lib/make-folders.ts';

/** What an export refuses to do; the message says what to do instead. */
export class ExportRefused extends Error {
  override name = 'ExportRefused';
}

export interface ExportedFile {
  readonly name: string;
  readonly text: string;
  /** 0640 where it holds a password. */
  readonly mode: number;
}

/** In the head of every file that may be replaced. */
export const exportMark = 'Made by posthaste export';

/** The group by name; undefined where it does not exist or this is not root, who alone can give files away. */
export function findGroup(name: string): number | undefined {
  const fields = process.getuid?.() === 0 ? entryOf('group', name) : undefined;
  return fields && Number(fields[2]);
}

/** A user of the system; undefined as for findGroup. */
export function findUser(name: string): { readonly uid: number; readonly gid: number } | undefined {
  const fields = process.getuid?.() === 0 ? entryOf('passwd', name) : undefined;
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** The name of a user's own group. */
export function findUserGroup(name: string): string | undefined {
  const gid = entryOf('passwd', name)?.[3];
  return gid === undefined ? undefined : entryOf('group', gid)?.[0];
}

function entryOf(database: 'group' | 'passwd', key: string): string[] | undefined {
  try {
    return execFileSync('getent', [database, key], { encoding: 'utf8' }).split(':');
  } catch {
    return undefined;
  }
}

/** Names of those that have changed. Throws ExportRefused before anything is written. */
export async function writeExport(
  folder: string,
  files: readonly ExportedFile[],
  gid: number | undefined,
): Promise<string[]> {
  for (const { name } of files) {
    const text = readExisting(folder, name);
    if (text !== undefined && !text.slice(0, 400).includes(exportMark)) {
      throw new ExportRefused(`${join(folder, name)} is not a file of ours: move it away, or give another --destdir`);
    }
  }
  makeFolders(folder, 0o755);
  const changed: string[] = [];
  for (const file of files) {
    if (readExisting(folder, file.name) === file.text) await setOwner(join(folder, file.name), file.mode, gid);
    else {
      await replace(join(folder, file.name), file, gid);
      changed.push(file.name);
    }
  }
  return changed;
}

export function readExisting(folder: string, name: string): string | undefined {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

async function replace(file: string, { text, mode }: ExportedFile, gid: number | undefined): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    if (gid !== undefined) await handle.chown(0, gid);
    await handle.chmod(mode);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

async function setOwner(file: string, mode: number, gid: number | undefined): Promise<void> {
  if (gid !== undefined) await chown(file, 0, gid);
  await chmod(file, mode);
}
