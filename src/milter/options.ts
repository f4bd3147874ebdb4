// Which milters see a message, and how each is spoken to (postconf(5): smtpd_milters, non_smtpd_milters, milter_...):
// `inet:host:port`, `unix:path`, or `{ either, name=value ... }` with settings of its own. A list that cannot be read
// stops the start: mail must not go round a filter because of a slip of the pen.

import { splitList } from '../lib/split-list.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { parseTime } from '../settings/values.ts';
import { type MacroStage, protocolWords } from './protocol.ts';

export type MilterAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** What becomes of a message where the filter fails. */
export type DefaultAction = 'accept' | 'reject' | 'tempfail' | 'quarantine';

export interface MilterOptions {
  /** As configured, for the log. */
  readonly name: string;
  readonly address: MilterAddress;
  /** Milliseconds, as all times here. */
  readonly connectTimeout: number;
  readonly commandTimeout: number;
  readonly contentTimeout: number;
  readonly defaultAction: DefaultAction;
  readonly version: number;
  /** The steps that are offered to it. */
  readonly steps: number;
}

export interface MacroOptions {
  readonly names: Readonly<Record<MacroStage, readonly string[]>>;
  /** Under `{name}`. */
  readonly defaults: ReadonlyMap<string, string>;
  readonly hostname: string;
  readonly daemonName: string;
  readonly version: string;
}

type MilterSettings = Pick<Settings, 'text' | 'list' | 'seconds' | 'origin'>;

export type MilterListParameter = 'smtpd_milters' | 'non_smtpd_milters' | 'smtpd_milter_maps';

const actions: readonly string[] = ['accept', 'reject', 'tempfail', 'quarantine'] satisfies DefaultAction[];
const overridable = new Set(['connect_timeout', 'command_timeout', 'content_timeout', 'default_action', 'protocol']);

/** Throws SettingsError. */
export function readMilters(settings: MilterSettings, parameter: 'smtpd_milters' | 'non_smtpd_milters') {
  return parseMilters(settings.text(parameter), settings, parameter);
}

export function parseMilters(
  list: string,
  settings: MilterSettings,
  parameter: MilterListParameter,
): readonly MilterOptions[] {
  return splitList(list).map((element) => {
    try {
      return readMilter(element, settings);
    } catch (error) {
      const text = `${parameter}: ${error instanceof Error ? error.message : String(error)}`;
      throw new SettingsError(text, parameter, settings.origin(parameter));
    }
  });
}

function readMilter(element: string, settings: MilterSettings): MilterOptions {
  const words = element.startsWith('{') ? splitList(element.replace(/^\{|\}$/g, '')) : [element];
  const [name = '', ...overrides] = words;
  const given = new Map<string, string>();
  for (const word of overrides) {
    const match = /^([a-z_]+)\s*=\s*(.*)$/s.exec(word.replace(/^\{\s*|\s*\}$/g, ''));
    if (match === null || !overridable.has(match[1] as string)) throw new Error(`cannot read ${word} of ${name}`);
    given.set(match[1] as string, match[2] as string);
  }
  const milliseconds = (short: string, fallback: number): number => {
    const value = given.get(short);
    const seconds = value === undefined ? fallback : parseTime(value, 's');
    if (seconds === undefined) throw new Error(`bad ${short} of ${name}`);
    return seconds * 1000;
  };
  return {
    name,
    address: readAddress(name, settings),
    connectTimeout: milliseconds('connect_timeout', settings.seconds('milter_connect_timeout')),
    commandTimeout: milliseconds('command_timeout', settings.seconds('milter_command_timeout')),
    contentTimeout: milliseconds('content_timeout', settings.seconds('milter_content_timeout')),
    defaultAction: readAction(given.get('default_action') ?? settings.text('milter_default_action')),
    ...readProtocol(given.get('protocol') ?? settings.text('milter_protocol')),
  };
}

function readAddress(name: string, settings: MilterSettings): MilterAddress {
  const inet = /^inet:(?:\[([^\]]+)\]|([^:@]*)):(\d+)$/i.exec(name);
  if (inet !== null) {
    const host = inet[1] || inet[2] || 'localhost';
    const port = Number(inet[3]);
    if (port > 0 && port < 65_536) return { host, port };
  }
  const path = /^(?:unix|local):(.+)$/i.exec(name)?.[1];
  if (path !== undefined) return { path: path.startsWith('/') ? path : `${settings.text('queue_directory')}/${path}` };
  throw new Error(`${name}: write inet:host:port or unix:path`);
}

function readAction(word: string): DefaultAction {
  const action = word.toLowerCase();
  if (!actions.includes(action)) throw new Error(`${word}: the default action is one of ${actions.join(', ')}`);
  return action as DefaultAction;
}

function readProtocol(text: string): { version: number; steps: number } {
  let version = 0;
  let steps = 0;
  for (const word of splitList(text)) {
    const known = protocolWords[word];
    if (known === undefined || (known.version > 0 && version > 0)) throw new Error(`bad protocol ${text}`);
    version ||= known.version;
    steps |= known.steps;
  }
  if (version === 0) throw new Error(`the protocol ${text} has no version`);
  return { version, steps };
}

export function readMacroOptions(settings: MilterSettings): MacroOptions {
  return {
    names: {
      connect: settings.list('milter_connect_macros'),
      helo: settings.list('milter_helo_macros'),
      mail: settings.list('milter_mail_macros'),
      rcpt: settings.list('milter_rcpt_macros'),
      data: settings.list('milter_data_macros'),
      endOfHeader: settings.list('milter_end_of_header_macros'),
      endOfData: settings.list('milter_end_of_data_macros'),
      unknown: settings.list('milter_unknown_command_macros'),
    },
    defaults: readDefaults(settings),
    hostname: settings.text('myhostname'),
    daemonName: settings.text('milter_macro_daemon_name'),
    version: settings.text('milter_macro_v'),
  };
}

/** `name=value`, the name with or without its braces (milter_macro_defaults). */
function readDefaults(settings: MilterSettings): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  for (const element of settings.list('milter_macro_defaults')) {
    const text = /^\{.*=.*\}$/s.test(element) ? element.slice(1, -1).trim() : element;
    const equals = text.indexOf('=');
    if (equals <= 0) {
      throw new SettingsError(
        `milter_macro_defaults: ${element}: write name=value`,
        'milter_macro_defaults',
        settings.origin('milter_macro_defaults'),
      );
    }
    defaults.set(braced(text.slice(0, equals).trim()), text.slice(equals + 1).trim());
  }
  return defaults;
}

/** Macro names of more than one letter have braces; with them all are alike. */
export function braced(name: string): string {
  return name.startsWith('{') ? name : `{${name}}`;
}
