// posthaste admin add|list|show|set|remove: who may administer by the network, the whole host or some domains.

import type { Command } from 'commander';
import { hashPassword } from '../auth/password-scheme.ts';
import type { AdministratorInfo } from '../directory/administrators.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { formerKeysEnd, newPassword } from './new-password.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';

const examples = `
Examples:
  posthaste admin add anna --host
  posthaste admin add bert@example.com --domain example.com example.org
  posthaste admin list
  posthaste admin set bert@example.com --domain example.com
  posthaste admin set bert@example.com --password
  posthaste admin remove bert@example.com`;

interface RoleOptions {
  readonly host?: true;
  readonly domain?: readonly string[];
  readonly name?: string;
  readonly passwordStdin?: true;
}

interface SetOptions extends RoleOptions {
  readonly password?: true;
  readonly enable?: true;
  readonly disable?: true;
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('admin')
    .description('who may administer by the network')
    .addHelpText('after', examples);
  const adding = group
    .command('add')
    .description('add an administrator; asks for a password on a terminal, else prints a generated one')
    .argument('<login>')
    .action((login: string, options: RoleOptions) => add(context, login, options));
  group
    .command('list')
    .description('list the administrators')
    .action(() => list(context));
  group
    .command('show')
    .description('show an administrator')
    .argument('<login>')
    .action((login: string) => show(context, login));
  const setting = group
    .command('set')
    .description('change an administrator')
    .argument('<login>')
    .option('--password', 'ask for a new password, or print a generated one')
    .option('--enable', 'let the administrator in again')
    .option('--disable', 'let the administrator in no more, by no token either')
    .action((login: string, options: SetOptions) => set(context, login, options));
  for (const command of [adding, setting]) {
    command
      .option('--host', 'of the whole host')
      .option('--domain <domains...>', 'of these domains only')
      .option('--name <name>', "the administrator's name")
      .option('--password-stdin', 'read the password from the first line of standard input');
  }
  group
    .command('remove')
    .description('remove an administrator, with tokens and sessions')
    .argument('<login>')
    .action((login: string) => remove(context, login));
}

function roleOf({ host, domain }: RoleOptions) {
  if (host && domain) throw new CommandError('--host and --domain contradict each other', 2);
  if (host) return { role: 'host', domains: [] } as const;
  return domain === undefined
    ? undefined
    : ({ role: 'domain', domains: domain.flatMap((one) => one.split(',')) } as const);
}

async function add(context: CommandContext, login: string, options: RoleOptions): Promise<void> {
  const role = roleOf(options);
  if (role === undefined) throw new CommandError('give --host, or --domain DOMAIN…', 2);
  await withDirectory(context, false, async ({ directory }) => {
    const { password, isGenerated } = await newPassword(options.passwordStdin === true);
    const name = options.name === undefined ? {} : { name: options.name };
    const passwordHash = await hashPassword(password);
    const info = await directory.administrators.add({ login, ...role, ...name, passwordHash, mustChange: isGenerated });
    printDone(context, `${info.login} administers ${domainsOf(info)}`, isGenerated ? { ...info, password } : info);
    if (isGenerated && !context.json) context.print(`password: ${password}`);
  });
}

const columns: readonly Column<AdministratorInfo>[] = [
  { title: 'LOGIN', text: (row) => row.login },
  { title: 'ADMINISTERS', text: domainsOf },
  { title: 'NAME', text: (row) => row.name },
  { title: 'NOTE', text: (row) => (row.active ? (row.mustChange ? 'password to be changed' : '') : 'disabled') },
];

function domainsOf({ role, domains }: AdministratorInfo): string {
  if (role === 'host') return 'the host';
  const more = domains.length > 5 ? ` and ${domains.length - 5} more` : '';
  return domains.length === 0 ? 'nothing' : `${domains.slice(0, 5).join(', ')}${more}`;
}

async function list(context: CommandContext): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) => directory.administrators.list({ after: after ?? '', limit: 500 });
    const empty = 'no administrator yet: add one with: posthaste admin add LOGIN --host';
    await printList(
      context,
      columns,
      pages(read, (row) => row.login),
      empty,
    );
  });
}

async function show(context: CommandContext, login: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.administrators.need(login);
    printObject(context, info, [
      ['login', info.login],
      ['name', info.name || '(none)'],
      ['administers', info.role === 'host' ? 'the host' : info.domains.join(', ') || 'nothing'],
      ['enabled', yesNo(info.active)],
      ['password', info.hasPassword ? (info.mustChange ? 'to be changed' : 'set') : 'none'],
      ['created', formatTime(info.created)],
    ]);
  });
}

async function set(context: CommandContext, login: string, options: SetOptions): Promise<void> {
  if (options.enable && options.disable) throw new CommandError('--enable and --disable contradict each other', 2);
  const changesPassword = options.password === true || options.passwordStdin === true;
  const settings = {
    ...roleOf(options),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.enable ? { active: true } : {}),
    ...(options.disable ? { active: false } : {}),
  };
  if (!changesPassword && Object.keys(settings).length === 0) {
    throw new CommandError('nothing to change: give --host, --domain, --name, --password, --enable or --disable', 2);
  }
  await withDirectory(context, false, async ({ directory }) => {
    await directory.administrators.need(login);
    const changed = changesPassword ? await newPassword(options.passwordStdin === true) : undefined;
    const secret =
      changed === undefined
        ? {}
        : { passwordHash: await hashPassword(changed.password), mustChange: changed.isGenerated };
    const info = await directory.administrators.set(login, { ...settings, ...secret });
    const shown = changed?.isGenerated ? { ...info, password: changed.password } : info;
    printDone(context, `${info.login} changed: administers ${domainsOf(info)}`, shown);
    if (changed === undefined || context.json) return;
    if (changed.isGenerated) context.print(`password: ${changed.password}`);
    context.print(formerKeysEnd);
  });
}

async function remove(context: CommandContext, login: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.administrators.remove(login);
    printDone(context, `${login} administers nothing any more`, { login, removed: true });
  });
}
