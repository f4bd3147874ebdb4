// One line of the trace: time (milliseconds since 1970), program, level, session and text, with tabs between. The text is
// the log's line; the log has made control characters harmless, so that a line is a line.
//
// What is kept: lines of SMTP and LMTP sessions, and lines about a message (they begin with its queue id). What is not:
// what a client sent where a command was expected, which may be a password that it sent too early.

import { type LogLevel } from '../lib/log.ts';

export interface TraceLine {
  readonly time: number;
  readonly program: string;
  readonly level: LogLevel;
  /** '' where the line is of no session. */
  readonly session: string;
  readonly text: string;
}

/** What stands before the text. */
export function lineHead(time: number, program: string, level: LogLevel, session: string): string {
  return `${Math.floor(time)}\t${program}\t${level}\t${session}\t`;
}

/** Undefined for what is no line: the last one before a crash may be cut. */
export function parseLine(line: string): TraceLine | undefined {
  const [time = '', program = '', level = '', session = '', ...text] = line.split('\t');
  if (!/^\d{12,14}$/.test(time) || text.length === 0) return undefined;
  return { time: Number(time), program, level: level as LogLevel, session, text: text.join('\t') };
}

const maxIdLength = 22;

/** The text to keep; undefined for a line that is not kept. */
export function keptText(program: string, text: string, session: string | undefined): string | undefined {
  if (program.startsWith('dovecot')) return undefined;
  if (session === undefined) return queueIdLength(text) > 0 ? text : undefined;
  const first = text.charCodeAt(0);
  // `i`mproper command pipelining, `n`on-SMTP command, `m`alformed BDAT.
  if (first !== 105 && first !== 110 && first !== 109) return text;
  return text.replace(/^((?:improper|non-\S+|malformed) [^[]*\[[^\]]*\](?::\d+)?): .*$/s, '$1');
}

/** How long the queue id is that the text begins with (`4jWwJ04sK4zpbG2: `); 0 where it begins otherwise, as with NOQUEUE. */
export function queueIdLength(text: string): number {
  if (text.startsWith('NOQUEUE')) return 0;
  let isLikeId = false;
  for (let index = 0; index < maxIdLength; index++) {
    const code = text.charCodeAt(index);
    if (code === 58) return isLikeId && index >= 6 && text.charCodeAt(index + 1) === 32 ? index : 0;
    // Digits and capitals tell an id from a word.
    if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90)) isLikeId = true;
    else if (code < 97 || code > 122) return 0;
  }
  return 0;
}
