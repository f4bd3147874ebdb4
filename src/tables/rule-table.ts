// A table of rules that are tried in order (pcre:, regexp:, cidr:): its file is read when the table is opened,
// watched, and read again when it changes; meanwhile the former rules answer. A rule that cannot be used is named in
// a warning and left out, the others hold, as in Postfix. A file that cannot be read is "could not find out" for
// every key, never "not found".

import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { FileWatch, fileStamp } from './file-watch.ts';
import { isInline, readInlineRules, readRuleLines, type RuleLine } from './rule-lines.ts';
import { type LookupResult, notFound, type Table } from './table.ts';

export interface RuleMatch {
  /** Bytes, one character each. */
  readonly value: string;
  readonly line: number;
}

/** The rules of one content of the file. */
export interface Rules {
  /** Throws TemporaryError where a rule could not tell. */
  find(key: string): RuleMatch | undefined;
}

export interface RulesBuilder {
  add(line: RuleLine): void;
  finish(): Rules;
}

/** Says what is wrong with a line. */
export type RuleWarning = (line: number, text: string) => void;

export interface RuleTableOptions {
  readonly type: 'pcre' | 'regexp' | 'cidr';
  /** An absolute path, or the rules themselves in braces. */
  readonly name: string;
  readonly build: (warn: RuleWarning) => RulesBuilder | Promise<RulesBuilder>;
  readonly isWatched: boolean;
  readonly log: ProgramLog;
  /** Called after new rules have been swapped in. */
  readonly onChange: () => void;
}

// A file of 100,000 networks takes 0.2 s to read: sessions get their turn in between.
const linesPerTurn = 500;
const maxWarnings = 100;

export class RuleTable implements Table {
  readonly name: string;
  readonly kind = 'pattern';
  readonly #options: RuleTableOptions;
  #rules: Rules | undefined;
  #failure = '';
  #loading: Promise<void> | undefined;
  #watch: FileWatch | undefined;
  #isClosed = false;

  /** Throws TableError where an inline table's braces do not fit. */
  constructor(options: RuleTableOptions) {
    this.#options = options;
    this.name = `${options.type}:${options.name}`;
    if (isInline(options.name)) {
      this.#loading = this.#loadInline(readInlineRules(options.type, options.name));
    } else {
      this.#loading = this.#load();
    }
  }

  async lookup(key: string): Promise<LookupResult> {
    if (this.#rules === undefined && this.#loading !== undefined) await this.#loading;
    if (this.#rules === undefined) throw new TemporaryError(`${this.name}: ${this.#failure}`);
    const match = this.#rules.find(key);
    if (match === undefined) return notFound;
    return { kind: 'found', value: this.#asText(key, match.value), source: this.#place(match.line) };
  }

  /** Resolves when the rules are there, or the failure is known. */
  async ready(): Promise<void> {
    await this.#loading;
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
  }

  #place(line: number): string {
    const { name } = this.#options;
    return isInline(name) ? `${this.name} rule ${line}` : `${name}:${line}`;
  }

  /** Part of a character may have come out of the key. */
  #asText(key: string, value: string): string {
    if (!/[^\0-\x7f]/.test(value)) return value;
    const bytes = Buffer.from(value, 'latin1');
    if (!isUtf8(bytes)) throw new TemporaryError(`${this.name}: key "${key}": the result is not UTF-8`);
    return bytes.toString();
  }

  #warning(): RuleWarning {
    const { type, name, log } = this.#options;
    let count = 0;
    return (line, text) => {
      count++;
      if (count <= maxWarnings) log.warning(`${type} map ${name}, line ${line}: ${text}`);
    };
  }

  async #loadInline(lines: readonly RuleLine[]): Promise<void> {
    try {
      const builder = await this.#options.build(this.#warning());
      for (const line of lines) builder.add(line);
      this.#rules = builder.finish();
    } catch (error) {
      this.#fail(error);
    }
    this.#loading = undefined;
  }

  async #load(): Promise<void> {
    const { name, isWatched, onChange } = this.#options;
    const stamp = await fileStamp(name);
    try {
      this.#rules = await this.#read();
      this.#failure = '';
    } catch (error) {
      this.#fail(error);
    }
    this.#loading = undefined;
    if (this.#isClosed) return;
    onChange();
    if (isWatched) this.#watch ??= new FileWatch(name, stamp, () => this.#reload());
  }

  #fail(error: unknown): void {
    this.#rules = undefined;
    this.#failure = (error as Error).message;
    this.#options.log.warning(`table ${this.name}: ${this.#failure}`);
  }

  async #read(): Promise<Rules> {
    const { name, build } = this.#options;
    const bytes = await readFile(name);
    const warn = this.#warning();
    const builder = await build(warn);
    let lines = 0;
    for (const line of readRuleLines(bytes, warn)) {
      builder.add(line);
      if (++lines % linesPerTurn === 0) await setImmediate();
    }
    return builder.finish();
  }

  #reload(): void {
    // Two changes in a row are read one after the other: the later content wins.
    const before = this.#loading ?? Promise.resolve();
    this.#loading = before.then(() => this.#load());
  }
}
