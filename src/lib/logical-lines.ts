// Joins physical lines into logical ones, as main.cf, master.cf and the files of tables have them (postconf(5),
// master(5)): a line that starts with white space continues the one before; empty lines and lines whose first
// non-blank character is `#` are skipped, also between a line and its continuation.
// NOTE: a NUL byte ends the line that it stands in, as in Postfix, whose strings end there.

export interface LogicalLine {
  /** The line without its line ends; the parts are joined by the white space that began the continuations. */
  readonly text: string;
  /** Number of its first physical line, from 1. */
  readonly line: number;
  /** Number of its last physical line. */
  readonly lastLine: number;
}

const leadingBlank = /^[ \t\r\f\v]/;

/** True for lines that carry nothing: blank, or a comment. */
export function isCommentOrBlank(line: string): boolean {
  return /^[ \t\r\f\v]*(?:#|$)/.test(line);
}

/** Yields logical lines; a continuation with nothing before it comes as a line that starts with a blank. */
export function* readLogicalLines(text: string): Generator<LogicalLine> {
  let parts: string[] = [];
  let first = 0;
  let last = 0;
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    if (isCommentOrBlank(raw)) continue;
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (leadingBlank.test(line) && parts.length > 0) {
      parts.push(line);
      last = number;
      continue;
    }
    if (parts.length > 0) yield finish(parts, first, last);
    parts = [line];
    first = number;
    last = number;
  }
  if (parts.length > 0) yield finish(parts, first, last);
}

function finish(parts: readonly string[], line: number, lastLine: number): LogicalLine {
  const joined = parts.join('');
  const nul = joined.indexOf('\0');
  return { text: nul < 0 ? joined : joined.slice(0, nul), line, lastLine };
}
