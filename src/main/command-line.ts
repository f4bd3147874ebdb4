// The command line as a function: global options, the table of subcommands, exit statuses.

import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { type CommandContext, CommandError } from '../cli/context.ts';
import { toolNames } from '../cli/tool.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { plannedAreas } from '../proof/plan/types.ts';
import { asTyped, usualConfigDirectory } from './own-command.ts';
import { version } from './version.ts';

interface CommandModule {
  register(program: Command, context: CommandContext): void;
}

const modules: Record<string, () => Promise<CommandModule>> = {
  start: () => import('../cli/start.ts'),
  'setup-link': () => import('../cli/setup-link.ts'),
  stop: () => import('../cli/stop.ts'),
  reload: () => import('../cli/stop.ts'),
  status: () => import('../cli/stop.ts'),
  directory: () => import('../cli/directory.ts'),
  domain: () => import('../cli/domain.ts'),
  'alias-domain': () => import('../cli/alias-domain.ts'),
  mailbox: () => import('../cli/mailbox.ts'),
  'app-password': () => import('../cli/app-password.ts'),
  admin: () => import('../cli/admin.ts'),
  token: () => import('../cli/token.ts'),
  webhook: () => import('../cli/webhook.ts'),
  alias: () => import('../cli/alias.ts'),
  list: () => import('../cli/list.ts'),
  'sender-login': () => import('../cli/sender-login.ts'),
  transport: () => import('../cli/transport.ts'),
  bcc: () => import('../cli/bcc.ts'),
  access: () => import('../cli/access.ts'),
  'relay-recipient': () => import('../cli/relay-recipient.ts'),
  'catch-all': () => import('../cli/catch-all.ts'),
  tag: () => import('../cli/tag.ts'),
  quota: () => import('../cli/quota.ts'),
  lockout: () => import('../cli/lockout.ts'),
  alarm: () => import('../cli/lockout.ts'),
  explain: () => import('../cli/explain.ts'),
  lint: () => import('../cli/lint.ts'),
  expect: () => import('../cli/expect.ts'),
  compare: () => import('../cli/compare.ts'),
  plan: () => import('../cli/plan.ts'),
  apply: () => import('../cli/apply.ts'),
  dump: () => import('../cli/dump.ts'),
  reaches: () => import('../cli/reaches.ts'),
  dependents: () => import('../cli/dependents.ts'),
  history: () => import('../cli/history.ts'),
  revert: () => import('../cli/revert.ts'),
  queue: () => import('../cli/queue.ts'),
  trace: () => import('../cli/trace.ts'),
  certificate: () => import('../cli/certificate.ts'),
  accounting: () => import('../cli/accounting.ts'),
  health: () => import('../cli/health.ts'),
  statistics: () => import('../cli/statistics.ts'),
  mailq: () => import('../cli/sendmail.ts'),
  postqueue: () => import('../cli/postqueue.ts'),
  postsuper: () => import('../cli/postsuper.ts'),
  sendmail: () => import('../cli/sendmail.ts'),
  postconf: () => import('../cli/postconf.ts'),
  postmap: () => import('../cli/postmap.ts'),
  postalias: () => import('../cli/postalias.ts'),
  newaliases: () => import('../cli/postalias.ts'),
  postfix: () => import('../cli/postfix.ts'),
  import: () => together([() => import('../cli/import-mail.ts'), () => import('../cli/import-directory.ts')]),
  export: () => together([() => import('../cli/export-mail.ts'), () => import('../cli/export.ts')]),
  drive: () => import('../cli/drive.ts'),
  completion: () => import('../cli/completion.ts'),
};

/** A group of commands that has a file for each of its kinds: each adds what it has to the same group. */
async function together(parts: readonly (() => Promise<CommandModule>)[]): Promise<CommandModule> {
  const files = await Promise.all(parts.map((open) => open()));
  return {
    register: (program, context) => {
      for (const file of files) file.register(program, context);
    },
  };
}

interface GlobalOptions {
  /** Another host's address, and the file with its token. */
  host: string | undefined;
  tokenFile: string | undefined;
  configDirectory: string;
  isConfigNamed: boolean;
  json: boolean;
  rest: string[];
}

/** -c and --json are taken wherever they stand; what follows the name of one of Postfix's tools is the tool's own. */
function takeGlobalOptions(args: readonly string[]): GlobalOptions {
  const result: GlobalOptions = {
    configDirectory: '',
    isConfigNamed: false,
    json: false,
    rest: [],
    host: process.env['POSTHASTE_HOST'] || undefined,
    tokenFile: process.env['POSTHASTE_TOKEN_FILE'] || undefined,
  };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (toolNames.has(arg) && result.rest.length === 0) {
      const own = args.slice(index + 1);
      result.json ||= own.includes('--json');
      // Behind the first `--` commander looks at nothing, so that the tool sees its arguments as they were given.
      result.rest.push(
        ...(own[0] === '--help' ? [arg, '--help'] : ['--', arg, ...own.filter((one) => one !== '--json')]),
      );
      break;
    }
    if (arg === '--') {
      result.rest.push(...args.slice(index));
      break;
    }
    if (arg === '-c' || arg === '--config') {
      const directory = args[++index];
      if (directory === undefined) throw new CommandError('-c needs the folder with main.cf', 2);
      result.configDirectory = path.resolve(directory);
    } else if (result.rest.length === 0 && (arg === '--host' || arg === '--token-file')) {
      // Before the command only: `admin add NAME --host` means something else.
      const value = args[++index];
      if (value === undefined) throw new CommandError(`${arg} needs a value`, 2);
      if (arg === '--host') result.host = value;
      else result.tokenFile = value;
    } else if (arg === '--json') result.json = true;
    else result.rest.push(arg);
  }
  result.isConfigNamed = result.configDirectory !== '';
  // Postfix's tools take the folder from MAIL_CONFIG (postmap(1)), which its own programs set for those they start.
  const fromPostfix = result.rest[0] === '--' ? process.env['MAIL_CONFIG'] : undefined;
  if (!result.isConfigNamed && fromPostfix) {
    result.configDirectory = path.resolve(fromPostfix);
    result.isConfigNamed = true;
  }
  result.configDirectory ||= path.resolve(process.env['POSTHASTE_CONFIG'] || usualConfigDirectory());
  return result;
}

/** Runs one command; returns the exit status. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // `posthaste ... | head`: who reads has had enough, and that is no mistake.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`posthaste: what is said here cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  // Of another host nobody knows here how its command is typed.
  let shown = (text: string): string => text;
  try {
    const options = takeGlobalOptions(args);
    const names = Object.keys(modules);
    if (options.host === undefined) shown = (text) => asTyped(text, names, options.configDirectory);
    return await run(options, shown);
  } catch (error) {
    return report(error, shown);
  }
}

async function run(options: GlobalOptions, shown: (text: string) => string): Promise<number> {
  const { configDirectory, isConfigNamed, json, rest, host, tokenFile } = options;
  const context: CommandContext = {
    configDirectory,
    isConfigNamed,
    json,
    ...(host === undefined ? {} : { remote: await openRemote(host, tokenFile, rest) }),
    // Programs that read it find it the same everywhere.
    ...(process.stdout.isTTY && !json ? { asTyped: shown } : {}),
    print: (line) => process.stdout.write(`${line}\n`),
    warn: (line) => process.stderr.write(`${shown(line)}\n`),
    run: (others, context) => runCommand(takeGlobalOptions(others).rest, context),
  };
  await runCommand(rest, context);
  return Number(process.exitCode ?? 0);
}

async function runCommand(rest: readonly string[], context: CommandContext): Promise<void> {
  const program = createProgram(context.asTyped ?? ((text) => text));
  const wanted = rest.find((arg) => !arg.startsWith('-'));
  // A completion script knows every command.
  const load = wanted === undefined || wanted === 'completion' ? undefined : modules[wanted];
  const chosen = load ? [load] : [...new Set(Object.values(modules))];
  // Two names may share a file; each is registered once.
  const loaded = new Set(await Promise.all(chosen.map((open) => open())));
  for (const file of loaded) file.register(program, context);
  await program.parseAsync(rest, { from: 'user' });
}

/** Commands that ask another host; the others need the files of the host itself. */
const remoteCommands = new Set([
  ...plannedAreas,
  'history',
  'revert',
  'plan',
  'apply',
  'dump',
  'app-password',
  'admin',
  'token',
  'webhook',
  'status',
  'explain',
  'queue',
  'trace',
  'quota',
  'lockout',
  'alarm',
  'certificate',
  'health',
  'statistics',
]);

async function openRemote(host: string, tokenFile: string | undefined, rest: readonly string[]) {
  const command = rest.find((arg) => !arg.startsWith('-')) ?? '';
  if (command !== '' && !remoteCommands.has(command)) {
    throw new CommandError(
      `posthaste ${command} works with the files of the host itself: run it there, without --host`,
      2,
    );
  }
  const { RemoteHost } = await import('../cli/remote-host.ts');
  return new RemoteHost(host, tokenFile);
}

function createProgram(shown: (text: string) => string): Command {
  const program = new Command('posthaste');
  program
    .description("Hosts mail for many domains: SMTP, routing by Postfix's rules, queue, mailboxes, IMAP.")
    .option('-c, --config <folder>', 'the folder with main.cf and master.cf')
    // After a command --host is that command's own (`admin add NAME --host`).
    .enablePositionalOptions()
    .option('--host <url>', 'ask another host by its API, as https://mail.example.com ($POSTHASTE_HOST)')
    .option('--token-file <file>', 'the file with the token for --host ($POSTHASTE_TOKEN_FILE)')
    .option('--json', 'print JSON: one value, or one a line')
    .version(`posthaste ${version}`, '-V, --version')
    .showHelpAfterError('(add --help for what it takes)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => process.stdout.write(shown(text)),
      writeErr: (text) => process.stderr.write(text.replace(/^error:/, 'posthaste:')),
    });
  return program;
}

/** A file or folder that somebody has named, or that belongs to somebody else: the system's line names it, and says all. */
function isAboutFile(error: NodeJS.ErrnoException): boolean {
  return error.syscall !== undefined && error.path !== undefined && error.code !== undefined;
}

/** Prints what went wrong in one line that says what to do. */
function report(error: unknown, shown: (text: string) => string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`${error.program}: ${shown(error.message)}\n`);
    return error.exitCode;
  }
  if (error instanceof TemporaryError) {
    process.stderr.write(`posthaste: ${shown(error.message)}; try again\n`);
    return 75;
  }
  if (/^SQLITE_(?:CANTOPEN|READONLY)/.test(String((error as { code?: unknown } | null)?.code))) {
    process.stderr.write('posthaste: the data folder cannot be opened: run this as root or as the user that owns it\n');
    return 1;
  }
  const expected =
    error instanceof Error && (/^(Settings|DirectoryRefused|DataFolder|Table)/.test(error.name) || isAboutFile(error));
  process.stderr.write(
    `posthaste: ${expected ? shown((error as Error).message) : error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 1;
}
