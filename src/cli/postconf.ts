// posthaste postconf: shows and changes settings with the options and the output of Postfix's postconf(1).

import { join } from 'node:path';
import type { Command } from 'commander';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { editMainCfFile } from '../settings/edit-main-cf.ts';
import { formatOrigin } from '../settings/origin.ts';
import { formatParameter, formatService, parameterRows } from '../settings/postconf-format.ts';
import { findParameter } from '../settings/registry.ts';
import { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type CommandContext, CommandError } from './context.ts';

/** The table types that can be opened so far (tables/registry.ts and `directory:`); a test compares. */
export const supportedTableTypes: readonly string[] = [
  'directory',
  'fail',
  'hash',
  'inline',
  'proxy',
  'static',
  'texthash',
  'unix',
];

interface Options {
  readonly d?: true;
  readonly n?: true;
  readonly h?: true;
  readonly H?: true;
  readonly x?: true;
  readonly f?: true;
  readonly e?: true;
  readonly M?: true;
  readonly m?: true;
}

const examples = `
Examples:
  posthaste postconf -n                          what is set
  posthaste postconf -x smtpd_banner             a value with its $names replaced
  posthaste postconf -h myhostname               the value alone
  posthaste postconf -d message_size_limit       Postfix's default
  posthaste postconf -e "relayhost = [smtp.example.net]"
  posthaste postconf -M                          the services`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('postconf')
    .description("show or change settings, as Postfix's postconf does")
    .helpOption('--help', 'show this help')
    .argument('[name...]', 'parameters, or with -e: name=value')
    .option('-d', 'show defaults')
    .option('-n', 'show only what main.cf sets')
    .option('-h', 'show values without names')
    .option('-H', 'show names without values')
    .option('-x', 'replace $name in values')
    .option('-f', 'fold long lines')
    .option('-e', 'change main.cf: name=value')
    .option('-M', 'show the services of master.cf')
    .option('-m', 'show the supported table types')
    .addHelpText('after', examples)
    .action(async (names: string[], options: Options) => {
      if (options.m) for (const type of supportedTableTypes) context.print(type);
      else if (options.e) await edit(context, names);
      else if (options.M) await showServices(context, names, options);
      else await showParameters(context, names, options);
    });
}

async function edit(context: CommandContext, assignments: readonly string[]): Promise<void> {
  if (assignments.length === 0) throw new CommandError('postconf -e needs name=value', 2);
  const changes = new Map<string, string>();
  for (const text of assignments) {
    const [, name, value] = /^\s*([^\s=#]+)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw new CommandError(
        `postconf -e: "${text.replaceAll(/[\r\n]/g, ' ')}" is not one line of the form name=value`,
        2,
      );
    }
    changes.set(name, value);
  }
  const { settings } = await loadConfiguration(context.configDirectory);
  // A value that could not be used would stop the next start: refuse it while somebody is looking.
  const proposed = settings.withOverrides(Object.fromEntries(changes));
  for (const name of changes.keys()) proposed.check(name);
  await editMainCfFile(join(context.configDirectory, 'main.cf'), changes);
  const { findings } = await loadConfiguration(context.configDirectory);
  for (const { text } of findings) {
    const name = /^unknown parameter ([^:\s]+):/.exec(text)?.[1];
    if (name !== undefined && changes.has(name)) context.warn(`postconf: warning: ${text}`);
  }
}

async function showServices(context: CommandContext, patterns: readonly string[], options: Options): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  for (const service of configuration.services) {
    const id = `${service.name}/${service.type}`;
    if (patterns.length > 0 && !patterns.some((pattern) => id === pattern || service.name === pattern)) continue;
    if (context.json) {
      const { name, type, command, args, overrides, line } = service;
      context.print(JSON.stringify({ name, type, command, args, overrides, line }));
    } else for (const line of formatService(service, options.f === true)) context.print(line);
  }
  warnOfFindings(context, configuration);
}

async function showParameters(context: CommandContext, names: readonly string[], options: Options): Promise<void> {
  const configuration = options.d ? await loadDefaults(context) : await loadConfiguration(context.configDirectory);
  const { settings } = configuration;
  for (const { name, value } of parameterRows(settings, configuration, names, options)) {
    if (value === undefined) {
      context.warn(`postconf: warning: ${name}: unknown parameter`);
    } else if (context.json) {
      const from = options.d ? 'default' : formatOrigin(settings.origin(name));
      context.print(JSON.stringify({ name, value, from, status: findParameter(name)?.status ?? 'user-defined' }));
    } else for (const line of formatParameter(name, value, options)) context.print(line);
  }
  if (!options.d && names.length === 0) warnOfFindings(context, configuration);
}

/** Defaults need no folder; where there is one, each of its transports has parameters of its own. */
async function loadDefaults(context: CommandContext): Promise<Configuration> {
  const settings = Settings.defaults();
  try {
    return { ...(await loadConfiguration(context.configDirectory)), settings };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { directory: context.configDirectory, settings, services: [], findings: [] };
  }
}

/** postconf(1) warns of what it sees amiss in the files; so do we, with the line. */
function warnOfFindings(context: CommandContext, configuration: Configuration): void {
  for (const { severity, file, line, text } of configuration.findings) {
    if (severity !== 'info') context.warn(`postconf: ${severity}: ${file}:${line}: ${text}`);
  }
}
