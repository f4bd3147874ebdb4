// One parity run: asks both servers each group and sorts the differences into explained and unexplained.

import { compareAnswers, type Difference } from './compare-answers.ts';
import { explanationOf } from './known-differences.ts';
import type { ParityCase, ParityGroup } from './parity-case.ts';
import type { ParityServers } from './servers.ts';

export interface Finding {
  readonly group: ParityGroup;
  readonly case: ParityCase;
  readonly differences: readonly Difference[];
}

export interface ParityTally {
  groups: number;
  cases: number;
  /** Subjects of docs/postfix-parity.md and how often they explained a difference. */
  readonly explained: Map<string, number>;
  readonly unexplained: Finding[];
  /** Configurations that Postfix takes and we do not, with what we say. */
  readonly refused: { readonly group: ParityGroup; readonly reason: string }[];
}

export function emptyTally(): ParityTally {
  return { groups: 0, cases: 0, explained: new Map(), unexplained: [], refused: [] };
}

export async function compareGroup(servers: ParityServers, group: ParityGroup, tally: ParityTally): Promise<void> {
  const { postfix, posthaste } = await servers.ask(group);
  tally.groups++;
  if (typeof posthaste === 'string') {
    tally.refused.push({ group, reason: posthaste });
    return;
  }
  for (const [index, one] of group.cases.entries()) {
    const [theirs, ours] = [postfix[index], posthaste[index]];
    if (theirs === undefined || ours === undefined) continue;
    tally.cases++;
    const open: Difference[] = [];
    const all = compareAnswers(theirs, ours);
    for (const difference of all) {
      const subject = explanationOf(difference, all, group, one);
      if (subject === undefined) open.push(difference);
      else tally.explained.set(subject, (tally.explained.get(subject) ?? 0) + 1);
    }
    if (open.length > 0) tally.unexplained.push({ group, case: one, differences: open });
  }
}

/** A finding as lines that a reader can act on: the case, the settings, and both answers. */
export function formatFinding({ group, case: one, differences }: Finding): string {
  const client = one.client === undefined ? '' : ` client=${one.client.join('/')}`;
  const login = one.login === undefined ? '' : ` login=${one.login}`;
  const lines = differences.map(
    ({ what, postfix, posthaste }) =>
      `  ${what}\n    postfix   ${JSON.stringify(postfix)}\n    posthaste ${JSON.stringify(posthaste)}`,
  );
  return `${group.name}, case ${one.id}: <${one.from}> → ${one.recipients.join(' ')}${client}${login}\n${lines.join('\n')}`;
}
