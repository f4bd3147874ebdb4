// The maildrop folder of a server that has become its own user: every user of the machine may hand in mail there (the
// sendmail command), nobody else may list it or touch what is in it. Postfix has a set-gid program for that; here the folder
// itself is enough: search and write for everybody, sticky, and files take the folder's group, the server's, so that
// they need not be readable for others.
//
// It lies in the data folder, which is therefore opened for passing through, and for nothing else: what lies in it is
// closed first, whatever modes it had.

import fs from 'node:fs';
import path from 'node:path';
import type { ProgramLog } from '../lib/log.ts';
import { maildropFolder } from '../queue/maildrop.ts';

/** rwx-wx-wx, set-gid, sticky. */
const maildropMode = 0o3733;
/** A checkout's configuration lies there, and says itself who may read it. */
const left = new Set([maildropFolder, 'etc']);

/** Where it cannot be done, the log says so, and only the server's own user (and root) can hand in mail. */
export function openMaildrop(dataDirectory: string, log: ProgramLog): void {
  const folder = path.join(dataDirectory, maildropFolder);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(dataDirectory))
      if (!left.has(name)) closeToOthers(path.join(dataDirectory, name));
    setMode(folder, maildropMode);
    setMode(dataDirectory, ((modeOf(dataDirectory) ?? 0o700) & 0o770) | 0o001);
  } catch (error) {
    log.warning(`${folder} is not open to the users of this machine: ${(error as Error).message}`);
  }
}

/**
 * Users who may not read the configuration find the folder by a link beside it. To be called while the server may
 * still write there.
 */
export function linkMaildrop(configDirectory: string, dataDirectory: string, log: ProgramLog): void {
  const files = ['main.cf', 'posthaste.cf'].map((name) => path.join(configDirectory, name));
  if (files.every((file) => ((modeOf(file) ?? 0o004) & 0o004) !== 0)) return;
  const link = path.join(configDirectory, maildropFolder);
  const folder = path.join(dataDirectory, maildropFolder);
  try {
    if (fs.readlinkSync(link) === folder) return;
  } catch {
    // There is none yet.
  }
  try {
    fs.rmSync(link, { force: true });
    fs.symlinkSync(folder, link);
  } catch (error) {
    log.warning(`users who may not read main.cf cannot send mail: ${(error as Error).message}`);
  }
}

function closeToOthers(entry: string): void {
  const mode = modeOf(entry);
  if (mode !== undefined && (mode & 0o007) !== 0) fs.chmodSync(entry, mode & 0o770);
}

function setMode(entry: string, mode: number): void {
  if (modeOf(entry) !== mode) fs.chmodSync(entry, mode);
}

/** Undefined for what is gone, or a link that leads nowhere. */
function modeOf(entry: string): number | undefined {
  const stat = fs.statSync(entry, { throwIfNoEntry: false });
  return stat && stat.mode & 0o7777;
}
