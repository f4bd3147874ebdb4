// What a domain administrator may see of a plan: addresses of his domains, and of what becomes of their mail what his own
// rows say. It is taken away before anything is compared, so that no warning and no number tells of what is elsewhere.

import { describeChange } from '../directory/history.ts';
import type { Plan } from '../proof/plan/types.ts';
import type { Sight } from './principal.ts';
import { eventWithin } from './revision-sight.ts';

/** Of `explain`'s answers so much is looked at. */
export interface PlannedAnswer {
  readonly recipient: string;
  readonly deliveries: readonly PlannedEnd[];
  readonly steps: readonly { readonly key?: string; readonly result: string }[];
}

interface PlannedEnd {
  readonly recipient: string;
  readonly original: string;
  readonly transport: string;
  readonly nexthop: string;
}

export interface PlanView {
  sees(address: string): boolean;
  within<Answer extends PlannedAnswer>(answer: Answer): Answer;
}

/** Undefined for who sees all. */
export function planViewOf(sight: Sight): PlanView | undefined {
  if (sight.seesAll) return undefined;
  const sees = (text: string): boolean => (text.includes('@') ? sight.address(text) : sight.domain(text));
  return {
    sees,
    within: (answer) => {
      const own = answer.steps.filter(({ key = '' }) => sees(key));
      const named = new Set(own.flatMap(({ result }) => addressesIn(result)));
      const ends = new Map<string, PlannedEnd>();
      for (const one of answer.deliveries) {
        const isNamed = named.has(one.recipient.toLowerCase());
        const isWhole = sees(one.recipient) || (isNamed && sight.mayName(one.recipient));
        // Neither where it leads nor to how many, nor whether anything is there.
        const shown = isWhole ? one : { recipient: '', original: '', transport: '', nexthop: '' };
        ends.set(`${shown.recipient} ${shown.transport}`, shown);
      }
      return { ...answer, deliveries: [...ends.values()], steps: own };
    },
  };
}

function addressesIn(text: string): string[] {
  return (text.match(/[^\s<>",;()]+@[^\s<>",;()]+/g) ?? []).map((one) => one.toLowerCase());
}

/** What is left besides the addresses: the objects, who may send, who is in lists. */
export function planWithin(plan: Plan, sight: Sight): Plan {
  if (sight.seesAll) return plan;
  const objects = plan.objects.flatMap(({ event, action, object, before, after }) => {
    // It would be made now.
    const time = Number.MAX_SAFE_INTEGER;
    const seen = eventWithin({ id: event, action, object, before, after, revision: 0, time, actor: '' }, sight);
    return seen === undefined ? [] : [describeChange(seen)];
  });
  return {
    ...plan,
    objects,
    // Of all that were looked at: how many there are elsewhere is not his to know.
    objectCount: objects.length,
    sending: plan.sending
      .map(({ address, gained, lost }) => ({
        address,
        gained: gained.filter((login) => sight.mayName(login)),
        lost: lost.filter((login) => sight.mayName(login)),
      }))
      .filter(({ gained, lost }) => gained.length + lost.length > 0),
    members: plan.members.filter(({ list }) => sight.address(list)),
  };
}
