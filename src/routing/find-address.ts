// The order in which a table is asked for an address (Postfix's mail_addr_find): `user+ext@dom`, `user@dom`,
// then for local domains `user+ext` and `user`, then `@dom`. Keys are in external form; most maps are asked in
// the older internal form too where that differs. Pattern tables see only the first key.

import { domainOf, localpartOf, quoteLocalpart, toExternal } from '../address/form.ts';
import { type ExtensionRules, splitExtension } from '../address/extension.ts';
import type { Asker } from '../tables/asker.ts';
import type { KeyKind, Maps } from '../tables/maps.ts';
import type { Found } from '../tables/table.ts';

export interface AddressSearch {
  readonly asker: Asker;
  /** The trace's word for what is being decided. */
  readonly stage: string;
  readonly extensions: ExtensionRules;
  /** Is this domain's bare user name a key? $myorigin and local domains. */
  isLocal(domain: string): Promise<boolean> | boolean;
  /** Virtual alias expansion asks in external form only. */
  readonly externalOnly?: boolean;
}

export interface AddressMatch {
  readonly found: Found;
  /** The extension, with its delimiter, that had to be removed for the match; else ''. */
  readonly unmatchedExtension: string;
}

/** `address` in internal form. Undefined is "not found"; throws TemporaryError. */
export async function findAddress(
  search: AddressSearch,
  maps: Maps,
  address: string,
): Promise<AddressMatch | undefined> {
  if (maps.isEmpty) return undefined;
  const whole = await findForms(search, maps, address, 'full');
  if (whole !== undefined) return { found: whole, unmatchedExtension: '' };

  const split = splitExtension(address, search.extensions);
  if (split !== undefined) {
    const bare = await findForms(search, maps, split.bare, 'partial');
    if (bare !== undefined) return { found: bare, unmatchedExtension: split.extension };
  }
  const domain = domainOf(address);
  if (domain === '') return undefined;
  if (await search.isLocal(domain)) {
    const user = await findLocalpart(search, maps, localpartOf(address));
    if (user !== undefined) return { found: user, unmatchedExtension: '' };
    const bareUser = split && (await findLocalpart(search, maps, localpartOf(split.bare)));
    if (split && bareUser) return { found: bareUser, unmatchedExtension: split.extension };
  }
  const catchAll = await maps.find(search.asker, search.stage, `@${domain}`, 'partial');
  return catchAll && { found: catchAll, unmatchedExtension: '' };
}

async function findForms(
  search: AddressSearch,
  maps: Maps,
  address: string,
  kind: KeyKind,
): Promise<Found | undefined> {
  const external = toExternal(address);
  const found = await maps.find(search.asker, search.stage, external, kind);
  if (found !== undefined || search.externalOnly === true || external === address) return found;
  return await maps.find(search.asker, search.stage, address, kind);
}

async function findLocalpart(search: AddressSearch, maps: Maps, localpart: string): Promise<Found | undefined> {
  const external = quoteLocalpart(localpart);
  const found = await maps.find(search.asker, search.stage, external, 'partial');
  if (found !== undefined || search.externalOnly === true || external === localpart) return found;
  return await maps.find(search.asker, search.stage, localpart, 'partial');
}
