// posthaste webhook add|list|show|set|remove: addresses that are told of changes and deliveries.

import type { Command } from 'commander';
import { urlRefusal } from '../admin/webhook-request.ts';
import type { WebhookInfo, WebhookOf } from '../directory/webhooks.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, printDone, printList, printObject, yesNo } from './output.ts';

const examples = `
Events are words as mailbox.add, alias.*, delivery.bounced; without any, all. How a request is signed: docs/api.md.

Examples:
  posthaste webhook add billing https://example.com/hook --event mailbox.add mailbox.remove
  posthaste webhook list
  posthaste webhook set billing --enable
  posthaste webhook remove billing
  posthaste webhook show billing --owner bert@example.com`;

interface Options {
  readonly event?: readonly string[];
  readonly url?: string;
  readonly enable?: true;
  readonly disable?: true;
  readonly owner?: string;
}

const ofOwner = ['--owner <login>', "of this administrator; otherwise the host's"] as const;

type MadeWebhook = WebhookInfo & { readonly secret: string };

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('webhook')
    .description('addresses that are told of changes and deliveries')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('have an address told; the secret that signs is shown once')
    .argument('<name>')
    .argument('<url>')
    .option('--event <events...>', 'of these only')
    .action((name: string, url: string, options: Options) => add(context, name, url, options));
  group
    .command('list')
    .description('list the webhooks')
    .action(() => list(context));
  group
    .command('show')
    .description('show a webhook, and what went wrong')
    .argument('<name>')
    .option(...ofOwner)
    .action((name: string, { owner }: Options) => show(context, { name, owner }));
  group
    .command('set')
    .description('change a webhook, or switch it on again')
    .argument('<name>')
    .option(...ofOwner)
    .option('--url <url>', 'tell this address')
    .option('--event <events...>', 'of these only; * for all')
    .option('--enable', 'tell it again')
    .option('--disable', 'tell it nothing for now')
    .action((name: string, options: Options) => set(context, name, options));
  group
    .command('remove')
    .description('remove a webhook')
    .argument('<name>')
    .option(...ofOwner)
    .action((name: string, { owner }: Options) => remove(context, { name, owner }));
}

function words(events: readonly string[] | undefined): string[] {
  return (events ?? []).flatMap((one) => one.split(',')).filter((one) => one !== '');
}

function refuseUrl(url: string, mayBePrivate: boolean): void {
  const refusal = urlRefusal(url, mayBePrivate);
  if (refusal !== undefined) throw new CommandError(refusal, 2);
}

async function add(context: CommandContext, name: string, url: string, { event }: Options): Promise<void> {
  const events = words(event);
  const { remote } = context;
  const made =
    remote === undefined
      ? await withDirectory(context, false, async ({ directory, settings }) => {
          refuseUrl(url, settings.flag('posthaste_webhook_private_addresses'));
          return await directory.webhooks.add({ name, url, events, ownerId: 0 });
        })
      : await remote.call<MadeWebhook>('webhook.add', { name, url, events });
  printDone(context, `${made.url} is told of ${made.events.join(' ') || 'everything'}`, made);
  if (!context.json) context.print(`secret: ${made.secret}`);
}

const columns: readonly Column<WebhookInfo>[] = [
  { title: 'NAME', text: (row) => row.name },
  { title: 'OWNER', text: (row) => row.owner ?? 'the host' },
  { title: 'URL', text: (row) => row.url },
  { title: 'EVENTS', text: (row) => row.events.join(' ') || 'all' },
  {
    title: 'NOTE',
    text: ({ active, note, failingSince }) => (active ? (failingSince === undefined ? '' : note) : `off: ${note}`),
  },
];

async function list(context: CommandContext): Promise<void> {
  const { remote } = context;
  const rows =
    remote === undefined
      ? await withDirectory(context, true, async ({ directory }) => await directory.webhooks.list())
      : (await remote.call<{ items: readonly WebhookInfo[] }>('webhook.list')).items;
  const page = async function* () {
    if (rows.length > 0) yield rows;
  };
  await printList(context, columns, page(), 'no webhook yet: add one with: posthaste webhook add NAME URL');
}

function sent({ name, owner }: WebhookOf): { readonly name: string; readonly owner?: string } {
  return { name, ...(owner === undefined ? {} : { owner }) };
}

async function show(context: CommandContext, which: WebhookOf): Promise<void> {
  const { remote } = context;
  const info =
    remote === undefined
      ? await withDirectory(context, true, async ({ directory }) => await directory.webhooks.need(which))
      : await remote.call<WebhookInfo>('webhook.show', sent(which));
  printObject(context, info, [
    ['webhook', info.name],
    ['owner', info.owner ?? 'the host'],
    ['url', info.url],
    ['events', info.events.join(' ') || 'all'],
    ['enabled', yesNo(info.active)],
    ['created', formatTime(info.created)],
    ...(info.failingSince === undefined ? [] : [['failing since', formatTime(info.failingSince)] as const]),
    ...(info.note === '' ? [] : [['note', info.note] as const]),
  ]);
}

async function set(context: CommandContext, name: string, options: Options): Promise<void> {
  const { url, event, enable, disable, owner } = options;
  const which = { name, owner };
  if (enable && disable) throw new CommandError('--enable and --disable contradict each other', 2);
  const settings = {
    ...(url === undefined ? {} : { url }),
    ...(event === undefined ? {} : { events: words(event).filter((one) => one !== '*') }),
    ...(enable ? { active: true } : {}),
    ...(disable ? { active: false } : {}),
  };
  if (Object.keys(settings).length === 0)
    throw new CommandError('nothing to change: give --url, --event, --enable or --disable', 2);
  const { remote } = context;
  const info =
    remote === undefined
      ? await withDirectory(context, false, async ({ directory, settings: mainCf }) => {
          if (url !== undefined) refuseUrl(url, mainCf.flag('posthaste_webhook_private_addresses'));
          return await directory.webhooks.set(which, settings);
        })
      : await remote.call<WebhookInfo>('webhook.set', { ...sent(which), ...settings });
  printDone(context, `webhook ${info.name} changed`, info);
}

async function remove(context: CommandContext, which: WebhookOf): Promise<void> {
  const { name } = which;
  if (context.remote !== undefined) await context.remote.call('webhook.remove', sent(which));
  else await withDirectory(context, false, async ({ directory }) => await directory.webhooks.remove(which));
  printDone(context, `webhook ${name} removed`, { name, removed: true });
}
