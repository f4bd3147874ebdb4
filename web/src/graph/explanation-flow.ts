// An explanation as a flow to be drawn: the server says which lines there are; here they get their words, and where two
// explanations are compared, what is new, gone or otherwise decided.

import type { Output } from '../api.ts';
import { type FlowWords, shortRow, type ToldKind, type ToldNode } from './flow-words.ts';
import type { Flow, FlowChange, FlowEdge, FlowKind, FlowNode } from './layout.ts';

export type Explanation = Output<'explain.show'>['items'][number];
export type ExplainedStep = Explanation['steps'][number];
export type ExplainedEdge = Explanation['flow']['edges'][number];

/** What a box looks like; those with colours of their own keep them. */
const looks: Partial<Record<ToldKind, FlowKind>> = { file: 'program', answer: 'program', mailed: 'address' };

export function lookOf(kind: ToldKind): FlowKind {
  return looks[kind] ?? (kind as FlowKind);
}

export function explanationFlow(explanation: Explanation, words: FlowWords): Flow {
  const { nodes, edges } = explanation.flow;
  const kinds = new Map(nodes.map(({ name, kind }) => [name, kind]));
  const titles = new Map(nodes.map(({ name, title }) => [name, title]));
  return {
    nodes: nodes.map((node) => drawnNode(node, words)),
    edges: edges.map((edge): FlowEdge => {
      const step = decidingStep(explanation, edge);
      const row = step === undefined ? undefined : shortRow(step, titles.get(edge.from) ?? '');
      return {
        from: edge.from,
        to: edge.to,
        stage: edge.stage,
        ...(edge.stage === 'rcpt' ? {} : { label: labelOf(edge, kinds.get(edge.to), step, words) }),
        ...(row === undefined || row === '' ? {} : { row }),
        ...(edge.leavesHost ? { leavesHost: true } : {}),
        ...(edge.isUntaken ? { isMissing: true } : {}),
        ...(kinds.get(edge.to) === 'failed' ? { isFailed: true } : {}),
      };
    }),
  };
}

function labelOf(
  { stage }: ExplainedEdge,
  end: ToldKind | undefined,
  step: ExplainedStep | undefined,
  words: FlowWords,
): string {
  return stage === 'reply' && step === undefined && end === 'deferred'
    ? words.kind('deferred')
    : words.stage(stage, step);
}

export function drawnNode({ name, kind, title, note, state }: ToldNode, words: FlowWords): FlowNode {
  if (kind === 'answer') return { id: name, kind: 'program', title: words.kind(kind) };
  const isPlain = kind === 'address' && state === undefined;
  const more = state === 'more' ? `${note ?? ''} ${words.state('more')}` : undefined;
  const kindWords = kind === 'door' ? note : [words.kind(kind), note].filter(Boolean).join(' · ');
  const second =
    more ?? (isPlain ? undefined : state === undefined ? kindWords : `${words.kind(kind)} · ${words.state(state)}`);
  return {
    id: name,
    kind: state === 'missing' ? 'failed' : lookOf(kind),
    title: kind === 'door' ? words.kind('door') : title,
    ...(second === undefined || second === '' ? {} : { note: second }),
    ...(state === undefined || state === 'more' ? {} : { problem: words.state(state) }),
  };
}

export function decidingStep({ steps }: Explanation, { decided }: ExplainedEdge): ExplainedStep | undefined {
  return decided === undefined ? undefined : steps[decided];
}

export function edgeName({ from, to, stage = '' }: FlowEdge): string {
  return `${from}|${to}|${stage}`;
}

/** With the line that somebody expected, dotted, to the mailbox that mail does not reach. */
export function withMissing(flow: Flow, from: string, wanted: string, words: FlowWords): Flow {
  const id = `mailbox ${wanted.toLowerCase()}`;
  const isThere = flow.nodes.some((node) => node.id === id);
  const start = `address ${from.toLowerCase()}`;
  const box: FlowNode = {
    id,
    kind: 'mailbox',
    title: wanted,
    note: words.stage('not-reached'),
    problem: words.stage('not-reached'),
  };
  const missing: FlowEdge = {
    from: flow.nodes.some((node) => node.id === start) ? start : 'door',
    to: id,
    stage: 'not-reached',
    label: words.stage('not-reached'),
    isMissing: true,
  };
  return { nodes: isThere ? flow.nodes : [...flow.nodes, box], edges: [...flow.edges, missing] };
}

export interface Difference {
  readonly before: Flow;
  readonly after: Flow;
  readonly changes: readonly {
    readonly change: FlowChange;
    readonly edge: FlowEdge;
    readonly side: 'before' | 'after';
  }[];
}

/** Both flows with what differs marked: lines that are gone, new, or decided by another row. */
export function compareFlows(before: Flow, after: Flow): Difference {
  const [old, now] = [before, after].map(({ edges }) => new Map(edges.map((edge) => [edgeName(edge), edge])));
  const changeOf = (edge: FlowEdge, others: ReadonlyMap<string, FlowEdge> | undefined, absent: FlowChange) => {
    const other = others?.get(edgeName(edge));
    if (other === undefined) return absent;
    const isSame = other.row === edge.row && other.label === edge.label && other.isMissing === edge.isMissing;
    return isSame ? undefined : 'changed';
  };
  const marked = (
    flow: Flow,
    other: Flow,
    others: ReadonlyMap<string, FlowEdge> | undefined,
    absent: FlowChange,
  ): Flow => {
    const known = new Set(other.nodes.map(({ id }) => id));
    return {
      nodes: flow.nodes.map((node) => (known.has(node.id) ? node : { ...node, change: absent })),
      edges: flow.edges.map((edge) => {
        const change = changeOf(edge, others, absent);
        return change === undefined ? edge : { ...edge, change };
      }),
    };
  };
  const one = marked(before, after, now, 'removed');
  const two = marked(after, before, old, 'added');
  const told = [
    ...one.edges.map((edge) => ({ edge, side: 'before' as const })),
    ...two.edges.map((edge) => ({ edge, side: 'after' as const })),
  ];
  return {
    before: one,
    after: two,
    changes: told.flatMap(({ edge, side }) => {
      const isTold = edge.change !== undefined && !(edge.change === 'changed' && side === 'before');
      return isTold ? [{ change: edge.change as FlowChange, edge, side }] : [];
    }),
  };
}
