// Where the boxes of a mail flow stand: mail goes from the start of a line to its end, so each box stands in the column after the
// last of those that lead to it, and within a column near what it hangs together with. A line that skips columns has a place
// of its own in each, so that it passes between the boxes. Pure and without randomness: the same graph is always drawn the same
// way. Nothing here takes longer than the lines and boxes are many: a thousand take some milliseconds.

export interface FlowNode {
  readonly id: string;
  readonly kind: FlowKind;
  readonly title: string;
  readonly note?: string;
  /** Something to look at: drawn with a mark. */
  readonly problem?: string;
  readonly change?: FlowChange;
}

/** What a box stands for, which gives its colour. */
export type FlowKind =
  | 'door'
  | 'address'
  | 'group'
  | 'list'
  | 'mailbox'
  | 'program'
  | 'outside'
  | 'elsewhere'
  | 'refused'
  | 'deferred'
  | 'failed'
  | 'discarded';

/** Between two revisions. */
export type FlowChange = 'added' | 'removed' | 'changed';

export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  /** Apart from others between the same boxes. */
  readonly stage?: string;
  /** What led on. */
  readonly label?: string;
  /** The row that decided. */
  readonly row?: string;
  readonly leavesHost?: boolean;
  /** Mail does not go this way: it is drawn dotted. */
  readonly isMissing?: boolean;
  readonly isFailed?: boolean;
  readonly change?: FlowChange;
}

export interface Flow {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
}

export interface PlacedNode extends FlowNode {
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** The box stands elsewhere already: this only refers to it. */
  readonly copy?: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge extends FlowEdge {
  /** From box to box, over the places in between. */
  readonly points: readonly Point[];
  /** It closes a circle. */
  readonly isBack: boolean;
  /** What is written at it: where lines meet, once for all of them. */
  readonly words?: { readonly label?: string | undefined; readonly row?: string | undefined };
}

export interface PlacedFlow {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
  readonly isOutline: boolean;
}

const boxWidth = 248;
const narrowest = 96;
/** Of a letter, about. */
const letter = { bold: 8.6, small: 6.5 } as const;
export const boxHeight = 52;
export const margin = 14;
const rowGap = 18;
/** In which a line comes to the height of its end; its words stand behind. */
export const bend = 34;
/** Above the boxes, for lines that lead back. */
const overhead = 34;
/** A line on its way past a column. */
const laneHeight = 10;
const passes = 6;

/** A box, or a line's place in a column. */
interface Slot {
  readonly id: string;
  readonly node: FlowNode | undefined;
  readonly column: number;
  y: number;
}

export function placeFlow(flow: Flow): PlacedFlow {
  const { columns, back } = columnsOf(flow);
  const slots = new Map<string, Slot>();
  for (const [column, nodes] of columns.entries()) {
    for (const node of nodes) slots.set(node.id, { id: node.id, node, column, y: 0 });
  }
  const ways = waysOf(flow.edges, back, slots);
  const byColumn: Slot[][] = columns.map(() => []);
  for (const slot of slots.values()) byColumn[slot.column]?.push(slot);
  const links = neighboursOf(ways.values());
  order(byColumn, links);
  settle(byColumn, links);
  let top = Number.POSITIVE_INFINITY;
  for (const { y } of slots.values()) top = Math.min(top, y);
  const widths = columns.map(widthOf);
  const starts = startsOf(widths, gapsOf(widths.length, ways, slots));
  const place = (slot: Slot): Place => ({
    x: starts[slot.column] ?? margin,
    y: margin + (back.size === 0 ? 0 : overhead) + slot.y - top,
    width: widths[slot.column] ?? boxWidth,
  });
  const nodes = flow.nodes.flatMap((node): PlacedNode[] => {
    const slot = slots.get(node.id);
    return slot === undefined ? [] : [{ ...node, column: slot.column, ...place(slot) }];
  });
  const edges = flow.edges.flatMap((edge): PlacedEdge[] => {
    const way = ways.get(edge);
    if (way === undefined) return [];
    return [{ ...edge, points: pointsOf(way, slots, place), isBack: back.has(edge) }];
  });
  let bottom = 0;
  for (const { y } of nodes) bottom = Math.max(bottom, y + boxHeight);
  for (const { points } of edges) for (const { y } of points) bottom = Math.max(bottom, y);
  const width = (starts.at(-1) ?? margin) + (widths.at(-1) ?? boxWidth) + margin;
  return { nodes, edges: withWords(edges), width, height: bottom + margin, isOutline: false };
}

/** Lines to one box meet before it: there is room for the words of one. */
function withWords(edges: readonly PlacedEdge[]): PlacedEdge[] {
  const meeting = new Map<string, PlacedEdge[]>();
  const keyOf = ({ to, isBack, from }: PlacedEdge) => (isBack ? `${to} back ${from}` : to);
  for (const edge of edges) {
    const list = meeting.get(keyOf(edge));
    if (list === undefined) meeting.set(keyOf(edge), [edge]);
    else list.push(edge);
  }
  return edges.map((edge) => {
    const [first, ...others] = meeting.get(keyOf(edge)) ?? [];
    if (edge !== first) return edge;
    if (others.length === 0) return { ...edge, words: { label: edge.label, row: edge.row } };
    const labels = new Set([edge, ...others].map(({ label }) => label).filter((label) => label !== undefined));
    return { ...edge, words: { label: [...labels].join(', ') } };
  });
}

interface Place extends Point {
  readonly width: number;
}

/** As wide as the longest words in it. */
export function widthOf(nodes: readonly FlowNode[]): number {
  let width = narrowest;
  // A group's box has a sentence.
  const widest = nodes.some(({ kind }) => kind === 'group') ? boxWidth + 70 : boxWidth;
  for (const { title, note = '', problem, change } of nodes) {
    const marks = (problem === undefined ? 0 : 26) + (change === undefined ? 0 : 16);
    width = Math.max(width, title.length * letter.bold + 26 + marks, note.length * letter.small + 26 + marks);
  }
  return Math.min(widest, Math.round(width));
}

/** Between columns, as wide as the words at the lines need. */
function gapsOf(
  count: number,
  ways: ReadonlyMap<FlowEdge, readonly string[]>,
  slots: ReadonlyMap<string, Slot>,
): number[] {
  const gaps = Array.from({ length: count }, () => 64);
  for (const [{ label = '', row = '', to }] of ways) {
    const before = (slots.get(to)?.column ?? 0) - 1;
    const words = Math.min(190, Math.max(label.length * 6.6, row.length * 6));
    if (words > 0) gaps[before] = Math.max(gaps[before] ?? 0, words + bend + 18);
  }
  return gaps;
}

function startsOf(widths: readonly number[], gaps: readonly number[]): number[] {
  let x = margin;
  return widths.map((width, column) => {
    const start = x;
    x += width + (gaps[column] ?? 0);
    return start;
  });
}

/** The longest way to each box says its column; what goes round in a circle is cut where it closes. */
function columnsOf({ nodes, edges }: Flow): { readonly columns: FlowNode[][]; readonly back: Set<FlowEdge> } {
  const next = new Map<string, FlowEdge[]>(nodes.map(({ id }) => [id, []]));
  for (const edge of edges) if (next.has(edge.to)) next.get(edge.from)?.push(edge);
  const { finished, back } = walk(nodes, next);
  const columnOf = new Map<string, number>();
  for (const id of finished.toReversed()) {
    const column = columnOf.get(id) ?? 0;
    columnOf.set(id, column);
    for (const edge of next.get(id) ?? []) {
      if (!back.has(edge)) columnOf.set(edge.to, Math.max(columnOf.get(edge.to) ?? 0, column + 1));
    }
  }
  const columns: FlowNode[][] = [];
  for (const node of nodes) {
    const column = columnOf.get(node.id) ?? 0;
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(node);
  }
  return { columns, back };
}

/** In depth, without recursion: a chain may be as long as the aliases are many. */
function walk(nodes: readonly FlowNode[], next: ReadonlyMap<string, readonly FlowEdge[]>) {
  const state = new Map<string, 'open' | 'finished'>();
  const finished: string[] = [];
  const back = new Set<FlowEdge>();
  for (const { id: start } of nodes) {
    if (state.has(start)) continue;
    const stack = [{ id: start, at: 0 }];
    state.set(start, 'open');
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = next.get(top.id)?.[top.at++];
      if (edge === undefined) {
        state.set(top.id, 'finished');
        finished.push(top.id);
        stack.pop();
      } else if (state.get(edge.to) === 'open') back.add(edge);
      else if (!state.has(edge.to)) {
        state.set(edge.to, 'open');
        stack.push({ id: edge.to, at: 0 });
      }
    }
  }
  return { finished, back };
}

/** The slots that each line passes, with one in each column between its ends. */
function waysOf(
  edges: readonly FlowEdge[],
  back: ReadonlySet<FlowEdge>,
  slots: Map<string, Slot>,
): Map<FlowEdge, readonly string[]> {
  const ways = new Map<FlowEdge, readonly string[]>();
  let number = 0;
  for (const edge of edges) {
    const [from, to] = [slots.get(edge.from), slots.get(edge.to)];
    if (from === undefined || to === undefined || from === to) continue;
    const between: string[] = [];
    for (let column = from.column + 1; column < to.column && !back.has(edge); column++) {
      const id = `lane ${number++}`;
      slots.set(id, { id, node: undefined, column, y: 0 });
      between.push(id);
    }
    ways.set(edge, [edge.from, ...between, edge.to]);
  }
  return ways;
}

interface Links {
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly after: ReadonlyMap<string, readonly string[]>;
}

function neighboursOf(ways: Iterable<readonly string[]>): Links {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, from: string, to: string) => {
    const list = map.get(from);
    if (list === undefined) map.set(from, [to]);
    else list.push(to);
  };
  for (const way of ways) {
    for (let at = 1; at < way.length; at++) {
      add(after, way[at - 1] as string, way[at] as string);
      add(before, way[at] as string, way[at - 1] as string);
    }
  }
  return { before, after };
}

/** Each column by the mean place of its neighbours, to and fro. */
function order(columns: readonly Slot[][], { before, after }: Links): void {
  const place = new Map<string, number>();
  const note = (column: readonly Slot[]) => {
    for (const [row, { id }] of column.entries()) place.set(id, row / Math.max(1, column.length));
  };
  columns.forEach(note);
  for (let pass = 0; pass < passes; pass++) {
    const near = pass % 2 === 0 ? before : after;
    for (const column of pass % 2 === 0 ? columns : columns.toReversed()) {
      const means = new Map(column.map(({ id }) => [id, meanOf(near.get(id), place) ?? place.get(id) ?? 0]));
      column.sort((a, b) => (means.get(a.id) ?? 0) - (means.get(b.id) ?? 0));
      note(column);
    }
  }
}

function meanOf(ids: readonly string[] | undefined, values: ReadonlyMap<string, number>): number | undefined {
  if (ids === undefined) return undefined;
  let sum = 0;
  for (const id of ids) sum += values.get(id) ?? 0;
  return sum / ids.length;
}

/** Heights: each as near to its neighbours as the others of its column allow. */
function settle(columns: readonly Slot[][], { before, after }: Links): void {
  const middle = new Map<string, number>();
  const note = (column: readonly Slot[]) => {
    for (const slot of column) middle.set(slot.id, slot.y + heightOf(slot) / 2);
  };
  for (const column of columns) {
    let y = 0;
    for (const slot of column) {
      slot.y = y;
      y += heightOf(slot) + rowGap;
    }
    for (const slot of column) slot.y -= y / 2;
    note(column);
  }
  for (let pass = 0; pass < 4; pass++) {
    const near = pass % 2 === 0 ? before : after;
    for (const column of pass % 2 === 0 ? columns : columns.toReversed()) {
      spread(column, (slot) => (meanOf(near.get(slot.id), middle) ?? middle.get(slot.id) ?? 0) - heightOf(slot) / 2);
      note(column);
    }
  }
}

/** The heights nearest to what is wished for, in the given order and without overlap: neighbours that would meet go as one. */
function spread(column: readonly Slot[], wish: (slot: Slot) => number): void {
  const blocks: { sum: number; count: number; slots: { slot: Slot; offset: number }[] }[] = [];
  let offset = 0;
  for (const slot of column) {
    blocks.push({ sum: wish(slot) - offset, count: 1, slots: [{ slot, offset }] });
    offset += heightOf(slot) + rowGap;
    for (let last = blocks.at(-1), other = blocks.at(-2); last && other; last = blocks.at(-1), other = blocks.at(-2)) {
      if (other.sum / other.count <= last.sum / last.count) break;
      other.sum += last.sum;
      other.count += last.count;
      // One by one: a block may hold more than a call takes arguments.
      for (const one of last.slots) other.slots.push(one);
      blocks.pop();
    }
  }
  for (const { sum, count, slots } of blocks) for (const one of slots) one.slot.y = sum / count + one.offset;
}

function heightOf({ node }: Slot): number {
  return node === undefined ? laneHeight : boxHeight;
}

function pointsOf(way: readonly string[], slots: ReadonlyMap<string, Slot>, place: (slot: Slot) => Place): Point[] {
  const last = way.length - 1;
  return way.flatMap((id, at): Point[] => {
    const slot = slots.get(id);
    if (slot === undefined) return [];
    const { x, y, width } = place(slot);
    if (at === 0) return [{ x: x + width, y: y + boxHeight / 2 }];
    if (at === last) return [{ x, y: y + boxHeight / 2 }];
    const lane = y + laneHeight / 2;
    return [
      { x, y: lane },
      { x: x + width, y: lane },
    ];
  });
}
