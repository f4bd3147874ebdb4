// What the page and the API are told of each parameter and service: from the files as they are on disk.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceInfo, SettingFinding, SettingInfo } from '../admin/settings-part.ts';
import type { LintFinding } from '../lint/rule.ts';
import { type Configuration, dataDirectoryOf } from '../settings/configuration.ts';
import { linesOfFirstStart } from '../settings/first-start.ts';
import { isSecret, nameRefusal } from '../settings/network-edits.ts';
import type { Parameter } from '../settings/parameters/declare.ts';
import { findParameter, parameterAreas } from '../settings/registry.ts';
import { commandStatus, listenAddresses, type MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { isReadAtStart } from './needs-restart.ts';

export class SettingFacts {
  readonly #configuration: Configuration;
  readonly #firstStart: ReadonlySet<string>;

  private constructor(configuration: Configuration, firstStart: ReadonlySet<string>) {
    this.#configuration = configuration;
    this.#firstStart = firstStart;
  }

  static async read(configuration: Configuration): Promise<SettingFacts> {
    const { directory } = configuration;
    const text = await readFile(join(directory, 'main.cf'), 'utf8').catch(() => '');
    return new SettingFacts(configuration, linesOfFirstStart(directory, dataDirectoryOf(configuration), text));
  }

  list(): SettingInfo[] {
    const { settings, services } = this.#configuration;
    const declared = parameterAreas().flatMap(([area, parameters]) =>
      Object.keys(parameters)
        .sort()
        .map((name) => this.#describe(name, area)),
    );
    const known = new Set(declared.map(({ name }) => name));
    const given = new Set([...settings.names(), ...services.flatMap(({ overrides }) => Object.keys(overrides))]);
    const others = [...given].filter((name) => !known.has(name) && this.#isFromFile(name)).sort();
    return [...declared, ...others.map((name) => this.#describe(name, ownArea))];
  }

  show(name: string): SettingInfo | undefined {
    const area = parameterAreas().find(([, parameters]) => Object.hasOwn(parameters, name))?.[0];
    if (area === undefined && !this.#isFromFile(name) && findParameter(name) === undefined) return undefined;
    return this.#describe(name, area ?? ownArea);
  }

  services(listening: readonly { readonly address: string }[]): ServiceInfo[] {
    return this.#configuration.services.map((service) => {
      const { name, type, command, file, line, overrides, settings } = service;
      const shown = Object.entries(overrides).map(([parameter, value]) => ({
        name: parameter,
        value: isSecret(parameter, settings) ? '' : value,
      }));
      return { name, type, command, file, line, ...stateOf(service, listening), overrides: shown };
    });
  }

  /** With what stands on their lines, and without secrets that they quote. */
  findings(found: readonly LintFinding[]): SettingFinding[] {
    const { settings, services } = this.#configuration;
    const places = new Map<string, { parameter?: string; service?: string }>();
    for (const { name, file, line } of services) places.set(`${file}:${line}`, { service: name });
    for (const name of settings.names()) {
      const origin = settings.origin(name);
      if (origin.kind === 'file') places.set(`${origin.file}:${origin.line}`, { parameter: name });
    }
    const secrets = this.#secrets();
    return found.map((finding) => ({
      ...finding,
      text: secrets.reduce((text, one) => text.replaceAll(one, '…'), finding.text),
      ...(places.get(`${finding.file}:${finding.line}`) ?? this.#named(finding.text)),
    }));
  }

  /** What is about main.cf as a whole names the parameter that it misses. */
  #named(text: string): { readonly parameter?: string } {
    const parameter = /\b[a-z0-9]+(?:_[a-z0-9]+)+\b/i.exec(text)?.[0];
    return parameter !== undefined && findParameter(parameter) !== undefined ? { parameter } : {};
  }

  #secrets(): string[] {
    const { settings, services } = this.#configuration;
    const scopes = [settings, ...services.map((service) => service.settings)];
    const values = scopes.flatMap((scope) =>
      [...scope.names()].filter((name) => isSecret(name, scope)).map((name) => scope.raw(name) ?? ''),
    );
    return [...new Set(values.flatMap((value) => [value, ...value.split(/[\s,]+/)]))].filter((one) => one.length > 3);
  }

  #isFromFile(name: string): boolean {
    const { settings, services } = this.#configuration;
    return settings.origin(name).kind === 'file' || services.some(({ overrides }) => Object.hasOwn(overrides, name));
  }

  #describe(name: string, area: string): SettingInfo {
    const { settings, services } = this.#configuration;
    const parameter = findParameter(name);
    const secret = isSecret(name, settings);
    const value = secret ? '' : (settings.raw(name) ?? '');
    const expanded = secret ? value : expandedOr(settings, name, value);
    const machineOnly = nameRefusal(name, this.#configuration);
    return {
      name,
      area,
      ...kindOf(parameter),
      default: settings.defaultOf(name) ?? '',
      value,
      ...(expanded === value ? {} : { expanded }),
      isSet: settings.origin(name).kind === 'file',
      isSecret: secret,
      origin: this.#origin(name),
      status: parameter?.status ?? 'supported',
      text: parameter?.text ?? '',
      needsRestart: isReadAtStart(name),
      ...(machineOnly === undefined ? {} : { machineOnly }),
      overrides: services
        .filter(({ overrides }) => Object.hasOwn(overrides, name))
        .map(({ name: service, type, line, overrides, settings: own }) => {
          return { service, type, line, value: isSecret(name, own) ? '' : (overrides[name] ?? '') };
        }),
    };
  }

  #origin(name: string): SettingInfo['origin'] {
    const { settings } = this.#configuration;
    const origin = settings.origin(name);
    if (origin.kind !== 'file') return { kind: 'default' };
    const isFirst = this.#firstStart.has(`${name} = ${settings.raw(name)}`.trimEnd());
    return { kind: isFirst ? 'first-start' : 'file', file: origin.file, line: origin.line };
  }
}

/** Names that main.cf makes up. */
const ownArea = 'Names of this configuration';

function kindOf(parameter: Parameter | undefined): Pick<SettingInfo, 'kind' | 'unit' | 'words' | 'min' | 'max'> {
  switch (parameter?.kind) {
    case undefined:
    case 'raw':
      return { kind: 'text' };
    case 'text':
      return { kind: 'text', ...(parameter.words === undefined ? {} : { words: parameter.words }) };
    case 'integer':
      return { kind: 'integer', min: parameter.min, max: parameter.max };
    case 'time':
      return { kind: 'time', unit: parameter.unit };
    case 'list':
    case 'flag':
      return { kind: parameter.kind };
  }
}

function expandedOr(settings: Settings, name: string, otherwise: string): string {
  try {
    return settings.expanded(name);
  } catch {
    return otherwise;
  }
}

function stateOf(
  { name, type, command, settings }: MasterService,
  listening: readonly { readonly address: string }[],
): Pick<ServiceInfo, 'state' | 'addresses'> {
  const status = commandStatus(command);
  if (type !== 'inet') {
    const state = status === 'served' ? 'running' : status === 'inside' ? 'within' : 'off';
    return { state, addresses: [] };
  }
  const open = new Set(listening.map(({ address }) => address));
  const addresses = wanted(name, settings).filter((address) => open.has(address));
  return { state: addresses.length > 0 ? 'listening' : 'off', addresses };
}

function wanted(name: string, settings: Settings): string[] {
  try {
    return listenAddresses(name, settings).map(({ host, port }) => `${host}:${port}`);
  } catch {
    return [];
  }
}
