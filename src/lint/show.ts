// How findings speak of what they found.

/** `a, b, c and 4 more`. */
export function some(items: Iterable<string>, most = 3): string {
  const all = [...items];
  const shown = all.slice(0, most).join(', ');
  return all.length > most ? `${shown} and ${all.length - most} more` : shown;
}

export function cut(text: string, most = 60): string {
  const printable = text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
  return printable.length > most ? `${printable.slice(0, most)}…` : printable;
}
