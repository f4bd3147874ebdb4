// posthaste access add|list|show|set|remove: rules of access(5) about clients, their names, senders and recipients.

import type { Command } from 'commander';
import type { AccessRuleInfo } from '../directory/access-rules.ts';
import type { AccessStage } from '../directory/schema.ts';
import { parentsMatchFor } from '../routing/open-maps.ts';
import { readAccessValue } from '../smtp/access-value.ts';
import { type CommandContext, CommandError } from './context.ts';
import { type DirectorySession, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject } from './output.ts';
import { warnIfUnasked } from './unasked-table.ts';

const examples = `
PATTERN is one of access(5): a client's name, domain, address or network (192.0.2.7, 192.0.2, 192.0.2.0/24; others in a
cidr: table of main.cf); a HELO name; a sender or recipient as user@domain, domain or user@, and <> for the null sender.
A domain stands for its subdomains too. ACTION is REJECT, OK, DUNNO, DEFER, HOLD, DISCARD, WARN, PREPEND, REDIRECT, BCC,
FILTER, "4xx text", "5xx text" or a list of restrictions. OK ends only the list that the rule's table stands in, and never
lets anybody relay.

Examples:
  posthaste access add --sender spammer@example.net REJECT
  posthaste access add --client 203.0.113.0/24 "REJECT your network sends junk" --note "ticket 4711"
  posthaste access add --recipient secret@example.com "550 5.7.1 not from outside"
  posthaste access add --helo localhost REJECT
  posthaste access list --sender
  posthaste access set --sender spammer@example.net HOLD
  posthaste access remove --sender spammer@example.net`;

const stages: readonly AccessStage[] = ['client', 'helo', 'sender', 'recipient'];

type Stages = { readonly [Stage in AccessStage]?: true };
interface Options extends Stages {
  readonly note?: string;
}

export function register(program: Command, context: CommandContext): void {
  const group = program.command('access').description('who may connect and write').addHelpText('after', examples);
  withStages(group.command('add'))
    .description('add a rule')
    .argument('<pattern>')
    .argument('<action...>')
    .option('--note <text>', 'why, for people')
    .action((pattern: string, action: string[], options: Options) => add(context, pattern, action.join(' '), options));
  withStages(group.command('list'))
    .description('list the rules')
    .action((options: Options) => list(context, options));
  withStages(group.command('show'))
    .description('show a rule')
    .argument('<pattern>')
    .action((pattern: string, options: Options) => show(context, pattern, options));
  withStages(group.command('set'))
    .description('change a rule')
    .argument('<pattern>')
    .argument('[action...]')
    .option('--note <text>', 'why, for people')
    .action((pattern: string, action: string[], options: Options) => set(context, pattern, action.join(' '), options));
  withStages(group.command('remove'))
    .description('remove a rule')
    .argument('<pattern>')
    .action((pattern: string, options: Options) => remove(context, pattern, options));
}

function withStages(command: Command): Command {
  return command
    .option('--client', "about the client's name or address")
    .option('--helo', 'about what it says at HELO')
    .option('--sender', 'about the envelope sender')
    .option('--recipient', 'about the recipient');
}

function givenStages(options: Options): AccessStage[] {
  return stages.filter((stage) => options[stage] === true);
}

function stageOf(options: Options): AccessStage {
  const [stage, another] = givenStages(options);
  if (stage === undefined || another !== undefined) {
    throw new CommandError('give one of --client, --helo, --sender and --recipient', 2);
  }
  return stage;
}

async function add(context: CommandContext, pattern: string, action: string, options: Options): Promise<void> {
  const stage = stageOf(options);
  await withDirectory(context, false, async (session) => {
    const classes = session.settings.list('smtpd_restriction_classes');
    const settings = { action, classes, ...(options.note === undefined ? {} : { note: options.note }) };
    const info = await session.directory.accessRules.add(stage, pattern, settings);
    printDone(context, sentence(info), info);
    warnAbout(context, session, info);
  });
}

function sentence({ stage, pattern, action }: AccessRuleInfo): string {
  return `${stage} ${pattern}: ${action}`;
}

/** What is allowed, but has no effect here. */
function warnAbout(
  context: CommandContext,
  session: DirectorySession,
  { stage, pattern, action }: AccessRuleInfo,
): void {
  const { settings, services, isElsewhere } = session;
  if (isElsewhere) return;
  warnIfUnasked(context, session, `${stage}-access`);
  if (pattern.startsWith('.') && parentsMatchFor(settings, 'smtpd_access_maps')) {
    context.warn(
      `${pattern} is never asked for with this parent_domain_matches_subdomains: write ${pattern.slice(1)}, which stands for its subdomains too`,
    );
  }
  const read = readAccessValue(action);
  if (read.kind !== 'order' || read.order !== 'FILTER') return;
  const name = read.text.slice(0, read.text.indexOf(':'));
  if (services.some((service) => service.type === 'unix' && service.name === name)) return;
  context.warn(`there is no service ${name} in master.cf: the mail is deferred until there is one`);
}

const columns: readonly Column<AccessRuleInfo>[] = [
  { title: 'ABOUT', text: (row) => row.stage },
  { title: 'PATTERN', text: (row) => row.pattern },
  { title: 'ACTION', text: (row) => row.action },
  { title: 'NOTE', text: (row) => row.note },
];

async function list(context: CommandContext, options: Options): Promise<void> {
  const wanted = givenStages(options);
  if (wanted.length > 1) throw new CommandError('give one of --client, --helo, --sender and --recipient, or none', 2);
  const [stage] = wanted;
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: AccessRuleInfo | undefined) =>
      directory.accessRules.list({
        ...(stage === undefined ? {} : { stage }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    await printList(
      context,
      columns,
      pages(read, (row) => row),
      'no rule yet: posthaste access add --sender PATTERN ACTION',
    );
  });
}

async function show(context: CommandContext, pattern: string, options: Options): Promise<void> {
  const stage = stageOf(options);
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.accessRules.show(stage, pattern);
    printObject(context, info, [
      ['about', info.stage],
      ['pattern', info.pattern],
      ['action', info.action],
      ['note', info.note || '(none)'],
      ['since', formatTime(info.created)],
    ]);
  });
}

async function set(context: CommandContext, pattern: string, action: string, options: Options): Promise<void> {
  const stage = stageOf(options);
  const { note } = options;
  if (action === '' && note === undefined) throw new CommandError('nothing to change: give an action or --note', 2);
  await withDirectory(context, false, async (session) => {
    const classes = session.settings.list('smtpd_restriction_classes');
    const changes = { ...(action === '' ? {} : { action, classes }), ...(note === undefined ? {} : { note }) };
    const info = await session.directory.accessRules.set(stage, pattern, changes);
    printDone(context, sentence(info), info);
    warnAbout(context, session, info);
  });
}

async function remove(context: CommandContext, pattern: string, options: Options): Promise<void> {
  const stage = stageOf(options);
  await withDirectory(context, false, async ({ directory }) => {
    await directory.accessRules.remove(stage, pattern);
    printDone(context, `no rule for the ${stage} ${pattern} any more`, { stage, pattern, removed: true });
  });
}
