// The outer form of a template file (bounce(5)): `name = <<EOF`, lines, `EOF`. Between templates empty lines and lines
// that begin with `#` say nothing.

export interface NamedLines {
  readonly name: string;
  readonly lines: readonly string[];
}

/** More than any text that people would read. */
const maxLines = 10_000;

export function logicalLines(source: string, file: string, warn: (text: string) => void): NamedLines[] {
  const lines = source.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const found: NamedLines[] = [];
  for (let at = 0; at < Math.min(lines.length, maxLines); at++) {
    const line = lines[at] as string;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, value = ''] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) {
      warn(`${file}, line ${at + 1}: missing '=' after attribute name: "${line.slice(0, 60)}"`);
      continue;
    }
    const marker = /^<<\s*(.*)$/.exec(value)?.[1];
    if (marker === undefined) {
      found.push({ name, lines: [value] });
      continue;
    }
    let end = lines.indexOf(marker, at + 1);
    if (end === -1) {
      warn(`${file}, line ${lines.length}: missing "${marker}" end marker`);
      end = lines.length;
    }
    found.push({ name, lines: lines.slice(at + 1, end) });
    at = end;
  }
  return found;
}
