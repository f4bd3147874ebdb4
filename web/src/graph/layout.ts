// Where the boxes of a mail flow stand: mail goes from the start of a line to its end, so each node stands in the column after
// the last of those that lead to it, and within a column near what it hangs together with (the mean of its neighbours, a few
// passes to and fro). Pure: the same graph is always drawn the same way.

export interface FlowNode {
  readonly id: string;
  readonly kind: FlowKind;
  readonly title: string;
  readonly note?: string;
}

/** What a box stands for, which gives its colour. */
export type FlowKind = 'door' | 'address' | 'group' | 'list' | 'mailbox' | 'outside' | 'refused' | 'dead' | 'discarded';

export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  /** Why mail takes it: the table and row that decided. */
  readonly label?: string;
  readonly leavesHost?: boolean;
}

export interface Flow {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
}

export interface PlacedNode extends FlowNode {
  readonly column: number;
  readonly x: number;
  readonly y: number;
}

export interface PlacedFlow {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly FlowEdge[];
  readonly width: number;
  readonly height: number;
}

export const boxWidth = 224;
export const boxHeight = 52;
const columnGap = 92;
const rowGap = 16;
const margin = 12;
const passes = 6;

export function placeFlow(flow: Flow): PlacedFlow {
  const columns = columnsOf(flow);
  order(columns, flow.edges);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const height = tallest * (boxHeight + rowGap) - rowGap;
  const nodes = columns.flatMap((column, index) => {
    const top = (height - (column.length * (boxHeight + rowGap) - rowGap)) / 2;
    return column.map((node, row) => ({
      ...node,
      column: index,
      x: margin + index * (boxWidth + columnGap),
      y: margin + top + row * (boxHeight + rowGap),
    }));
  });
  return {
    nodes,
    edges: flow.edges,
    width: 2 * margin + columns.length * (boxWidth + columnGap) - columnGap,
    height: 2 * margin + height,
  };
}

/** The longest way to each node says its column; what goes round in a circle is cut where it closes. */
function columnsOf({ nodes, edges }: Flow): FlowNode[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const columnOf = new Map(nodes.map(({ id }) => [id, 0]));
  const open = new Set<string>();
  const finished: string[] = [];
  const back = new Set<string>();
  const visit = (id: string): void => {
    open.add(id);
    for (const to of next.get(id) ?? []) {
      if (open.has(to)) back.add(`${id} ${to}`);
      else if (!finished.includes(to)) visit(to);
    }
    open.delete(id);
    finished.push(id);
  };
  for (const { id } of nodes) if (!finished.includes(id)) visit(id);
  for (const id of finished.toReversed()) {
    for (const to of next.get(id) ?? []) {
      if (back.has(`${id} ${to}`)) continue;
      columnOf.set(to, Math.max(columnOf.get(to) ?? 0, (columnOf.get(id) ?? 0) + 1));
    }
  }
  const columns: FlowNode[][] = [];
  for (const node of nodes) {
    const column = columnOf.get(node.id) ?? 0;
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(node);
  }
  return columns;
}

function order(columns: FlowNode[][], edges: readonly FlowEdge[]): void {
  const neighbours = (ends: 'from' | 'to') => {
    const other = ends === 'from' ? 'to' : 'from';
    const found = new Map<string, string[]>();
    for (const edge of edges) found.set(edge[other], [...(found.get(edge[other]) ?? []), edge[ends]]);
    return found;
  };
  const [before, after] = [neighbours('from'), neighbours('to')];
  for (let pass = 0; pass < passes; pass++) {
    const isForward = pass % 2 === 0;
    const near = isForward ? before : after;
    for (const column of isForward ? columns : columns.toReversed()) {
      const rows = new Map(columns.flatMap((one) => one.map(({ id }, row) => [id, row / Math.max(1, one.length)])));
      const mean = ({ id }: FlowNode): number => {
        const places = (near.get(id) ?? []).map((one) => rows.get(one) ?? 0);
        if (places.length === 0) return rows.get(id) ?? 0;
        return places.reduce((sum, place) => sum + place, 0) / places.length;
      };
      const means = new Map(column.map((node) => [node.id, mean(node)]));
      column.sort((a, b) => (means.get(a.id) ?? 0) - (means.get(b.id) ?? 0));
    }
  }
}
