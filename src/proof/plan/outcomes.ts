// Are two outcomes of one address the same, and what is dangerous about the difference?

import type { Directory } from '../../directory/directory.ts';
import { addressesLeadingTo } from '../../directory/reverse.ts';
import type { AddressClass, Delivery, Reply } from '../../routing/types.ts';
import type { Flag, FlagKind, OutcomeChange, PlannedDelivery, PlannedOutcome, Subject } from './types.ts';

/** What `explain` says of an address, for a stranger. */
export type Ask = (address: string) => Promise<{
  readonly class: AddressClass;
  readonly reply: Reply;
  readonly deliveries: readonly Delivery[];
}>;

export interface PlanSide {
  readonly directory: Directory;
  readonly ask: Ask;
  /** Addresses that may be asked about; without, all. */
  readonly sees?: ((address: string) => boolean) | undefined;
}

export async function outcomeOf({ directory, ask }: PlanSide, address: string): Promise<PlannedOutcome> {
  const { class: addressClass, reply, deliveries } = await ask(address);
  return { class: addressClass, reply, deliveries: deliveries.map((delivery) => planned(directory, delivery)) };
}

function planned(directory: Directory, { recipient, transport, nexthop }: Delivery): PlannedDelivery {
  const delivery = { recipient, transport, nexthop };
  if (transport !== 'mailstore') return delivery;
  const found = directory.mailboxByAddress(recipient);
  if (found === undefined) return { ...delivery, bounces: 'no-mailbox' };
  const mailbox = { id: found.id, address: found.address };
  return found.enabled ? { ...delivery, mailbox } : { ...delivery, mailbox, bounces: 'disabled' };
}

export function isSameOutcome(one: PlannedOutcome, other: PlannedOutcome): boolean {
  return shapeOf(one) === shapeOf(other);
}

/** The outcome as a text in which `address` is `*`, so that the outcomes of different addresses can be compared. */
export function shapeOf({ class: addressClass, reply, deliveries }: PlannedOutcome, subject?: Subject): string {
  const words = [addressClass, reply.code, reply.status, reply.text];
  const ends = deliveries.map(({ recipient, transport, nexthop, mailbox, bounces }) =>
    [recipient, transport, nexthop, mailbox?.id ?? '', bounces ?? ''].join(' '),
  );
  const text = [...words, ...ends.sort()].join('\n');
  return subject === undefined ? text : withoutOwnName(text, subject);
}

function withoutOwnName(text: string, subject: Subject): string {
  const address = addressOf(subject);
  const at = address.lastIndexOf('@');
  const name = at < 0 ? address : address.slice(0, at);
  return text.replaceAll(address, '*').replaceAll(`${name}@`, '*@');
}

/** What was asked. */
export function addressOf(subject: Subject): string {
  return subject.kind === 'address' ? subject.address : subject.probe;
}

const isTaken = ({ reply }: PlannedOutcome): boolean => reply.code < 400;
/** virtual-alias.ts: aliases without end. */
const isLoop = ({ reply }: PlannedOutcome): boolean => reply.status === '4.6.0';

export type IsLeaving = (delivery: PlannedDelivery) => boolean;

/** How a subject is called in a sentence. */
export function nameOf(subject: Subject): string {
  switch (subject.kind) {
    case 'address':
      return subject.address;
    case 'extensions':
      return `any +extension of ${subject.of}`;
    case 'others':
      return `every other local part of ${subject.domain}`;
    case 'subdomains':
      return `every address below ${subject.domain}`;
    case 'anywhere':
      return 'every address of domains that are not ours';
  }
}

/** What an administrator should look at twice, the worst first. */
export async function findFlags(
  changes: readonly OutcomeChange[],
  before: PlanSide,
  after: PlanSide,
  isLeaving: IsLeaving,
): Promise<Flag[]> {
  const flags = changes.flatMap((change) => flagsOf(change, isLeaving));
  flags.push(...(await unreachableMailboxes(changes, before, after)));
  return flags.sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
}

const order: readonly FlagKind[] = [
  'open-relay',
  'loop',
  'leaves-host',
  'mailbox-unreachable',
  'refused',
  'bounces',
  'catch-all-widened',
  'deferred',
];

function flagsOf({ subject, before, after }: OutcomeChange, isLeaving: IsLeaving): Flag[] {
  const name = nameOf(subject);
  const flags: Flag[] = [];
  const add = (kind: FlagKind, text: string): void => void flags.push({ kind, subject: name, text });
  const probe = addressOf(subject);
  if (subject.kind === 'anywhere' && isTaken(after) && !isTaken(before)) {
    add('open-relay', 'strangers may send there through this host');
  }
  if (isLoop(after) && !isLoop(before)) add('loop', 'its aliases go round without end, so its mail is put off');
  const left = new Set(before.deliveries.filter(isLeaving).map(({ recipient }) => recipient));
  const leaving = after.deliveries.filter((one) => isLeaving(one) && !left.has(one.recipient));
  if (leaving.length > 0) {
    const where = leaving.slice(0, 3).map((one) => `${one.recipient.replace(probe, '*')} by ${one.transport}`);
    add('leaves-host', `mail starts leaving the host, to ${where.join(', ')}`);
  }
  if (isTaken(before) && after.reply.code >= 500) add('refused', 'mail starts being refused');
  if (isTaken(before) && after.reply.code < 500 && !isTaken(after) && !isLoop(after)) {
    add('deferred', 'mail starts being put off');
  }
  const bounced = new Set(before.deliveries.filter(({ bounces }) => bounces).map(({ recipient }) => recipient));
  const bouncing = after.deliveries.filter(({ recipient, bounces }) => bounces && !bounced.has(recipient));
  if (bouncing.length > 0) {
    const who = bouncing.slice(0, 3).map(({ recipient }) => recipient.replace(probe, '*'));
    add('bounces', `mail is taken and then sent back, for want of ${who.join(', ')}`);
  }
  const isMore = !isTaken(before) || after.deliveries.length > before.deliveries.length;
  if (subject.kind === 'others' && isTaken(after) && isMore) {
    add('catch-all-widened', 'mail for names that nobody has is taken');
  }
  return flags;
}

/** Mailboxes that mail went to before, that are still there, and that nothing leads to any more. */
async function unreachableMailboxes(
  changes: readonly OutcomeChange[],
  before: PlanSide,
  after: PlanSide,
): Promise<Flag[]> {
  const reached = (outcomes: readonly PlannedOutcome[]) =>
    new Set(outcomes.flatMap(({ deliveries }) => deliveries.map((one) => (one.bounces ? undefined : one.mailbox?.id))));
  // What is put off comes later.
  const isPutOff = ({ after: { reply } }: OutcomeChange): boolean => reply.code >= 400 && reply.code < 500;
  const waiting = changes.filter(isPutOff).map((change) => change.before);
  const now = reached([...changes.map((change) => change.after), ...waiting]);
  const flags: Flag[] = [];
  for (const id of reached(changes.map((change) => change.before))) {
    const mailbox = id === undefined || now.has(id) ? undefined : after.directory.mailboxById(id);
    if (mailbox === undefined || id === undefined) continue;
    if (await isReached(after, id, mailbox.address)) continue;
    const was = before.directory.mailboxById(id)?.address ?? mailbox.address;
    const why = mailbox.enabled ? 'nothing leads to it any more' : 'it is switched off, or its domain is';
    flags.push({ kind: 'mailbox-unreachable', subject: was, text: `the mailbox becomes unreachable: ${why}` });
  }
  return flags;
}

/** Looked at before it is said that a mailbox gets no mail. */
const maxLeading = 200;

async function isReached(side: PlanSide, id: number, address: string): Promise<boolean> {
  const isReachedBy = async (one: string): Promise<boolean> => {
    const { deliveries } = await outcomeOf(side, one);
    return deliveries.some(({ mailbox, bounces }) => mailbox?.id === id && !bounces);
  };
  // Nearly always by its own name: that saves looking for others.
  if (await isReachedBy(address)) return true;
  const { found } = await addressesLeadingTo(side.directory.reverse, [address], maxLeading);
  for (const pointer of found) {
    if (pointer.address.startsWith('@') || side.sees?.(pointer.address) === false) continue;
    if (await isReachedBy(pointer.address)) return true;
  }
  return false;
}
