// posthaste explain --why-not ADDRESS --reaches MAILBOX: what stands between an address and a mailbox. It reads the
// derivation that explain shows: which rows decided, and which keys were asked before them and had no row. Those
// are the places where a row would change the answer.

import type { TraceStep } from '../routing/types.ts';
import type { Explanation } from './explanation-tree.ts';

export interface WhyNot {
  readonly recipient: string;
  readonly mailbox: string;
  /** Mail for the address is delivered there, as far as routing says. */
  readonly reaches: boolean;
  readonly reply: Explanation['reply'];
  readonly deliveries: Explanation['deliveries'];
  /** The rows and lists that decided, in order. */
  readonly decidedBy: readonly TraceStep[];
  /** Keys without a row that are asked before the deciding ones: a row there would win. */
  readonly open: readonly { readonly table: string; readonly key: string }[];
}

/** Stages whose rows say where mail goes; the others say whether. */
const directing = new Set(['virtual-alias', 'canonical', 'local-alias', 'transport', 'relocated']);

export function whyNot(mailbox: string, explanation: Explanation): WhyNot {
  const { recipient, reply, deliveries, steps } = explanation;
  const wanted = mailbox.toLowerCase();
  const reaches = reply.code < 300 && deliveries.some((delivery) => isMailbox(delivery.recipient, wanted));
  const decidedBy = steps.filter((step) => isDecision(step));
  const first = steps.findIndex((step) => isDecision(step) && directing.has(step.stage));
  const before = first === -1 ? steps : steps.slice(0, first);
  const open = before
    .filter(({ stage, result }) => stage === 'virtual-alias' && result === 'not found')
    .map(({ table = '', key = '' }) => ({ table, key }));
  return { recipient, mailbox, reaches, reply, deliveries, decidedBy, open };
}

/** The mailbox itself, or one of its extensions. */
function isMailbox(recipient: string, wanted: string): boolean {
  const folded = recipient.toLowerCase();
  if (folded === wanted) return true;
  const at = folded.lastIndexOf('@');
  const wantedAt = wanted.lastIndexOf('@');
  if (folded.slice(at) !== wanted.slice(wantedAt)) return false;
  const rest = folded.slice(0, at).slice(wantedAt);
  return folded.startsWith(wanted.slice(0, wantedAt)) && /^[+\-_=.]/.test(rest);
}

function isDecision({ table, key, result }: TraceStep): boolean {
  if (result.startsWith('error:')) return true;
  // A row that only says that the address stands for itself directs nothing.
  return table !== undefined && result !== 'not found' && result !== 'not listed' && result !== key;
}

/** Lines of text, without line ends. */
export function formatWhyNot(address: string, answer: WhyNot): string[] {
  const { mailbox, reaches, reply, deliveries, decidedBy, open } = answer;
  const refused = reply.code >= 300;
  const lines = [reaches ? `${address} reaches ${mailbox}` : `${address} does not reach ${mailbox}`];
  if (refused) lines.push(`├─ it is refused: ${reply.code} ${reply.status} ${reply.text}`);
  for (const { recipient, transport } of deliveries) lines.push(`├─ it goes to ${recipient} by ${transport}`);
  for (const { stage, table = '', key = '', result, source } of decidedBy) {
    const place = source === undefined || source === table ? '' : `  [${source}]`;
    lines.push(`├─ decided by ${stage}: ${table} ${key} → ${result}${place}`);
  }
  if (!reaches) lines.push(...mends(answer, open));
  return lines.map((line, index) => (index > 0 && index === lines.length - 1 ? line.replace('├', '└') : line));
}

function mends({ mailbox, reply, decidedBy, deliveries }: WhyNot, open: WhyNot['open']): string[] {
  if (decidedBy.some(({ result }) => result.startsWith('error:'))) {
    return ['├─ a table could not be asked: until it can, mail waits'];
  }
  const lines = open.map(({ table, key }) => `├─ a row ${key} in ${table} that names ${mailbox} would be found first`);
  const alias = decidedBy.find(({ stage }) => stage === 'virtual-alias');
  if (alias) lines.push(`├─ or ${mailbox} added to the row ${alias.key} of ${alias.table}`);
  if (lines.length > 0 || deliveries.length > 0) return lines;
  return [`├─ no table directs it anywhere: the reply above says why (${reply.status})`];
}
