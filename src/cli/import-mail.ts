// posthaste import maildir|maildirs|mbox|imap: brings people's mail from elsewhere, with uids, flags, keywords, dates and
// subscriptions, so that their clients need not fetch it again.

import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { importMailbox } from '../interop/import-mail/import-mailbox.ts';
import { type ImapAccount, ImapRefused } from '../interop/import-mail/imap-connection.ts';
import { ImapSource } from '../interop/import-mail/imap-source.ts';
import { type FoundMaildir, findMaildirs } from '../interop/import-mail/maildir-layout.ts';
import { MaildirSource } from '../interop/import-mail/maildir-source.ts';
import { type MboxQuoting, MboxSource, NoMboxError } from '../interop/import-mail/mbox-source.ts';
import type { MailSource } from '../interop/import-mail/types.ts';
import type { Directory } from '../directory/directory.ts';
import { DirectoryRefusedError } from '../directory/refusal.ts';
import { systemClock } from '../lib/clock.ts';
import { fromTyped, isMaildir, type MaildirLayout } from '../maildir/folder-tree.ts';
import { commandGroup } from './command-group.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { accountsToFetch, type ImapOptions, readMaildirList } from './import-accounts.ts';
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

interface TreeOptions extends CommonOptions {
  readonly layout: string;
  readonly list?: string;
  readonly folders?: MaildirLayout;
}

interface MboxOptions extends CommonOptions {
  readonly folder?: string;
  readonly quoting: MboxQuoting;
}

const again = `
Nothing of the source is changed. A run that was cut off, or is run again, takes what is missing and doubles nothing.
The mailbox must exist (posthaste mailbox add). It works while the server runs, and without one.`;

const maildirExamples = `${again}

Examples:
  posthaste import maildir /srv/vmail/example.com/anna anna@example.com
  posthaste import maildir /home/anna/Maildir anna@example.com --layout fs
  posthaste import maildir /old/anna anna@example.com --into Old`;

const treeExamples = `${again}

Examples:
  posthaste import maildirs /srv/vmail
  posthaste import maildirs /var/vmail --layout %d/%n/Maildir
  posthaste import maildirs /var/mail/vhosts --layout %u
  posthaste import dovecot --update --maildirs maildirs.csv
  posthaste import maildirs --list maildirs.csv`;

const mboxExamples = `${again}

Examples:
  posthaste import mbox /var/mail/anna anna@example.com
  posthaste import mbox /home/anna/mail anna@example.com
  posthaste import mbox archive-2019.mbox anna@example.com --folder Archive/2019`;

const imapExamples = `${again}

Examples:
  posthaste import imap --from imaps://mail.old.example --user anna --password-file FILE anna@example.com
  posthaste import imap --from imaps://mail.old.example --user anna --master-user root --password-file FILE anna@example.com
  posthaste import imap --from imaps://mail.old.example --accounts accounts.csv

A line of the file of accounts: address,user,password or address,user,password,imaps://server`;

export function register(program: Command, context: CommandContext): void {
  const group = commandGroup(program, 'import', 'bring mail and directories from elsewhere');
  registerMaildirs(group, context);
  const mbox = group
    .command('mbox')
    .description('take an mbox file, or a folder of them, into a mailbox')
    .argument('<path>', 'the file or the folder')
    .argument('<address>', 'the mailbox')
    .option('--folder <folder>', 'where a single file goes (default: INBOX)')
    .addOption(
      new Option('--quoting <kind>', 'what `From ` at the beginning of a line was changed to')
        .choices(['mboxrd', 'mboxo', 'none'])
        .default('mboxrd'),
    )
    .addHelpText('after', mboxExamples)
    .action((path: string, address: string, options: MboxOptions) => {
      needExisting(path);
      return importOne(context, new MboxSource({ path, ...options }), address, options);
    });
  addCommonOptions(mbox);
  const imap = group
    .command('imap')
    .description('fetch accounts from an IMAP server into mailboxes')
    .argument('[address]', 'the mailbox')
    .option('--from <url>', 'imaps://host[:port], or imap:// with STARTTLS')
    .option('--user <name>', 'whose mail it is there')
    .option('--password-file <file>', 'its first line is the password; - for standard input')
    .option('--master-user <name>', 'log in as this one and read the mail of --user')
    .option('--accounts <file>', 'many accounts: address,user,password lines')
    .option('--ca <file>', "the certificate of the server's authority, where the system does not know it")
    .option('--plain', 'without TLS, to this machine itself')
    .addHelpText('after', imapExamples)
    .action((address: string | undefined, options: ImapOptions & CommonOptions) => runImap(context, address, options));
  addCommonOptions(imap);
}

function registerMaildirs(group: Command, context: CommandContext): void {
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
  const maildirs = group
    .command('maildirs')
    .description('take the Maildirs of many domains and users')
    .argument('[root]', 'the folder above all')
    .option('--layout <layout>', '%d: domain, %n: user, %u: both', '%d/%n')
    .option('--list <file>', 'those that a file names: address,maildir lines, relative paths below root')
    .option('--folders <layout>', 'in each: maildir++ (.Sent) or fs (Sent)', parseLayout)
    .addHelpText('after', treeExamples)
    .action((root: string | undefined, options: TreeOptions) => runTree(context, root, options));
  addCommonOptions(maildirs);
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

function needExisting(path: string): void {
  if (!existsSync(path)) throw new CommandError(`${path} does not exist`);
}

async function runMaildir(
  context: CommandContext,
  path: string,
  address: string,
  options: MaildirOptions,
): Promise<void> {
  needExisting(path);
  const { layout, control } = options;
  // Below a folder of all users there are Maildirs too, and they are not to become one's.
  if (layout === undefined && !isMaildir(fromTyped(path))) {
    throw new CommandError(
      `${path} is no Maildir: cur and new are missing; if its INBOX is elsewhere, say --layout fs`,
    );
  }
  await importOne(context, new MaildirSource({ path, layout, control }), address, options);
}

interface Mailbox {
  readonly id: number;
  readonly address: string;
}

/** The mailbox of this very address: without its extension, or by an alias domain, it would be that of somebody else. */
async function mailboxOf(directory: Directory, address: string): Promise<Mailbox | undefined> {
  try {
    return await directory.mailboxes.need(address);
  } catch (error) {
    if (error instanceof DirectoryRefusedError) return undefined;
    throw error;
  }
}

async function withSession(
  context: CommandContext,
  work: (session: ImportSession, directory: Directory) => Promise<boolean>,
): Promise<void> {
  await withDirectory(context, true, async ({ directory, settings, dataDirectory }) => {
    const session = await openImportSession(context, settings, dataDirectory);
    try {
      if (!(await work(session, directory))) process.exitCode = 1;
    } finally {
      await session.close();
    }
  });
}

function importOne(
  context: CommandContext,
  source: MailSource,
  address: string,
  options: CommonOptions,
): Promise<void> {
  return withSession(context, async (session, directory) => {
    const mailbox = await directory.mailboxes.need(address);
    try {
      return await importInto(context, session, source, mailbox, options);
    } catch (error) {
      if (error instanceof NoMboxError) throw new CommandError(error.message);
      throw error;
    }
  });
}

function maildirsToTake(root: string | undefined, { list, layout }: TreeOptions): readonly FoundMaildir[] {
  if (root !== undefined) needExisting(root);
  if (list !== undefined) {
    const named = readMaildirList(list, root);
    if (named.some(({ path }) => existsSync(path))) return named;
    throw new CommandError(`none of the Maildirs that ${list} names is there; the first is ${named[0]?.path}`);
  }
  if (root === undefined)
    throw new CommandError('name the folder above all, or a file of Maildirs with --list FILE', 2);
  const found = findMaildirs(root, layout);
  if (found.length > 0) return found;
  throw new CommandError(`no Maildir below ${root} looks like ${layout}: say how with --layout, as %d/%n/Maildir`);
}

/** Every mailbox is tried; what failed is told at its place, and the command then ends with 1. */
async function runTree(context: CommandContext, root: string | undefined, options: TreeOptions): Promise<void> {
  const found = maildirsToTake(root, options);
  await withSession(context, async (session, directory) => {
    let isComplete = true;
    for (const { path, address } of found) {
      const mailbox = await mailboxOf(directory, address);
      if (mailbox === undefined) {
        context.warn(
          `not taken: ${path}: there is no mailbox ${address}; add it with: posthaste mailbox add ${address}`,
        );
        isComplete = false;
        continue;
      }
      if (!existsSync(path)) {
        context.print(`${address}: ${path} is not there: no mail has come for it yet`);
        continue;
      }
      // A list may name the folder above a Maildir, or an mbox file.
      if (options.folders === undefined && !isMaildir(fromTyped(path))) {
        context.warn(`not taken: ${path}: it is no Maildir: cur and new are missing`);
        isComplete = false;
        continue;
      }
      const source = new MaildirSource({ path, layout: options.folders });
      isComplete = (await importInto(context, session, source, mailbox, options)) && isComplete;
    }
    return isComplete;
  });
}

async function runImap(
  context: CommandContext,
  address: string | undefined,
  options: ImapOptions & CommonOptions,
): Promise<void> {
  const accounts = await accountsToFetch(context, address, options);
  await withSession(context, async (session, directory) => {
    // Looked for before the first is fetched; those that are not there are said at the end, where they are not overlooked.
    const found: { readonly mailbox: Mailbox; readonly account: ImapAccount }[] = [];
    const missing: string[] = [];
    for (const { address: of, account } of accounts) {
      // The one of the command line is refused at once.
      const mailbox =
        options.accounts === undefined ? await directory.mailboxes.need(of) : await mailboxOf(directory, of);
      if (mailbox === undefined) missing.push(of);
      else found.push({ mailbox, account });
    }
    let isComplete = missing.length === 0;
    for (const { mailbox, account } of found) {
      try {
        isComplete = (await importInto(context, session, new ImapSource(account), mailbox, options)) && isComplete;
      } catch (error) {
        if (!(error instanceof ImapRefused)) throw error;
        context.warn(`posthaste: ${mailbox.address}: ${error.message}`);
        isComplete = false;
      }
    }
    for (const of of missing) {
      context.warn(
        `not taken: there is no mailbox ${of}; add it with: posthaste mailbox add ${of}, and run this again`,
      );
    }
    return isComplete;
  });
}

async function importInto(
  context: CommandContext,
  session: ImportSession,
  source: MailSource,
  mailbox: Mailbox,
  { into, renumber }: CommonOptions,
): Promise<boolean> {
  const line = new ProgressLine();
  try {
    const report = await importMailbox(source, {
      mailbox: mailbox.id,
      target: session.target,
      reader: session.reader,
      renumber,
      below: into,
      clock: systemClock,
      progress: ({ step, folder, done, count }) =>
        line.show(`${mailbox.address} ${folder}${step === 'proof' ? ' (proof)' : ''}`, done, count),
    });
    line.clear();
    await printReport(context, mailbox.address, report);
    return report.isComplete;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new CommandError(
      `${path ?? source.name} may not be read: run this as root, or as the user that owns the mail`,
    );
  } finally {
    line.clear();
    await source.close();
  }
}
