// Where virtual(8) writes mail for a recipient, and as whom: virtual_mailbox_maps below virtual_mailbox_base,
// virtual_uid_maps and virtual_gid_maps, all asked with the folded recipient in the order of mail_addr_find. What they
// say is checked as Postfix checks it; what is wrong with them is an administrator's mistake, and the mail waits for its
// end. Unlike Postfix a path with `..` is such a mistake: it would leave the base.

import { fold, toInternal } from '../address/form.ts';
import type { Asker } from '../tables/asker.ts';
import type { Maps } from '../tables/maps.ts';
import { type AddressSearch, findAddress } from './find-address.ts';
import { openMaps, type OpenOptions } from './open-maps.ts';

export type VirtualMailbox =
  | {
      readonly kind: 'mailbox';
      readonly path: string;
      readonly isMaildir: boolean;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: 'unknown' }
  /** `mistake` is for the log; whoever sent the mail need not know. */
  | { readonly kind: 'misconfigured'; readonly mistake: string };

type Search = Omit<AddressSearch, 'asker' | 'stage'>;

export class VirtualMailboxes {
  readonly #base: string;
  readonly #minimumUid: number;
  readonly #mailboxes: Maps;
  readonly #uids: Maps;
  readonly #gids: Maps;

  /** Throws SettingsError. */
  constructor(options: OpenOptions) {
    const { settings } = options;
    this.#base = settings.text('virtual_mailbox_base');
    this.#minimumUid = settings.integer('virtual_minimum_uid');
    // A path or a uid out of a stranger's address: virtual(8) "SECURITY".
    this.#mailboxes = openMaps(options, 'virtual_mailbox_maps', { allowsSubstitution: false });
    this.#uids = openMaps(options, 'virtual_uid_maps');
    this.#gids = openMaps(options, 'virtual_gid_maps');
  }

  /** `recipient` in external form. Throws TemporaryError. */
  async find(asker: Asker, search: Search, recipient: string): Promise<VirtualMailbox> {
    const key = fold(toInternal(recipient));
    // Whoever delivers nothing by virtual(8) may leave it empty.
    if (!this.#base.startsWith('/')) {
      return { kind: 'misconfigured', mistake: `virtual_mailbox_base: "${this.#base}" is no absolute path` };
    }
    const look = async (maps: Maps): Promise<string | undefined> =>
      (await findAddress({ ...search, asker, stage: 'mailbox-path' }, maps, key))?.found.value;
    const result = await look(this.#mailboxes);
    if (result === undefined) return { kind: 'unknown' };
    const path = `${this.#base}/${result}`;
    if (path.split('/').includes('..') || path.includes('\0')) {
      return { kind: 'misconfigured', mistake: `recipient ${key}: bad path ${result} in ${this.#mailboxes.name}` };
    }
    const uid = await look(this.#uids);
    if (uid === undefined) return this.#missing(key, 'virtual_uid_maps');
    const gid = await look(this.#gids);
    if (gid === undefined) return this.#missing(key, 'virtual_gid_maps');
    if (!isId(uid, this.#minimumUid)) return this.#bad(key, 'uid', uid);
    if (!isId(gid, 1)) return this.#bad(key, 'gid', gid);
    return { kind: 'mailbox', path, isMaildir: path.endsWith('/'), uid: Number(uid), gid: Number(gid) };
  }

  #missing(recipient: string, parameter: string): VirtualMailbox {
    return { kind: 'misconfigured', mistake: `recipient ${recipient}: not found in ${parameter}` };
  }

  #bad(recipient: string, what: 'uid' | 'gid', value: string): VirtualMailbox {
    return { kind: 'misconfigured', mistake: `recipient ${recipient}: bad ${what} ${value} in virtual_${what}_maps` };
  }
}

function isId(text: string, least: number): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) < 2 ** 32 - 1;
}
