// From root to posthaste_user, once the ports are bound. The data folder and what is in it must be the user's.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ProgramLog } from '../lib/log.ts';
import type { LogWriter } from '../lib/log-writer.ts';
import { SettingsError } from '../settings/settings-error.ts';

/** Throws (in words) where the user does not exist. Without a user, or without root, nothing changes. */
export function dropPrivileges(
  user: string,
  dataDirectory: string,
  log: ProgramLog,
  logFile: Pick<LogWriter, 'giveTo'>,
): void {
  if (process.getuid?.() !== 0) return;
  if (user === '') {
    log.warning('running as root: set posthaste_user to a user of its own');
    return;
  }
  const gid = primaryGroup(user);
  // Its type is missing from @types/node.
  (process as { initgroups?: (user: string, group: number) => void }).initgroups?.(user, gid);
  process.setgid?.(gid);
  process.seteuid?.(user);
  const uid = process.geteuid?.() ?? 0;
  process.seteuid?.(0);
  giveTo(dataDirectory, uid, gid);
  logFile.giveTo(uid, gid);
  process.setuid?.(user);
}

/** By the system's name services. Throws where there is no such user. */
function primaryGroup(user: string): number {
  try {
    return Number(execFileSync('id', ['-g', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    throw new SettingsError(`posthaste_user: there is no user ${user}: add it with useradd --system, or name another`);
  }
}

/** The databases and folders that root opened; message files below content/ are the user's already. */
function giveTo(dataDirectory: string, uid: number, gid: number): void {
  fs.chownSync(dataDirectory, uid, gid);
  for (const name of fs.readdirSync(dataDirectory)) {
    const entry = path.join(dataDirectory, name);
    fs.lchownSync(entry, uid, gid);
    if (name === 'tls' || name === 'content' || name === 'trace') {
      for (const inner of fs.readdirSync(entry)) fs.lchownSync(path.join(entry, inner), uid, gid);
    }
  }
}
