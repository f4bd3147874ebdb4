// A domain's mail as a picture that stays readable: an address and its own mailbox are one box; addresses with the same targets
// are one box that opens, and so are mailboxes to which nothing else leads. Whoever looks for one address sees it with
// everything that leads to it and everything that it leads to. Pure: the same answer and choices give the same picture.

import type { Output } from '../api.ts';
import { drawnNode } from './explanation-flow.ts';
import { type FlowWords, shortRow, type ToldNode } from './flow-words.ts';
import type { Flow, FlowEdge, FlowNode } from './layout.ts';

export type DomainFlow = Output<'domain.flow'>;
type ToldEdge = DomainFlow['edges'][number];
export type Only = 'all' | 'aliases' | 'leaving' | 'problems';

export interface MapChoice {
  /** Groups that are open. */
  readonly open: ReadonlySet<string>;
  /** An address; undefined: the whole domain. */
  readonly focus?: string | undefined;
  readonly only: Only;
}

/** What a group's box says. */
export interface GroupWords {
  mailboxes(count: number): string;
  sameTargets(count: number): string;
  aliases(count: number): string;
  targets(count: number): string;
  readonly opens: string;
  readonly closes: string;
}

/** A picture with more boxes than this is grouped further. */
const manyBoxes = 90;
const leastGroup = 4;
/** Around an address. */
const maxAround = 400;
export const plainGroup = 'group plain';
export const simpleGroup = 'group simple';

interface Graph {
  readonly nodes: ReadonlyMap<string, ToldNode>;
  readonly edges: readonly ToldEdge[];
  readonly out: ReadonlyMap<string, readonly ToldEdge[]>;
  readonly into: ReadonlyMap<string, readonly ToldEdge[]>;
}

/** Those that somebody should look at. */
export function isProblem({ state }: Pick<ToldNode, 'state'>): boolean {
  return state !== undefined && state !== 'more';
}

export function mapCounts(told: DomainFlow): {
  readonly problems: number;
  readonly leaving: number;
  readonly addresses: number;
} {
  const isOfDomain = ({ kind, title }: ToldNode) => kind === 'address' && title.endsWith(`@${told.domain}`);
  return {
    problems: told.nodes.filter(isProblem).length,
    leaving: told.edges.filter(({ leavesHost }) => leavesHost).length,
    addresses: told.plain.length + told.nodes.filter(isOfDomain).length,
  };
}

/** All addresses that one can look for. */
export function knownAddresses({ nodes, plain }: DomainFlow): string[] {
  const named = nodes.flatMap(({ kind, title }) =>
    kind === 'address' || kind === 'mailbox' || kind === 'list' ? [title] : [],
  );
  return [...new Set([...named, ...plain])].toSorted();
}

export function drawnMap(told: DomainFlow, choice: MapChoice, words: FlowWords, groupWords: GroupWords): Flow {
  const focus = choice.focus?.toLowerCase();
  const isPlain = focus !== undefined && told.plain.some((one) => one.toLowerCase() === focus);
  if (isPlain) return { nodes: [plainBox(focus, words)], edges: [] };
  const merged = withOwnMailboxes(graphOf(told.nodes, told.edges));
  if (focus !== undefined) {
    const starts = [...merged.nodes.values()]
      .filter(({ title }) => title.toLowerCase() === focus)
      .map(({ name }) => name);
    return drawn(part(merged, around(merged, starts)), new Map(), words, groupWords);
  }
  const shown = filtered(merged, choice.only);
  const flow = drawn(shown, groupsOf(shown, choice), words, groupWords);
  if (choice.only !== 'all' || told.plain.length === 0) return flow;
  return withPlain(flow, told.plain, choice, words, groupWords);
}

function graphOf(nodes: readonly ToldNode[], edges: readonly ToldEdge[]): Graph {
  const out = new Map<string, ToldEdge[]>();
  const into = new Map<string, ToldEdge[]>();
  const add = (map: Map<string, ToldEdge[]>, key: string, edge: ToldEdge) => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [edge]);
    else list.push(edge);
  };
  for (const edge of edges) {
    add(out, edge.from, edge);
    add(into, edge.to, edge);
  }
  return { nodes: new Map(nodes.map((node) => [node.name, node])), edges, out, into };
}

/** An address whose only way is its own mailbox (or list) is that box. */
function withOwnMailboxes({ nodes, edges, out }: Graph): Graph {
  const ends = new Map<string, string>();
  for (const node of nodes.values()) {
    const [only, second] = out.get(node.name) ?? [];
    if (node.kind !== 'address' || node.state !== undefined || only === undefined || second !== undefined) continue;
    const end = nodes.get(only.to);
    const isOwn = end !== undefined && end.title.toLowerCase() === node.title.toLowerCase();
    if (isOwn && (end.kind === 'mailbox' || end.kind === 'list') && only.isUntaken !== true)
      ends.set(node.name, end.name);
  }
  const left = [...nodes.values()].filter(({ name }) => !ends.has(name));
  const lines = edges.flatMap((edge): ToldEdge[] => {
    if (ends.has(edge.from)) return [];
    const to = ends.get(edge.to);
    return [to === undefined ? edge : { ...edge, to }];
  });
  return graphOf(left, lines);
}

function part({ nodes, edges }: Graph, kept: ReadonlySet<string>): Graph {
  return graphOf(
    [...nodes.values()].filter(({ name }) => kept.has(name)),
    edges.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  );
}

/** Everything that leads to them, and everything that they lead to. */
function around({ out, into }: Graph, starts: readonly string[]): Set<string> {
  const kept = new Set(starts);
  for (const [lines, end] of [
    [out, 'to'],
    [into, 'from'],
  ] as const) {
    const seen = new Set(starts);
    const open = [...starts];
    for (let next = open.shift(); next !== undefined && kept.size < maxAround; next = open.shift()) {
      for (const edge of lines.get(next) ?? []) {
        const other = edge[end];
        if (seen.has(other) || kept.size >= maxAround) continue;
        seen.add(other);
        kept.add(other);
        open.push(other);
      }
    }
  }
  return kept;
}

function filtered(graph: Graph, only: Only): Graph {
  if (only === 'all') return graph;
  const starts = new Set<string>();
  for (const node of graph.nodes.values()) if (only === 'problems' && isProblem(node)) starts.add(node.name);
  for (const { from, to, stage, leavesHost } of graph.edges) {
    if (only === 'leaving' && leavesHost) starts.add(to);
    if (only === 'aliases' && (stage === 'virtual-alias' || stage === 'alias-domain')) starts.add(from).add(to);
  }
  const kept = new Set(starts);
  const open = [...starts];
  // Who leads there; and where what is marked leads.
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { from } of graph.into.get(next) ?? []) {
      if (kept.has(from)) continue;
      kept.add(from);
      open.push(from);
    }
  }
  for (const start of starts) for (const { to } of graph.out.get(start) ?? []) kept.add(to);
  return part(graph, kept);
}

/** Which group each box is in. */
function groupsOf(graph: Graph, { open }: MapChoice): Map<string, string> {
  const groups = new Map<string, string>();
  const sources = [...graph.nodes.values()].filter(
    (node) => node.kind === 'address' && !isProblem(node) && !graph.into.has(node.name) && graph.out.has(node.name),
  );
  const alike = new Map<string, string[]>();
  for (const { name } of sources) {
    const key = `group ${wayOf(graph, name).join(', ')}`;
    const list = alike.get(key);
    if (list === undefined) alike.set(key, [name]);
    else list.push(name);
  }
  for (const [key, names] of alike) {
    if (names.length < leastGroup) continue;
    for (const name of names) {
      groups.set(name, key);
      for (const { to } of graph.out.get(name) ?? []) if (isOnlyOf(graph, to)) groups.set(to, `${key} targets`);
    }
  }
  if (graph.nodes.size - groups.size <= manyBoxes) return closed(groups, open);
  // Aliases of mailboxes of the host, with nothing to be marked: together, and what only they lead to.
  const isQuiet = (name: string) => {
    const node = graph.nodes.get(name);
    return node?.kind === 'mailbox' && !isProblem(node) && !graph.out.has(name);
  };
  const simple = sources.filter(
    ({ name }) => !groups.has(name) && (graph.out.get(name) ?? []).every(({ to }) => isQuiet(to)),
  );
  const names = new Set(simple.map(({ name }) => name));
  if (names.size < leastGroup) return closed(groups, open);
  for (const name of names) groups.set(name, simpleGroup);
  for (const { name } of graph.nodes.values()) {
    const lines = graph.into.get(name) ?? [];
    if (isQuiet(name) && lines.length > 0 && lines.every(({ from }) => names.has(from)))
      groups.set(name, `${simpleGroup} targets`);
  }
  return closed(groups, open);
}

/** An address that only one other leads to, and that leads on. */
function isOnlyOf({ nodes, into, out }: Graph, name: string): boolean {
  const node = nodes.get(name);
  return node?.kind === 'address' && !isProblem(node) && into.get(name)?.length === 1 && out.has(name);
}

/** Where it leads, seen through addresses that nobody else leads to. */
function wayOf(graph: Graph, name: string): string[] {
  const lines = graph.out.get(name) ?? [];
  const ways = lines.map(({ to, stage }) => {
    if (!isOnlyOf(graph, to)) return `${to} ${stage}`;
    return `(${(graph.out.get(to) ?? [])
      .map((edge) => `${edge.to} ${edge.stage}`)
      .toSorted()
      .join(' ')}) ${stage}`;
  });
  return ways.toSorted();
}

function closed(groups: Map<string, string>, open: ReadonlySet<string>): Map<string, string> {
  for (const [name, group] of groups) if (open.has(group.replace(/ targets$/, ''))) groups.delete(name);
  return groups;
}

function drawn(
  { nodes, edges }: Graph,
  groups: ReadonlyMap<string, string>,
  words: FlowWords,
  groupWords: GroupWords,
): Flow {
  const sizes = new Map<string, number>();
  for (const group of groups.values()) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const boxes = [...sizes].map(([id, count]) => groupBox(id, count, groupWords));
  for (const node of nodes.values()) if (!groups.has(node.name)) boxes.push(drawnNode(node, words));
  const lines = new Map<string, FlowEdge>();
  for (const edge of edges) {
    const line = drawnLine(edge, nodes.get(edge.from)?.title ?? '', groups, words);
    const key = `${line.from} ${line.to} ${edge.stage}`;
    if (!lines.has(key)) lines.set(key, line);
  }
  return { nodes: boxes, edges: [...lines.values()] };
}

function groupBox(id: string, count: number, words: GroupWords): FlowNode {
  const title =
    id === simpleGroup
      ? words.aliases(count)
      : id.endsWith(' targets')
        ? words.targets(count)
        : words.sameTargets(count);
  return { id, kind: 'group', title, note: words.opens };
}

function drawnLine(edge: ToldEdge, title: string, groups: ReadonlyMap<string, string>, words: FlowWords): FlowEdge {
  const [from, to] = [groups.get(edge.from) ?? edge.from, groups.get(edge.to) ?? edge.to];
  const isOwn = from === edge.from && to === edge.to;
  const row = isOwn ? shortRow(edge, title) : '';
  return {
    from,
    to,
    stage: edge.stage,
    label: words.stage(edge.stage, { ...edge, stage: edge.by }),
    ...(row === '' ? {} : { row }),
    ...(edge.leavesHost ? { leavesHost: true } : {}),
    ...(edge.isUntaken ? { isMissing: true } : {}),
    ...(edge.result?.startsWith('error:') ? { isFailed: true } : {}),
  };
}

function plainBox(address: string, words: FlowWords): FlowNode {
  return { id: `mailbox ${address.toLowerCase()}`, kind: 'mailbox', title: address, note: words.kind('mailbox') };
}

function withPlain(
  flow: Flow,
  plain: readonly string[],
  { open }: MapChoice,
  words: FlowWords,
  groupWords: GroupWords,
): Flow {
  const isOpen = open.has(plainGroup) || plain.length < leastGroup;
  const boxes = isOpen ? plain.map((address) => plainBox(address, words)) : [];
  if (plain.length < leastGroup) return { nodes: [...flow.nodes, ...boxes], edges: flow.edges };
  const note = isOpen ? groupWords.closes : groupWords.opens;
  const group: FlowNode = { id: plainGroup, kind: 'group', title: groupWords.mailboxes(plain.length), note };
  return { nodes: [group, ...flow.nodes, ...boxes], edges: flow.edges };
}
