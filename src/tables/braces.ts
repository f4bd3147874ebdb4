// Names of tables that hold their rows: `inline:{...}`, `static:{...}`, `pcre:{{...}, {...}}`.

/** What stands between the brace that `text` opens with and its last character, which must close it. Throws RangeError. */
export function insideBraces(text: string): string {
  if (!text.startsWith('{')) throw new RangeError(`no '{' at start of text in "${text}"`);
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) {
      if (at !== text.length - 1) throw new RangeError(`syntax error after '}' in "${text}"`);
      return text.slice(1, -1);
    }
  }
  throw new RangeError(`missing '}' in "${text}"`);
}
