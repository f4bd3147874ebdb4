// Compares what both servers said to the same conversations, and sorts the differences into explained and unexplained.

import type { AccessGroup, Conversation } from './generate.ts';
import type { AccessServers, ConversationAnswers } from './servers.ts';
import { explanationOf } from './known-differences.ts';

export interface AccessDifference {
  /** The line that was answered differently, `log` or `policy`. */
  readonly what: string;
  readonly postfix: string;
  readonly posthaste: string;
}

export interface AccessFinding {
  readonly group: AccessGroup;
  readonly conversation: Conversation;
  readonly number: number;
  readonly differences: readonly AccessDifference[];
}

export interface AccessTally {
  conversations: number;
  replies: number;
  readonly explained: Map<string, number>;
  readonly unexplained: AccessFinding[];
}

export function emptyAccessTally(): AccessTally {
  return { conversations: 0, replies: 0, explained: new Map(), unexplained: [] };
}

export async function compareConversations(
  servers: AccessServers,
  group: AccessGroup,
  tally: AccessTally,
): Promise<void> {
  const postfix = await servers.askPostfix(group);
  const posthaste = await servers.askPosthaste(group);
  for (const [number, conversation] of group.conversations.entries()) {
    const [theirs, ours] = [postfix[number], posthaste[number]];
    if (theirs === undefined || ours === undefined) continue;
    tally.conversations++;
    tally.replies += theirs.replies.length;
    const all = differencesOf(conversation, theirs, ours);
    const open = all.filter((difference) => {
      const subject = explanationOf(difference, all, group, conversation);
      if (subject !== undefined) tally.explained.set(subject, (tally.explained.get(subject) ?? 0) + 1);
      return subject === undefined;
    });
    if (open.length > 0) tally.unexplained.push({ group, conversation, number, differences: open });
  }
}

function differencesOf(
  conversation: Conversation,
  postfix: ConversationAnswers,
  posthaste: ConversationAnswers,
): AccessDifference[] {
  const differences: AccessDifference[] = [];
  const compare = (what: string, one = '(nothing)', other = '(nothing)'): void => {
    if (one !== other) differences.push({ what, postfix: one, posthaste: other });
  };
  for (let index = 0; index <= conversation.length; index++) {
    const line = index === 0 ? 'greeting' : (conversation[index - 1] ?? '');
    compare(`${index}: ${line}`, postfix.replies[index], posthaste.replies[index]);
  }
  compare('log', postfix.log.join('\n'), posthaste.log.join('\n'));
  compare('policy', postfix.asked.join('\n'), posthaste.asked.join('\n'));
  return differences;
}

/** As lines that a reader can act on. */
export function formatAccessFinding({ group, conversation, number, differences }: AccessFinding): string {
  const lines = differences.map(
    ({ what, postfix, posthaste }) =>
      `  ${what}\n    postfix   ${postfix.replaceAll('\n', '\n              ')}\n    posthaste ${posthaste.replaceAll('\n', '\n              ')}`,
  );
  return `seed ${group.seed}, conversation ${number}: ${conversation.join(' | ')}\n${lines.join('\n')}`;
}
