// The judgements of several runs as one, and in words.

import { endKinds, type EndKind, type Judgement } from './ledger.ts';

export function addJudgements(a: Judgement, b: Judgement): Judgement {
  const add = (name: 'expected' | 'reached' | 'again') =>
    Object.fromEntries(endKinds.map((kind) => [kind, a[name][kind] + b[name][kind]])) as Record<EndKind, number>;
  return {
    accepted: a.accepted + b.accepted,
    unknownStored: a.unknownStored + b.unknownStored,
    unknownNotStored: a.unknownNotStored + b.unknownNotStored,
    expected: add('expected'),
    reached: add('reached'),
    again: add('again'),
    windows: [...a.windows, ...b.windows],
    lost: [...a.lost, ...b.lost],
    doubled: [...a.doubled, ...b.doubled],
    damaged: [...a.damaged, ...b.damaged],
    unexpected: [...a.unexpected, ...b.unexpected],
  };
}

const isOutside = (kind: EndKind): boolean => kind === 'smtp' || kind === 'lmtp' || kind === 'pipe';

/** A few lines for people. */
export function formatJudgement(judgement: Judgement, shown = 10): string {
  const { accepted, unknownStored, unknownNotStored, expected, reached, again, windows } = judgement;
  const lines = [
    `${accepted} messages got 250; of ${unknownStored + unknownNotStored} the client was not told: ${unknownStored} were ` +
      `taken whole, ${unknownNotStored} not at all`,
  ];
  const sum = (counts: Readonly<Record<EndKind, number>>) => endKinds.reduce((total, kind) => total + counts[kind], 0);
  const delivered = sum(reached) - reached.notice;
  lines.push(
    `${sum(expected)} recipients, members of lists counted each: ${delivered} delivered + ${reached.notice} bounced`,
  );
  for (const kind of endKinds) {
    const share = reached[kind] === 0 ? 0 : (100 * again[kind]) / reached[kind];
    const window = isOutside(kind) ? `, ${again[kind]} twice around a cut (${share.toFixed(2)} %)` : '';
    lines.push(`${kind.padEnd(8)} ${expected[kind]} due, ${reached[kind]} reached${window}`);
  }
  if (windows.length > 0) {
    const sorted = windows.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
    lines.push(
      `of those delivered twice the first came ${at(0.5)} ms (median), ${at(0.9)} ms (90 %), ${at(1)} ms (all) before the cut`,
    );
  }
  for (const kind of ['lost', 'doubled', 'damaged', 'unexpected'] as const) {
    const problems = judgement[kind];
    lines.push(`${problems.length} ${kind}`, ...problems.slice(0, shown).map((problem) => `  ${problem}`));
    if (problems.length > shown) lines.push(`  … and ${problems.length - shown} more`);
  }
  return lines.join('\n');
}
