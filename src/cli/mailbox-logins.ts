// posthaste mailbox logins: by what and from where somebody has logged in to a mailbox lately, or has failed to.

import type { Command } from 'commander';
import type { RecentLoginInfo } from '../directory/recent-logins.ts';
import type { CommandContext } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, printList } from './output.ts';

export function registerLogins(group: Command, context: CommandContext): void {
  group
    .command('logins')
    .description('show by what and from where somebody has logged in lately, or has failed to')
    .argument('<address>')
    .action((address: string) => logins(context, address));
}

const columns: readonly Column<RecentLoginInfo>[] = [
  { title: 'LAST', text: ({ time }) => formatTime(time) },
  { title: 'RESULT', text: ({ outcome }) => (outcome === 'in' ? 'logged in' : 'failed') },
  { title: 'BY', text: ({ protocol }) => protocol },
  { title: 'FROM', text: ({ address }) => address },
  { title: 'FIRST', text: ({ since }) => formatTime(since) },
];

async function logins(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const found = await directory.recentLogins.ofMailbox(address);
    await printList(context, columns, onePage(found), `nobody has logged in to ${address} yet`);
  });
}

async function* onePage(rows: readonly RecentLoginInfo[]): AsyncIterable<readonly RecentLoginInfo[]> {
  yield rows;
}
