// Reports what a configuration says and nobody would act on: unknown parameters and commands, Postfix's parameters
// that are not supported yet, `$names` that nothing defines; and values that cannot be used.
// As for postconf(1), a name that main.cf makes up is fine when something refers to it as `$name`, when it is a
// restriction class, or when it configures an old-style `mysql:name` table.

import { ExpansionError, referencedNames } from './expand.ts';
import type { Finding } from './origin.ts';
import { findParameter, isDeclared, parameterNames } from './registry.ts';
import { commandStatus, listenAddresses, type MasterService } from './services.ts';
import type { Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';
import { isTimeSuffix, splitTransportParameter } from './transport-parameters.ts';

/** Where a set of values stands: main.cf, or one service's overrides. */
interface Scope {
  readonly settings: Settings;
  readonly names: readonly string[];
}

export function checkConfiguration(settings: Settings, services: readonly MasterService[]): Finding[] {
  const main: Scope = { settings, names: [...settings.names()] };
  const scopes: Scope[] = [
    main,
    ...services.map((service) => ({ settings: service.settings, names: Object.keys(service.overrides) })),
  ];
  const known = new KnownNames(scopes, services);
  return [...scopes.flatMap((scope) => checkScope(scope, known)), ...checkServices(services)];
}

function checkScope({ settings, names }: Scope, known: KnownNames): Finding[] {
  const findings: Finding[] = [];
  for (const name of names) {
    const origin = settings.origin(name);
    if (origin.kind !== 'file') continue;
    const report = (severity: Finding['severity'], text: string): void => {
      findings.push({ severity, file: origin.file, line: origin.line, text });
    };
    if (!known.has(name)) report('warning', `unknown parameter ${name}: nothing reads it${suggest(name)}`);
    const references = findParameter(name)?.kind === 'raw' ? [] : referencedNames(settings.raw(name) ?? '');
    for (const reference of references) {
      if (settings.raw(reference) === undefined)
        report('warning', `${name} refers to $${reference}, which nothing defines`);
    }
    try {
      settings.check(name);
      if (known.has(name)) reportUnsupported(name, settings, report);
      const meant = name === 'smtpd_sasl_type' ? settings.text(name).toLowerCase() : 'directory';
      if (meant !== 'directory' && meant !== 'dovecot')
        report('warning', `${name} = ${meant} is not supported yet: the directory checks passwords`);
      if (name === 'smtpd_forbid_bare_newline' && settings.text(name) === 'no')
        report('warning', `${name} = no is not followed: without \`normalize\` a bare line feed is refused`);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      report('error', error.message.replace(`${origin.file}:${origin.line}: `, ''));
    }
  }
  return findings;
}

/** A parameter that is not acted on matters only where its value differs from the default. */
function reportUnsupported(
  name: string,
  settings: Settings,
  report: (severity: Finding['severity'], text: string) => void,
): void {
  const parameter = findParameter(name);
  if (parameter === undefined || parameter.status === 'supported') return;
  if (settings.expanded(name) === expandDefault(name, settings)) return;
  if (parameter.status === 'unneeded')
    report('info', `${name} has no meaning here: Posthaste has no such process or file`);
  else report('warning', `${name} is not supported yet: its value has no effect`);
}

function expandDefault(name: string, settings: Settings): string | undefined {
  try {
    return settings.expandText(settings.defaultOf(name) ?? '', name);
  } catch (error) {
    if (error instanceof SettingsError || error instanceof ExpansionError) return undefined;
    throw error;
  }
}

class KnownNames {
  readonly #names = new Set<string>();
  readonly #tablePrefixes = new Set<string>();
  readonly #transports = new Map<string, string>();

  constructor(scopes: readonly Scope[], services: readonly MasterService[]) {
    for (const name of parameterNames()) this.#collect(findParameter(name)?.default ?? '');
    for (const { settings, names } of scopes) {
      for (const name of names) this.#collect(settings.raw(name) ?? '');
      for (const name of this.#restrictionClasses(settings)) this.#names.add(name);
    }
    for (const { name, command } of services) this.#transports.set(name, command);
  }

  has(name: string): boolean {
    if (isDeclared(name) || this.#names.has(name)) return true;
    const parts = splitTransportParameter(name);
    const command = parts === undefined ? undefined : this.#transports.get(parts.transport);
    if (command !== undefined) return parts?.suffix !== 'time_limit' || command === 'pipe' || command === 'spawn';
    return [...this.#tablePrefixes].some((prefix) => name.startsWith(prefix));
  }

  #collect(value: string): void {
    for (const reference of referencedNames(value)) this.#names.add(reference);
    for (const match of value.matchAll(/\b(?:ldap|memcache|mysql|pgsql|sqlite):([A-Za-z0-9_]+)/g)) {
      this.#tablePrefixes.add(`${match[1]}_`);
    }
  }

  #restrictionClasses(settings: Settings): readonly string[] {
    try {
      return settings.list('smtpd_restriction_classes');
    } catch (error) {
      if (error instanceof SettingsError) return [];
      throw error;
    }
  }
}

/** ` (did you mean x?)` for the one declared name that differs by a single edit. */
function suggest(name: string): string {
  const parts = splitTransportParameter(name);
  if (parts !== undefined) {
    const kind = isTimeSuffix(parts.suffix) ? 'delay' : 'limit';
    return ` (master.cf has no service ${parts.transport} that this ${kind} could be for)`;
  }
  const near = parameterNames().filter((candidate) => differsByOne(name, candidate));
  return near.length === 1 ? ` (did you mean ${near[0]}?)` : '';
}

function differsByOne(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let tail = 0;
  const shorter = Math.min(one.length, other.length);
  while (tail < shorter - start && one.at(-1 - tail) === other.at(-1 - tail)) tail++;
  const left = Math.max(one.length, other.length) - start - tail;
  if (left <= 1) return true;
  // Two neighbours swapped.
  return (
    left === 2 && one.length === other.length && one[start] === other[start + 1] && one[start + 1] === other[start]
  );
}

function checkServices(services: readonly MasterService[]): Finding[] {
  const findings: Finding[] = [];
  const chrooted = services.filter((service) => service.chroot);
  for (const service of services) {
    const { file, line, name, command } = service;
    const status = commandStatus(command);
    if (status === undefined) {
      findings.push({
        severity: 'warning',
        file,
        line,
        text: `unknown command ${command}: service ${name} will not run`,
      });
    } else if (status === 'unserved') {
      findings.push({
        severity: 'warning',
        file,
        line,
        text: `${command} is not supported yet: service ${name} will not run`,
      });
    } else if ((command === 'smtpd' || command === 'postscreen') && service.type === 'inet') {
      findings.push(...checkListener(service));
    } else if (command === 'smtpd' && !isBehindScreen(service, services)) {
      const text = `smtpd behind another server (type ${service.type}) is not supported yet: service ${name} will not run`;
      findings.push({ severity: 'warning', file, line, text });
    }
  }
  const first = chrooted[0];
  if (first !== undefined) {
    const text = `chroot has no meaning here, one process does all: set for ${chrooted.map((one) => one.name).join(', ')}`;
    findings.push({ severity: 'info', file: first.file, line: first.line, text });
  }
  return findings;
}

/** `smtpd pass ... smtpd` gets the connections that a postscreen service hands on. */
function isBehindScreen({ type, name }: MasterService, services: readonly MasterService[]): boolean {
  const isFront = ({ type: front, command, settings }: MasterService): boolean =>
    front === 'inet' && command === 'postscreen' && settings.text('smtpd_service_name') === name;
  return type === 'pass' && services.some(isFront);
}

function checkListener({ name, settings, file, line }: MasterService): Finding[] {
  try {
    listenAddresses(name, settings);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return [{ severity: 'error', file, line, text: error.message }];
  }
}
