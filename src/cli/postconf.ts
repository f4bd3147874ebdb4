// posthaste postconf: shows and changes settings with the options and the output of Postfix's postconf(1).

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { absentDirectoryOpener } from '../directory/tables.ts';
import { printExpanded, printTemplates } from '../bounce/template.ts';
import { MemoryLog } from '../lib/log.ts';
import { readTemplates, templateParameters } from '../queue/notice-policy.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { ExpansionError } from '../settings/expand.ts';
import { Tables } from '../tables/registry.ts';
import type { CommandContext } from './context.ts';
import { editConfiguration } from './postconf-edit.ts';
import { parsePostconfOptions, type PostconfOptions } from './postconf-options.ts';
import { showParameters, showServices } from './postconf-show.ts';
import { fatal, registerTool, silentNo } from './tool.ts';

const help = `
Options:
  -n          what main.cf sets           -d       Postfix's defaults         -C CLASS  builtin, service, user, all
  -x          replace $name in values     -f       fold long lines            -o NAME=VALUE  as if main.cf said so
  -h          values without names        -H       names without values       -c DIR   the folder with main.cf
  -e          change: NAME=VALUE          -X       remove                     -#       make a comment
  -M          services of master.cf       -F       their fields               -P       their -o parameters
  -b -t [FILE]  the texts of bounces, with their $names replaced or as they stand (bounce_template_file)
  -m -a -A -l table types, SASL types of server and client, locking methods   -T MODE  run-version and others

Examples:
  posthaste postconf -n                          what is set
  posthaste postconf -x smtpd_banner             a value with its $names replaced
  posthaste postconf -h myhostname               the value alone
  posthaste postconf -d message_size_limit       Postfix's default
  posthaste postconf -e "relayhost = [smtp.example.net]"
  posthaste postconf -X relayhost
  posthaste postconf -Mf submission              a service
  posthaste postconf -P submission/inet/syslog_name=postfix/submission`;

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postconf',
    description: "show or change settings, as Postfix's postconf does",
    help,
    run: (tools, args) => run(tools, parsePostconfOptions(args)),
  });
}

async function run(given: CommandContext, request: PostconfOptions): Promise<void> {
  const named = request.options.value('c');
  const context = named === undefined ? given : { ...given, configDirectory: resolve(named), isConfigNamed: true };
  if (request.edit !== undefined) await editConfiguration(context, request);
  else if (request.mode === 'p') await showParameters(context, request);
  else if ('MFP'.includes(request.mode)) await showServices(context, request);
  else if ('bt'.includes(request.mode)) await showTemplates(context, request);
  else showOther(context, request);
}

/** Of bounce_template_file, or the file that is named: as they stand (-t), or with their $names replaced (-b). */
async function showTemplates(context: CommandContext, { mode, operands }: PostconfOptions): Promise<void> {
  const { settings } = await loadConfiguration(context.configDirectory);
  const warn = (text: string) => context.warn(`postconf: warning: ${text}`);
  const templates = readTemplates(operands[0] ?? settings.text('bounce_template_file'), warn);
  try {
    const lines = mode === 't' ? printTemplates(templates) : printExpanded(templates, templateParameters(settings));
    for (const line of lines) context.print(Buffer.from(line, 'latin1').toString('utf8'));
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw fatal('postconf', error.message);
  }
}

function showOther(context: CommandContext, { mode, options }: PostconfOptions): void {
  const lines = mode === 'T' ? tlsFeature(context, options.value('T') ?? '') : listed(mode);
  for (const line of lines) context.print(line);
}

function listed(mode: string): readonly string[] {
  switch (mode) {
    case 'm':
      return tableTypes();
    case 'a':
      return ['directory', 'dovecot'];
    case 'l':
      return ['flock', 'fcntl', 'dotlock'];
    case 'A':
      return [];
    default:
      throw fatal('postconf', `-${mode} is not supported`);
  }
}

/** Those that the server can open. */
function tableTypes(): readonly string[] {
  const openers = { directory: absentDirectoryOpener('') };
  return new Tables({ log: new MemoryLog(), isWatching: false, openers }).types();
}

function tlsFeature(context: CommandContext, mode: string): readonly string[] {
  switch (mode) {
    case 'compile-version':
    case 'run-version':
      return [`OpenSSL ${process.versions.openssl}`];
    case 'public-key-algorithms':
      return ['ecdsa', 'rsa'];
    default:
      context.warn(`postconf: warning: unknown 'postconf -T' mode: ${mode}`);
      throw silentNo('postconf');
  }
}
