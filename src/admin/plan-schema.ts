// What a plan says, as the API describes it (proof/plan/types.ts).

import { Type } from 'typebox';
import type { OutcomeChange, Plan } from '../proof/plan/types.ts';
import { objectChange } from './operations/revisions.ts';
import { anyText, count, object, optional, time, words, yes } from './schemas.ts';

const delivery = object({
  recipient: anyText('Where the mail goes; empty where that is not yours to know.'),
  transport: anyText("The name of master.cf's service."),
  nexthop: anyText('Its next hop.'),
  mailbox: optional(
    object({ id: optional(count('Shown to administrators of the host.')), address: anyText('Its address.') }),
  ),
  bounces: optional(
    Type.Enum(['no-mailbox', 'disabled'], { description: 'It is taken and sent back: for want of a mailbox.' }),
  ),
  leaves: optional(Type.Literal(true, { description: 'It goes to another host.' })),
});
const outcome = object({
  class: anyText('Its address class.'),
  reply: object({ code: Type.Integer(), status: anyText('Enhanced status code.'), text: anyText('Its text.') }),
  deliveries: Type.Array(delivery),
});
const subject = object({
  kind: Type.Enum(['address', 'extensions', 'others', 'subdomains', 'anywhere'], {
    description:
      'One address, or a class of addresses that all go alike: its extensions, every other name of a domain, every name below a domain, domains that are not ours.',
  }),
  address: optional(anyText('Of an address.')),
  of: optional(anyText('Of extensions: of which address.')),
  domain: optional(anyText('Of others and subdomains.')),
  probe: optional(anyText('The address by which a class was asked about.')),
});
const flagKinds = [
  'leaves-host',
  'mailbox-unreachable',
  'catch-all-widened',
  'refused',
  'bounces',
  'deferred',
  'loop',
  'open-relay',
] as const;
const effects = ['elsewhere', 'refused', 'deferred', 'taken'] as const;

export const planSchema = object({
  objects: Type.Array(objectChange, { description: 'The first of what changes.' }),
  objectCount: count('Of all.'),
  changes: Type.Array(
    object({
      subject,
      before: outcome,
      after: outcome,
      withExtensions: yes('Its extensions go the same new way.'),
    }),
    { description: 'Addresses whose mail goes another way: before and after. The first `limit` of them.' },
  ),
  changeCount: count('Of all.'),
  unchanged: count('Addresses that were asked and go as before.'),
  flags: Type.Array(
    object({
      kind: Type.Enum([...flagKinds]),
      subject: anyText('Whom it concerns.'),
      text: anyText('What happens.'),
    }),
    { description: 'What of that is dangerous, the worst first. The first `limit` of them.' },
  ),
  flagCounts: Type.Record(Type.String(), count('Of all.'), { description: 'How many there are of each kind.' }),
  sending: Type.Array(
    object({
      address: anyText('As which address.'),
      gained: words('Logins that may send as it from now on.'),
      lost: words('Logins that may do so no more.'),
    }),
    { description: 'Who may send as an address that could not, or no more.' },
  ),
  members: Type.Array(
    object({
      list: anyText('The list.'),
      joined: words('Who joins.', 1_000_000),
      left: words('Who leaves.', 1_000_000),
    }),
    { description: 'Who joins or leaves lists.' },
  ),
  messages: optional(
    object({
      since: time('From when on the trace was looked at.'),
      seen: count('Messages for addresses of the domains concerned, one for each recipient.'),
      elsewhere: count('They would have gone elsewhere.'),
      refused: count('They would have been refused.'),
      deferred: count('They would have been put off.'),
      taken: count('They were refused, and would have been taken.'),
      most: Type.Array(
        object({ address: anyText('For whom.'), messages: count('How many.'), effect: Type.Enum([...effects]) }),
        { description: 'The addresses with most of them.' },
      ),
      isCut: yes('Not all of the time could be looked at.'),
    }),
  ),
  notes: words('What was not judged.'),
});

/** Counts stand for what is beyond `limit`. */
export function shownPlan(plan: Plan, limit: number, seesNumbers: boolean): object {
  const flagCounts: Record<string, number> = {};
  for (const { kind } of plan.flags) flagCounts[kind] = (flagCounts[kind] ?? 0) + 1;
  const { leaving, ...shown } = plan;
  return {
    ...shown,
    objects: plan.objects.map(({ event, ...change }) => (seesNumbers ? { event, ...change } : change)),
    changes: plan.changes.slice(0, limit).map((change) => shownChange(change, new Set(leaving), seesNumbers)),
    changeCount: plan.changes.length,
    flags: plan.flags.slice(0, limit),
    flagCounts,
    sending: plan.sending.slice(0, limit),
    members: plan.members.map(({ list, joined, left }) => {
      return { list, joined: joined.slice(0, limit), left: left.slice(0, limit) };
    }),
  };
}

function shownChange(
  { before, after, ...rest }: OutcomeChange,
  leaving: ReadonlySet<string>,
  seesNumbers: boolean,
): object {
  const mark = ({ deliveries, ...outcome }: OutcomeChange['before']): object => ({
    ...outcome,
    deliveries: deliveries.map(({ mailbox, ...one }) => ({
      ...one,
      ...(mailbox === undefined ? {} : { mailbox: seesNumbers ? mailbox : { address: mailbox.address } }),
      ...(leaving.has(one.transport) ? { leaves: true } : {}),
    })),
  });
  return { ...rest, before: mark(before), after: mark(after) };
}
