// posthaste app-password add|list|show|set|remove: further passwords of a mailbox, one for each program that logs in.

import type { Command } from 'commander';
import { appPasswordDigest } from '../auth/directory-accounts.ts';
import { systemClock } from '../lib/clock.ts';
import type { AppPasswordInfo } from '../directory/app-passwords.ts';
import { loginProtocols } from '../directory/login-protocols.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { makePassword } from '../admin/new-passwords.ts';
import { parseEnd, splitWords } from './limit-words.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';
import { keepScramKeys } from './scram-keys.ts';

const examples = `
Examples:
  posthaste app-password add anna@example.com telephone
  posthaste app-password add anna@example.com scanner --protocol smtp --sender scanner@example.com --expires 365d
  posthaste app-password list anna@example.com
  posthaste app-password set anna@example.com scanner --expires never
  posthaste app-password remove anna@example.com telephone`;

interface LimitOptions {
  readonly protocol?: string[];
  readonly sender?: string[];
  readonly expires?: number;
}

interface AddOptions extends LimitOptions {
  readonly recoverable?: true;
}

interface SetOptions extends LimitOptions {
  readonly name?: string;
  readonly anyProtocol?: true;
  readonly anySender?: true;
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('app-password')
    .description('further passwords of a mailbox, one for each program that logs in')
    .addHelpText('after', examples);
  const adding = group
    .command('add')
    .description('add one; the password is made and shown once')
    .argument('<mailbox>')
    .argument('<name>', 'what it is for: telephone, scanner …')
    .option('--recoverable', 'keep the password so that it can be read, as CRAM-MD5 needs it')
    .action((mailbox: string, name: string, options: AddOptions) => add(context, mailbox, name, options));
  group
    .command('list')
    .description('list the app passwords, of one mailbox or of all')
    .argument('[mailbox]')
    .action((mailbox: string | undefined) => list(context, mailbox));
  group
    .command('show')
    .description('show an app password: its limits and its last use')
    .argument('<mailbox>')
    .argument('<name>')
    .action((mailbox: string, name: string) => show(context, mailbox, name));
  const setting = group
    .command('set')
    .description("change an app password's limits; what is given replaces what was there")
    .argument('<mailbox>')
    .argument('<name>')
    .option('--name <name>', 'call it so')
    .option('--any-protocol', 'let it be used for all protocols')
    .option('--any-sender', 'let it use all senders that the mailbox may use')
    .action((mailbox: string, name: string, options: SetOptions) => set(context, mailbox, name, options));
  group
    .command('remove')
    .description('remove an app password: it opens nothing from now on')
    .argument('<mailbox>')
    .argument('<name>')
    .action((mailbox: string, name: string) => remove(context, mailbox, name));
  for (const command of [adding, setting]) addLimits(command);
}

function addLimits(command: Command): void {
  command
    .option('--protocol <protocols...>', `for these only: ${loginProtocols.join(', ')}`)
    .option('--sender <addresses...>', 'these envelope senders only: an address, @domain, or <> for the null sender')
    .option('--expires <time>', 'when it ends: 2026-12-31, 90d, or never', parseEnd);
}

/** `--protocol smtp,imap` and `--protocol smtp imap` are the same. */
function limitsOf({ protocol, sender, expires }: LimitOptions) {
  return {
    ...(protocol === undefined ? {} : { protocols: splitWords(protocol).map((word) => word.toLowerCase()) }),
    ...(sender === undefined ? {} : { senders: splitWords(sender) }),
    ...(expires === undefined ? {} : { expires }),
  };
}

async function add(context: CommandContext, mailbox: string, name: string, options: AddOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory, settings }) => {
    const isReadable = options.recoverable === true;
    const mechanisms = settings.list('posthaste_sasl_mechanisms').map((word) => word.toLowerCase());
    if (isReadable && !mechanisms.includes('cram-md5')) {
      throw new CommandError(
        'nothing needs a recoverable password: CRAM-MD5 is not offered; add cram-md5 to posthaste_sasl_mechanisms first',
      );
    }
    const password = makePassword();
    const digest = appPasswordDigest(password);
    const secret = isReadable ? { secret: password } : {};
    const info = await directory.appPasswords.add({ mailbox, name, digest, ...secret, ...limitsOf(options) });
    await keepScramKeys({ directory, settings }, info.mailbox, password, { id: info.id, digest });
    // Another host makes it itself.
    const shown = { password, ...info };
    printDone(context, `${info.mailbox} has an app password "${info.name}"`, shown);
    if (!context.json) context.print(`password: ${shown.password}`);
  });
}

const columns: readonly Column<AppPasswordInfo>[] = [
  { title: 'MAILBOX', text: (row) => row.mailbox },
  { title: 'NAME', text: (row) => row.name },
  { title: 'FOR', text: (row) => wordsOr(row.protocols, 'all') },
  { title: 'SENDERS', text: (row) => wordsOr(row.senders, 'all') },
  { title: 'EXPIRES', text: (row) => endText(row) },
  { title: 'LAST USE', text: (row) => useText(row) },
];

async function list(context: CommandContext, mailbox: string | undefined): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const { appPasswords } = directory;
    const empty = 'no app password yet: add one with: posthaste app-password add USER@DOMAIN NAME';
    if (mailbox !== undefined)
      return await printList(context, columns, onePage(await appPasswords.list(mailbox)), empty);
    const rows = pages(
      (after: number | undefined) => appPasswords.listAll(after ?? 0, 500),
      (row) => row.id,
    );
    return await printList(context, columns, rows, empty);
  });
}

async function* onePage<Row>(rows: readonly Row[]): AsyncIterable<readonly Row[]> {
  yield rows;
}

async function show(context: CommandContext, mailbox: string, name: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.appPasswords.need(mailbox, name);
    printObject(context, info, [
      ['mailbox', info.mailbox],
      ['app password', info.name],
      ['protocols', wordsOr(info.protocols, 'all')],
      ['senders', wordsOr(info.senders, 'all that the mailbox may use')],
      ['expires', endText(info)],
      ['recoverable', yesNo(info.recoverable)],
      ['created', formatTime(info.created)],
      ['last use', useText(info)],
    ]);
  });
}

async function set(context: CommandContext, mailbox: string, name: string, options: SetOptions): Promise<void> {
  if (options.anyProtocol && options.protocol) contradiction('--any-protocol', '--protocol');
  if (options.anySender && options.sender) contradiction('--any-sender', '--sender');
  const change = {
    ...limitsOf(options),
    ...(options.anyProtocol ? { protocols: [] } : {}),
    ...(options.anySender ? { senders: [] } : {}),
    ...(options.name === undefined ? {} : { name: options.name }),
  };
  if (Object.keys(change).length === 0) {
    throw new CommandError('nothing to change: give --name, --protocol, --sender, --expires or an --any option', 2);
  }
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.appPasswords.set(mailbox, name, change);
    printDone(context, `app password "${info.name}" of ${info.mailbox} changed`, info);
  });
}

function contradiction(one: string, other: string): never {
  throw new CommandError(`${one} and ${other} contradict each other`, 2);
}

async function remove(context: CommandContext, mailbox: string, name: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.appPasswords.remove(mailbox, name);
    printDone(context, `app password "${name}" of ${mailbox} removed`, { mailbox, name, removed: true });
  });
}

function wordsOr(words: readonly string[], none: string): string {
  return words.length === 0 ? none : words.join(' ');
}

function endText({ expires }: AppPasswordInfo): string {
  if (expires === undefined) return 'never';
  return expires <= systemClock.now() ? `${formatTime(expires)} (over)` : formatTime(expires);
}

function useText({ used }: AppPasswordInfo): string {
  return used === undefined ? 'never' : `${formatTime(used.time)} ${used.protocol} from ${used.address}`;
}
