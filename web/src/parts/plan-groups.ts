// Of a plan's addresses those together that go the same way before and after, but for their own names: a domain that changes
// its class is one line, not a thousand.

import type { Output } from '../api.ts';

export type Plan = Output<'directory.plan'>;
export type AddressChange = Plan['changes'][number];
export type Outcome = AddressChange['before'];

export interface AddressGroup {
  readonly first: AddressChange;
  readonly changes: readonly AddressChange[];
}

export function groupAlike(changes: readonly AddressChange[]): AddressGroup[] {
  const groups = new Map<string, AddressChange[]>();
  for (const change of changes) {
    const { subject, before, after, withExtensions } = change;
    const address = askedAddress(change);
    const domain = address.slice(address.lastIndexOf('@') + 1);
    const key = [subject.kind, withExtensions, domain, shapeOf(before, address), shapeOf(after, address)].join('\n\n');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  return [...groups.values()].flatMap((all) => (all[0] === undefined ? [] : [{ first: all[0], changes: all }]));
}

export function askedAddress({ subject }: AddressChange): string {
  return subject.address ?? subject.probe ?? '';
}

/** With its own name as `*`, and without the number of its mailbox: each has its own. */
function shapeOf({ class: addressClass, reply, deliveries }: Outcome, address: string): string {
  const name = address.slice(0, Math.max(0, address.lastIndexOf('@')));
  const ends = deliveries.map(({ recipient, transport, nexthop, bounces }) =>
    [recipient, transport, nexthop, bounces].join(' '),
  );
  return [addressClass, reply.code, reply.status, reply.text, ...ends.toSorted()]
    .join('\n')
    .replaceAll(address, '*')
    .replaceAll(`${name}@`, '*@');
}

/** A class of addresses was asked by a name that nobody has: it is not to be seen. */
export function withoutProbe(text: string, { subject }: AddressChange): string {
  if (subject.probe === undefined) return text;
  const name = subject.probe.slice(0, subject.probe.lastIndexOf('@')).replace(/^.*(?=[+-]any-extension)/, '');
  return text.replaceAll(name, '*');
}

/** Does a plan say anything that somebody should look at before the change is made? */
export function isWorthASight({ changes, flags, sending, notes }: Plan): boolean {
  return changes.length + flags.length + notes.length > 0 || sending.some(({ lost }) => lost.length > 0);
}
