// Splits a Postfix value list at commas and blanks; `{ ... }` keeps what it holds together, braces included:
// `inline:{a=b, c=d}` and `{ x y }` are one element each (postconf(5)).

export function splitList(text: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let start = -1;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    if (depth === 0 && ', \t\r\n'.includes(character)) {
      if (start >= 0) elements.push(text.slice(start, index));
      start = -1;
      continue;
    }
    if (start < 0) start = index;
    if (character === '{') depth++;
    else if (character === '}' && depth > 0) depth--;
  }
  if (start >= 0) elements.push(text.slice(start));
  return elements;
}
