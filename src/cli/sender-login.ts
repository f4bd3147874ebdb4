// posthaste sender-login add|list|show|set|remove|catch-all: who may send as which address, beyond what follows from who
// receives its mail.

import type { Command } from 'commander';
import type { Directory } from '../directory/directory.ts';
import type { SenderReason } from '../directory/sender-logins.ts';
import type { SenderRight } from '../directory/sender-rights.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';

const examples = `
Who receives an address may send as it: its mailbox, the mailboxes that an alias reaches, the owners of a list; at
alias domains and with an extension (user+anything) too. Grants add to that, denials take away; what is said of
an address beats what is said of its whole domain.

Examples:
  posthaste sender-login add boss@example.com secretary@example.com
  posthaste sender-login add @example.com newsletter@example.com
  posthaste sender-login add sales@example.com trainee@example.com --deny
  posthaste sender-login show sales@example.com
  posthaste sender-login set sales@example.com trainee@example.com --grant
  posthaste sender-login list --login trainee@example.com
  posthaste sender-login catch-all no
  posthaste explain --login trainee@example.com --sender sales@example.com`;

interface Kind {
  readonly grant?: true;
  readonly deny?: true;
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('sender-login')
    .description('who may send as which address')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('let a login send as ADDRESS (or @domain, all of its addresses)')
    .argument('<address>')
    .argument('<login>')
    .option('--deny', 'forbid it instead, although the login receives its mail')
    .action((address: string, login: string, { deny }: Kind) => add(context, address, login, deny !== true));
  group
    .command('list')
    .description('list the grants and denials')
    .option('--address <address>', 'for this address, or @domain')
    .option('--login <login>', 'of this login')
    .action((options: { address?: string; login?: string }) => list(context, options));
  group
    .command('show')
    .description('show who may send as an address, and why')
    .argument('<address>')
    .action((address: string) => show(context, address));
  group
    .command('set')
    .description('make a denial a grant, or the other way round')
    .argument('<address>')
    .argument('<login>')
    .option('--grant', 'the login may')
    .option('--deny', 'the login may not')
    .action((address: string, login: string, kind: Kind) => set(context, address, login, kind));
  group
    .command('remove')
    .description('take back a grant or a denial')
    .argument('<address>')
    .argument('<login>')
    .action((address: string, login: string) => remove(context, address, login));
  group
    .command('catch-all')
    .description('show or set whether the owners of a catch-all may send as the addresses that it takes')
    .argument('[yes|no]')
    .action((value: string | undefined) => catchAll(context, value));
}

async function add(context: CommandContext, address: string, login: string, allowed: boolean): Promise<void> {
  await withDirectory(context, false, async ({ directory, settings }) => {
    const right = await directory.senderRights.add(address, login, allowed);
    printDone(context, sentence(right), right);
    warnOfStrangers(context, directory, right);
    if (settings.text('smtpd_sender_login_maps').includes('directory:sender-logins')) return;
    context.warn('nobody asks: add directory:sender-logins to smtpd_sender_login_maps (posthaste postconf -e)');
  });
}

function sentence({ login, address, allowed }: SenderRight): string {
  return `${login} may${allowed ? '' : ' not'} send as ${address}`;
}

/** Logins may come from elsewhere, so this is only told. */
function warnOfStrangers(context: CommandContext, directory: Directory, { login }: SenderRight): void {
  if (directory.mailboxByAddress(login) !== undefined) return;
  context.warn(`there is no mailbox ${login}: the login is not one of this directory, or not yet`);
}

const columns: readonly Column<SenderRight>[] = [
  { title: 'ADDRESS', text: (row) => row.address },
  { title: 'LOGIN', text: (row) => row.login },
  { title: 'MAY SEND', text: (row) => yesNo(row.allowed) },
  { title: 'SINCE', text: (row) => formatTime(row.created) },
];

async function list(context: CommandContext, options: { address?: string; login?: string }): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: SenderRight | undefined) =>
      directory.senderRights.list({ ...options, ...(after === undefined ? {} : { after }), limit: 500 });
    const empty = 'nothing beyond what follows from who receives: posthaste sender-login add ADDRESS LOGIN';
    await printList(
      context,
      columns,
      pages(read, (row) => row),
      empty,
    );
  });
}

async function show(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const answer = directory.senderRights.answer(address);
    const lines = (title: string, reasons: readonly SenderReason[]): (readonly [string, string])[] =>
      reasons.map(({ login, because }, index) => [index === 0 ? title : '', `${login} (${because})`] as const);
    const { allowed = [], denied = [] } = answer ?? {};
    printObject(context, { address, answeredBy: answer?.key ?? null, allowed, denied }, [
      ['address', address],
      ...(answer === undefined || answer.key === address ? [] : [['answered by', answer.key] as const]),
      ...(allowed.length === 0 ? [['may send', 'nobody'] as const] : lines('may send', allowed)),
      ...lines('may not', denied),
    ]);
  });
}

async function set(context: CommandContext, address: string, login: string, { grant, deny }: Kind): Promise<void> {
  if (grant === deny) throw new CommandError('give --grant or --deny', 2);
  await withDirectory(context, false, async ({ directory }) => {
    const right = await directory.senderRights.set(address, login, grant === true);
    printDone(context, sentence(right), right);
  });
}

async function remove(context: CommandContext, address: string, login: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.senderRights.remove(address, login);
    printDone(context, `nothing is said of ${login} and ${address} any more`, { address, login, removed: true });
  });
}

async function catchAll(context: CommandContext, value: string | undefined): Promise<void> {
  if (value !== undefined && value !== 'yes' && value !== 'no') throw new CommandError('write yes or no', 2);
  await withDirectory(context, value === undefined, async ({ directory }) => {
    if (value !== undefined) await directory.senderRights.setCatchAll(value === 'yes');
    const maySend = value === undefined ? directory.senderRights.mayCatchAllSend : value === 'yes';
    const text = `the owners of a catch-all may${maySend ? '' : ' not'} send as the addresses that it takes`;
    printDone(context, text, { catchAllMaySend: maySend });
  });
}
