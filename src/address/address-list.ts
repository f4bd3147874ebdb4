// Reads what stands on the right side of an alias: an RFC 822 address list as Postfix's tok822 reads it. Commas,
// blanks and semicolons separate plain addresses; `Name <address>`, `(comment)` and `group: a, b;` are
// understood. `|command` and `/file` have no meaning here: they are addresses like others.

type Token =
  | { readonly kind: 'atom' | 'quoted' | 'literal'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string };

const signs = '"(),.:;<>@[]%!';

// One address without anything to interpret: what most aliases hold.
const plainAddress = /^[\w+=.-]+@[A-Za-z0-9.-]+$/;

/** The addresses of the list, each in internal form, not yet in standard form. Empty where there are none. */
export function parseAddressList(text: string): string[] {
  if (plainAddress.test(text)) return [text];
  const tokens = scan(text);
  const addresses: string[] = [];
  let run: Token[] = [];
  // Addresses that turn out to be a display name when `<` follows.
  let plain: string[] = [];
  const endRun = (): void => {
    if (run.length > 0) plain.push(join(run));
    run = [];
  };
  const endItem = (): void => {
    endRun();
    addresses.push(...plain);
    plain = [];
  };
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    const sign = token.kind === 'sign' ? token.text : '';
    if (sign === ',' || sign === ';') endItem();
    else if (sign === '<') {
      const end = findClosing(tokens, index);
      run = [];
      plain = [];
      addresses.push(join(stripRoute(tokens.slice(index + 1, end))));
      index = end;
    } else if (sign === '>') endItem();
    else if (sign === ':' && startsGroup(tokens, index)) {
      run = [];
      plain = [];
    } else {
      const previous = run.at(-1);
      if (sign === '' && previous !== undefined && previous.kind !== 'sign') endRun();
      run.push(token);
    }
  }
  endItem();
  return addresses;
}

function findClosing(tokens: readonly Token[], from: number): number {
  for (let index = from + 1; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.kind === 'sign' && token.text === '>') return index;
  }
  return tokens.length;
}

/** A colon opens a group only where a semicolon closes it later; else it is part of an address. */
function startsGroup(tokens: readonly Token[], colon: number): boolean {
  return tokens.some((token, index) => index > colon && token.kind === 'sign' && token.text === ';');
}

/** `<@a,@b:user@c>` → `user@c` (RFC 5321 appendix C). */
function stripRoute(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.text !== '@') return tokens;
  const colon = tokens.findIndex((token) => token.kind === 'sign' && token.text === ':');
  return colon === -1 || colon === tokens.length - 1 ? tokens : tokens.slice(colon + 1);
}

function join(tokens: readonly Token[]): string {
  let text = '';
  let previous: Token | undefined;
  for (const token of tokens) {
    if (previous !== undefined && previous.kind !== 'sign' && token.kind !== 'sign') text += ' ';
    text += token.kind === 'literal' ? `[${token.text}]` : token.text;
    previous = token;
  }
  return text;
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < text.length) {
    const character = text[index] as string;
    if (isBlank(character)) index++;
    else if (character === '(') index = skipComment(text, index);
    else if (character === '"' || character === '[') {
      const { value, end } = readUntil(text, index + 1, character === '"' ? '"' : ']');
      tokens.push({ kind: character === '"' ? 'quoted' : 'literal', text: value });
      index = end;
    } else if (signs.includes(character)) {
      tokens.push({ kind: 'sign', text: character });
      index++;
    } else {
      const { value, end } = readAtom(text, index);
      tokens.push({ kind: 'atom', text: value });
      index = end;
    }
  }
  return tokens;
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

/** Comments nest (RFC 5322 §3.2.2); an open one ends with the text. */
function skipComment(text: string, from: number): number {
  let depth = 0;
  for (let index = from; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return index + 1;
  }
  return text.length;
}

function readUntil(text: string, from: number, closing: string): { readonly value: string; readonly end: number } {
  let value = '';
  let index = from;
  for (; index < text.length && text[index] !== closing; index++) {
    if (text[index] === '\\') index++;
    value += text[index] ?? '';
  }
  return { value, end: index + 1 };
}

function readAtom(text: string, from: number): { readonly value: string; readonly end: number } {
  let value = '';
  let index = from;
  for (; index < text.length; index++) {
    const character = text[index] as string;
    if (character === '\\') {
      index++;
      value += text[index] ?? '';
    } else if (isBlank(character) || signs.includes(character)) break;
    else value += character;
  }
  return { value, end: index };
}
