// What somebody may see of revisions, and which of them he may undo. A domain administrator sees the changes in his domains;
// he may undo a revision whose every change he could have made himself: nothing of another domain's, nothing that is the
// host's to decide, and nothing from before the domain was given its present place here.

import type { Directory } from '../directory/directory.ts';
import type { DirectoryEvent } from '../directory/events.ts';
import { RevertRefusedError } from '../directory/revert.ts';
import { type Reverted } from '../directory/revert.ts';
import { seesEvent, shownEvent } from './operations/history.ts';
import type { Sight } from './principal.ts';
import { fail, failMissing } from './problem.ts';

/** As he may see it; undefined where there is nothing of it for him. */
export function eventWithin(event: DirectoryEvent, sight: Sight): DirectoryEvent | undefined {
  if (sight.seesAll) return event;
  if (!seesEvent(event, sight)) return undefined;
  return { ...(shownEvent(event, sight) as DirectoryEvent), id: 0, revision: event.revision };
}

/** Looked at before somebody may undo it; a larger one is the host's to undo. */
const maxEvents = 2000;

/** Areas in which a domain administrator makes changes himself. */
const ownAreas = new Set([
  'mailbox',
  'alias',
  'list',
  'list-member',
  'app-password',
  'sender-login',
  'relay-recipient',
  'catch-all',
]);

export type Permission = 'permitted' | 'refused' | 'missing';

export async function mayRevert(directory: Directory, revision: number, sight: Sight): Promise<Permission> {
  const query = { revision, limit: sight.seesAll ? 1 : 1001 };
  const events: DirectoryEvent[] = [];
  for (;;) {
    const page = await directory.events({ ...query, after: events.at(-1)?.id ?? 0 });
    events.push(...page);
    if (events.length > maxEvents || page.length < query.limit || sight.seesAll) break;
  }
  if (events.length === 0) return 'missing';
  if (sight.seesAll) return 'permitted';
  if (!events.some((event) => seesEvent(event, sight))) return 'missing';
  if (events.length > maxEvents) return 'refused';
  const begun = new Map<string, number>();
  for (const event of events) {
    if (event.action === 'revision.revert') continue;
    if (!isOwn(event, sight)) return 'refused';
    const { name } = hostedDomain(directory, event.object);
    if (!begun.has(name)) begun.set(name, (await directory.domains.show(name))?.created ?? Number.POSITIVE_INFINITY);
    // What another owner of the name has left behind is not his.
    if (event.time < (begun.get(name) ?? 0)) return 'refused';
  }
  return 'permitted';
}

function hostedDomain({ lookups }: Directory, object: string): { readonly name: string } {
  const domain = object.slice(object.lastIndexOf('@') + 1).toLowerCase();
  const hosted = lookups.domain(domain);
  return hosted?.target ?? { name: hosted?.name ?? domain };
}

/** Could he have made this change, and can he make the opposite one? */
function isOwn(event: DirectoryEvent, sight: Sight): boolean {
  const [area = ''] = event.action.split('.');
  if (!ownAreas.has(area) || !seesEvent(event, sight)) return false;
  return [event.before, event.after].every((side) => {
    if (typeof side !== 'object' || side === null) return true;
    const { address, login } = side as { readonly address?: unknown; readonly login?: unknown };
    // Where a mailbox came from or went to, and whom a right is given to.
    const isOwnPlace = area !== 'mailbox' || typeof address !== 'string' || sight.address(address);
    return isOwnPlace && (area !== 'sender-login' || (typeof login === 'string' && sight.address(login)));
  });
}

/** Throws ProblemError. */
export async function checkMayRevert(directory: Directory, revision: number, sight: Sight): Promise<void> {
  const permission = await mayRevert(directory, revision, sight);
  if (permission === 'missing') failMissing();
  if (permission === 'permitted') return;
  fail(
    403,
    'not-allowed',
    'only an administrator of the host may undo this: it holds changes that are not yours to make',
  );
}

/** The reasons name later changes and who made them, which may not be his to know. */
export async function revertWithin(sight: Sight, revert: () => Promise<Reverted>): Promise<Reverted> {
  try {
    return await revert();
  } catch (error) {
    if (sight.seesAll || !(error instanceof RevertRefusedError)) throw error;
    const reasons = error.obstacles.slice(0, 5).map(({ reason }) => reason);
    fail(422, 'refused', `this cannot be undone: ${reasons.join('; ')}`);
  }
}
