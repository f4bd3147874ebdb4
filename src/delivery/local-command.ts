// Runs a command of local(8): `|command` of an alias or a .forward, and mailbox_command. The message is on its standard
// input, what it may know of the delivery in its environment, cleaned of whatever a shell could act on
// (command_expansion_filter); its exit status says what became of the mail (command-outcome.ts).

import { domainOf, fold, localpartOf, toInternal } from '../address/form.ts';
import { splitExtension } from '../address/extension.ts';
import type { Clock } from '../lib/clock.ts';
import type { DeliveryRequest, RecipientOutcome } from '../queue/delivery-agent.ts';
import { expandMacros } from '../routing/local-settings.ts';
import { commandOutcome } from './command-outcome.ts';
import type { Helper } from './helper/on-demand.ts';
import type { CommandJob, CommandOutcome } from './helper/protocol.ts';
import { type LocalRecipient, withLocalContent } from './local-content.ts';
import type { LocalOptions } from './local-options.ts';
import type { Account, OwnerIds } from './local-rights.ts';
import { commandLine } from './shell-command.ts';

export interface LocalCommandParts {
  readonly options: LocalOptions;
  readonly commands: Helper<CommandJob, CommandOutcome>;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

export interface LocalCommand {
  readonly command: string;
  /** Who asked for it; undefined: root, in an alias. */
  readonly account: Account | undefined;
  readonly rights: OwnerIds;
}

type Names = Readonly<Record<string, string | undefined>>;

export async function runLocalCommand(
  parts: LocalCommandParts,
  { command, account, rights }: LocalCommand,
  to: LocalRecipient,
  request: DeliveryRequest,
): Promise<RecipientOutcome> {
  const { options, commands, clock, warn } = parts;
  const names = namesOf(to, account, options);
  const place = executionDirectory(names, options);
  if (place === undefined) {
    warn(`bad parameter value syntax for command_execution_directory: ${options.executionDirectory}`);
    return { kind: 'deferred', status: '4.3.5', reason: 'mail system configuration error' };
  }
  const job: CommandJob = {
    ...commandLine(command, options.shell),
    ...rights,
    ...place,
    environment: { ...options.environment, ...environmentOf(names, to, request.message.sender, options) },
    timeLimitMilliseconds: options.timeLimitMilliseconds,
    fileLimit: options.limit,
  };
  const copy = { form: 'command', to, options, clock } as const;
  const outcome = await withLocalContent(request, copy, (content) => commands.run(job, content, request.signal));
  if (outcome.kind === 'ended') return commandOutcome(outcome, command, `delivered to command: ${command}`);
  warn(`cannot run ${command}: ${outcome.text}`);
  // What Postfix's child says before it ends with EX_TEMPFAIL.
  const said = `. Command output: local: fatal: execvp ${job.argv[0]}: ${capitalized(outcome.text)}`;
  const isOfProgram = outcome.code.startsWith('E');
  return { kind: 'deferred', status: '4.3.0', reason: `temporary failure${isOfProgram ? said : ''}` };
}

function namesOf({ recipient }: LocalRecipient, account: Account | undefined, options: LocalOptions): Names {
  const address = toInternal(recipient);
  const local = fold(localpartOf(address));
  const split = splitExtension(local, options.extensions);
  const extension = split === undefined || split.extension.includes('/') ? '' : split.extension;
  return {
    recipient: address,
    local,
    user: split?.bare ?? local,
    domain: fold(domainOf(address)),
    extension: extension === '' ? undefined : extension.slice(1),
    recipient_delimiter: extension === '' ? undefined : extension.slice(0, 1),
    home: account?.home,
    shell: account?.shell,
  };
}

/** Undefined where it cannot be expanded. */
function executionDirectory(names: Names, options: LocalOptions) {
  const { executionDirectory: pattern, executionDirectoryFilter, usualDirectory } = options;
  if (pattern === '') return { directory: usualDirectory };
  try {
    const directory = expandMacros(pattern, filtered(names, executionDirectoryFilter), false);
    return directory === undefined ? undefined : { directory, mustEnterDirectory: true };
  } catch {
    return undefined;
  }
}

/** local(8), EXTERNAL COMMAND DELIVERY; who the client was is not kept with the message. */
function environmentOf(
  names: Names,
  { original }: LocalRecipient,
  sender: string,
  options: LocalOptions,
): Record<string, string> {
  const all: Record<string, string | undefined> = {
    HOME: names['home'],
    LOGNAME: names['user'],
    USER: names['user'],
    SHELL: names['shell'],
    SENDER: toInternal(sender),
    RECIPIENT: names['recipient'],
    LOCAL: names['local'],
    DOMAIN: names['domain'] === '' ? undefined : names['domain'],
    EXTENSION: names['extension'],
    ORIGINAL_RECIPIENT: original === '' ? undefined : toInternal(original),
  };
  const clean = filtered(all, options.environmentFilter);
  return Object.fromEntries(Object.entries(clean).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** What the filter does not name becomes an underscore, in every value. */
function filtered(names: Names, allowed: string): Names {
  const clean = (text: string): string => text.replaceAll(/./gsu, (one) => (allowed.includes(one) ? one : '_'));
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, value === undefined ? undefined : clean(value)]),
  );
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
