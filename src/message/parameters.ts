// `value; name=value; name="value"` as in Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183),
// and the parameter continuations and charsets of RFC 2231. Tolerant: what cannot be read is skipped to
// the next semicolon. Linear in the input.

import { decodeCharset } from './charset.ts';
import type { Parameter, ParameterizedValue } from './part.ts';
import { readQuotedString, skipSpaceAndComments } from './structured-text.ts';

const maxParameters = 200;

export function parseParameterizedValue(text: string): ParameterizedValue | undefined {
  const parameters: Parameter[] = [];
  const [value, afterValue] = readToken(text, skipSpaceAndComments(text, 0), true);
  if (value === '') return undefined;
  let at = afterValue;
  while (at < text.length && parameters.length < maxParameters) {
    at = text.indexOf(';', at);
    if (at === -1) break;
    const [name, afterName] = readToken(text, skipSpaceAndComments(text, at + 1), false);
    at = skipSpaceAndComments(text, afterName);
    if (text[at] !== '=') continue;
    at = skipSpaceAndComments(text, at + 1);
    const [parameterValue, afterParameter] = text[at] === '"' ? readQuotedString(text, at) : readLooseValue(text, at);
    at = afterParameter;
    if (name !== '') parameters.push({ name, value: parameterValue });
  }
  return { value, parameters: joinContinuations(parameters) };
}

/** A parameter's text for people: RFC 2231 percent encoding and charset undone. `name` in lower case. */
export function decodedParameter(parameters: readonly Parameter[], name: string): string | undefined {
  for (const parameter of parameters) {
    const key = parameter.name.toLowerCase();
    if (key === name) return parameter.value;
    if (key === `${name}*`) return decodeExtendedValue(parameter.value);
  }
  return undefined;
}

/** RFC 2231 §4: `charset'language'percent-encoded`. */
export function decodeExtendedValue(text: string): string {
  const first = text.indexOf("'");
  const second = text.indexOf("'", first + 1);
  if (first === -1 || second === -1) return text;
  const bytes: number[] = [];
  for (let at = second + 1; at < text.length; at++) {
    const code = text[at] === '%' ? Number.parseInt(text.slice(at + 1, at + 3), 16) : Number.NaN;
    if (Number.isNaN(code)) {
      bytes.push(text.charCodeAt(at));
    } else {
      bytes.push(code);
      at += 2;
    }
  }
  return decodeCharset(Uint8Array.from(bytes), text.slice(0, first));
}

/** RFC 2231 §3: `name*0=`, `name*1=` ... become one `name`, or `name*` where any piece is encoded. */
function joinContinuations(parameters: readonly Parameter[]): readonly Parameter[] {
  if (!parameters.some((parameter) => parameter.name.includes('*'))) return parameters;
  const result: Parameter[] = [];
  const pieces = new Map<string, { index: number; encoded: boolean; value: string }[]>();
  for (const parameter of parameters) {
    const match = /^([^*]{1,100})\*(\d{1,3})(\*?)$/.exec(parameter.name);
    if (match === null) {
      result.push(parameter);
      continue;
    }
    const [, name = '', index = '', star = ''] = match;
    const list = pieces.get(name.toLowerCase()) ?? [];
    pieces.set(name.toLowerCase(), [...list, { index: Number(index), encoded: star !== '', value: parameter.value }]);
  }
  for (const [name, list] of pieces) {
    const sorted = list.toSorted((left, right) => left.index - right.index);
    const encoded = sorted.some((piece) => piece.encoded);
    // Where only a later piece is encoded, no charset is named: two quotes keep the value readable.
    const charset = encoded && sorted[0]?.encoded === false ? "''" : '';
    result.push({ name: encoded ? `${name}*` : name, value: charset + sorted.map((piece) => piece.value).join('') });
  }
  return result;
}

function readToken(text: string, from: number, withSlash: boolean): [string, number] {
  let at = from;
  while (at < text.length && isTokenCharacter(text.charCodeAt(at), withSlash)) at++;
  return [text.slice(from, at), at];
}

/** An unquoted value up to the semicolon or white space: real mail has file names with `(`, `/`, `=` here. */
function readLooseValue(text: string, from: number): [string, number] {
  let at = from;
  while (at < text.length && text.charCodeAt(at) > 32 && text[at] !== ';') at++;
  return [text.slice(from, at), at];
}

/** RFC 2045 §5.1: no controls, blanks or tspecials. */
function isTokenCharacter(code: number, withSlash: boolean): boolean {
  if (code <= 32 || code === 127) return false;
  const character = String.fromCharCode(code);
  return (withSlash && character === '/') || !'()<>@,;:\\"/[]?='.includes(character);
}
