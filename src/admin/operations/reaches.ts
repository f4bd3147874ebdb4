// Which addresses reach a mailbox: for its owner, and for who administers its domain. Its owner is told those of the domain and
// its alias domains; that somebody else forwards mail to it, or that another domain's alias names it, is theirs to tell.

import { Type } from 'typebox';
import type { DirectoryLookups } from '../../directory/lookups.ts';
import { foldDomain } from '../../directory/mail-address.ts';
import type { Pointer } from '../../directory/reverse.ts';
import { operation } from '../operation.ts';
import type { Principal, Sight } from '../principal.ts';
import { reachingAddresses } from '../reaching.ts';
import { address, anyText, object, optional, yes } from '../schemas.ts';

const usualLimit = 100;

/** A domain, or the one that it is an alias of. */
function placeOf(lookups: DirectoryLookups, name: string): number | undefined {
  const hosted = lookups.domain(foldDomain(name.slice(name.lastIndexOf('@') + 1)));
  return hosted?.target?.id ?? hosted?.id;
}

/** To an owner nothing by what is somebody else's: not that it forwards, and not what leads here by that. */
function whatIsTold({ role, login }: Principal, sight: Sight, lookups: DirectoryLookups) {
  if (role !== 'user') return { tells: ({ address: one }: Pointer) => sight.address(one) };
  const own = placeOf(lookups, login);
  const follows = ({ address: one, by }: Pointer): boolean =>
    by !== 'forward' && own !== undefined && placeOf(lookups, one) === own;
  return { follows };
}

export const reachesOperations = [
  operation({
    name: 'reaches.show',
    summary: "Show which addresses' mail arrives in a mailbox.",
    method: 'GET',
    path: '/mailboxes/{address}/reaches',
    input: object({
      address: address(),
      limit: optional(Type.Integer({ description: '100 without.', minimum: 1, maximum: 500 })),
    }),
    output: object({
      items: Type.Array(
        object({
          address: anyText('*@domain: every other address of it.'),
          by: Type.Enum(['own', 'alias', 'catch-all', 'alias-domain', 'forward', 'list', 'list-owner']),
          arrives: yes('No: it points there, but its mail goes elsewhere or is refused.'),
        }),
      ),
      isCut: yes('There are more.'),
    }),
    access: { who: 'user', mailbox: ({ address: own }) => own },
    kind: 'read',
    run: async ({ address: given, limit = usualLimit }, { view, directory, principal, sight, server }) => {
      const own = (await view.mailboxes.need(given)).address.toLowerCase();
      const { lookups } = directory;
      const wanted = lookups.mailboxByAddress(own)?.address ?? own;
      const question = { address: wanted, from: 0, limit, ...whatIsTold(principal, sight, lookups) };
      const { rows, isCut } = await reachingAddresses(directory, question, (asked) =>
        server.explain({ address: asked }),
      );
      return { items: rows, isCut };
    },
  }),
];
