// The `%` templates of the tables that ask a server (mysql_table(5), pgsql_table(5), sqlite_table(5), ldap_table(5)).
// In a query `%s %u %d` and their capitals are the key, its localpart, its domain; in a result template the small
// letters are the result, the capitals the key; `%1` ... `%9` are the labels of the key's domain, the last one first.
//
// All templates of one table limit the keys together: a key that lacks what any of them needs is not looked up at
// all, so that `result_format = %U@x` keeps a query without `%u` from being asked for `@domain`.
// Whoever expands a query gives the quoting of its language; a value never enters a query without it.

import { TableError } from './table-error.ts';

export type Placeholder = 's' | 'u' | 'd' | 'S' | 'U' | 'D' | number;

export interface Template {
  readonly source: string;
  /** Texts and placeholders in turn: texts[0], placeholders[0], texts[1] ... texts[n]. */
  readonly texts: readonly string[];
  readonly placeholders: readonly Placeholder[];
}

/** Makes a value fit for the place of the placeholder with this index. */
export type Quote = (value: string, index: number) => string;

interface Parts {
  readonly whole: string;
  readonly user: string;
  /** Undefined without an `@`. */
  readonly domain: string | undefined;
}

export class KeyTemplates {
  readonly #table: string;
  #needsKeyUser = false;
  #needsKeyDomain = false;
  #needsValueUser = false;
  #needsValueDomain = false;
  #labels = 0;

  /** `table` is `type:name`, for messages. */
  constructor(table: string) {
    this.#table = table;
  }

  /** Throws TableError. Parse every template of the table before the first expansion. */
  parseQuery(text: string): Template {
    const template = this.#parse(text, 'query');
    for (const placeholder of template.placeholders) this.#noteKeyPart(placeholder);
    return template;
  }

  parseResult(text: string): Template {
    const template = this.#parse(text, 'result');
    for (const placeholder of template.placeholders) {
      if (placeholder === 'u') this.#needsValueUser = true;
      else if (placeholder === 'd') this.#needsValueDomain = true;
      else this.#noteKeyPart(placeholder);
    }
    return template;
  }

  /** False where the key lacks a part that a template needs: then it is "not found" without a question. */
  accepts(key: string): boolean {
    return key !== '' && this.#hasKeyParts(split(key));
  }

  /** Undefined where the key lacks a part: then nothing is asked, and nothing found. */
  expandQuery(template: Template, key: string, quote: Quote): string | undefined {
    const parts = split(key);
    if (key === '' || !this.#hasKeyParts(parts)) return undefined;
    return fill(template, parts, parts, quote);
  }

  /** Undefined where the result lacks a part: then this result is left out. */
  expandResult(template: Template, value: string, key: string): string | undefined {
    const parts = split(value);
    if (value === '') return undefined;
    if (this.#needsValueDomain && !parts.domain) return undefined;
    if (this.#needsValueUser && parts.domain !== undefined && parts.user === '') return undefined;
    const keyParts = split(key);
    if (!this.#hasKeyParts(keyParts)) return undefined;
    return fill(template, parts, keyParts, (text) => text);
  }

  #hasKeyParts(key: Parts): boolean {
    if (this.#needsKeyDomain && !key.domain) return false;
    if (this.#needsKeyUser && key.domain !== undefined && key.user === '') return false;
    return this.#labels === 0 || labelsOf(key).length >= this.#labels;
  }

  #noteKeyPart(placeholder: Placeholder): void {
    if (placeholder === 'u' || placeholder === 'U') this.#needsKeyUser = true;
    else if (placeholder === 'd' || placeholder === 'D') this.#needsKeyDomain = true;
    else if (typeof placeholder === 'number') {
      this.#needsKeyDomain = true;
      this.#labels = Math.max(this.#labels, placeholder);
    }
  }

  #parse(source: string, what: 'query' | 'result'): Template {
    const texts: string[] = [];
    const placeholders: Placeholder[] = [];
    let text = '';
    for (let at = 0; at < source.length; at++) {
      if (source[at] !== '%') {
        text += source[at];
        continue;
      }
      const letter = source[++at] ?? '';
      if (letter === '%') {
        text += '%';
        continue;
      }
      if (!/^[sudSUD1-9]$/.test(letter)) {
        throw new TableError(
          `${this.#table}: invalid ${what} template: ${source}: %${letter} means nothing (%% is a %)`,
        );
      }
      texts.push(text);
      placeholders.push(/\d/.test(letter) ? Number(letter) : (letter as Placeholder));
      text = '';
    }
    texts.push(text);
    return { source, texts, placeholders };
  }
}

/** At the last `@`. */
function split(text: string): Parts {
  const at = text.lastIndexOf('@');
  return at === -1
    ? { whole: text, user: text, domain: undefined }
    : { whole: text, user: text.slice(0, at), domain: text.slice(at + 1) };
}

/** Empty labels do not count. */
function labelsOf(key: Parts): string[] {
  return (key.domain ?? '').split('.').filter((label) => label !== '');
}

function fill({ texts, placeholders }: Template, value: Parts, key: Parts, quote: Quote): string {
  let filled = texts[0] ?? '';
  for (const [index, placeholder] of placeholders.entries()) {
    filled += quote(resolvePlaceholder(placeholder, value, key), index) + (texts[index + 1] ?? '');
  }
  return filled;
}

function resolvePlaceholder(placeholder: Placeholder, value: Parts, key: Parts): string {
  switch (placeholder) {
    case 's':
      return value.whole;
    case 'u':
      return value.user;
    case 'd':
      return value.domain ?? '';
    case 'S':
      return key.whole;
    case 'U':
      return key.user;
    case 'D':
      return key.domain ?? '';
    default:
      return labelsOf(key).at(-placeholder) ?? '';
  }
}
