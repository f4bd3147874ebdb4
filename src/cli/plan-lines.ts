// A plan for people: the objects, what is dangerous, which addresses go where now and then, and the mail of the last days.

import { plural } from '../lib/plural.ts';
import { addressOf, nameOf, shapeOf } from '../proof/plan/outcomes.ts';
import type { MessageEffect, OutcomeChange, Plan, PlannedOutcome, RealMessages } from '../proof/plan/types.ts';
import { formatTime } from './output.ts';
import { formatChange } from './revision-lines.ts';

const maxObjects = 20;
const maxFlags = 30;
const maxGroups = 40;
/** Of addresses that all go alike, so many are named. */
const maxNamed = 3;

export function formatPlan(plan: Plan): string[] {
  const lines = [...formatObjects(plan), ...formatFlags(plan), ...formatOutcomes(plan)];
  for (const { list, joined, left } of plan.members) {
    const parts = [...joined.map((one) => `+ ${one}`), ...left.map((one) => `- ${one}`)];
    lines.push(`members of ${list}: ${shorten(parts, 10)}`);
  }
  for (const { address, gained, lost } of plan.sending.slice(0, maxGroups)) {
    const parts = [...gained.map((one) => `+ ${one}`), ...lost.map((one) => `- ${one}`)];
    lines.push(`may send as ${address}: ${shorten(parts, 10)}`);
  }
  if (plan.messages !== undefined) lines.push(...formatMessages(plan.messages));
  for (const note of plan.notes) lines.push(`note: ${note}`);
  return lines;
}

function formatObjects({ objects, objectCount }: Plan): string[] {
  if (objectCount === 0) return ['nothing would change'];
  const lines = [`${plural(objectCount, 'change')}:`];
  for (const object of objects.slice(0, maxObjects)) lines.push(...formatChange(object).map((line) => `  ${line}`));
  if (objectCount > maxObjects) lines.push(`  … and ${objectCount - maxObjects} more`);
  return lines;
}

const flagWords = {
  'open-relay': 'OPEN RELAY',
  loop: 'LOOP',
  'leaves-host': 'LEAVES THE HOST',
  'mailbox-unreachable': 'UNREACHABLE',
  refused: 'REFUSED',
  bounces: 'BOUNCES',
  'catch-all-widened': 'CATCH-ALL',
  deferred: 'PUT OFF',
} as const;

/** Those that say the same of several are told at once. */
function formatFlags({ flags }: Plan): string[] {
  const alike = new Map<string, string[]>();
  for (const { kind, subject, text } of flags) {
    const key = `${flagWords[kind]}\n${text}`;
    alike.set(key, [...(alike.get(key) ?? []), subject]);
  }
  const lines = [...alike].map(([key, subjects]) => {
    const [word, text] = key.split('\n');
    return `! ${word}: ${shorten(subjects, maxNamed)}: ${text}`;
  });
  return lines.length <= maxFlags
    ? lines
    : [...lines.slice(0, maxFlags), `! and ${lines.length - maxFlags} more warnings`];
}

function formatOutcomes({ changes, unchanged }: Plan): string[] {
  if (changes.length === 0) return [`no address goes another way (${plural(unchanged, 'address', 'addresses')} asked)`];
  const groups = groupAlike(changes);
  const lines = [`${plural(changes.length, 'outcome')} would change, ${unchanged} asked stay as they are:`];
  for (const group of groups.slice(0, maxGroups)) lines.push(...formatGroup(group).map((line) => `  ${line}`));
  if (groups.length > maxGroups) lines.push(`  … and ${groups.length - maxGroups} more; --json shows all`);
  return lines;
}

/** Addresses of one domain with the same outcomes but for their own name. */
function groupAlike(changes: readonly OutcomeChange[]): OutcomeChange[][] {
  const groups = new Map<string, OutcomeChange[]>();
  for (const change of changes) {
    const { subject, before, after, withExtensions } = change;
    const address = addressOf(subject);
    const domain = address.slice(address.lastIndexOf('@') + 1);
    const key = [subject.kind, withExtensions, domain, ownShape(before, change), ownShape(after, change)].join('\n\n');
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()];
}

/** Without the ids of mailboxes: each has its own. */
function ownShape(outcome: PlannedOutcome, { subject }: OutcomeChange): string {
  const deliveries = outcome.deliveries.map(({ recipient, transport, nexthop, bounces }) => {
    return { recipient, transport, nexthop, ...(bounces && { bounces }) };
  });
  return shapeOf({ ...outcome, deliveries }, subject);
}

function formatGroup(group: readonly OutcomeChange[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const names = group.map(({ subject }) => nameOf(subject));
  const more = first.withExtensions ? ` and any +extension` : '';
  return [
    `${shorten(names, maxNamed)}${more}`,
    ...formatOutcome(first, 'before').map((line, index) => `  ${index === 0 ? 'now: ' : '     '} ${line}`),
    ...formatOutcome(first, 'after').map((line, index) => `  ${index === 0 ? 'then:' : '     '} ${line}`),
  ];
}

function formatOutcome(change: OutcomeChange, side: 'before' | 'after'): string[] {
  const { class: addressClass, reply, deliveries } = change[side];
  const probe = change.subject.kind === 'address' ? undefined : change.subject.probe;
  const shown = (text: string): string => (probe === undefined ? text : text.replaceAll(ownName(probe), '*'));
  if (deliveries.length === 0) return [shown(`${reply.code} ${reply.status} ${reply.text} (class ${addressClass})`)];
  const ends = deliveries.map(({ recipient, transport, nexthop, mailbox, bounces }) => {
    const where = mailbox === undefined ? `${transport}:${nexthop}` : `mailbox ${mailbox.id} by ${transport}`;
    const fate = bounces === undefined ? '' : bounces === 'disabled' ? ' (switched off)' : ' (no such mailbox)';
    return shown(`${recipient} → ${where}${fate}`);
  });
  const head = `${reply.code} ${reply.status} (class ${addressClass})`;
  const lines = ends.length === 1 ? [`${head} ${ends[0]}`] : [head, ...ends.slice(0, 10).map((end) => `  ${end}`)];
  if (ends.length > 10) lines.push(`  … and ${ends.length - 10} more`);
  return lines;
}

/** What a class of addresses is asked by is not to be seen. */
function ownName(probe: string): string {
  return probe.slice(0, probe.lastIndexOf('@')).replace(/^.*(?=[+-]any-extension)/, '');
}

const effects: Readonly<Record<MessageEffect, string>> = {
  elsewhere: 'elsewhere',
  refused: 'refused',
  deferred: 'put off',
  taken: 'refused so far',
};

function formatMessages(messages: RealMessages): string[] {
  const { since, seen, elsewhere, refused, deferred, taken, most, isCut } = messages;
  const parts = [
    `${elsewhere} would have gone elsewhere`,
    `${refused} would have been refused`,
    ...(deferred > 0 ? [`${deferred} would have been put off`] : []),
    ...(taken > 0 ? [`${taken} that were refused would have been taken`] : []),
  ];
  const head = `of ${plural(seen, 'message')} since ${formatTime(since)} for these domains ${parts.join(', ')}`;
  const lines = [isCut ? `${head} (there is more trace than could be looked at)` : head];
  for (const one of most) lines.push(`  ${one.address}: ${one.messages} ${effects[one.effect]}`);
  return lines;
}

function shorten(words: readonly string[], most: number): string {
  if (words.length <= most) return words.join(', ');
  return `${words.slice(0, most).join(', ')} and ${words.length - most} more`;
}
