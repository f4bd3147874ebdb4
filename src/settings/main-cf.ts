// Reads main.cf (postconf(5)): `name = value` lines into definitions, the last of a name winning.
// Values are kept as written: `$name` is expanded when a value is asked for (expand.ts).
// Lines at which Postfix stops are findings of severity error here, so that one run shows them all.

import { readLogicalLines } from '../lib/logical-lines.ts';
import type { Finding } from './origin.ts';

export interface Definition {
  readonly name: string;
  /** As written, without blanks at the ends; a continuation keeps the blanks that begin it. */
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface MainCf {
  /** By name; the last definition of each. */
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly findings: readonly Finding[];
}

/** Never throws: what cannot be read is in the findings. */
export function parseMainCf(text: string, file = 'main.cf'): MainCf {
  const definitions = new Map<string, Definition>();
  const findings: Finding[] = [];
  const report = (severity: Finding['severity'], line: number, what: string): void => {
    findings.push({ severity, file, line, text: what });
  };
  for (const { text: content, line } of readLogicalLines(text)) {
    if (/^[ \t\r\f\v]/.test(content)) {
      report('error', line, `logical line must not start with whitespace: "${shorten(content)}"`);
      continue;
    }
    const split = splitNameValue(content);
    if (typeof split === 'string') {
      report('error', line, `${split}: "${shorten(content)}"`);
      continue;
    }
    const earlier = definitions.get(split.name);
    if (earlier !== undefined) {
      report(
        'warning',
        line,
        `overriding earlier entry of line ${earlier.line}: ${split.name}=${shorten(earlier.value)}`,
      );
    }
    definitions.set(split.name, { ...split, file, line });
  }
  return { definitions, findings };
}

/** `name = value`; a string says what is wrong, in Postfix's words. */
export function splitNameValue(text: string): { name: string; value: string } | string {
  const equals = text.indexOf('=');
  const name = trimBlanks(equals < 0 ? text : text.slice(0, equals));
  if (name === '') return 'missing attribute name';
  if (equals < 0 || /[ \t\r\f\v]/.test(name)) return "missing '=' after attribute name";
  return { name, value: trimBlanks(text.slice(equals + 1)) };
}

/** Removes what C's isspace() calls space, and nothing else: a no-break space belongs to the value. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Long or binary text, made fit for one line of a message. */
export function shorten(text: string): string {
  const printable = text.slice(0, 61).replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
  return printable.length > 60 ? `${printable.slice(0, 60)}...` : printable;
}
