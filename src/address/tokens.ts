// Address expressions as tokens and back: what Postfix's tok822 makes of a header field, of the right side of an alias
// or of one address. Nothing that is not understood is thrown away: what is read can be printed again, comments, phrases
// and groups included. Linear in the input, at most `limit` tokens; the rest of a longer text is not read.

import { toExternal } from './form.ts';

export interface Token {
  /**
   * `comment` holds its parentheses and is not unescaped; `sign` is one character; `group` is the colon that opens a
   * named group; `address` holds the tokens of one address.
   */
  readonly kind: 'atom' | 'quoted' | 'literal' | 'comment' | 'sign' | 'group' | 'address';
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** Single-character tokens: RFC 822's specials, and what routing and alias files give a meaning. */
const signs = '|%!()<>@,;:".[]';
const comma: Token = { kind: 'sign', text: ',', tokens: [] };

export function scanTokens(text: string, limit = Number.POSITIVE_INFINITY): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < text.length && tokens.length < limit) {
    const character = text[index] as string;
    if (isBlank(character)) {
      index++;
      continue;
    }
    if (character === '(') {
      const end = endOfComment(text, index);
      tokens.push({ kind: 'comment', text: text.slice(index, end), tokens: [] });
      index = end;
    } else if (character === '[' || character === '"') {
      const closing = character === '[' ? ']' : '"';
      const [value, end] = collect(text, index + 1, (one) => one === closing);
      tokens.push({ kind: character === '[' ? 'literal' : 'quoted', text: value, tokens: [] });
      index = end + 1;
    } else if (signs.includes(character)) {
      tokens.push({ kind: 'sign', text: character, tokens: [] });
      index++;
    } else {
      const [value, end] = collect(text, index, (one) => isBlank(one) || signs.includes(one));
      tokens.push({ kind: needsQuotes(value) ? 'quoted' : 'atom', text: value, tokens: [] });
      index = end;
    }
  }
  return tokens;
}

/** Text up to where `ends`, without backslashes; line ends become blanks. */
function collect(text: string, from: number, ends: (character: string) => boolean): [string, number] {
  let value = '';
  let index = from;
  for (; index < text.length; index++) {
    let character = text[index] as string;
    if (character === '\\') {
      index++;
      if (index >= text.length) break;
      character = text[index] as string;
    } else if (ends(character)) break;
    value += isBlank(character) ? ' ' : character;
  }
  return [value, index];
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

function needsQuotes(atom: string): boolean {
  for (const character of atom) {
    if (character <= ' ' || character === '\u007f' || character === '\\' || signs.includes(character)) return true;
  }
  return false;
}

/** Comments nest (RFC 5322 §3.2.2); an open one ends with the text. */
function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let index = from; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return index + 1;
  }
  return text.length;
}

/**
 * Finds the addresses in an expression: from right to left, because what stands before `<...>` or before a group's
 * colon is a phrase and no address. Missing commas are added; comments move behind the address that they stand in.
 */
export function parseAddresses(text: string, limit?: number): Token[] {
  const parser = new Parser(scanTokens(text, limit));
  return parser.parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  /** What is done, the rightmost first. */
  readonly #done: Token[] = [];
  /** Tokens of the address that is being read, the rightmost first. */
  #open: Token[] = [];
  #at: number;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#at = tokens.length - 1;
  }

  parse(): Token[] {
    let expectsWord = true;
    let isInGroup = false;
    while (this.#at >= 0) {
      const token = this.#tokens[this.#at] as Token;
      const sign = token.kind === 'sign' ? token.text : '';
      this.#at--;
      if (token.kind === 'comment') this.#done.push(token);
      else if (sign === ';') {
        this.#endAddress(true);
        this.#done.push(token);
        isInGroup = true;
        expectsWord = true;
      } else if (sign === ':' && isInGroup) {
        this.#endAddress(false);
        this.#done.push({ kind: 'group', text: ':', tokens: [] });
        this.#skipPhrase(',');
      } else if (sign === '>') {
        this.#endAddress(true);
        this.#done.push(token);
        this.#readRoute();
        this.#skipPhrase('>;,:');
        expectsWord = true;
      } else if (sign === ',') {
        this.#endAddress(false);
        this.#done.push(token);
        expectsWord = true;
      } else if (sign !== '') {
        this.#open.push(token);
        expectsWord = true;
      } else {
        if (!expectsWord) this.#endAddress(true);
        this.#open.push(token);
        expectsWord = false;
      }
    }
    this.#endAddress(false);
    return this.#done.reverse();
  }

  #endAddress(needsComma: boolean): void {
    if (this.#open.length === 0) return;
    this.#done.push({ kind: 'address', text: '', tokens: this.#open.reverse() });
    this.#open = [];
    if (needsComma) this.#done.push(comma);
  }

  /** What stands between `<` and `>` is one address, whatever it is. */
  #readRoute(): void {
    for (; this.#at >= 0; this.#at--) {
      const token = this.#tokens[this.#at] as Token;
      if (token.kind === 'comment') this.#done.push(token);
      else if (token.kind === 'sign' && token.text === '<') break;
      else this.#open.push(token);
    }
    this.#endAddress(false);
  }

  #skipPhrase(stops: string): void {
    for (; this.#at >= 0; this.#at--) {
      const token = this.#tokens[this.#at] as Token;
      if (token.kind === 'sign' && stops.includes(token.text)) return;
      this.#done.push(token);
    }
  }
}

/** The tokens of one address in external form, as they were written. */
export function printTokens(tokens: readonly Token[]): string {
  let text = '';
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'sign' && token.text === ',') text += ', ';
    else text += printed(token) + spaceAfter(token, tokens[index + 1]);
  }
  return text;
}

function printed(token: Token): string {
  switch (token.kind) {
    case 'quoted':
      return `"${token.text.replace(/["\\\r\n]/g, '\\$&')}"`;
    case 'literal':
      return `[${token.text.replace(/[\\\r\n]/g, '\\$&')}]`;
    case 'address':
      return toExternal(internalForm(token.tokens));
    case 'atom':
    case 'comment':
    case 'sign':
    case 'group':
      return token.text;
  }
}

/** The tokens of one address in internal form. */
export function internalForm(tokens: readonly Token[]): string {
  let text = '';
  for (const [index, token] of tokens.entries()) {
    text += token.kind === 'literal' ? `[${token.text}]` : token.text;
    text += spaceAfter(token, tokens[index + 1]);
  }
  return text;
}

function spaceAfter(token: Token, next: Token | undefined): string {
  if (next === undefined) return '';
  if (token.kind === 'group' || (token.kind === 'sign' && token.text === ',')) return ' ';
  if (next.kind === 'sign' && next.text === '<') return ' ';
  return isOperand(token) && isOperand(next) ? ' ' : '';
}

function isOperand({ kind }: Token): boolean {
  return kind !== 'sign' && kind !== 'group';
}

/** Postfix drops comments and phrases where more than this surrounds an address, for the sake of old Sendmails. */
const maxBesidesAddress = 250;

/** A whole header field's body: one address expression a line, lines ended by LF. */
export function printAddressLines(tokens: readonly Token[]): string {
  let text = '';
  let start = 0;
  let address: string | undefined;
  const endExpression = (): void => {
    if (address !== undefined && text.length - start - address.length > maxBesidesAddress) {
      text = `${text.slice(0, start)}<${address}>`;
    }
  };
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token.kind === 'sign' && token.text === ',') {
      endExpression();
      text += ',\n';
      start = text.length;
      address = undefined;
      continue;
    }
    if (token.kind === 'address') address = printed(token);
    else if (token.kind === 'sign' && token.text === '<' && next?.text === '>') address = '';
    text += printed(token) + spaceAfter(token, next);
  }
  endExpression();
  return text;
}
