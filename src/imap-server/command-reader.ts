// Puts a command together from its lines and literals (RFC 3501 §4.3, RFC 7888), asking for each synchronizing
// literal with a continuation request. The message of APPEND is not read here: the command ends with its announcement and
// commands/append.ts streams it. Everything else is small, and bounded.

import { parseCommand } from '../imap/parse-command.ts';
import { ImapSyntaxError } from '../imap/syntax-error.ts';
import type { ConnectionInput } from './input.ts';
import type { ConnectionOutput } from './output.ts';

/** Before login nothing needs more: a user name and a password. */
const maxLoginCommandBytes = 8 * 1024;
const maxLiterals = 100;
const maxLiteralBytes = 64 * 1024;
const lineEnd = Buffer.from('\r\n');

/** A literal that cannot be skipped, because the client already sends it: the connection must end. */
export class LiteralTooLargeError extends Error {
  override name = 'LiteralTooLargeError';
}

/** The next command: its line without line end, literals after their announcements. */
export async function readCommandBytes(
  input: ConnectionInput,
  output: ConnectionOutput,
  limits: { readonly maxLineLength: number; readonly isLoggedIn: boolean },
): Promise<Buffer> {
  const maxLine = limits.isLoggedIn ? limits.maxLineLength : maxLoginCommandBytes;
  const maxBytes = limits.isLoggedIn ? limits.maxLineLength + maxLiteralBytes : maxLoginCommandBytes;
  const first = await input.readLine(maxLine);
  let announced = announcement(first);
  if (announced === undefined) return first;
  const pieces: Buffer[] = [first];
  let length = first.length;
  for (let literals = 0; announced !== undefined; literals++) {
    if (startsMessage(pieces)) break;
    length += announced.size;
    if (length > maxBytes || literals >= maxLiterals) throw tooLarge(first, announced.synchronizing);
    if (announced.synchronizing) {
      output.line('+ OK');
      output.flush();
    }
    const literal = await input.read(announced.size);
    const line = await input.readLine(maxLine);
    length += line.length;
    pieces.push(lineEnd, literal, line);
    announced = announcement(line);
  }
  return Buffer.concat(pieces);
}

/** `{12}` or `{12+}` at the end of a line. */
function announcement(line: Buffer): { size: number; synchronizing: boolean } | undefined {
  if (line.at(-1) !== 0x7d) return undefined;
  const tail = line.subarray(-20).toString('latin1');
  const match = /\{(\d{1,15})(\+?)\}$/.exec(tail);
  return match === null ? undefined : { size: Number(match[1]), synchronizing: match[2] === '' };
}

/** True where the announced literal is the message of APPEND, not an argument before it. */
function startsMessage(pieces: readonly Buffer[]): boolean {
  if (!/^[^ ]+ +append /i.test((pieces[0] as Buffer).subarray(0, 200).toString('latin1'))) return false;
  try {
    return parseCommand(Buffer.concat(pieces)).name === 'APPEND';
  } catch {
    return false;
  }
}

/** A synchronizing literal is refused by not asking for it; the other kind is on its way already. */
function tooLarge(firstLine: Buffer, synchronizing: boolean): Error {
  if (!synchronizing) return new LiteralTooLargeError('literal too large');
  const error = new ImapSyntaxError('Literal too large');
  error.tag = /^[^ ]+/.exec(firstLine.subarray(0, 100).toString('latin1'))?.[0];
  return error;
}
