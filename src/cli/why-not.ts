// posthaste explain --why-not ADDRESS --reaches MAILBOX: what stands between an address and a mailbox, for people
// (proof/why-not.ts finds it).

import type { WhyNot } from '../proof/why-not.ts';

/** What the other lines say already. */
const told = new Set(['refused', 'failed', 'leads-elsewhere', 'no-row']);

/** Lines of text, without line ends. */
export function formatWhyNot(address: string, answer: WhyNot): string[] {
  const { mailbox, reaches, reply, deliveries, decidedBy, open, reasons } = answer;
  const refused = reply.code >= 300;
  const lines = [reaches ? `${address} reaches ${mailbox}` : `${address} does not reach ${mailbox}`];
  if (refused) lines.push(`├─ it is refused: ${reply.code} ${reply.status} ${reply.text}`);
  for (const { recipient, transport } of deliveries) lines.push(`├─ it goes to ${recipient} by ${transport}`);
  for (const { stage, table = '', key = '', result, source } of decidedBy) {
    const place = source === undefined || source === table ? '' : `  [${source}]`;
    lines.push(`├─ decided by ${stage}: ${table} ${key} → ${result}${place}`);
  }
  for (const { kind, text } of reasons) if (!told.has(kind)) lines.push(`├─ ${text}`);
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
