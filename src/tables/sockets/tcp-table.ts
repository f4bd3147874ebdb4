// `tcp:host:port` (tcp_table(5)): `get KEY` and one line in reply, both %-encoded, 200 with the value, 500 for "not
// found", 400 for "cannot say". Asked only with the full key, which is not folded.

import { TemporaryError } from '../../lib/temporary-error.ts';
import { type LookupResult, notFound, type Table } from '../table.ts';
import { parseHostPort } from './endpoint.ts';
import { BadReplyError, SocketClient, type SocketClientOptions } from './socket-client.ts';

const maxReplyBytes = 4096;
const timeoutMilliseconds = 100_000;
const newline = 0x0a;

export type SocketTableOptions = Pick<SocketClientOptions, 'clock'> & { readonly timeoutMilliseconds?: number };

export function openTcpTable(text: string, options: SocketTableOptions): Table {
  const name = `tcp:${text}`;
  const endpoint = parseHostPort(name, text);
  const client = new SocketClient({ timeoutMilliseconds, ...options, table: name, endpoint, maxReplyBytes });
  return {
    name,
    kind: 'pattern',
    lookup: async (key) => readReply(name, await client.ask(Buffer.from(`get ${encode(key)}\n`), decodeLine)),
    close: () => client.close(),
  };
}

/** Every byte that is not printable ASCII, blanks and % themselves included. */
function encode(key: string): string {
  let encoded = '';
  for (const byte of Buffer.from(key)) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }
  return encoded;
}

function decodeLine(received: Buffer): { readonly reply: Buffer; readonly length: number } | undefined {
  const end = received.indexOf(newline);
  if (end === -1) return undefined;
  if (end >= maxReplyBytes) throw new BadReplyError('the reply is too long');
  return { reply: received.subarray(0, end), length: end + 1 };
}

function readReply(table: string, line: Buffer): LookupResult {
  const match = /^([0-9])[0-9]{2}[ \t](.*)$/s.exec(line.toString('latin1').replace(/\r$/, ''));
  const text = match === null ? undefined : decode(match[2] ?? '');
  if (text === undefined) throw new TemporaryError(`table ${table}: malformed reply`);
  if (match?.[1] === '2') return { kind: 'found', value: text, source: table };
  if (match?.[1] === '5') return notFound;
  throw new TemporaryError(`table ${table}: ${match?.[1] === '4' ? `the server says: ${text}` : 'bad status code'}`);
}

/** Undefined where a % is not followed by two hexadecimal digits. */
function decode(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
