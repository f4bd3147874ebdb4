// posthaste token add|list|remove: secrets with which programs ask the API for somebody.

import type { Command } from 'commander';
import { areaOf } from '../admin/operation.ts';
import { operations } from '../admin/registry.ts';
import type { ApiTokenInfo, Owner } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import { fold } from '../directory/mail-address.ts';
import { systemClock } from '../lib/clock.ts';
import { parseEnd } from './limit-words.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList } from './output.ts';

const examples = `
A scope is AREA:read, AREA:write or AREA; * is every area.

Examples:
  posthaste token add anna backup --scope '*:read'
  posthaste token add bert@example.com import --scope mailbox alias --expires 30d
  posthaste token list
  posthaste token remove 3`;

interface AddOptions {
  readonly scope?: readonly string[];
  readonly expires?: number;
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('token')
    .description('secrets with which programs use the API')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('make a token for an administrator or the owner of a mailbox; its secret is shown once')
    .argument('<owner>', "an administrator's login, or a mailbox")
    .argument('<name>', 'what it is for')
    .option('--scope <scopes...>', 'what it may; everything that its owner may without')
    .option('--expires <time>', 'when it ends: 2026-12-31, 90d, or never', parseEnd)
    .action((owner: string, name: string, options: AddOptions) => add(context, owner, name, options));
  group
    .command('list')
    .description('list the tokens, of one owner or of all')
    .argument('[owner]')
    .action((owner: string | undefined) => list(context, owner));
  group
    .command('remove')
    .description('remove a token: it opens nothing from now on')
    .argument('<id>')
    .action((id: string) => remove(context, id));
}

function ownerNamed(directory: Pick<Directory, 'lookups'>, name: string): Owner {
  const admin = directory.lookups.identities.adminByLogin(fold(name));
  if (admin !== undefined) return { kind: 'admin', id: admin.id };
  const mailbox = directory.lookups.mailboxByAddress(name);
  if (mailbox !== undefined) return { kind: 'mailbox', id: mailbox.id };
  throw new CommandError(`${name} is neither an administrator nor a mailbox: see: posthaste admin list`);
}

function scopesOf(given: readonly string[] | undefined): string[] {
  const scopes = given?.flatMap((one) => one.split(',')) ?? ['*'];
  const areas = new Set(operations.map(({ name }) => areaOf(name)));
  for (const scope of scopes) {
    const [area = '', right = '*'] = scope.split(':');
    const isKnown = (area === '*' || areas.has(area)) && ['*', 'read', 'write'].includes(right);
    if (!isKnown)
      throw new CommandError(`there is no scope ${scope}: the areas are ${[...areas].sort().join(', ')}`, 2);
  }
  return scopes.map((scope) => (scope.includes(':') || scope === '*' ? scope : `${scope}:*`));
}

async function add(context: CommandContext, owner: string, name: string, options: AddOptions): Promise<void> {
  const scopes = scopesOf(options.scope);
  const expires = options.expires ?? 0;
  if (context.remote !== undefined) {
    return show(context, await context.remote.call<MadeToken>('token.add', { owner, name, scopes, expires }));
  }
  await withDirectory(context, false, async ({ directory }) => {
    const of = ownerNamed(directory, owner);
    show(context, await directory.tokens.add({ owner: of, name, scopes, expires }));
  });
}

type MadeToken = ApiTokenInfo & { readonly secret: string };

function show(context: CommandContext, token: MadeToken): void {
  printDone(context, `token ${token.id} of ${token.owner}: ${token.scopes.join(' ')}`, token);
  if (!context.json) context.print(`secret: ${token.secret}`);
}

const columns: readonly Column<ApiTokenInfo>[] = [
  { title: 'ID', isNumber: true, text: (row) => String(row.id) },
  { title: 'OWNER', text: (row) => row.owner },
  { title: 'NAME', text: (row) => row.name },
  { title: 'SCOPES', text: (row) => row.scopes.join(' ') },
  { title: 'EXPIRES', text: endText },
  {
    title: 'LAST USE',
    text: ({ used }) => (used === undefined ? 'never' : `${formatTime(used.time)} from ${used.address}`),
  },
];

function endText({ expires }: ApiTokenInfo): string {
  if (expires === undefined) return 'never';
  return expires <= systemClock.now() ? `${formatTime(expires)} (over)` : formatTime(expires);
}

async function list(context: CommandContext, owner: string | undefined): Promise<void> {
  const empty = 'no token yet: make one with: posthaste token add OWNER NAME';
  const { remote } = context;
  if (remote !== undefined) {
    const read = async (after: number | undefined) => {
      const from = after === undefined ? {} : { after: String(after) };
      const query = { all: true, limit: 500, ...from };
      const { items } = await remote.call<{ items: readonly ApiTokenInfo[] }>('token.list', query);
      return owner === undefined ? items : items.filter((one) => one.owner === fold(owner));
    };
    return await printList(
      context,
      columns,
      pages(read, (row) => row.id),
      empty,
    );
  }
  await withDirectory(context, true, async ({ directory }) => {
    const of = owner === undefined ? undefined : ownerNamed(directory, owner);
    const rows = pages(
      async (after: number | undefined) => {
        if (of === undefined) return await directory.tokens.listAll(after ?? 0, 500);
        return after === undefined ? await directory.tokens.list(of) : [];
      },
      (row) => row.id,
    );
    await printList(context, columns, rows, empty);
  });
}

async function remove(context: CommandContext, text: string): Promise<void> {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1)
    throw new CommandError('name the token by its number: see posthaste token list', 2);
  if (context.remote !== undefined) await context.remote.call('token.remove', { id });
  else await withDirectory(context, false, async ({ directory }) => await directory.tokens.remove(id));
  printDone(context, `token ${id} removed`, { id, removed: true });
}
