// The settings in force, for everyone: typed by parameter name, expanded when first asked for, remembered from
// then on. A service of master.cf gets its own view through withOverrides (`-o name=value`).
// A value that cannot be used is a SettingsError at the first question; check-configuration.ts asks them all at
// the start, so that none is found in the middle of the night.

import { expand, ExpansionError } from './expand.ts';
import { hostDefaults } from './host-defaults.ts';
import type { Definition } from './main-cf.ts';
import { shorten } from './main-cf.ts';
import type { Origin } from './origin.ts';
import type { Parameter } from './parameters/declare.ts';
import { findParameter, type ParameterName, type ParametersOfKind } from './registry.ts';
import { SettingsError } from './settings-error.ts';
import type { TransportSuffix, TransportTimeSuffix } from './transport-parameters.ts';
import { isHostname } from '../address/domain.ts';
import { splitList } from '../lib/split-list.ts';
import { parseFlag, parseInteger, parseTime } from './values.ts';

const fromDefault: Origin = { kind: 'default' };
const given: Origin = { kind: 'given' };

type Entry = { readonly value: string; readonly origin: Origin };

export class Settings {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #remembered = new Map<string, unknown>();
  /** Defaults being made: `myhostname = mail.$mydomain` asks mydomain's default, which asks myhostname. */
  readonly #making = new Set<string>();

  private constructor(entries: ReadonlyMap<string, Entry>) {
    this.#entries = entries;
  }

  /** Nothing but the built-in defaults, which are Postfix's, and what is given here. */
  static defaults(overrides: Readonly<Record<string, string>> = {}): Settings {
    return new Settings(new Map()).withOverrides(overrides);
  }

  static fromDefinitions(definitions: Iterable<Definition>): Settings {
    const entries = new Map<string, Entry>();
    for (const { name, value, file, line } of definitions) {
      entries.set(name, { value, origin: { kind: 'file', file, line } });
    }
    return new Settings(entries);
  }

  /** A view in which these values win; `origin` is where they stand, as a line of master.cf. */
  withOverrides(overrides: Readonly<Record<string, string>>, origin: Origin = given): Settings {
    const entries = new Map(this.#entries);
    for (const [name, value] of Object.entries(overrides)) entries.set(name, { value, origin });
    return new Settings(entries);
  }

  /** The expanded value, for texts and for lists that somebody else splits; raw ones as they are written. */
  text(name: ParametersOfKind<'text' | 'raw' | 'list'>): string {
    return this.expanded(name);
  }

  /** Elements at commas and blanks; `{ ... }` stays together. */
  list(name: ParametersOfKind<'list'>): readonly string[] {
    return this.#remember(`list ${name}`, () => splitList(this.expanded(name)));
  }

  flag(name: ParametersOfKind<'flag'>): boolean {
    return this.#remember(`flag ${name}`, () => this.#typed(name, 'yes or no', parseFlag));
  }

  integer(name: ParametersOfKind<'integer'>): number {
    return this.#remember(`integer ${name}`, () => {
      const parameter = findParameter(name);
      const min = parameter?.kind === 'integer' ? parameter.min : 0;
      const max = parameter?.kind === 'integer' ? parameter.max : Number.MAX_SAFE_INTEGER;
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      return this.#typed(name, `a whole number ${range}`, (text) => {
        const value = parseInteger(text);
        return value !== undefined && value >= min && value <= max ? value : undefined;
      });
    });
  }

  seconds(name: ParametersOfKind<'time'>): number {
    return this.#remember(`seconds ${name}`, () => this.#time(name));
  }

  /** `TRANSPORT_destination_recipient_limit` and its kin: unset, `default_...` holds (postconf(5)). */
  transportInteger(transport: string, suffix: TransportSuffix): number {
    const name = `${transport}_${suffix}`;
    return this.#remember(`integer ${name}`, () =>
      this.#typed(name, 'a whole number of at least 0', (text) => {
        const value = parseInteger(text);
        return value !== undefined && value >= 0 ? value : undefined;
      }),
    );
  }

  transportSeconds(transport: string, suffix: TransportTimeSuffix): number {
    const name = `${transport}_${suffix}`;
    return this.#remember(`seconds ${name}`, () => this.#time(name));
  }

  /** The feedback terms, numbers or `1/concurrency`, as text. */
  transportText(transport: string, suffix: TransportSuffix): string {
    return this.expanded(`${transport}_${suffix}`);
  }

  /** The members of a restriction class (smtpd_restriction_classes), which has a name that the user chose. */
  restrictionClass(name: string): readonly string[] {
    return this.#remember(`list ${name}`, () => splitList(this.expanded(name)));
  }

  /** Where the value stands. */
  origin(name: string): Origin {
    return this.#entries.get(name)?.origin ?? fromDefault;
  }

  isSet(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Names that have a value of their own, in no particular order. */
  names(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The value as written or the default, unexpanded; undefined for a name that is neither known nor set. */
  raw(name: string): string | undefined {
    return this.#entries.get(name)?.value ?? this.defaultOf(name);
  }

  /** The default, unexpanded, with what depends on this machine filled in. */
  defaultOf(name: string): string | undefined {
    if (this.#making.has(name)) return findParameter(name)?.default;
    this.#making.add(name);
    try {
      return hostDefaults(name, this) ?? findParameter(name)?.default;
    } finally {
      this.#making.delete(name);
    }
  }

  /** Any parameter's expanded value, user-defined ones too: for postconf and for the readers of this folder. */
  expanded(name: string): string {
    return this.#remember(`text ${name}`, () => this.expandText(this.raw(name) ?? '', name));
  }

  /** Expands text that may refer to parameters; `name` is whose it is, for the message. */
  expandText(text: string, name: string): string {
    if (findParameter(name)?.kind === 'raw') return text;
    try {
      return expand(text, (reference) => this.raw(reference));
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      throw new SettingsError(`${name} = ${shorten(text)}: ${error.message}`, name, this.origin(name));
    }
  }

  /** Asks for the value in its declared kind: throws SettingsError for one that cannot be used. */
  check(name: string): void {
    const parameter: Parameter | undefined = findParameter(name);
    if (parameter?.kind === 'flag') this.flag(name as ParametersOfKind<'flag'>);
    else if (parameter?.kind === 'integer') this.integer(name as ParametersOfKind<'integer'>);
    else if (parameter?.kind === 'time') this.seconds(name as ParametersOfKind<'time'>);
    else if (name === 'myhostname' || name === 'mydomain') this.#checkHostname(name);
    else if (parameter?.kind === 'text') this.#checkWord(name, parameter.words);
    else this.expanded(name as ParameterName);
  }

  /** As Postfix: greetings, headers and reports say it. Empty is what a first start has. */
  #checkHostname(name: string): void {
    this.#typed(name, "a host's name, as mail.example.com", (text) =>
      text === '' || isHostname(text) ? text : undefined,
    );
  }

  #checkWord(name: string, words: readonly string[] | undefined): void {
    const allowed = `one of ${words?.map((word) => word || '(empty)').join(', ')}`;
    const isAllowed = (text: string): boolean =>
      words?.some((word) => word.toLowerCase() === text.toLowerCase()) ?? true;
    this.#typed(name, allowed, (text) => (isAllowed(text) ? text : undefined));
  }

  #time(name: string): number {
    const parameter = findParameter(name);
    const unit = parameter?.kind === 'time' ? parameter.unit : 's';
    const allowed = `a number with one of s m h d w, as 30${unit} (${unit} when no letter is given)`;
    return this.#typed(name, allowed, (text) => parseTime(text, unit));
  }

  #typed<Value>(name: string, allowed: string, parse: (text: string) => Value | undefined): Value {
    const text = this.expanded(name);
    const value = parse(text);
    if (value !== undefined) return value;
    throw new SettingsError(`${name} = ${shorten(text)}: must be ${allowed}`, name, this.origin(name));
  }

  #remember<Value>(key: string, make: () => Value): Value {
    const known = this.#remembered.get(key);
    if (known !== undefined) return known as Value;
    const value = make();
    this.#remembered.set(key, value);
    return value;
  }
}
