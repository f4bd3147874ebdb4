// mbsync (package isync) between an IMAP server and a Maildir of its own: how many messages it fetched, and its state, which
// may be made with one server and used with another.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const canRunMbsync = existsSync('/usr/bin/mbsync');

export class Mbsync {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'near'), { recursive: true });
  }

  /**
   * `account` are the lines that say how to reach the server. Gives how many messages it has fetched, and in how many
   * commands it has changed something there.
   */
  run(account: readonly string[]): { readonly fetched: number; readonly changed: number } {
    const file = join(this.#folder, 'mbsyncrc');
    writeFileSync(
      file,
      [
        // Its copy need not survive a power cut.
        'FSync no',
        '',
        'IMAPAccount far',
        ...account,
        '',
        'IMAPStore far',
        'Account far',
        '',
        'MaildirStore near',
        `Path ${this.#folder}/near/`,
        `Inbox ${this.#folder}/near/INBOX`,
        'SubFolders Verbatim',
        '',
        'Channel all',
        'Far :far:',
        'Near :near:',
        'Patterns *',
        'Create Near',
        'Sync All',
        'SyncState *',
        'CopyArrivalDate yes',
        '',
      ].join('\n'),
    );
    const { status, stdout, stderr } = spawnSync('mbsync', ['-Dn', '-c', file, '-a'], {
      encoding: 'utf8',
      env: { ...process.env, HOME: this.#folder },
      maxBuffer: 1024 ** 3,
    });
    const output = stdout + stderr;
    if (status !== 0) throw new Error(`mbsync ended with ${status}:\n${output.slice(-4000)}`);
    const said = output.split(/[\r\n]+/).filter((line) => line.includes('>>>'));
    return {
      fetched: said.filter((line) => /BODY(\.PEEK)?\[/.test(line)).length,
      changed: said.filter((line) => / (STORE|APPEND|EXPUNGE|COPY) /.test(line)).length,
    };
  }

  /** The files of its copy of a folder. */
  files(folder: string): string[] {
    const path = join(this.#folder, 'near', folder);
    return ['cur', 'new'].flatMap((part) => readdirSync(join(path, part))).toSorted();
  }
}
