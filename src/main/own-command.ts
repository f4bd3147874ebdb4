// Where this program is installed, and how somebody types its command there: what is shown can be typed as it stands.

import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'bin', 'posthaste');

/** The folder with main.cf where nobody names one: data/etc of the checkout, else /etc/posthaste. */
export function usualConfigDirectory(): string {
  const isInstalled =
    root.split(path.sep).includes('node_modules') || !fs.existsSync(path.join(root, 'scripts', 'with-node'));
  return isInstalled ? '/etc/posthaste' : path.join(root, 'data', 'etc');
}

/** With -c where the folder is not the usual one: another terminal need not have the same $POSTHASTE_CONFIG. */
export function ownCommand(configDirectory: string): string {
  const typed = ownProgram();
  return configDirectory === usualConfigDirectory() ? typed : `${typed} -c ${quoted(configDirectory)}`;
}

/** Commands that a text names, as they are typed here; `names`: those that there are. */
export function asTyped(text: string, names: readonly string[], configDirectory: string): string {
  const begin = '(?<=^|[\\s"\'`(])posthaste ';
  const named = new RegExp(`${begin}(?=(?:--json )?(?:${names.join('|')})(?![\\w-]))`, 'g');
  // Which folder or host is meant it says itself.
  const whole = new RegExp(`${begin}(?=(?:-c|--config|--host) )`, 'g');
  const own = text.replaceAll(named, () => `${ownCommand(configDirectory)} `);
  return own.replaceAll(whole, () => `${ownProgram()} `);
}

function ownProgram(): string {
  return isOnPath() ? 'posthaste' : process.cwd() === root ? 'bin/posthaste' : quoted(program);
}

/** The same for strangers, without any folder of this host. */
export function publicCommand(): string {
  return isOnPath() ? 'posthaste' : 'bin/posthaste';
}

function isOnPath(): boolean {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return folders.some((folder) => {
    try {
      return fs.realpathSync(path.join(folder, 'posthaste')) === program;
    } catch {
      return false;
    }
  });
}

function quoted(word: string): string {
  return /^[\w./@%+:,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
