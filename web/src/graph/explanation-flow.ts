// An explanation as a flow: from the door by each table that decided to the mailboxes and next hops.

import type { Output } from '../api.ts';
import type { Flow, FlowEdge, FlowKind, FlowNode } from './layout.ts';

export type Explanation = Output<'explain.show'>['items'][number];
export type ExplainedStep = Explanation['steps'][number];

/** Stages at which one address becomes others. */
const expandingStages = new Set([
  'virtual-alias',
  'local-alias',
  'canonical',
  'luser-relay',
  'bcc',
  'rewrite',
  'masquerade',
]);
/** Transports that keep mail on this host. */
const keepingTransports = new Set(['mailstore', 'virtual', 'local', 'list', 'autoreply']);

export function explanationFlow(address: string, explanation: Explanation, doorTitle: string): Flow {
  const nodes = new Map<string, FlowNode>();
  const edges: FlowEdge[] = [];
  const add = (id: string, kind: FlowKind, title: string, note?: string) => {
    if (!nodes.has(id)) nodes.set(id, { id, kind, title, ...(note === undefined ? {} : { note }) });
    return id;
  };
  const link = (from: string, to: string, label: string, leavesHost = false) => {
    if (from === to || edges.some((edge) => edge.from === from && edge.to === to)) return;
    edges.push({ from, to, ...(label === '' ? {} : { label }), ...(leavesHost ? { leavesHost } : {}) });
  };
  const of = (text: string) => `address ${text.toLowerCase()}`;
  const first = explanation.recipient || address;
  const door = add('door', 'door', doorTitle, `${explanation.reply.code} ${explanation.reply.status}`);
  add(of(first), 'address', first, explanation.class);
  link(door, of(first), 'RCPT TO');
  if (explanation.deliveries.length === 0 && explanation.reply.code >= 300) {
    const { code, status, text } = explanation.reply;
    link(of(first), add('refused', 'refused', `${code} ${status}`, text), 'reply');
    return { nodes: [...nodes.values()], edges };
  }
  for (const { stage, table = '', key = '', result, source } of explanation.steps) {
    if (!expandingStages.has(stage) || /^not (?:found|listed)/.test(result) || !result.includes('@')) continue;
    const targets = result.split(/,\s*/).filter((target) => target.toLowerCase() !== key.toLowerCase());
    // A catch-all's key is a domain: its line begins at the address that was looked for.
    const from = key.startsWith('@') ? [...nodes.values()].findLast(({ title }) => title.endsWith(key))?.title : key;
    if (from === undefined || !nodes.has(of(from))) continue;
    for (const target of targets)
      link(of(from), add(of(target), 'address', target), [table, source].filter(Boolean).join(', '));
  }
  for (const { recipient, transport, nexthop, path } of explanation.deliveries) {
    const stays = keepingTransports.has(transport);
    const kind =
      transport === 'discard' ? 'discarded' : transport === 'error' ? 'refused' : stays ? 'mailbox' : 'outside';
    const title = stays ? recipient : `${transport}:${nexthop}`;
    const end = add(`end ${transport} ${nexthop} ${stays ? recipient : ''}`, kind, title, path ?? transport);
    const from = nodes.has(of(recipient)) ? of(recipient) : of(first);
    link(from, end, `${transport}:${nexthop}`, kind === 'outside');
  }
  return { nodes: [...nodes.values()], edges };
}
