// posthaste import maildir|maildirs|mbox|imap: brings people's mail from elsewhere, with uids, flags, keywords, dates and
// subscriptions, so that their clients need not fetch it again.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { importMailbox } from '../interop/import-mail/import-mailbox.ts';
import { MaildirSource } from '../interop/import-mail/maildir-source.ts';
import type { MailSource } from '../interop/import-mail/types.ts';
import { systemClock } from '../lib/clock.ts';
import { fromTyped, isMaildir, type MaildirLayout } from '../maildir/folder-tree.ts';
import { commandGroup } from './command-group.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { printReport } from './import-report.ts';
import { type ImportSession, openImportSession } from './import-session.ts';
import { ProgressLine } from './progress-line.ts';

interface CommonOptions {
  readonly into?: string;
  readonly renumber?: true;
}

interface MaildirOptions extends CommonOptions {
  readonly layout?: MaildirLayout;
  readonly control?: string;
}

const again = `
Nothing of the source is changed. A run that was cut off, or is run again, takes what is missing and doubles nothing.
The mailbox must exist (posthaste mailbox add). It works while the server runs, and with no server.`;

const maildirExamples = `${again}

Examples:
  posthaste import maildir /srv/vmail/example.com/anna anna@example.com
  posthaste import maildir /home/anna/Maildir anna@example.com --layout fs
  posthaste import maildir /old/anna anna@example.com --into Old`;

export function register(program: Command, context: CommandContext): void {
  const group = commandGroup(program, 'import', 'bring mail and directories from elsewhere');
  const maildir = group
    .command('maildir')
    .description("take an account's Maildir (Dovecot's or Courier's) into a mailbox")
    .argument('<path>', 'the folder with cur, new and tmp')
    .argument('<address>', 'the mailbox')
    .option('--layout <layout>', 'maildir++ (.Sent) or fs (Sent); by itself: what it looks like', parseLayout)
    .option('--control <folder>', 'where uid lists and subscriptions are, if mail_location has CONTROL=')
    .addHelpText('after', maildirExamples)
    .action((path: string, address: string, options: MaildirOptions) => runMaildir(context, path, address, options));
  addCommonOptions(maildir);
}

function addCommonOptions(command: Command): void {
  command
    .option('--into <folder>', 'put all folders below this one')
    .option('--renumber', 'keep uids of the source even where mail is here already, which then gets new ones');
}

export function parseLayout(text: string): MaildirLayout {
  if (text === 'maildir++' || text === 'fs') return text;
  throw new CommandError(`"${text}" is no layout: write maildir++ or fs`, 2);
}

async function runMaildir(context: CommandContext, path: string, address: string, options: MaildirOptions) {
  if (!existsSync(path)) throw new CommandError(`${path} does not exist`);
  const source = new MaildirSource({ path, layout: options.layout, control: options.control });
  if (!isMaildir(fromTyped(path)) && (await source.folders()).length === 0) {
    throw new CommandError(`${path} is no Maildir: it has no folders cur and new, nor has any folder in it`);
  }
  await importOne(context, source, address, options);
}

async function importOne(context: CommandContext, source: MailSource, address: string, options: CommonOptions) {
  await withDirectory(context, true, async ({ directory, settings, dataDirectory }) => {
    const { id, address: known } = await directory.mailboxes.need(address);
    const session = await openImportSession(context, settings, dataDirectory);
    try {
      const isComplete = await importInto(context, session, source, { id, address: known }, options);
      if (!isComplete) process.exitCode = 1;
    } finally {
      await session.close();
      await source.close();
    }
  });
}

async function importInto(
  context: CommandContext,
  session: ImportSession,
  source: MailSource,
  mailbox: { readonly id: number; readonly address: string },
  { into, renumber }: CommonOptions,
): Promise<boolean> {
  const line = new ProgressLine();
  const began = systemClock.monotonic();
  try {
    const report = await importMailbox(source, {
      mailbox: mailbox.id,
      target: session.target,
      reader: session.reader,
      renumber,
      below: into,
      progress: ({ step, folder, done, count }) =>
        line.show(`${mailbox.address} ${folder}${step === 'proof' ? ' (proof)' : ''}`, done, count),
    });
    line.clear();
    await printReport(context, mailbox.address, report, (systemClock.monotonic() - began) / 1000);
    return report.isComplete;
  } finally {
    line.clear();
  }
}
