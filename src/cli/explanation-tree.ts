// An explanation for people: what a client gets, where the mail goes, and each question that was asked on the way.
// Colour only on a terminal.

import { styleText } from 'node:util';
import type { RecipientDecision, TraceEdge, TraceStep } from '../routing/types.ts';

/** What sees the message on its way, in front of the deliveries. */
export interface FiltersOnTheWay {
  /** The whole message goes there first; behind it everything is decided anew. */
  readonly filter?: { readonly by: 'content_filter' | 'FILTER'; readonly transport: string; readonly nexthop: string };
  /** They see it before it is accepted. */
  readonly milters?: readonly string[];
}

export interface Explanation extends RecipientDecision, FiltersOnTheWay {
  readonly steps: readonly TraceStep[];
  /** How mail goes from one address to the next, and ends. */
  readonly edges?: readonly TraceEdge[];
  /** Refused before RCPT. */
  readonly isEarly?: boolean;
  /** FILTER of an access table, as it is written there. */
  readonly orderedFilter?: string;
}

type Style = Parameters<typeof styleText>[0];

const titles: Readonly<Record<string, string>> = {
  class: 'address class',
  rewrite: 'rewriting',
  canonical: 'canonical map',
  access: 'access',
  restriction: 'restriction',
  'virtual-alias': 'virtual alias',
  recipient: 'known recipient',
  transport: 'transport',
  'sender-login': 'sender login',
  'sender-transport': 'sender’s transport',
  'mailbox-path': 'mailbox path',
  relocated: 'relocated',
  bcc: 'blind copy',
  masquerade: 'masquerading',
  local: 'local delivery',
  'local-alias': 'local alias',
  'luser-relay': 'luser_relay',
  duplicate: 'duplicate',
  quota: 'quota',
  reply: 'reply',
};

// Deeper nesting of aliases than this is not shown: no terminal is that wide.
const maxDepth = 8;

/** Lines of text, without line ends. */
export function formatExplanation(address: string, explanation: Explanation): string[] {
  const { reply, replyStage, class: addressClass, deliveries, recipient, steps } = explanation;
  const isAccepted = reply.code < 300;
  const when = replyStage === 'data' ? ' (RCPT is accepted; this is the reply at the end of DATA)' : '';
  const shown = address === recipient || recipient === '' ? address : `${address} = ${recipient}`;
  const lines = [
    paint('bold', shown),
    `├─ reply     ${paint(isAccepted ? 'green' : 'red', `${reply.code} ${reply.status} ${reply.text}`)}${when}`,
    `├─ class     ${addressClass}`,
    ...filterLines(explanation),
    ...deliveryLines(deliveries),
    '└─ because',
  ];
  const told = steps.filter(({ stage, depth = 0 }) => stage !== 'reply' && depth <= maxDepth);
  const width = Math.max(0, ...told.map((step) => titleOf(step).length));
  for (const [index, step] of told.entries()) {
    const branch = index === told.length - 1 ? '└─' : '├─';
    lines.push(`   ${branch} ${'   '.repeat(step.depth ?? 0)}${titleOf(step).padEnd(width)}  ${describe(step)}`);
  }
  const hidden = steps.filter(({ depth = 0 }) => depth > maxDepth).length;
  if (hidden > 0) lines.push(`      … and ${hidden} steps in deeper aliases (--json shows them)`);
  return lines;
}

function filterLines({ filter, milters }: FiltersOnTheWay): string[] {
  const seen = milters === undefined ? [] : [`├─ milters   ${milters.join(', ')}`];
  if (filter === undefined) return seen;
  const { by, transport, nexthop } = filter;
  const where = nexthop === '' ? transport : `${transport} (${nexthop})`;
  return [...seen, `├─ filter    first to ${paint('yellow', where)} by ${by}; what comes back is decided anew`];
}

function deliveryLines(deliveries: Explanation['deliveries']): string[] {
  if (deliveries.length === 0) return ['├─ delivery  none'];
  return deliveries.map(({ recipient, transport, nexthop, path }) => {
    const place = path === undefined ? '' : ` → ${path}`;
    return `├─ delivery  ${paint('cyan', recipient)} by ${transport}${nexthop === '' ? '' : ` (${nexthop})`}${place}`;
  });
}

function titleOf({ stage }: TraceStep): string {
  return titles[stage] ?? stage;
}

function describe({ table, key, result, source }: TraceStep): string {
  if (table === undefined) return result;
  const place = source === undefined || source === table ? '' : paint('dim', `  [${source}]`);
  return `${table}  ${key ?? ''} ${paint('dim', '→')} ${paint(styleOf(result), result)}${place}`;
}

function styleOf(result: string): Style {
  if (result === 'not found' || result === 'not listed') return 'dim';
  return result.startsWith('error:') ? 'red' : 'green';
}

function paint(style: Style, text: string): string {
  return styleText(style, text);
}
