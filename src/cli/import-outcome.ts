// What an import says at its end: what it did, whether old and new are equal, and what it left out and why.

import type { ImportKind, ImportTally, KindCount } from '../interop/import/import-sink.ts';
import { plural } from '../lib/plural.ts';
import type { CommandContext } from './context.ts';
import type { ImportProof } from './import-proof.ts';
import { type Column, printList } from './output.ts';

export interface ImportReport {
  readonly source: string;
  readonly isDryRun: boolean;
  readonly tally: ImportTally;
  readonly proof: ImportProof | undefined;
  readonly options: { readonly report?: string; readonly proof: boolean };
}

/** Of one reason; --report has all. */
const maxShown = 5;
const maxReasons = 20;

type Line = KindCount & { readonly kind: ImportKind };

const columns: readonly Column<Line>[] = [
  { title: '', text: ({ kind }) => kind },
  ...(['added', 'unchanged', 'updated', 'differs', 'refused'] as const).map((name): Column<Line> => {
    return { title: name, isNumber: true, text: (line) => String(line[name]) };
  }),
];

export async function printImport(context: CommandContext, report: ImportReport): Promise<void> {
  const { source, isDryRun, tally, proof } = report;
  const counts = [...tally.counts].map(([kind, count]) => ({ kind, ...count }));
  if (context.json) {
    const { notTaken, notTakenCount } = tally;
    const object = {
      source,
      dryRun: isDryRun,
      counts: Object.fromEntries(tally.counts),
      proof,
      notTakenCount,
      notTaken,
    };
    context.print(JSON.stringify(object));
    return;
  }
  context.print(`${source}${isDryRun ? ' (a rehearsal: nothing was changed)' : ''}`);
  await printList(context, columns, pagesOf(counts), 'nothing was found');
  printProof(context, proof, report.options.proof);
  printNotTaken(context, tally, report.options.report);
}

async function* pagesOf<Row>(rows: readonly Row[]): AsyncIterable<readonly Row[]> {
  if (rows.length > 0) yield rows;
}

function printProof(context: CommandContext, proof: ImportProof | undefined, isWanted: boolean): void {
  if (proof === undefined) {
    if (isWanted) context.print('proof: there is no Postfix to compare with');
    return;
  }
  const { differing, explained, keys, probes, differences, untold } = proof;
  if (differing === 0)
    context.print(`proof: equal, ${plural(probes, 'address', 'addresses')} asked, ${plural(keys, 'key')}`);
  else {
    const known = explained === 0 ? '' : `, ${explained} of them for a known reason`;
    context.print(`proof: ${differing} of ${probes} addresses get another answer here${known}`);
    printDifferences(context, differences);
  }
  for (const name of untold) context.print(`  the keys of ${name} cannot be told: only the addresses asked say it`);
}

/** Those that nothing explains, then one for each reason. */
function printDifferences(context: CommandContext, differences: ImportProof['differences']): void {
  const told = new Set<string>();
  let shown = 0;
  for (const { address, old, here, reason } of differences) {
    if (reason === undefined ? ++shown > maxShown : told.has(reason)) continue;
    if (reason !== undefined) told.add(reason);
    context.print(`  ${address}${reason === undefined ? '' : `: ${reason}`}`);
    context.print(`    there: ${old}`);
    context.print(`    here:  ${here}`);
  }
}

/** By reason, so that a thousand rows of one kind are one line. */
function printNotTaken(
  context: CommandContext,
  { notTaken, notTakenCount }: ImportTally,
  file: string | undefined,
): void {
  if (notTakenCount === 0) {
    context.print('not taken: nothing');
    return;
  }
  context.print(
    `not taken: ${notTakenCount}${file === undefined ? ' (--report FILE lists all)' : `, listed in ${file}`}`,
  );
  const byReason = new Map<string, string[]>();
  for (const { what, reason } of notTaken) {
    const same = byReason.get(reason);
    if (same === undefined) byReason.set(reason, [what]);
    else same.push(what);
  }
  for (const [reason, whats] of [...byReason].slice(0, maxReasons)) {
    const more = whats.length > maxShown ? `, … and ${whats.length - maxShown} more` : '';
    context.print(`  ${whats.slice(0, maxShown).join(', ')}${more}: ${reason}`);
  }
  if (byReason.size > maxReasons) context.print(`  … and ${byReason.size - maxReasons} more reasons`);
}
