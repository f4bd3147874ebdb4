// What every rule looks at: the configuration as written and as it is understood, its tables with their rows, its
// domains by address class. Read once for a run; nothing is connected to and nothing is written.

import { join } from 'node:path';
import type { StandardFormRules } from '../address/standard-form.ts';
import type { DirectoryFinding } from '../directory/findings.ts';
import { type Configuration, loadConfiguration, type ProposedTexts } from '../settings/configuration.ts';
import { type LogicalLine, readLogicalLines } from '../lib/logical-lines.ts';
import type { Finding } from '../settings/origin.ts';
import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { splitList } from '../lib/split-list.ts';
import { type ClassParameter, type DomainList, readDomainLists } from './domain-lists.ts';
import { MachineFiles } from './machine-files.ts';
import { readTable, type TableContents } from './rows.ts';
import { readRules } from './directory-rules.ts';
import type { Place } from './rule.ts';
import { readSqlSource, type SqlSource } from './sql-source.ts';
import { expandedOrEmpty, findTableUses, flatten, sqlTypes, type TableUse } from './table-uses.ts';

/** A configuration file as text. */
export interface SourceFile {
  readonly path: string;
  /** Physical lines, the first at index 0. */
  readonly lines: readonly string[];
  readonly logicalLines: readonly LogicalLine[];
}

export interface LintOptions {
  /** The domains of our directory's tables, by `directory:name`; undefined without a directory. */
  readonly directoryDomains?: ReadonlyMap<string, readonly string[]>;
  /** What the directory reports about itself. */
  readonly directoryFindings?: readonly DirectoryFinding[];
  /** It has mailing lists. */
  readonly directoryHasLists?: boolean;
  /** Domains whose unknown users go to another host. */
  readonly directorySplitDomains?: readonly string[];
  /** Its tables that have rows and may be named by no parameter, as `directory:sender-bcc`. */
  readonly directoryTablesInUse?: readonly string[];
  /** Its access rules, by table. */
  readonly directoryRules?: DirectoryRules;
  /** Say also what this program does not do with the configuration. */
  readonly isForHere?: boolean;
  /** main.cf and posthaste.cf as they would be. */
  readonly proposed?: ProposedTexts;
}

/** Pattern and action of each rule of a table, as `directory:client-access`. */
export type DirectoryRules = ReadonlyMap<string, readonly (readonly [pattern: string, action: string])[]>;

export class LintContext {
  readonly directory: string;
  readonly files: MachineFiles;
  readonly settings: Settings;
  readonly services: readonly MasterService[];
  /** What the readers of the settings report. */
  readonly settingsFindings: readonly Finding[];
  /** main.cf and posthaste.cf, where they are. */
  readonly mainFiles: readonly SourceFile[];
  readonly masterFile: SourceFile | undefined;
  /** Every table of every parameter, members included. */
  readonly tables: readonly TableUse[];
  readonly directoryDomains: ReadonlyMap<string, readonly string[]> | undefined;
  readonly directoryFindings: readonly DirectoryFinding[];
  readonly directoryHasLists: boolean;
  readonly directorySplitDomains: readonly string[];
  readonly directoryTablesInUse: readonly string[];
  readonly directoryRules: DirectoryRules | undefined;
  /** The folder is this program's, or the asker wants to know what would become of it here. */
  readonly isOurs: boolean;
  readonly #contents = new Map<string, TableContents>();
  readonly #sql = new Map<string, SqlSource | undefined>();
  readonly #remembered = new Map<string, unknown>();
  #lists: ReadonlyMap<ClassParameter, DomainList> | undefined;

  private constructor(configuration: Configuration, files: MachineFiles, options: LintOptions) {
    const { directory, settings, services, findings } = configuration;
    this.directory = directory;
    this.files = files;
    this.settings = withOriginFile(settings, files);
    this.services = services;
    this.settingsFindings = findings;
    this.directoryDomains = options.directoryDomains;
    this.directoryFindings = options.directoryFindings ?? [];
    this.directoryHasLists = options.directoryHasLists === true;
    this.directorySplitDomains = options.directorySplitDomains ?? [];
    this.directoryTablesInUse = options.directoryTablesInUse ?? [];
    this.directoryRules = options.directoryRules;
    this.mainFiles = ['main.cf', 'posthaste.cf'].flatMap((name) => readSource(files, join(directory, name)) ?? []);
    this.masterFile = readSource(files, join(directory, 'master.cf'));
    this.tables = [...flatten(findTableUses(this.settings, services, join(directory, 'main.cf')))];
    this.isOurs =
      options.isForHere === true ||
      this.mainFiles.length > 1 ||
      [...settings.names()].some((name) => name.startsWith('posthaste_')) ||
      this.tables.some(({ type }) => type === 'directory');
  }

  /** Throws SettingsError where there is no main.cf to read. */
  static async open(directory: string, options: LintOptions = {}): Promise<LintContext> {
    const configuration = await loadConfiguration(directory, options.proposed);
    return new LintContext(configuration, new MachineFiles(configuration.directory, options.proposed), options);
  }

  /** '' where the value cannot be expanded, which is reported elsewhere. */
  text(name: string, settings: Settings = this.settings): string {
    return expandedOrEmpty(settings, name);
  }

  list(name: string, settings: Settings = this.settings): string[] {
    return splitList(this.text(name, settings));
  }

  isYes(name: string, settings: Settings = this.settings): boolean {
    return this.text(name, settings).toLowerCase() === 'yes';
  }

  /** Undefined where it is no number. */
  number(name: string, settings: Settings = this.settings): number | undefined {
    const text = this.text(name, settings);
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  isSet(name: string): boolean {
    return this.settings.isSet(name);
  }

  /** Where a parameter of main.cf stands. */
  placeOf(name: string, settings: Settings = this.settings): Place {
    const origin = settings.origin(name);
    return origin.kind === 'file'
      ? { file: origin.file, line: origin.line }
      : { file: join(this.directory, 'main.cf'), line: 0 };
  }

  /** The tables of one parameter, main.cf's. */
  tablesOf(...parameters: readonly string[]): TableUse[] {
    return this.tables.filter(({ parameter, service }) => service === undefined && parameters.includes(parameter));
  }

  contents(use: TableUse): TableContents {
    // Rows of inline: stand where the parameter does.
    const place = use.type === 'inline' ? `${use.place.file}:${use.place.line}` : '';
    const key = `${use.parameter.startsWith('alias_')} ${use.type}:${use.name} ${place}`;
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    const contents = readRules(use, this.directoryRules) ?? readTable(use, this.files);
    this.#contents.set(key, contents);
    return contents;
  }

  /** The source of a mysql:, pgsql: or sqlite: table, and of ldap:; undefined where there is none to read. */
  sqlSource(use: TableUse): SqlSource | undefined {
    if (!sqlTypes.has(use.type) && use.type !== 'ldap') return undefined;
    const key = `${use.type}:${use.name}`;
    if (!this.#sql.has(key)) this.#sql.set(key, readSqlSource(use, this.files));
    return this.#sql.get(key);
  }

  /** What several rules work out of large tables, once for a run. */
  remember<Value>(key: string, make: () => Value): Value {
    if (!this.#remembered.has(key)) this.#remembered.set(key, make());
    return this.#remembered.get(key) as Value;
  }

  get domainLists(): ReadonlyMap<ClassParameter, DomainList> {
    this.#lists ??= readDomainLists(this);
    return this.#lists;
  }

  domainList(parameter: ClassParameter): DomainList {
    return this.domainLists.get(parameter) as DomainList;
  }

  /** unix services by name: what a transport may be. */
  transport(name: string): MasterService | undefined {
    return this.services.find((service) => service.name === name && service.type === 'unix');
  }

  get standardFormRules(): StandardFormRules {
    return this.remember('standard form rules', () => ({
      appendAtMyorigin: this.isYes('append_at_myorigin'),
      myorigin: this.text('myorigin'),
      appendDotMydomain: this.isYes('append_dot_mydomain'),
      mydomain: this.text('mydomain'),
      swapBangpath: this.isYes('swap_bangpath'),
      allowPercentHack: this.isYes('allow_percent_hack'),
    }));
  }
}

/** Debian's Postfix reads a myorigin that is a path from the first line of that file. */
function withOriginFile(settings: Settings, files: MachineFiles): Settings {
  const path = expandedOrEmpty(settings, 'myorigin');
  if (!path.startsWith('/')) return settings;
  const read = files.read(path);
  const origin = settings.origin('myorigin');
  const name = read.kind === 'text' ? (read.text.split('\n')[0] ?? '').trim() : '';
  return settings.withOverrides({ myorigin: name === '' ? '$myhostname' : name }, origin);
}

function readSource(files: MachineFiles, path: string): SourceFile | undefined {
  const read = files.read(path);
  if (read.kind === 'failed') return undefined;
  return { path, lines: read.text.split('\n'), logicalLines: [...readLogicalLines(read.text)] };
}
