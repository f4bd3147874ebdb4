// A flow as it is told to who draws it: lines name their questions by the place in the list of steps, or by the row alone.

import type { TraceStep } from '../../routing/types.ts';
import type { FlowEdge, FlowNode, MailFlow } from './mail-flow.ts';

interface EdgeWords {
  readonly from: string;
  readonly to: string;
  readonly stage: string;
  readonly leavesHost?: true;
  readonly isUntaken?: true;
}

export interface ExplainedEdge extends EdgeWords {
  /** Places in the list of steps. */
  readonly asked: readonly number[];
  readonly decided?: number;
}

/** The row that decided. */
export interface MappedEdge extends EdgeWords {
  /** The stage of that row. */
  readonly by?: string;
  readonly table?: string;
  readonly key?: string;
  readonly result?: string;
  readonly source?: string;
}

export interface ExplainedFlow {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly ExplainedEdge[];
}

export function explainedFlow({ nodes, edges }: MailFlow, steps: readonly TraceStep[]): ExplainedFlow {
  const places = new Map(steps.map((step, place) => [step, place]));
  const told = edges.map((edge): ExplainedEdge => {
    const asked = edge.asked.flatMap((step) => places.get(step) ?? []).toSorted((a, b) => a - b);
    const decided = edge.decided === undefined ? undefined : places.get(edge.decided);
    return { ...wordsOf(edge), asked, ...(decided === undefined ? {} : { decided }) };
  });
  return { nodes, edges: told };
}

export function mappedEdge(edge: FlowEdge): MappedEdge {
  const { stage: by, table, key, result, source } = edge.decided ?? {};
  return {
    ...wordsOf(edge),
    ...(by === undefined ? {} : { by }),
    ...(table === undefined ? {} : { table }),
    ...(key === undefined ? {} : { key }),
    // A row of a thousand targets is not told with each of them.
    ...(result === undefined ? {} : { result: result.length > 200 ? `${result.slice(0, 199)}…` : result }),
    ...(source === undefined ? {} : { source }),
  };
}

function wordsOf({ from, to, stage, leavesHost, isUntaken }: FlowEdge): EdgeWords {
  return {
    from,
    to,
    stage,
    ...(leavesHost === undefined ? {} : { leavesHost }),
    ...(isUntaken === undefined ? {} : { isUntaken }),
  };
}
