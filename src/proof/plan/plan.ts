// What would a change of the directory do to mail? The change has been tried out (Directory.tryOut): here the directory
// without it and the one with it are asked about every address that it may concern, by the one resolver, and about the
// mail of the last days. Nothing is guessed: an address is said to change because its two outcomes differ.

import { setImmediate } from 'node:timers/promises';
import type { Trial } from '../../directory/directory.ts';
import { describeChange } from '../../directory/history.ts';
import { addressOf, findFlags, type IsLeaving, isSameOutcome, outcomeOf, type PlanSide, shapeOf } from './outcomes.ts';
import { countRealMessages, type TraceWindow } from './real-messages.ts';
import { findSubjects } from './subjects.ts';
import type { MemberChange, OutcomeChange, Plan, PlannedOutcome, RealMessages, SendingChange } from './types.ts';

export interface PlanOptions {
  readonly before: PlanSide;
  readonly after: PlanSide;
  /** recipient_delimiter. */
  readonly delimiters: string;
  /** Does a delivery leave this host? */
  readonly isLeaving: IsLeaving;
  /** Where the trace of the last days is. */
  readonly trace?: TraceWindow;
}

/** Asked without a pause: a few milliseconds, in which a server does nothing else. */
const askedAtATime = 50;

export async function makePlan(trial: Trial<unknown>, options: PlanOptions): Promise<Plan> {
  const { before, after, delimiters, isLeaving, trace } = options;
  const { sees = () => true } = before;
  const { subjects: concerned, senders, notes } = await findSubjects(trial, delimiters);
  const subjects = concerned.filter((subject) => sees(addressOf(subject)));
  const judge = async (address: string) => ({
    before: await outcomeOf(before, address),
    after: await outcomeOf(after, address),
  });
  const found: OutcomeChange[] = [];
  const outcomes = new Map<string, { readonly before: PlannedOutcome; readonly after: PlannedOutcome }>();
  for (const [index, subject] of subjects.entries()) {
    if (index % askedAtATime === 0) await setImmediate();
    const address = addressOf(subject);
    const judged = await judge(address);
    outcomes.set(address, judged);
    if (!isSameOutcome(judged.before, judged.after)) found.push({ subject, ...judged, withExtensions: false });
  }
  const changes = foldExtensions(found);
  const domains = new Set(found.map(({ subject }) => domainOf(addressOf(subject))));
  const messages =
    trace && found.length > 0
      ? await countRealMessages(trace, domains, async (address) => outcomes.get(address) ?? (await judge(address)))
      : undefined;
  return {
    objects: trial.events.map(describeChange),
    objectCount: trial.eventCount,
    changes,
    leaving: leavingTransports(changes, isLeaving),
    unchanged: subjects.length - found.length,
    flags: await findFlags(changes, before, after, isLeaving),
    sending: await sendingChanges(trial, senders.filter(sees)),
    members: memberChanges(trial),
    ...(messages === undefined ? {} : { messages: messages satisfies RealMessages }),
    notes,
  };
}

function leavingTransports(changes: readonly OutcomeChange[], isLeaving: IsLeaving): string[] {
  const all = changes.flatMap(({ before, after }) => [...before.deliveries, ...after.deliveries]);
  return [...new Set(all.filter(isLeaving).map(({ transport }) => transport))];
}

function domainOf(address: string): string {
  return address.includes('@') ? address.slice(address.lastIndexOf('@') + 1) : '';
}

/** Extensions that go as their address does are told with it. */
function foldExtensions(found: readonly OutcomeChange[]): OutcomeChange[] {
  const plain = new Map<string, number>();
  const changes: OutcomeChange[] = [];
  for (const change of found) {
    const { subject } = change;
    if (subject.kind === 'address') plain.set(subject.address, changes.length);
    const at = subject.kind === 'extensions' ? plain.get(subject.of) : undefined;
    const own = at === undefined ? undefined : changes[at];
    const goesAlike =
      own !== undefined &&
      withoutExtensions(change, 'before') === withoutExtensions(own, 'before') &&
      withoutExtensions(change, 'after') === withoutExtensions(own, 'after');
    if (goesAlike) changes[at as number] = { ...own, withExtensions: true };
    else changes.push(change);
  }
  return changes;
}

/** `anna+probe@d` and what became of it, as of `anna@d`: extensions are carried along to what an alias leads to. */
function withoutExtensions({ subject, ...outcomes }: OutcomeChange, side: 'before' | 'after'): string {
  const shape = shapeOf(outcomes[side]);
  if (subject.kind !== 'extensions') return shape;
  const own = subject.of.slice(0, subject.of.lastIndexOf('@'));
  const extension = subject.probe.slice(own.length, subject.probe.lastIndexOf('@'));
  return shape.replaceAll(extension, '');
}

const maxSenders = 5000;
const maxNames = 20;

/** Who may send as the addresses whose rows changed. */
async function sendingChanges(trial: Trial<unknown>, senders: readonly string[]): Promise<SendingChange[]> {
  const changes: SendingChange[] = [];
  for (const [index, address] of senders.slice(0, maxSenders).entries()) {
    if (index % askedAtATime === 0) await setImmediate();
    if (!address.includes('@')) continue;
    const [had, has] = [trial.before, trial.after].map(({ senderRights }) => loginsOf(senderRights.answer(address)));
    const gained = [...(has ?? [])].filter((login) => had?.has(login) !== true).slice(0, maxNames);
    const lost = [...(had ?? [])].filter((login) => has?.has(login) !== true).slice(0, maxNames);
    if (gained.length + lost.length > 0) changes.push({ address, gained, lost });
  }
  return changes;
}

function loginsOf(answer: { readonly allowed: readonly { readonly login: string }[] } | undefined): Set<string> {
  return new Set(answer?.allowed.map(({ login }) => login));
}

/** Lists whose members come or go: their address goes to the list as before. */
function memberChanges({ before, after, touched }: Trial<unknown>): MemberChange[] {
  const table = touched.get('list_person');
  if (table === undefined) return [];
  const lists = new Map<string, { joined: Set<string>; left: Set<string> }>();
  const read = (side: 'before' | 'after'): void => {
    for (const row of table[side]) {
      if (row['role'] !== 'member') continue;
      const id = Number(row['list_id']);
      const list = (side === 'before' ? before : after).lookups.lists.byId(id)?.address ?? '';
      const entry = lists.get(list) ?? { joined: new Set(), left: new Set() };
      lists.set(list, entry);
      const address = String(row['address']);
      if (side === 'before') entry.left.add(address);
      else if (!entry.left.delete(address)) entry.joined.add(address);
    }
  };
  read('before');
  read('after');
  return [...lists]
    .map(([list, { joined, left }]) => ({ list, joined: [...joined], left: [...left] }))
    .filter(({ joined, left }) => joined.length + left.length > 0);
}
