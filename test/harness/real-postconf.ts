// The real postconf(1) of a Debian system, to compare ours with. Tests that need it are skipped where it is missing.

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const programs = ['/usr/sbin/postconf', '/usr/local/sbin/postconf'];

/** Undefined when there is none, or one of another release series than 3.7, whose defaults differ. */
export const realPostconf: string | undefined = programs.find((program) => {
  try {
    return execFileSync(program, ['-dh', 'mail_version'], { encoding: 'utf8', stdio: 'pipe' }).startsWith('3.7.');
  } catch {
    return false;
  }
});

export interface PostconfOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with these files, gone after `use`. */
export async function withConfiguration<Result>(
  files: Readonly<Record<string, string>>,
  use: (directory: string) => Result | Promise<Result>,
): Promise<Result> {
  const parent = mkdtempSync(join(tmpdir(), 'posthaste-settings-'));
  const directory = join(parent, 'etc');
  mkdirSync(directory);
  try {
    for (const [name, text] of Object.entries({ 'main.cf': '', 'master.cf': '', ...files })) {
      writeFileSync(join(directory, name), text);
    }
    return await use(directory);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

export function runRealPostconf(directory: string, args: readonly string[]): PostconfOutput {
  ageFiles(directory);
  const { stdout, stderr } = spawnSync(program(), ['-c', directory, ...args], {
    encoding: 'utf8',
    env,
    argv0: 'postconf',
  });
  return { stdout, stderr };
}

/** The same without waiting in line: it sleeps a second before it ends with a fatal error. */
export function startRealPostconf(directory: string, args: readonly string[]): Promise<PostconfOutput> {
  ageFiles(directory);
  return new Promise((resolve) => {
    execFile(program(), ['-c', directory, ...args], { encoding: 'utf8', env }, (_error, stdout, stderr) => {
      resolve({ stdout, stderr });
    });
  });
}

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

function program(): string {
  if (realPostconf === undefined) throw new Error('postconf is not installed');
  return realPostconf;
}

/** Postfix waits for seconds while a file is so new that its writer may not have ended. */
function ageFiles(directory: string): void {
  const longAgo = new Date(2020, 0, 1);
  for (const name of ['main.cf', 'master.cf']) utimesSync(join(directory, name), longAgo, longAgo);
}
