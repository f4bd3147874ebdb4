// posthaste domain add|list|show|set|remove|restore: the domains that are hosted, each with one address class.

import type { Command } from 'commander';
import { Option } from 'commander';
import { countWords, type DomainInfo, type RecipientsMode } from '../directory/domains.ts';
import type { RemovedDomain } from '../directory/removals.ts';
import type { Directory } from '../directory/directory.ts';
import type { DomainClass } from '../directory/schema.ts';
import { foldDomain, parseHostedDomain } from '../directory/mail-address.ts';
import { ownCommand } from '../main/own-command.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';
import { confirm, type ConfirmOptions, yesOption } from './confirm.ts';
import {
  addHoldingOptions,
  holdingLines,
  type HoldingOptions,
  holdingSettings,
  refuseUnknownToSelf,
} from './domain-options.ts';
import { maintenanceSetting } from './restraint-options.ts';
import { addTagOptions, changesTags, changeTags, tagLines, taggedPages, type TagOptions } from './tag-options.ts';

interface DomainOptions extends HoldingOptions, TagOptions {
  readonly recipients?: RecipientsMode;
  readonly class?: DomainClass;
  readonly transport?: string;
  readonly enable?: true;
  readonly disable?: true;
  /** `--no-maintenance` is false. */
  readonly maintenance?: string | false;
}

const classOption = (): Option =>
  new Option('--class <class>', 'mailbox: mailboxes and aliases; alias: aliases only; relay: passed on').choices([
    'mailbox',
    'alias',
    'relay',
  ]);

const recipientsOption = (): Option =>
  new Option('--recipients <which>', 'of a relay domain: all, or those of posthaste relay-recipient').choices([
    'all',
    'listed',
  ]);

const transportText = 'where its mail goes instead, as in smtp:[192.0.2.1]:25; "" for the usual way';

const examples = `
Examples:
  posthaste domain add example.com
  posthaste domain add example.net --class relay --transport smtp:[192.0.2.1]
  posthaste domain list
  posthaste domain set example.com --disable
  posthaste domain set example.com --maintenance "moving to a new server"
  posthaste domain set example.com --max-mailboxes 50 --total-quota 100G --default-quota 1G
  posthaste domain set example.com --unknown-to smtp:[192.0.2.1]     others of its users are there
  posthaste domain remove example.com --recursive
  posthaste domain restore example.com`;

export function register(program: Command, context: CommandContext): void {
  const domain = program.command('domain').description('the domains that are hosted').addHelpText('after', examples);
  const adding = domain
    .command('add')
    .description('host a domain')
    .argument('<name>')
    .addOption(classOption().default('mailbox'))
    .option('--transport <transport>', transportText)
    .addOption(recipientsOption())
    .action((name: string, options: DomainOptions) => add(context, name, options));
  domain
    .command('list')
    .description('list the domains')
    .option('--removed', 'those that can be restored')
    .option('--tag <word>', 'with this tag only')
    .action(({ removed, tag }: { removed?: true; tag?: string }) =>
      removed ? listRemoved(context) : list(context, tag),
    );
  domain
    .command('show')
    .description('show a domain')
    .argument('<name>')
    .action((name: string) => show(context, name));
  const setting = domain
    .command('set')
    .description('change a domain')
    .argument('<name>')
    .addOption(classOption())
    .option('--transport <transport>', transportText)
    .option('--enable', 'take its mail again')
    .option('--disable', 'refuse its mail as for unknown users')
    .option('--maintenance <reason>', 'put its mail off (450) with this reason')
    .option('--no-maintenance', 'take its mail again')
    .addOption(recipientsOption())
    .action((name: string, options: DomainOptions) => set(context, name, options));
  for (const command of [adding, setting]) addHoldingOptions(command);
  addTagOptions(setting);
  domain
    .command('remove')
    .description('host a domain no more')
    .argument('<name>')
    .option('--recursive', 'with its mailboxes, aliases, lists and alias domains')
    .option('--force', 'the same as --recursive')
    .option(...yesOption)
    .action((name: string, options: RemoveOptions) => remove(context, name, options));
  domain
    .command('restore')
    .description('bring a removed domain back with all that went with it')
    .argument('<name>')
    .action((name: string) => restore(context, name));
}

async function add(context: CommandContext, name: string, options: DomainOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory, settings }) => {
    parseHostedDomain(name);
    refuseLocalDomain(settings, name);
    refuseUnknownToSelf(settings, options.unknownTo);
    const info = await directory.domains.add(name, domainSettings(options));
    printDone(context, `${info.name} is hosted (class ${info.class})`, info);
    if (context.json || info.class === 'relay') return;
    const next = info.class === 'mailbox' ? `mailbox add USER@${info.name}` : `alias add USER@${info.name} TARGET`;
    const command = context.remote === undefined ? ownCommand(context.configDirectory) : 'posthaste';
    context.print(`next: ${command} ${next}`);
  });
}

/** NEVER list a virtual domain in mydestination (VIRTUAL_README): the local class would win. */
function refuseLocalDomain(settings: Settings, name: string): void {
  const domain = foldDomain(name.trim().replace(/\.$/, ''));
  if (!settings.list('mydestination').some((local) => local.toLowerCase() === domain)) return;
  throw new CommandError(
    `${domain} is one of this host's own names (mydestination), where only postmaster, abuse and root have mail: take it out with: posthaste postconf -e "mydestination = localhost", then: posthaste reload`,
  );
}

function domainSettings(options: DomainOptions) {
  if (options.enable && options.disable) throw new CommandError('--enable and --disable contradict each other', 2);
  return {
    ...(options.class === undefined ? {} : { class: options.class }),
    ...(options.transport === undefined ? {} : { transport: options.transport }),
    ...(options.enable ? { active: true } : {}),
    ...(options.disable ? { active: false } : {}),
    ...maintenanceSetting(options.maintenance),
    ...holdingSettings(options),
    ...(options.recipients === undefined ? {} : { recipients: options.recipients }),
  };
}

const columns: readonly Column<DomainInfo>[] = [
  { title: 'DOMAIN', text: (row) => row.name },
  { title: 'CLASS', text: (row) => row.class },
  { title: 'MAILBOXES', isNumber: true, text: (row) => String(row.mailboxes) },
  { title: 'ALIASES', isNumber: true, text: (row) => String(row.aliases) },
  { title: 'CATCH-ALL', text: (row) => yesNo(row.catchAll) },
  { title: 'NOTE', text: notes },
];

function notes(row: DomainInfo): string {
  const found = [
    ...(row.active ? [] : ['disabled']),
    ...(row.maintenance ? ['maintenance'] : []),
    ...(row.recipients === 'listed' ? ['listed recipients'] : []),
    ...(row.catchAllMode === 'accept' ? [] : [`catch-all ${row.catchAllMode}s`]),
    ...(row.postmaster ? [] : ['no postmaster']),
    ...(row.unknownTo === undefined ? [] : ['split']),
  ];
  return found.join(', ');
}

async function list(context: CommandContext, tag: string | undefined): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) => directory.domains.list({ after: after ?? '', limit: 500 });
    const empty = 'no domain yet: add one with: posthaste domain add example.com';
    await printList(
      context,
      columns,
      tag === undefined
        ? pages(read, (row) => row.name)
        : taggedPages(directory, 'domain', { tag }, (name) => directory.domains.show(name)),
      empty,
    );
  });
}

async function show(context: CommandContext, name: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await needShown(directory, name);
    const { tags, lines } = await tagLines(directory, 'domain', name);
    printObject(context, { ...info, tags }, [
      ['domain', info.name],
      ['class', info.class],
      ['enabled', yesNo(info.active)],
      ['transport', info.transport || '(usual)'],
      ...(info.maintenance === undefined ? [] : [['maintenance', info.maintenance] as const]),
      ...holdingLines(info),
      ['mailboxes', String(info.mailboxes)],
      ['aliases', String(info.aliases)],
      ['lists', String(info.lists)],
      ['catch-all', info.catchAllMode === 'accept' ? yesNo(info.catchAll) : info.catchAllMode],
      ...(info.recipients === undefined ? [] : [['recipients', info.recipients] as const]),
      ...lines,
      ['alias domains', info.aliasDomains.join(', ') || '(none)'],
      ['created', formatTime(info.created)],
    ]);
    if (!info.postmaster && !context.json) {
      context.warn(
        `mail to postmaster is refused (RFC 5321 §4.5.1): posthaste alias add postmaster@${info.name} TARGET`,
      );
    }
  });
}

async function needShown(directory: Directory, name: string): Promise<DomainInfo> {
  const info = await directory.domains.show(name);
  if (!info) throw new CommandError(await notHosted(directory, name));
  return info;
}

async function notHosted(directory: Directory, name: string): Promise<string> {
  const aliasDomain = await directory.aliasDomains.show(name);
  if (aliasDomain)
    return `${name} is an alias domain of ${aliasDomain.target}: see: posthaste domain show ${aliasDomain.target}`;
  return `${name} is not hosted here: add it with: posthaste domain add ${name}`;
}

async function set(context: CommandContext, name: string, options: DomainOptions): Promise<void> {
  const settings = domainSettings(options);
  const isChanged = Object.keys(settings).length > 0;
  if (!isChanged && !changesTags(options)) {
    throw new CommandError(
      'nothing to change: give --class, --transport, --recipients, --enable, --disable, --maintenance, --unknown-to, a limit or --tag',
      2,
    );
  }
  await withDirectory(context, false, async ({ directory, settings: mainCf }) => {
    refuseUnknownToSelf(mainCf, options.unknownTo);
    await changeTags(directory, 'domain', name, options);
    const info = isChanged ? await directory.domains.set(name, settings) : await needShown(directory, name);
    printDone(context, `${info.name} changed`, info);
    if (context.json) return;
    for (const excess of await directory.domains.excesses(name)) context.warn(`${excess}: nothing is taken away`);
    if (info.recipients === 'listed' && (await hasNoRecipients(directory, info.name))) {
      context.warn(
        `no recipient is listed: all mail is refused until: posthaste relay-recipient add USER@${info.name}`,
      );
    }
  });
}

interface RemoveOptions extends ConfirmOptions {
  readonly recursive?: true;
  readonly force?: true;
}

async function hasNoRecipients(directory: Directory, domain: string): Promise<boolean> {
  return (await directory.relayRecipients.list({ domain, limit: 1 })).length === 0;
}

async function remove(context: CommandContext, name: string, options: RemoveOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const recursive = options.recursive === true || options.force === true;
    const info = await directory.domains.show(name);
    if (info !== undefined && (recursive || info.mailboxes + info.aliases + info.lists === 0)) {
      const parts = [...countWords(info), ...info.aliasDomains.map((one) => `the alias domain ${one}`)];
      const what = parts.length === 0 ? [] : [`${name} has ${parts.join(', ')}`];
      await confirm(context, `Remove ${name}?`, what, options);
    }
    await directory.domains.remove(name, { recursive });
    printDone(context, `${name} is no longer hosted; bring it back with: posthaste domain restore ${name}`, {
      name,
      removed: true,
    });
  });
}

async function restore(context: CommandContext, name: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const restored = await directory.domains.restore(name);
    const { aliasDomains } = restored;
    const parts = [...countWords(restored), ...(aliasDomains === 0 ? [] : [`alias domains: ${aliasDomains}`])];
    const what = parts.length === 0 ? '' : `, with ${parts.join(', ')}`;
    printDone(context, `${name} is hosted again${what}`, restored);
    if (!context.json) for (const one of restored.lost) context.warn(one);
  });
}

async function listRemoved(context: CommandContext): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const removed = await directory.domains.removed();
    const titles = [
      { title: 'DOMAIN', text: (row: RemovedDomain) => row.name },
      { title: 'REMOVED', text: (row: RemovedDomain) => formatTime(row.removedAt) },
      { title: 'RESTORABLE UNTIL', text: (row: RemovedDomain) => formatTime(row.recoverableUntil) },
    ];
    await printList(context, titles, onePage(removed), 'no removed domain');
  });
}

async function* onePage<Row>(rows: readonly Row[]): AsyncIterable<readonly Row[]> {
  yield rows;
}
