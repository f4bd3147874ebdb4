// posthaste quota list|recalculate: how much each mailbox holds, against what it may hold.

import type { Command } from 'commander';
import type { Directory } from '../directory/directory.ts';
import { plural } from '../lib/plural.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import type { QuotaUsage } from '../mailstore/types.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, pages, printDone, printList } from './output.ts';
import { formatQuota, formatSize } from './sizes.ts';

interface QuotaLine {
  readonly address: string;
  readonly bytes: number;
  readonly messages: number;
  readonly quotaBytes: number;
  /** Of the quota; null when it is unlimited. */
  readonly percent: number | null;
}

const examples = `
Examples:
  posthaste quota list
  posthaste quota list --domain example.com
  posthaste quota recalculate anna@example.com`;

export function register(program: Command, context: CommandContext): void {
  const group = program.command('quota').description('how full the mailboxes are').addHelpText('after', examples);
  group
    .command('list')
    .description('list what each mailbox holds')
    .option('--domain <domain>', 'of this domain only')
    .action((options: { domain?: string }) => list(context, options.domain));
  group
    .command('recalculate')
    .description('count the mail of a mailbox, or of all, anew (needs the running server)')
    .argument('[address]')
    .action((address: string | undefined) => recalculate(context, address));
}

const columns: readonly Column<QuotaLine>[] = [
  { title: 'MAILBOX', text: (row) => row.address },
  { title: 'USED', isNumber: true, text: (row) => formatSize(row.bytes) },
  { title: 'QUOTA', isNumber: true, text: (row) => formatQuota(row.quotaBytes) },
  { title: '%', isNumber: true, text: (row) => (row.percent === null ? '' : String(row.percent)) },
  { title: 'MESSAGES', isNumber: true, text: (row) => String(row.messages) },
];

async function list(context: CommandContext, domain: string | undefined): Promise<void> {
  const { remote } = context;
  const empty =
    domain === undefined ? 'no mailbox yet: add one with: posthaste mailbox add USER@DOMAIN' : 'no such mailbox';
  if (remote !== undefined) {
    const read = async (after: string | undefined) =>
      (await remote.call<{ items: readonly QuotaLine[] }>('quota.list', { domain, after, limit: 500 })).items;
    return await printList(
      context,
      columns,
      pages(read, (row) => row.address),
      empty,
    );
  }
  await withDirectory(context, true, async ({ directory, dataDirectory }) => {
    const store = openStoreReader(dataDirectory);
    try {
      const usage = (id: number): QuotaUsage => store?.usage(id) ?? { mailbox: id, bytes: 0, messages: 0 };
      const read = (after: string | undefined) => readLines(directory, usage, domain, after);
      await printList(
        context,
        columns,
        pages(read, (row) => row.address),
        empty,
      );
    } finally {
      store?.close();
    }
  });
}

async function readLines(
  directory: Directory,
  usage: (id: number) => QuotaUsage,
  domain: string | undefined,
  after: string | undefined,
): Promise<QuotaLine[]> {
  const query = { ...(domain === undefined ? {} : { domain }), ...(after === undefined ? {} : { after }), limit: 500 };
  return (await directory.mailboxes.list(query)).map(({ id, address, quotaBytes }) => {
    const { bytes, messages } = usage(id);
    return {
      address,
      bytes,
      messages,
      quotaBytes,
      percent: quotaBytes === 0 ? null : Math.round((bytes / quotaBytes) * 100),
    };
  });
}

async function recalculate(context: CommandContext, address: string | undefined): Promise<void> {
  if (context.remote !== undefined) {
    if (address === undefined) throw new CommandError('name the mailbox: all are counted anew on the host itself', 2);
    await context.remote.call('quota.recalculate', { address });
    printDone(context, `${address} counted anew`, { mailboxes: 1 });
    return;
  }
  await withDirectory(context, true, async ({ directory, dataDirectory }) => {
    const one = address === undefined ? undefined : await directory.mailboxes.need(address);
    const read = (after: string | undefined) =>
      directory.mailboxes.list({ ...(after === undefined ? {} : { after }), limit: 500 });
    const all = one ? [[one]] : pages(read, (row) => row.address);
    let count = 0;
    for await (const page of all) {
      for (const { id } of page) await controlRequest(dataDirectory, { command: 'quota-recalculate', mailbox: id });
      count += page.length;
    }
    printDone(context, one ? `${one.address} counted anew` : `${plural(count, 'mailbox', 'mailboxes')} counted anew`, {
      mailboxes: count,
    });
  });
}
