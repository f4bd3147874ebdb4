// posthaste export maildir|mbox: a mailbox as a Maildir that Dovecot serves with the same uids, flags and keywords, or as
// mbox files.

import type { Command } from 'commander';
import { exportMaildir, ExportRefused } from '../interop/export-mail/export-maildir.ts';
import { exportMbox } from '../interop/export-mail/export-mbox.ts';
import type { ExportedFolder, ExportProgress, ExportReport, ExportStore } from '../interop/export-mail/types.ts';
import type { MaildirLayout } from '../maildir/folder-tree.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { commandGroup } from './command-group.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { parseLayout } from './import-mail.ts';
import { type Column, printList } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { formatSize } from './sizes.ts';

const maildirExamples = `
The folder is made where it is missing. Give it to the user that Dovecot reads mail as: chown -R vmail: FOLDER

Examples:
  posthaste export maildir anna@example.com /srv/vmail/example.com/anna
  posthaste export maildir anna@example.com /home/anna/Maildir --layout fs`;

export function register(program: Command, context: CommandContext): void {
  const group = commandGroup(program, 'export', 'write what other programs read');
  registerMbox(group, context);
  group
    .command('maildir')
    .description('write a mailbox as a Maildir for Dovecot, with uids, flags, keywords and subscriptions')
    .argument('<address>', 'the mailbox')
    .argument('<folder>', 'where the Maildir is to be')
    .option('--layout <layout>', 'maildir++ (.Sent) or fs (Sent)', parseLayout, 'maildir++' as const)
    .addHelpText('after', maildirExamples)
    .action((address: string, directory: string, { layout }: { layout: MaildirLayout }) =>
      runExport(context, address, (store, mailbox, progress) =>
        exportMaildir({ store, mailbox, directory, layout, progress }),
      ),
    );
}

function registerMbox(group: Command, context: CommandContext): void {
  group
    .command('mbox')
    .description('write a mailbox as mbox files, one a folder, with uids, flags and keywords')
    .argument('<address>', 'the mailbox')
    .argument('<folder>', 'where the files are to be')
    .addHelpText('after', '\nExample:\n  posthaste export mbox anna@example.com /backup/anna')
    .action((address: string, directory: string) =>
      runExport(context, address, (store, mailbox, progress) => exportMbox({ store, mailbox, directory, progress })),
    );
}

type Export = (store: ExportStore, mailbox: number, progress: ExportProgress) => Promise<ExportReport>;

async function runExport(context: CommandContext, address: string, run: Export): Promise<void> {
  await withDirectory(context, true, async ({ directory, dataDirectory }) => {
    const { id, address: known } = await directory.mailboxes.need(address);
    const store = openStoreReader(dataDirectory);
    if (store === undefined) throw new CommandError(`${dataDirectory} has no store yet: run "posthaste start" first`);
    const line = new ProgressLine();
    try {
      const report = await run(store, id, (folder, done, count) => line.show(`${known} ${folder}`, done, count));
      line.clear();
      await printReport(context, known, report);
      if (!report.isComplete) process.exitCode = 1;
    } catch (error) {
      if (error instanceof ExportRefused) throw new CommandError(error.message);
      throw error;
    } finally {
      line.clear();
      store.close();
    }
  });
}

const columns: readonly Column<ExportedFolder>[] = [
  { title: 'FOLDER', text: (row) => row.name },
  { title: 'MESSAGES', isNumber: true, text: (row) => String(row.messages) },
  { title: 'EQUAL', isNumber: true, text: (row) => String(row.equal) },
  { title: 'SIZE', isNumber: true, text: (row) => formatSize(row.bytes) },
  { title: 'PATH', text: (row) => row.path },
];

async function printReport(context: CommandContext, address: string, report: ExportReport): Promise<void> {
  if (context.json) {
    context.print(JSON.stringify({ address, ...report }));
    return;
  }
  const folders = (async function* () {
    yield report.folders;
  })();
  await printList(context, columns, folders, 'the mailbox has no folder yet');
  for (const { what, why } of report.notTaken) context.print(`not taken: ${what}: ${why}`);
  const sum = (value: (folder: ExportedFolder) => number): number =>
    report.folders.reduce((all, folder) => all + value(folder), 0);
  const messages = sum((folder) => folder.messages);
  const equal = sum((folder) => folder.equal);
  const end = report.isComplete ? '' : ' -- NOT COMPLETE: run it again';
  context.print(`${address}: ${equal} of ${messages} messages are there octet for octet${end}`);
}
