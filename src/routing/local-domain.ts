// Which domains are this machine's own, and what follows for table keys: only there is a bare user name one.

import { fold } from '../address/form.ts';
import { literalAddress } from '../address/domain.ts';
import type { Decision } from './decision.ts';
import type { AddressSearch } from './find-address.ts';
import type { RoutingSettings } from './routing-settings.ts';

/** Is mail for this domain the local class? $mydestination, or one of our own addresses in brackets. */
export async function isLocalDomain(decision: Decision, settings: RoutingSettings, domain: string): Promise<boolean> {
  const folded = fold(domain);
  const known = decision.localDomains.get(folded);
  if (known !== undefined) return known;
  let isLocal: boolean;
  if (folded.startsWith('[')) {
    const address = literalAddress(folded);
    isLocal =
      (address !== undefined && settings.ownAddresses.has(address)) ||
      (await settings.destinations.matches(decision, 'class', folded));
  } else isLocal = await settings.destinations.matches(decision, 'class', folded);
  decision.localDomains.set(folded, isLocal);
  return isLocal;
}

/** How these tables are searched for an address. */
export function searchFor(decision: Decision, settings: RoutingSettings, stage: string): AddressSearch {
  const myorigin = fold(settings.standardForm.myorigin);
  return {
    asker: decision,
    stage,
    extensions: settings.extensions,
    isLocal: (domain) => fold(domain) === myorigin || isLocalDomain(decision, settings, domain),
  };
}
