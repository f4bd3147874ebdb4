// A page of what stands in domains, for somebody who may see some of them: one domain after the other, in order, until the
// page is full.

import type { Sight } from './principal.ts';
import { usualPage } from './schemas.ts';

export interface DomainPage {
  readonly domain?: string | undefined;
  /** `localpart@domain` of the last one seen. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** `read` gives up to `limit` items, of one domain or of all, after `after`. Gives one more than asked for. */
export async function listWithin<Item>(
  sight: Sight,
  { domain, after, limit = usualPage }: DomainPage,
  read: (query: { domain?: string; after?: string; limit: number }) => Promise<Item[]>,
): Promise<Item[]> {
  const wanted = limit + 1;
  const all = domain === undefined ? sight.domains : [domain];
  if (all === undefined) return await read({ ...(after === undefined ? {} : { after }), limit: wanted });
  const reached = after === undefined ? '' : after.slice(after.lastIndexOf('@') + 1);
  const items: Item[] = [];
  for (const name of all) {
    if (domain === undefined && name < reached) continue;
    const from = after !== undefined && name === reached ? { after } : {};
    items.push(...(await read({ domain: name, ...from, limit: wanted - items.length })));
    if (items.length >= wanted) break;
  }
  return items;
}
