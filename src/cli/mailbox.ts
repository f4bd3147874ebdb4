// posthaste mailbox add|list|show|set: the accounts that own mail.

import type { Command } from 'commander';
import { hashPassword } from '../auth/password-scheme.ts';
import type { ListedMailbox } from '../directory/mailboxes.ts';
import type { MailboxInfo } from '../directory/mailbox-rows.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import {
  addForwardOptions,
  addLoginRuleOptions,
  forwardLines,
  type ForwardOptions,
  forwardSettings,
  loginLines,
  loginNotes,
  type LoginRuleOptions,
  loginRuleSettings,
} from './mailbox-options.ts';
import { registerLogins } from './mailbox-logins.ts';
import { registerRemoval } from './mailbox-removal.ts';
import { formerKeysEnd, newPassword } from './new-password.ts';
import { type Column, formatTime, pages, printAdvice, printDone, printList, printObject, yesNo } from './output.ts';
import { addRestraintOptions, restraintLines, type RestraintOptions, restraintSettings } from './restraint-options.ts';
import { keepScramKeys, scramMechanismsOf } from './scram-keys.ts';
import { formatQuota, parseSize } from './sizes.ts';
import { addTagOptions, changesTags, changeTags, tagLines, taggedPages, type TagOptions } from './tag-options.ts';
import { addVacationOptions, vacationLines, type VacationOptions, vacationSettings } from './vacation-options.ts';

const examples = `
Examples:
  posthaste mailbox add anna@example.com
  posthaste mailbox add anna@example.com --quota 1G --name "Anna Adams" --password-stdin < password
  posthaste mailbox list --domain example.com
  posthaste mailbox set anna@example.com --quota unlimited
  posthaste mailbox set anna@example.com --password
  posthaste mailbox set anna@example.com --vacation "Back on Monday." --vacation-until 2026-12-31
  posthaste mailbox set anna@example.com --no-vacation
  posthaste mailbox set anna@example.com --maintenance "being moved until noon"
  posthaste mailbox set anna@example.com --recipient-limit 500
  posthaste mailbox set anna@example.com --protocol imap smtp
  posthaste mailbox set anna@example.com --forward anna@elsewhere.example --forward-mode forward
  posthaste mailbox set anna@example.com --password --must-change
  posthaste mailbox set anna@example.com --recovery-address anna@elsewhere.example
  posthaste mailbox logins anna@example.com
  posthaste mailbox rename anna@example.com ann@example.net --keep-alias --move-references
  posthaste mailbox remove anna@example.com
  posthaste mailbox restore anna@example.com`;

interface AddOptions extends LoginRuleOptions {
  readonly passwordStdin?: true;
  readonly quota?: number;
  readonly name?: string;
  readonly disable?: true;
}

interface SetOptions extends AddOptions, VacationOptions, RestraintOptions, ForwardOptions, TagOptions {
  readonly password?: true;
  readonly enable?: true;
  /** `--no-recovery-address` is false. */
  readonly recoveryAddress?: string | false;
}

interface ListOptions {
  readonly domain?: string;
  readonly removed?: true;
  readonly tag?: string;
}

const quotaText = 'size limit, as 500M or 1G; 0 or unlimited for none';

export function register(program: Command, context: CommandContext): void {
  const group = program.command('mailbox').description('accounts that own mail').addHelpText('after', examples);
  const adding = group
    .command('add')
    .description('add a mailbox; asks for its password on a terminal, else prints a generated one')
    .argument('<address>')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--quota <size>', quotaText, parseSize)
    .option('--name <name>', "the owner's name")
    .option('--disable', 'take no mail and no login yet')
    .action((address: string, options: AddOptions) => add(context, address, options));
  group
    .command('list')
    .description('list the mailboxes')
    .option('--domain <domain>', 'of this domain only')
    .option('--removed', 'those that can be restored')
    .option('--tag <word>', 'with this tag only')
    .action((options: ListOptions) => list(context, options));
  group
    .command('show')
    .description('show a mailbox')
    .argument('<address>')
    .action((address: string) => show(context, address));
  const setting = group
    .command('set')
    .description('change a mailbox')
    .argument('<address>')
    .option('--password', 'ask for a new password, or print a generated one')
    .option('--password-stdin', 'read the new password from the first line of standard input')
    .option('--quota <size>', quotaText, parseSize)
    .option('--name <name>', "the owner's name")
    .option('--enable', 'take mail and logins again')
    .option('--disable', 'refuse its mail and logins')
    .option('--recovery-address <address>', 'where its owner gets a link when the password is forgotten')
    .option('--no-recovery-address', 'nowhere')
    .action((address: string, options: SetOptions) => set(context, address, options));
  for (const command of [adding, setting]) addLoginRuleOptions(command);
  addForwardOptions(setting);
  addVacationOptions(setting);
  addRestraintOptions(setting);
  addTagOptions(setting);
  registerLogins(group, context);
  registerRemoval(group, context);
}

async function add(context: CommandContext, address: string, options: AddOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory, settings }) => {
    // Refused before anybody has typed a password twice.
    await directory.mailboxes.checkNew(address, options.quota);
    const { password, isGenerated } = await newPassword(options.passwordStdin === true);
    const added = await directory.mailboxes.add({
      address,
      passwordHash: await hashPassword(password),
      ...(options.quota === undefined ? {} : { quotaBytes: options.quota }),
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.disable ? { enabled: false } : {}),
      ...loginRuleSettings(options),
    });
    await keepScramKeys({ directory, settings }, added.address, password);
    printDone(context, `${added.address} added`, isGenerated ? { ...added, password } : added);
    if (context.json) return;
    if (isGenerated) context.print(`password: ${password}`);
    if (added.becameAdministrator) context.print('mail for postmaster, abuse and root reaches this mailbox');
  });
}

const columns: readonly Column<ListedMailbox>[] = [
  { title: 'MAILBOX', text: (row) => row.address },
  { title: 'NAME', text: (row) => row.name },
  { title: 'QUOTA', isNumber: true, text: (row) => formatQuota(row.quotaBytes) },
  { title: 'LAST LOGIN', text: ({ lastLogin }) => (lastLogin === undefined ? '' : formatTime(lastLogin.time)) },
  { title: 'NOTE', text: notes },
];

function notes(info: ListedMailbox): string {
  const { enabled, maintenance, vacation } = info;
  const words = [enabled ? '' : 'disabled', maintenance ? 'maintenance' : '', vacation ? 'vacation' : ''];
  return [...words, ...loginNotes(info)].filter((word) => word !== '').join(' ');
}

const removedColumns: readonly Column<MailboxInfo>[] = [
  { title: 'MAILBOX', text: (row) => row.address },
  { title: 'NAME', text: (row) => row.name },
  { title: 'REMOVED', text: (row) => formatTime(row.removedAt ?? 0) },
  { title: 'RESTORABLE UNTIL', text: (row) => formatTime(row.recoverableUntil ?? 0) },
];

async function list(context: CommandContext, options: ListOptions): Promise<void> {
  const { tag } = options;
  if (tag !== undefined && options.removed) throw new CommandError('--tag and --removed do not go together', 2);
  await withDirectory(context, true, async ({ directory }) => {
    const domain = options.domain === undefined ? {} : { domain: options.domain };
    const read = (after: string | undefined) =>
      directory.mailboxes.list({
        ...domain,
        ...(after === undefined ? {} : { after }),
        removed: options.removed === true,
        limit: 500,
      });
    const keyOf = (row: MailboxInfo): string => (options.removed ? String(row.id) : row.address);
    const empty = options.removed
      ? 'no removed mailbox'
      : options.domain !== undefined || tag !== undefined
        ? 'no such mailbox'
        : 'no mailbox yet: add one with: posthaste mailbox add USER@DOMAIN';
    const found =
      tag === undefined
        ? pages(read, keyOf)
        : taggedPages(directory, 'mailbox', { tag, domain: options.domain }, (one) => directory.mailboxes.show(one));
    await printList(context, options.removed ? removedColumns : columns, found, empty);
  });
}

async function show(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory, settings }) => {
    const info = await directory.mailboxes.need(address);
    const { tags, lines } = await tagLines(directory, 'mailbox', address);
    printObject(context, { ...info, tags }, [
      ['mailbox', info.address],
      ['name', info.name || '(none)'],
      ['quota', formatQuota(info.quotaBytes)],
      ['enabled', yesNo(info.enabled)],
      ['id', String(info.id)],
      ['created', formatTime(info.created)],
      ['SCRAM keys', scramMechanismsOf({ directory, settings }, address)],
      ['app passwords', String((await directory.appPasswords.list(address)).length)],
      ...loginLines(info),
      ...lines,
      ...restraintLines(info),
      ...forwardLines(info.forward),
      ...(info.recoveryAddress === undefined ? [] : [['recovery address', info.recoveryAddress] as const]),
      ...vacationLines(info.vacation),
    ]);
  });
}

async function set(context: CommandContext, address: string, options: SetOptions): Promise<void> {
  if (options.enable && options.disable) throw new CommandError('--enable and --disable contradict each other', 2);
  const vacation = await vacationSettings(context, options);
  const forward = forwardSettings(options);
  const changesPassword = options.password === true || options.passwordStdin === true;
  const settings = {
    ...(options.quota === undefined ? {} : { quotaBytes: options.quota }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.enable ? { enabled: true } : {}),
    ...(options.disable ? { enabled: false } : {}),
    ...(vacation === undefined ? {} : { vacation }),
    ...restraintSettings(options),
    ...loginRuleSettings(options),
    ...(forward === undefined ? {} : { forward }),
    ...(options.recoveryAddress === undefined ? {} : { recoveryAddress: options.recoveryAddress || '' }),
  };
  const isChanged = changesPassword || Object.keys(settings).length > 0;
  if (!isChanged && !changesTags(options)) {
    throw new CommandError(
      'nothing to change: give --password, --password-stdin, --quota, --name, --enable, --disable, --maintenance, --forward, --recovery-address, --tag, a limit, a login or a vacation option',
      2,
    );
  }
  await withDirectory(context, false, async ({ directory, settings: mainCf }) => {
    const known = await directory.mailboxes.need(address);
    await changeTags(directory, 'mailbox', address, options);
    const changed = changesPassword ? await newPassword(options.passwordStdin === true) : undefined;
    const password = changed === undefined ? {} : { passwordHash: await hashPassword(changed.password) };
    const info = isChanged ? await directory.mailboxes.set(address, { ...settings, ...password }) : known;
    if (changed !== undefined) await keepScramKeys({ directory, settings: mainCf }, info.address, changed.password);
    printDone(
      context,
      `${info.address} changed`,
      changed?.isGenerated ? { ...info, password: changed.password } : info,
    );
    if (changed === undefined || context.json) return;
    if (changed.isGenerated) context.print(`password: ${changed.password}`);
    context.print(formerKeysEnd);
    const { length } = await directory.appPasswords.list(info.address);
    if (length > 0) {
      const left = length === 1 ? '1 app password still opens' : `${length} app passwords still open`;
      printAdvice(context, `${left} it: see posthaste app-password list ${info.address}`);
    }
  });
}
