// What an import says at its end: each folder with its proof, what was not taken and why, and the sum in one line.

import type { FolderReport, ImportReport } from '../interop/import-mail/import-mailbox.ts';
import { plural } from '../lib/plural.ts';
import type { CommandContext } from './context.ts';
import { type Column, printList } from './output.ts';
import { formatSize } from './sizes.ts';

const columns: readonly Column<FolderReport>[] = [
  { title: 'FOLDER', text: (row) => row.name },
  { title: 'NEW', isNumber: true, text: (row) => String(row.added) },
  { title: 'KNOWN', isNumber: true, text: (row) => String(row.known) },
  { title: 'SOURCE', isNumber: true, text: (row) => String(row.proof.messages) },
  { title: 'EQUAL', isNumber: true, text: (row) => String(row.proof.equal) },
  { title: 'SIZE', isNumber: true, text: (row) => formatSize(row.proof.equalBytes) },
  { title: 'UIDS', isNumber: true, text: (row) => (row.keepsUids ? String(row.proof.sameUids) : 'new') },
  { title: 'FLAGS', isNumber: true, text: (row) => String(row.proof.sameFlags) },
];

/** Of fewer messages a rate says nothing. */
const minRated = 100;
/** Messages that are named one by one; the rest is counted. */
const maxNamed = 20;

export async function printReport(context: CommandContext, address: string, report: ImportReport): Promise<void> {
  if (context.json) {
    context.print(JSON.stringify({ address, ...report }));
    return;
  }
  const folders = (async function* () {
    yield report.folders;
  })();
  await printList(context, columns, folders, 'the source has no folder');
  for (const folder of report.folders) printTroubles(context, folder);
  for (const { what, why } of report.notTaken) context.print(`not taken: ${what}: ${why}`);
  context.print(summary(address, report));
}

function printTroubles(context: CommandContext, { name, moved, flagsChanged, proof }: FolderReport): void {
  if (flagsChanged > 0)
    context.print(
      `${name}: ${plural(flagsChanged, 'message has', 'messages have')} flags that changed at the source since`,
    );
  if (moved > 0)
    context.print(
      `${name}: ${plural(moved, 'message that came here meanwhile stands', 'messages that came here meanwhile stand')} behind the imported ones`,
    );
  if (proof.goneHere > 0)
    context.print(`${name}: ${plural(proof.goneHere, 'message was', 'messages were')} moved or deleted here since`);
  if (proof.arrived > 0) {
    context.print(
      `${name}: ${plural(proof.arrived, 'message')} came to the source meanwhile: run this again to take them`,
    );
  }
  for (const label of proof.different.slice(0, maxNamed)) context.print(`${name}: differs or is missing: ${label}`);
  const more = proof.different.length - maxNamed;
  if (more > 0) context.print(`${name}: and ${more} more`);
}

interface Sums {
  readonly added: number;
  readonly bytes: number;
  readonly source: number;
  readonly equal: number;
  readonly goneHere: number;
  /** Without the proof. */
  readonly seconds: number;
}

function sumsOf({ folders }: ImportReport): Sums {
  const sum = (value: (folder: FolderReport) => number): number => folders.reduce((all, one) => all + value(one), 0);
  return {
    added: sum(({ added }) => added),
    bytes: sum(({ addedBytes }) => addedBytes),
    source: sum(({ proof }) => proof.messages),
    equal: sum(({ proof }) => proof.equal),
    goneHere: sum(({ proof }) => proof.goneHere),
    seconds: sum(({ importSeconds }) => importSeconds),
  };
}

function summary(address: string, report: ImportReport): string {
  const { added, bytes, source, equal, goneHere, seconds } = sumsOf(report);
  const rate =
    added < minRated ? '' : ` in ${seconds.toFixed(1)} s, ${Math.round(added / Math.max(seconds, 0.001))} a second`;
  const taken = `${address}: ${plural(added, 'message')} taken (${formatSize(bytes)}${rate})`;
  const rest = goneHere === 0 ? '' : `, ${goneHere} moved or deleted here since`;
  const proof = `${equal} of ${source} messages of the source are here octet for octet${rest}`;
  return `${taken}; proof: ${proof}${report.isComplete ? '' : ' -- NOT COMPLETE, see above'}`;
}
