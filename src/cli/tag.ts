// posthaste tag list: the tags on domains, mailboxes, aliases and lists.

import type { Command } from 'commander';
import type { TagCount, TaggedObject } from '../directory/tags.ts';
import type { CommandContext } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, pages, printList } from './output.ts';

const examples = `
Tags are words by which you find things again. They mean nothing to mail.

Examples:
  posthaste domain set example.com --tag customer-17
  posthaste mailbox set anna@example.com --tag staff --tag board
  posthaste mailbox list --tag staff
  posthaste mailbox set anna@example.com --untag board
  posthaste tag list
  posthaste tag list customer-17`;

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('tag')
    .description('words on domains, mailboxes, aliases and lists')
    .addHelpText('after', examples);
  group
    .command('list')
    .description('list the tags, or what has one')
    .argument('[tag]')
    .action((tag: string | undefined) => (tag === undefined ? list(context) : listObjects(context, tag)));
}

const columns: readonly Column<TagCount>[] = [
  { title: 'TAG', text: (row) => row.tag },
  { title: 'DOMAINS', isNumber: true, text: (row) => String(row.domains) },
  { title: 'MAILBOXES', isNumber: true, text: (row) => String(row.mailboxes) },
  { title: 'ALIASES', isNumber: true, text: (row) => String(row.aliases) },
  { title: 'LISTS', isNumber: true, text: (row) => String(row.lists) },
];

async function list(context: CommandContext): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const tags = await directory.tags.list();
    await printList(context, columns, once(tags), 'no tag yet: posthaste domain set NAME --tag WORD');
  });
}

async function* once<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows;
}

async function listObjects(context: CommandContext, tag: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: TaggedObject | undefined) =>
      directory.tags.objects(tag, { ...(after === undefined ? {} : { after }), limit: 500 });
    const objectColumns: readonly Column<TaggedObject>[] = [
      { title: 'KIND', text: (row) => row.kind },
      { title: 'OBJECT', text: (row) => row.object },
    ];
    await printList(
      context,
      objectColumns,
      pages(read, (row) => row),
      `nothing has the tag ${tag}`,
    );
  });
}
