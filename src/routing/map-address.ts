// What an address table makes of an address (Postfix's mail_addr_map): the addresses on the right side, in standard form,
// with the extension that had to be removed to find them. Virtual aliases and canonical maps share it.

import { parseAddressList } from '../address/address-list.ts';
import { addExtension } from '../address/extension.ts';
import { localpartOf, toExternal } from '../address/form.ts';
import { type StandardFormRules, standardForm } from '../address/standard-form.ts';
import type { Maps } from '../tables/maps.ts';
import { type AddressSearch, findAddress } from './find-address.ts';

export interface MappingRules {
  readonly maps: Maps;
  readonly standardForm: StandardFormRules;
  /** The step is in propagate_unmatched_extensions. */
  readonly propagates: boolean;
}

/** Internal forms in and out; undefined where the table knows nothing. Throws TemporaryError. */
export async function mapAddress(
  search: AddressSearch,
  rules: MappingRules,
  address: string,
): Promise<string[] | undefined> {
  const match = await findAddress(search, rules.maps, address);
  if (match === undefined) return undefined;
  const { value } = match.found;
  const extension = rules.propagates ? match.unmatchedExtension : '';
  return readValue(value, address, match.unmatchedExtension).map((one) => {
    const result = standardForm(one, rules.standardForm);
    return extension === '' ? result : addExtension(result, extension);
  });
}

/**
 * `@other` keeps the localpart, without the extension that did not match: that is propagated like any other. Only the
 * first character of the whole value says so; the localpart is put before the whole, whose last `@` then ends a
 * localpart that is quoted where it must be, and that is read as a list (mail_addr_map(3)).
 */
function readValue(value: string, address: string, unmatchedExtension: string): string[] {
  if (!value.startsWith('@')) return parseAddressList(value);
  const localpart = localpartOf(address);
  return parseAddressList(toExternal(localpart.slice(0, localpart.length - unmatchedExtension.length) + value));
}
