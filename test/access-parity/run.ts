// Generated restriction configurations and conversations, through a real Postfix and through ours (`npm run parity --
// --conversations 2000`). Gives 1 with any difference that known-differences.ts does not explain.

import { noChrootedPostfix } from '../harness/chrooted-postfix.ts';
import { closeOnSignal } from '../harness/close-on-signal.ts';
import { compareConversations, emptyAccessTally, formatAccessFinding } from './compare.ts';
import { accessNameServer, AccessServers } from './servers.ts';

const shownFindings = 40;

export async function compareAll(seeds: readonly number[], conversationsEach: number): Promise<number> {
  const reason = await noChrootedPostfix(accessNameServer);
  if (reason !== undefined) {
    console.log(`conversations: ${reason}`);
    return 1;
  }
  const started = performance.now();
  const servers = await AccessServers.open();
  closeOnSignal(() => servers.close());
  const tally = emptyAccessTally();
  try {
    for (const seed of seeds) {
      const before = tally.unexplained.length;
      await compareConversations(servers, servers.generate(seed, conversationsEach), tally);
      for (const finding of tally.unexplained.slice(before, shownFindings)) console.log(formatAccessFinding(finding));
    }
  } finally {
    await servers.close();
  }
  for (const [subject, count] of tally.explained) console.log(`explained ${count} ×: ${subject}`);
  console.log(
    `${tally.conversations} conversations, ${tally.replies} replies in ${seeds.length} configurations, ` +
      `${Math.round((performance.now() - started) / 1000)} s: ${tally.unexplained.length} with unexplained differences`,
  );
  return tally.unexplained.length > 0 ? 1 : 0;
}
