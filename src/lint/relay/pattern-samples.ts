// A text that a pattern matches, for the patterns that people write in access tables: literals, dots, classes, groups,
// alternatives and repetitions. What is sampled is tried against the table itself by whoever plays the attempt, so a
// wrong sample costs an attempt and opens nothing. Look-arounds, back references and named classes have no sample.

import type { PatternRule } from '../pattern-rules.ts';
import { elsewhere } from './attempts.ts';

/** Addresses (or host names) that the rule might be meant for. */
export function samplesOf({ pattern, isNegated, depth }: PatternRule, isName: boolean): string[] {
  // Within if ... endif the outer pattern counts too, and a negated one matches nearly everything.
  if (isNegated) return isName ? [`mail.${elsewhere}`] : [`someone@${elsewhere}`];
  const text = sample(pattern);
  if (text === undefined || text.length > 300) return [];
  const isAtStart = pattern.startsWith('^');
  const isAtEnd = pattern.endsWith('$');
  if (isName) return [text === '' ? 'a' : text.replace(/^\./, 'a.').replace(/\.$/, '.a')];
  const at = text.indexOf('@');
  const found = new Set<string>();
  if (at === -1) {
    if (!isAtEnd) found.add(`${text === '' ? 'someone' : text}@${elsewhere}`);
    if (!isAtStart) found.add(`someone@${text.replace(/^\./, 'a.')}`.replace(/\.$/, '.invalid'));
    if (isAtStart && isAtEnd) found.add(text === '<>' ? '' : text);
  } else {
    const user = at === 0 ? `someone${text}` : text;
    found.add(text.endsWith('@') ? `${user}${elsewhere}` : user.replace(/\.$/, '.invalid'));
  }
  return depth > 0 ? [...found, `someone@${elsewhere}`] : [...found];
}

/** Undefined where the pattern has something that is not understood here. */
function sample(pattern: string): string | undefined {
  const reader = new Reader(pattern);
  const text = reader.alternatives();
  return reader.isAtEnd ? text : undefined;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The first alternative's text; undefined when something is not understood. */
  alternatives(): string | undefined {
    const first = this.#sequence();
    while (this.#text[this.#at] === '|') {
      this.#at++;
      if (this.#sequence() === undefined) return undefined;
    }
    return first;
  }

  #sequence(): string | undefined {
    let text = '';
    while (!this.isAtEnd && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      const one = this.#one();
      if (one === undefined) return undefined;
      text += this.#repeated(one);
    }
    return text;
  }

  #one(): string | undefined {
    const character = this.#text[this.#at++] as string;
    switch (character) {
      case '^':
      case '$':
        return '';
      case '.':
        return 'a';
      case '[':
        return this.#class();
      case '(':
        return this.#group();
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        return undefined;
      default:
        return character;
    }
  }

  #group(): string | undefined {
    if (this.#text.startsWith('?:', this.#at)) this.#at += 2;
    else if (this.#text[this.#at] === '?') return undefined;
    const inner = this.alternatives();
    return this.#text[this.#at++] === ')' ? inner : undefined;
  }

  #escape(): string | undefined {
    const letter = this.#text[this.#at++] ?? '';
    const known: Readonly<Record<string, string>> = { d: '1', w: 'a', s: ' ', S: 'a', D: 'a', W: '-', b: '' };
    if (known[letter] !== undefined) return known[letter];
    return /[a-z0-9]/i.test(letter) ? undefined : letter;
  }

  #class(): string | undefined {
    const end = this.#text.indexOf(']', this.#at + 1);
    if (end === -1) return undefined;
    const inner = this.#text.slice(this.#at, end);
    if (inner.includes('[:')) {
      const named = /^\[:(alnum|alpha|digit|lower|xdigit|graph|print):$/.exec(inner);
      if (named === null || this.#text[end + 1] !== ']') return undefined;
      this.#at = end + 2;
      return named[1] === 'digit' ? '1' : 'a';
    }
    this.#at = end + 1;
    if (!inner.startsWith('^')) return inner.startsWith('\\') ? (inner[1] === 'd' ? '1' : (inner[1] ?? '')) : inner[0];
    // Enough for the classes of access tables: a letter or digit that is not named, alone or within a range.
    const isNamed = (one: string): boolean =>
      inner.includes(one) || (inner.includes('a-z') && /[a-z]/.test(one)) || (inner.includes('0-9') && /\d/.test(one));
    return ['a', '1', '-', '_', '.', '@'].find((one) => !isNamed(one));
  }

  #repeated(one: string): string {
    const next = this.#text[this.#at];
    const braces = next === '{' ? /^\{(\d+)(,\d*)?\}/.exec(this.#text.slice(this.#at)) : null;
    if (next === '*' || next === '+' || next === '?') this.#at++;
    else if (braces === null) return one;
    else this.#at += braces[0].length;
    if (this.#text[this.#at] === '?' || this.#text[this.#at] === '+') this.#at++;
    return one.repeat(braces === null ? 1 : Math.min(Number(braces[1]), 60));
  }
}
