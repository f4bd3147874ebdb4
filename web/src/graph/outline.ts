// A small flow for a narrow screen: one box under the other, each set in under what it comes from. Pure, as the layout is.

import {
  boxHeight,
  type Flow,
  type FlowEdge,
  type FlowNode,
  margin,
  type PlacedEdge,
  type PlacedFlow,
  type PlacedNode,
  widthOf,
} from './layout.ts';

const indent = 22;
/** Room for what stands at a line. */
const outlineGap = 40;

/** What comes twice stands once; the other time a box refers to it. */
export function placeOutline(flow: Flow, width: number): PlacedFlow {
  const next = new Map<string, FlowEdge[]>();
  const isTarget = new Set<string>();
  for (const edge of flow.edges) {
    const list = next.get(edge.from);
    if (list === undefined) next.set(edge.from, [edge]);
    else list.push(edge);
    isTarget.add(edge.to);
  }
  const byId = new Map(flow.nodes.map((node) => [node.id, node]));
  const placed = new Map<string, PlacedNode>();
  const edges: PlacedEdge[] = [];
  const deepest = Math.max(0, Math.floor((width - 2 * margin - 150) / indent));
  let y = margin;
  const add = (node: FlowNode, column: number): PlacedNode => {
    const x = margin + Math.min(column, deepest) * indent;
    const box = { ...node, column, x, y, width: Math.min(widthOf([node]), width - x - margin) };
    placed.set(node.id, box);
    y += boxHeight + outlineGap;
    return box;
  };
  const copies: PlacedNode[] = [];
  const addCopy = (node: FlowNode, column: number): PlacedNode => {
    const first = placed.get(node.id);
    const box = { ...add(node, column), copy: copies.length };
    if (first !== undefined) placed.set(node.id, first);
    copies.push(box);
    return box;
  };
  const roots = [...flow.nodes.filter(({ id }) => !isTarget.has(id)), ...flow.nodes];
  for (const root of roots) {
    if (placed.has(root.id)) continue;
    const stack: { readonly box: PlacedNode; at: number }[] = [{ box: add(root, 0), at: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = next.get(top.box.id)?.[top.at++];
      const node = edge === undefined ? undefined : byId.get(edge.to);
      if (edge === undefined) stack.pop();
      if (edge === undefined || node === undefined) continue;
      const known = placed.has(node.id);
      const box = known ? addCopy(node, top.box.column + 1) : add(node, top.box.column + 1);
      const x = top.box.x + 10;
      const middle = box.y + boxHeight / 2;
      const points = [
        { x, y: top.box.y + boxHeight },
        { x, y: middle },
        { x: box.x, y: middle },
      ];
      edges.push({ ...edge, points, isBack: false, words: { label: edge.label, row: edge.row } });
      if (!known) stack.push({ box, at: 0 });
    }
  }
  return {
    nodes: [...placed.values(), ...copies],
    edges,
    width,
    height: Math.max(y - outlineGap, 0) + margin,
    isOutline: true,
  };
}
