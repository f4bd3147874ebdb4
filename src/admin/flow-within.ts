// What a domain administrator sees of a flow: the ways of his own addresses, as far as they are his. An address elsewhere that
// his own rows name is a box without what becomes of it; what is elsewhere and leads to his is not shown at all.

import type { FlowNode } from '../proof/flow/mail-flow.ts';
import { doorId } from '../proof/flow/mail-flow.ts';
import type { Sight } from './principal.ts';

interface Line {
  readonly from: string;
  readonly to: string;
}

interface Drawn<Edge> {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly Edge[];
}

const addressKinds = new Set(['address', 'mailbox', 'list', 'answer']);

export function flowWithin<Edge extends Line>({ nodes, edges }: Drawn<Edge>, sight: Sight): Drawn<Edge> {
  if (sight.seesAll) return { nodes, edges };
  const isMine = ({ title }: FlowNode): boolean => sight.address(title);
  const byId = new Map(nodes.map((node) => [node.name, node]));
  const mine = new Set(nodes.filter((node) => addressKinds.has(node.kind) && isMine(node)).map(({ name }) => name));
  mine.add(doorId);
  // A name that is not hosted here at all is no secret of anybody's: where it leaves the host is shown.
  const named = new Set(edges.filter(({ from }) => mine.has(from)).map(({ to }) => to));
  const isOpen = (id: string): boolean => {
    const node = byId.get(id);
    return mine.has(id) || (node?.kind === 'address' && named.has(id) && sight.mayName(node.title));
  };
  const kept = edges.filter(({ from }) => isOpen(from));
  const shown = new Set([...mine, ...kept.flatMap(({ from, to }) => [from, to])]);
  const closed = (node: FlowNode): FlowNode => {
    const { name, kind, title } = node;
    if (!addressKinds.has(kind) || isOpen(name)) return node;
    return { name, kind: 'elsewhere', title };
  };
  return { nodes: nodes.filter(({ name }) => shown.has(name)).map(closed), edges: kept };
}
