// What has been changed, by whom. A domain administrator sees what concerns his domains: the numbers of events, which tell
// how much goes on elsewhere, are sealed in the mark of the next page.

import { Type } from 'typebox';
import type { DirectoryEvent } from '../../directory/events.ts';
import { operation } from '../operation.ts';
import { PageMarks } from '../page-marks.ts';
import type { Sight } from '../principal.ts';
import { anyText, object, optional, page, pageInput, time, usualPage } from '../schemas.ts';

const event = object({
  id: optional(Type.Integer({ description: 'Shown to administrators of the host.' })),
  revision: optional(Type.Integer({ description: 'What was changed at once has the same.' })),
  time: time('When.'),
  actor: anyText('Who.'),
  action: anyText('As mailbox.add.'),
  object: anyText('The name or address that changed.'),
  before: Type.Unknown({ description: 'What it was; null: nothing.' }),
  after: Type.Unknown({ description: 'What it is since; null: nothing.' }),
});

/** Events looked through for one page of a domain administrator's. */
const maxLooked = 20_000;

/** Of administrators, tokens and settings only the host's administrators hear. */
const ofDomains =
  /^(?:domain|alias-domain|mailbox|alias|list|list-member|app-password|sender-login|relay-recipient|catch-all)\./;

export function seesEvent(
  { action, object: name, time: happened }: Pick<DirectoryEvent, 'action' | 'object' | 'time'>,
  sight: Sight,
): boolean {
  if (sight.seesAll) return true;
  if (!ofDomains.test(action)) return false;
  const domain = name.slice(name.lastIndexOf('@') + 1);
  return sight.domain(domain) && happened >= sight.since(domain);
}

/** Without what tells of others: numbers, and who of the host it was. */
export function shownEvent({ id, revision, ...rest }: DirectoryEvent, sight: Sight): object {
  if (sight.seesAll) return { id, revision, ...rest };
  return {
    ...rest,
    actor: shownActor(rest.actor, sight),
    before: withoutNumber(rest.before, sight),
    after: withoutNumber(rest.after, sight),
  };
}

/** People of the host are not named. */
export function shownActor(actor: string, sight: Sight): string {
  if (sight.seesAll) return actor;
  const [login = ''] = actor.replace(/^api:/, '').split('#');
  return sight.address(login) || sight.isMe(login) ? actor : "the host's administrator";
}

function withoutNumber(value: unknown, sight: Sight): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { id: _, ...rest } = value as { readonly id?: unknown; readonly login?: string };
  // A mailbox that came from elsewhere, or went there.
  const { address } = rest as { readonly address?: unknown };
  if (
    typeof address === 'string' &&
    !sight.address(address) &&
    !sight.domain(address.slice(address.lastIndexOf('@') + 1))
  )
    return null;
  return rest.login !== undefined && !sight.mayName(rest.login) ? { ...rest, login: '' } : rest;
}

export const historyOperations = [
  operation({
    name: 'history.list',
    summary: 'List changes of the directory, the oldest first.',
    method: 'GET',
    path: '/history',
    input: object({ ...pageInput, object: optional(anyText('Of this name or address only.', 330)) }),
    output: page(event),
    access: {
      who: 'domain',
      domains: ({ object: name }) => (name === undefined ? [] : [name.slice(name.lastIndexOf('@') + 1)]),
    },
    kind: 'read',
    run: async ({ after, limit = usualPage, object: name }, { directory, view, sight }) => {
      const marks = new PageMarks(view.lookups);
      const start = after === undefined ? 0 : marks.read(after);
      const items: DirectoryEvent[] = [];
      let last = start;
      let hasMore = true;
      while (items.length < limit && last - start < maxLooked) {
        const query = { after: last, limit: sight.seesAll ? limit - items.length : 1000 };
        const found = await directory.events({ ...query, ...(name === undefined ? {} : { object: name }) });
        for (const one of found) {
          if (items.length >= limit) break;
          last = one.id;
          if (seesEvent(one, sight)) items.push(one);
        }
        hasMore = found.length >= query.limit;
        if (!hasMore) break;
      }
      const shown = items.map((one) => shownEvent(one, sight));
      return { items: shown, ...(hasMore || items.length >= limit ? { next: marks.write(last) } : {}) };
    },
  }),
];
