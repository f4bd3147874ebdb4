// What goes with a domain that is hosted no more: transports and blind copies of its addresses, so that the next owner of
// the name does not inherit them.

import { removeBccsOfDomain } from './bccs.ts';
import type { Change } from './change.ts';
import { removeTransportsOfDomain } from './transports.ts';

export async function removePlacesOfDomain(change: Change, domain: string): Promise<void> {
  await removeTransportsOfDomain(change, domain);
  await removeBccsOfDomain(change, domain);
}
