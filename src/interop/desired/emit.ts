// Writes YAML of the shapes that a dump has: maps, lists of texts, texts, numbers. Plain where that reads back as the same
// text, one line for what is short, blocks for texts of several lines. A library would take most of a dump's time.

/** What reads back as itself without quotes (YAML 1.2 §7.3.3), and looks like no number, boolean, null or time. */
function isPlain(text: string): boolean {
  if (!/^[A-Za-z_/][\w@.+/=-]*$/.test(text))
    return /^\d+[A-Za-z][\w@.+-]*$/.test(text) && !/^\d+(e[+-]?\d+|x[\da-f]+|o\d+)$/i.test(text);
  return !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
}

function scalar(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = String(value);
  // Every JSON string is a YAML string (YAML 1.2 §1.3).
  return isPlain(text) ? text : JSON.stringify(text);
}

const maxLine = 100;

/** Lines of a map's entry, each ended. `value` null is an entry without a value. */
export function emitEntry(key: string, value: unknown, indent: string): string {
  const head = `${indent}${scalar(key)}:`;
  if (value === null) return `${head}\n`;
  if (Array.isArray(value)) return emitList(head, value, indent);
  if (typeof value === 'object') return emitMap(head, value as Record<string, unknown>, indent);
  if (typeof value === 'string' && /^[^\s\u0000-\u001f][^\u0000-\u0009\u000b-\u001f]*\n/.test(value)) {
    const block = emitBlock(head, value, indent);
    if (block !== undefined) return block;
  }
  // The two words that people write for a flag.
  if (value === 'yes' || value === 'no') return `${head} ${value}\n`;
  return `${head} ${scalar(value)}\n`;
}

function emitList(head: string, list: readonly unknown[], indent: string): string {
  const words = list.map(scalar);
  const line = `${head} [${words.join(', ')}]`;
  if (line.length <= maxLine) return `${line}\n`;
  return `${head}\n${words.map((word) => `${indent}  - ${word}\n`).join('')}`;
}

function emitMap(head: string, map: Record<string, unknown>, indent: string): string {
  const entries = Object.entries(map);
  if (entries.length === 0) return `${head} {}\n`;
  return `${head}\n${entries.map(([name, value]) => emitEntry(name, value, `${indent}  `)).join('')}`;
}

/** A literal block (YAML 1.2 §8.1.2), where it can hold the text: no blanks at line ends, at most one line end at its end. */
function emitBlock(head: string, text: string, indent: string): string | undefined {
  if (/[ \t]\n|[ \t]$|\n\n$|[\u007f-\u009f\ufeff]/.test(text)) return undefined;
  const lines = text.replace(/\n$/, '').split('\n');
  const sign = text.endsWith('\n') ? '|' : '|-';
  return `${head} ${sign}\n${lines.map((line) => (line === '' ? '\n' : `${indent}  ${line}\n`)).join('')}`;
}
