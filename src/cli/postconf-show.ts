// postconf without -e: shows main.cf and master.cf in Postfix's form (postconf(1)); what is amiss with the files goes to
// standard error, in Postfix's words where it says the same.

import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { splitNameValue } from '../settings/main-cf.ts';
import { formatOrigin, type Finding } from '../settings/origin.ts';
import {
  fieldNames,
  type FormatOptions,
  formatField,
  formatParameter,
  formatService,
  parameterRows,
} from '../settings/postconf-format.ts';
import { findParameter } from '../settings/registry.ts';
import { matchesService, parseServicePattern, type ServicePattern } from '../settings/service-pattern.ts';
import type { MasterService } from '../settings/services.ts';
import { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { CommandContext } from './context.ts';
import { fieldNumber } from './postconf-edit.ts';
import type { PostconfOptions } from './postconf-options.ts';
import { fatal } from './tool.ts';

const tool = 'postconf';

export async function showParameters(context: CommandContext, request: PostconfOptions): Promise<void> {
  const options = formatOptions(request);
  const names = request.operands;
  const configuration = options.d
    ? await loadDefaults(context)
    : overriding(await loadConfiguration(context.configDirectory), request);
  const { settings } = configuration;
  if (!options.d) warnOf(context, configuration, isSaidBefore);
  for (const { name, value } of parameterRows(settings, configuration, names, options)) {
    if (value === undefined) context.warn(`${tool}: warning: ${name}: unknown parameter`);
    else if (context.json) {
      const from = options.d ? 'default' : formatOrigin(settings.origin(name));
      context.print(JSON.stringify({ name, value, from, status: findParameter(name)?.status ?? 'user-defined' }));
    } else for (const line of formatParameter(name, value, options)) context.print(line);
  }
  if (options.d) return;
  warnOf(context, configuration, (text) => !isSaidBefore(text) && (names.length === 0 || isUnused(text)));
}

export async function showServices(context: CommandContext, request: PostconfOptions): Promise<void> {
  const { mode, operands } = request;
  const configuration = overriding(await loadConfiguration(context.configDirectory), request);
  const { services } = configuration;
  warnOf(context, configuration, isSaidBefore);
  const requests = operands.map((text) => ({ text, pattern: requirePattern(mode, text), isMatched: false }));
  const print = mode === 'M' ? printService : mode === 'F' ? printFields : printParameters;
  for (const service of services) {
    if (requests.length === 0) print(context, service, request, '*');
    for (const one of requests) {
      if (!matchesService(one.pattern, [service.name, service.type])) continue;
      if (print(context, service, request, one.pattern[2] ?? '*')) one.isMatched = true;
    }
  }
  for (const { text, isMatched } of requests) {
    if (!isMatched) context.warn(`${tool}: warning: unmatched request: "${text}"`);
  }
  warnOf(context, configuration, (text, file) => !isSaidBefore(text) && file.endsWith('master.cf'));
}

function requirePattern(mode: string, text: string): ServicePattern {
  const pattern = parseServicePattern(text, 1, mode === 'M' ? 2 : 3);
  const third = mode === 'F' ? '/field' : '/parameter';
  if (pattern === undefined)
    throw fatal(tool, `-${mode} option requires service_name[/type${mode === 'M' ? '' : `[${third}]`}]`);
  if (mode === 'F') fieldNumber(pattern[2] as string);
  return pattern;
}

function printService(context: CommandContext, service: MasterService, { options }: PostconfOptions): boolean {
  if (context.json) {
    const { name, type, command, args, overrides, line } = service;
    context.print(JSON.stringify({ name, type, command, args, overrides, line }));
  } else
    for (const line of formatService(service, options.has('f'), expander(service, options.has('x'))))
      context.print(line);
  return true;
}

function printFields(
  context: CommandContext,
  service: MasterService,
  request: PostconfOptions,
  wanted: string,
): boolean {
  const one = fieldNumber(wanted);
  for (const field of one === undefined ? fieldNames.keys() : [one]) {
    const expandValue = expander(service, request.options.has('x'));
    for (const line of formatField(service, field, formatOptions(request), expandValue)) context.print(line);
  }
  return true;
}

function printParameters(
  context: CommandContext,
  service: MasterService,
  request: PostconfOptions,
  wanted: string,
): boolean {
  const { overrides, name, type } = service;
  const chosen = wanted === '*' ? Object.keys(overrides).sort() : Object.hasOwn(overrides, wanted) ? [wanted] : [];
  for (const parameter of chosen) {
    const value = expander(service, request.options.has('x'))(overrides[parameter] ?? '');
    const id = `${name}/${type}/${parameter}`;
    for (const line of formatParameter(id, value, formatOptions(request))) context.print(line);
  }
  return wanted === '*' || chosen.length > 0;
}

function expander(service: MasterService, isExpanding: boolean): (value: string) => string {
  return (value) => (isExpanding ? service.settings.expandText(value, 'master.cf') : value);
}

function formatOptions({ options, classes }: PostconfOptions): FormatOptions {
  const result: Record<string, unknown> = { classes };
  for (const letter of ['d', 'n', 'h', 'H', 'x', 'f']) if (options.has(letter)) result[letter] = true;
  return result as FormatOptions;
}

/** -o name=value: as if main.cf said so. */
function overriding(configuration: Configuration, { options }: PostconfOptions): Configuration {
  const overrides: Record<string, string> = {};
  for (const text of options.values('o')) {
    const split = splitNameValue(text);
    if (typeof split === 'string') throw fatal(tool, `${split}: "${text}"`);
    overrides[split.name] = split.value;
  }
  const services = configuration.services.map((service) => {
    const own = Object.fromEntries(
      Object.keys(service.overrides).map((name) => [name, service.settings.raw(name) ?? '']),
    );
    return { ...service, settings: service.settings.withOverrides(overrides).withOverrides(own) };
  });
  return { ...configuration, settings: configuration.settings.withOverrides(overrides), services };
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

/** Postfix says these when it reads the files, and the others at the end. */
function isSaidBefore(text: string): boolean {
  return /^overriding earlier entry|^[^ ]+ refers to \$/.test(text);
}

function isUnused(text: string): boolean {
  return text.startsWith('unknown parameter ');
}

function warnOf(
  context: CommandContext,
  configuration: Configuration,
  isWanted: (text: string, file: string) => boolean,
): void {
  for (const finding of configuration.findings) {
    if (finding.severity === 'info' || !isWanted(finding.text, finding.file)) continue;
    context.warn(`${tool}: ${finding.severity}: ${describe(finding, configuration)}`);
  }
}

/** In Postfix's words, so that scripts which look for them find them. */
function describe({ file, line, text }: Finding, { settings, services }: Configuration): string {
  const earlier = /^overriding earlier entry of line \d+: ([^]*)$/.exec(text)?.[1];
  if (earlier !== undefined) return `${file}, line ${line}: overriding earlier entry: ${earlier}`;
  const [, unused, hint = ''] = /^unknown parameter ([^:\s]+): nothing reads it([^]*)$/.exec(text) ?? [];
  if (unused !== undefined) {
    const service = services.find((one) => one.file === file && one.line === line);
    const value = service === undefined ? settings.raw(unused) : service.overrides[unused];
    return `${file}: unused parameter: ${unused}=${value ?? ''}${hint}`;
  }
  const undefinedName = /^[^ ]+ refers to \$(\w+), which nothing defines$/.exec(text)?.[1];
  if (undefinedName !== undefined) return `${file}: undefined parameter: ${undefinedName}`;
  return `${file}:${line}: ${text}`;
}
