// What every structured header field is made of (RFC 5322 §3.2): folding white space, nested comments,
// quoted strings. Positions go in, positions come out; nothing recurses, everything is linear.

/** The position after white space and comments; `onComment` gets each comment's text without its parentheses. */
export function skipSpaceAndComments(text: string, from: number, onComment?: (comment: string) => void): number {
  let at = from;
  for (;;) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at++;
    if (text[at] !== '(') return at;
    const end = endOfComment(text, at);
    onComment?.(commentText(text, at, end));
    at = end;
  }
}

/** The content of the quoted string that begins at `from` (a `"`), unescaped, and the position after it. */
export function readQuotedString(text: string, from: number): [string, number] {
  let result = '';
  let pieceFrom = from + 1;
  let at = pieceFrom;
  for (; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return [result + text.slice(pieceFrom, at), at + 1];
    if (character === '\\') {
      result += text.slice(pieceFrom, at);
      at++;
      pieceFrom = at;
    }
  }
  return [result + text.slice(pieceFrom, at), text.length];
}

export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return at + 1;
  }
  return text.length;
}

function commentText(text: string, from: number, end: number): string {
  const inside = text.slice(from + 1, text[end - 1] === ')' ? end - 1 : end);
  return inside.replaceAll(/\\(.)/gs, '$1').trim();
}
