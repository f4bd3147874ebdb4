// npm run parity -- [--groups 320] [--cases 20] [--seed 1] [--group SEED] [--no-recorded] [--types texthash,inline] [--json FILE]
// npm run parity -- --conversations 2000 [--seed 1] [--each 20] [--group SEED]: restrictions (test/access-parity).
// Runs generated configurations and the recorded ones through a real Postfix and through ours, by SMTP on both
// sides. Exit status 1 with any difference that known-differences.ts does not explain.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compareAll } from '../access-parity/run.ts';
import { closeOnSignal } from '../harness/close-on-signal.ts';
import { noRealPostfix } from '../harness/real-postfix.ts';
import { generateGroup } from './generate.ts';
import { availableTableTypes, type TableType } from './generate/tables.ts';
import { compareGroup, emptyTally, formatFinding, type ParityTally } from './parity-run.ts';
import { documentGroups } from './document-groups.ts';
import { recordedGroups } from './recorded-groups.ts';
import { ParityServers } from './servers.ts';

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '320' },
    cases: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    group: { type: 'string' },
    'no-recorded': { type: 'boolean', default: false },
    types: { type: 'string' },
    json: { type: 'string' },
    conversations: { type: 'string' },
    each: { type: 'string', default: '20' },
  },
});

const shownFindings = 25;

function seeds(): number[] {
  if (values.group !== undefined) return values.group.split(',').map(Number);
  return Array.from({ length: Number(values.groups) }, (_, index) => Number(values.seed) * 100_000 + index);
}

function wantedTypes(): TableType[] {
  const wanted = values.types?.split(',');
  return availableTableTypes().filter((type) => wanted === undefined || wanted.includes(type));
}

function summary(tally: ParityTally, seconds: number): string[] {
  const lines = [
    ...tally.unexplained.slice(0, shownFindings).map(formatFinding),
    ...(tally.unexplained.length > shownFindings ? [`… and ${tally.unexplained.length - shownFindings} more`] : []),
    ...tally.refused.map(({ group, reason }) => `${group.name}: refused by ours: ${reason}`),
    ...[...tally.explained].map(([subject, count]) => `explained ${count} ×: ${subject}`),
    `${tally.cases} cases in ${tally.groups} configurations, ${Math.round(seconds)} s: ` +
      `${tally.unexplained.length} unexplained differences, ${tally.refused.length} configurations refused`,
  ];
  return lines;
}

/** Restriction lists, asked in whole conversations. */
function runConversations(wanted: string): Promise<number> {
  const first = Number(values.seed) * 100_000;
  const each = Number(values.each);
  const count = Math.ceil(Number(wanted) / each);
  return compareAll(
    values.group === undefined ? Array.from({ length: count }, (_, index) => first + index) : seeds(),
    each,
  );
}

async function main(): Promise<number> {
  if (values.conversations !== undefined) return await runConversations(values.conversations);
  if (noRealPostfix !== undefined) {
    console.log(`parity ${noRealPostfix}`);
    return 1;
  }
  const started = performance.now();
  const groups = [
    ...(values['no-recorded'] || values.group !== undefined ? [] : [...recordedGroups(), ...documentGroups()]),
    ...seeds().map((seed) => generateGroup(seed, Number(values.cases), wantedTypes())),
  ];
  const servers = await ParityServers.open();
  closeOnSignal(() => servers.close());
  const tally = emptyTally();
  try {
    for (const [index, group] of groups.entries()) {
      await compareGroup(servers, group, tally);
      if ((index + 1) % 50 === 0) {
        console.log(`${index + 1} of ${groups.length} configurations, ${tally.unexplained.length} differences`);
      }
    }
  } finally {
    await servers.close();
  }
  for (const line of summary(tally, (performance.now() - started) / 1000)) console.log(line);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ ...tally, explained: [...tally.explained] }, undefined, 1)}\n`);
  return tally.unexplained.length + tally.refused.length > 0 ? 1 : 0;
}

// What servers keep open for later must not hold it up.
process.exit(await main());
