// An account's mail in a Maildir, as Dovecot and Courier keep it: uids and UIDVALIDITY from dovecot-uidlist (or
// courierimapuiddb), keywords from dovecot-keywords, the internal date from the file's time as Dovecot does. Only reads: no
// file is moved from new to cur, none is opened for writing. The Maildir may be in use: a file that is renamed between
// the look at the folder and the reading is found again, one that is deleted is left out.

import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  findMaildirFolders,
  fromTyped,
  type MaildirFolder,
  type MaildirLayout,
  octets,
} from '../../maildir/folder-tree.ts';
import { parseKeywords, parseMaildirQuota, parseSubscriptions } from '../../maildir/folder-lists.ts';
import { decodeMailboxName } from '../../imap/modified-utf7.ts';
import { MaildirReader } from './maildir-reader.ts';
import type { MailSource, NotTaken, OpenFolder, SourceFolder } from './types.ts';
import { parseUidList, type UidList } from '../../maildir/uid-list.ts';

export interface MaildirOptions {
  /** Of the INBOX; with Maildir++ the other folders stand in it. */
  readonly path: string;
  readonly layout?: MaildirLayout | undefined;
  /** Where Dovecot keeps uid lists, keywords and subscriptions, where mail_location has CONTROL=. */
  readonly control?: string | undefined;
}

export class MaildirSource implements MailSource {
  readonly name: string;
  readonly notTaken: NotTaken[] = [];
  readonly #root: string;
  readonly #control: string;
  readonly #layout: MaildirLayout | undefined;
  #separator = '.';

  constructor({ path: root, layout, control }: MaildirOptions) {
    this.name = `Maildir ${root}`;
    this.#root = fromTyped(path.resolve(root));
    this.#control = control === undefined ? this.#root : fromTyped(path.resolve(control));
    this.#layout = layout;
  }

  async folders(): Promise<readonly SourceFolder[]> {
    const tree = findMaildirFolders(this.#root, this.#layout);
    this.#separator = tree.layout === 'fs' ? '/' : '.';
    for (const { path: where, reason } of tree.refused) {
      this.notTaken.push({ what: shown(where), why: reason, isMail: true });
    }
    await this.#noteOthers();
    return tree.folders.map((folder) => ({ levels: folder.levels, open: () => this.#open(folder) }));
  }

  async #open(folder: MaildirFolder): Promise<OpenFolder> {
    const control = path.join(this.#control, folder.relative);
    const uids = await this.#readUids(control, folder);
    const keywords = parseKeywords((await readIfThere(path.join(control, 'dovecot-keywords'))) ?? '');
    return new MaildirReader(folder.path, uids, keywords, this.notTaken);
  }

  async #readUids(control: string, folder: MaildirFolder): Promise<UidList | undefined> {
    for (const name of ['dovecot-uidlist', 'courierimapuiddb']) {
      const text = await readIfThere(path.join(control, name));
      if (text === undefined) continue;
      const list = parseUidList(text);
      if (list !== undefined) return list;
      this.notTaken.push({
        what: shown(path.join(control, name)),
        why: 'it is no uid list that we know: messages get new uids, and clients fetch them again',
        isMail: false,
      });
    }
    if (folder.relative === '' && this.#control !== this.#root) {
      this.notTaken.push({ what: shown(control), why: 'no dovecot-uidlist stands there', isMail: false });
    }
    return undefined;
  }

  async subscriptions(): Promise<readonly (readonly string[])[] | undefined> {
    const own = await readIfThere(path.join(this.#control, 'subscriptions'));
    if (own !== undefined) return decoded(parseSubscriptions(own, this.#separator));
    // Courier writes names as its clients see them, below INBOX.
    const couriers = await readIfThere(path.join(this.#control, 'courierimapsubscribed'));
    if (couriers === undefined) return undefined;
    return decoded(
      parseSubscriptions(couriers, '.').map((levels) =>
        levels.length > 1 && levels[0] === 'INBOX' ? levels.slice(1) : levels,
      ),
    );
  }

  /** What stands beside the mail and has no place here. */
  async #noteOthers(): Promise<void> {
    const note = (what: string, why: string): void => {
      this.notTaken.push({ what: shown(what), why, isMail: false });
    };
    for (const script of this.#sieveScripts()) {
      note(script, 'this server does not run Sieve scripts; keep the file, and see posthaste mailbox set --vacation');
    }
    const quota = parseMaildirQuota((await readIfThere(path.join(this.#root, 'maildirsize'))) ?? '');
    if (quota.bytes > 0) {
      note(
        `quota of ${quota.bytes} octets (maildirsize)`,
        `set it with: posthaste mailbox set ADDRESS --quota ${quota.bytes}`,
      );
    }
    if (quota.messages > 0)
      note(`quota of ${quota.messages} messages (maildirsize)`, 'mailboxes are limited by size alone');
    const acl = path.join(this.#root, 'dovecot-acl');
    if (fs.existsSync(octets(acl))) note(acl, 'folders are not shared between mailboxes');
  }

  #sieveScripts(): string[] {
    const places = [this.#root, path.dirname(this.#root)];
    const folders = places.flatMap((place) => {
      const folder = path.join(place, 'sieve');
      return namesIn(folder).flatMap((name) => (name.endsWith('.sieve') ? [path.join(folder, name)] : []));
    });
    const single = places.map((place) => path.join(place, '.dovecot.sieve'));
    return [...folders, ...single.filter((file) => fs.existsSync(octets(file)))];
  }

  async close(): Promise<void> {}
}

function decoded(names: readonly (readonly string[])[]): string[][] {
  return names.map((levels) => levels.map(decodeMailboxName));
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(octets(folder), { encoding: 'latin1' });
  } catch {
    return [];
  }
}

/** Large ones hold the names of a million messages. */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;
    return await readFile(octets(file), { encoding: 'latin1', flag: (O_RDONLY | O_NOFOLLOW | O_NONBLOCK) as never });
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** A path for people. */
function shown(where: string): string {
  return octets(where).toString('utf8');
}
