// Makes a value safe inside a filter or a DN.

/** RFC 4515 §3. */
export function quoteFilter(value: string): string {
  return value.replace(/[*()\\\0]/g, (character) => `\\${hex(character)}`);
}

/** RFC 4514 §2.4: more than it asks for, which does no harm. */
export function quoteDn(value: string): string {
  return value.replace(/[\0 \t"#+,;<>\\]/g, (character) => `\\${hex(character).toUpperCase()}`);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0');
}
