// `socketmap:inet:host:port:name` and `socketmap:unix:path:name` (socketmap_table(5), Sendmail's protocol): `name key`
// and the reply as netstrings, the reply `OK value`, `NOTFOUND`, or TEMP, TIMEOUT, PERM with a reason. Asked only with
// the full key, which is not folded. Also PERM is "could not find out": Postfix defers the mail.

import { TemporaryError } from '../../lib/temporary-error.ts';
import { type LookupResult, notFound, type Table } from '../table.ts';
import { TableError } from '../table-error.ts';
import { parseEndpoint } from './endpoint.ts';
import { BadReplyError, SocketClient } from './socket-client.ts';
import type { SocketTableOptions } from './tcp-table.ts';

const maxPayloadBytes = 100_000;
const maxDigits = String(maxPayloadBytes).length;
const timeoutMilliseconds = 100_000;

export function openSocketmapTable(text: string, options: SocketTableOptions): Table {
  const name = `socketmap:${text}`;
  const colon = text.lastIndexOf(':');
  const map = text.slice(colon + 1);
  if (colon === -1 || map === '') throw new TableError(`${name}: socketmap requires server:socketmap argument`);
  const endpoint = parseEndpoint(name, text.slice(0, colon));
  const maxReplyBytes = maxDigits + maxPayloadBytes + 2;
  const client = new SocketClient({ timeoutMilliseconds, ...options, table: name, endpoint, maxReplyBytes });
  return {
    name,
    kind: 'pattern',
    lookup: async (key) => readReply(name, await client.ask(netstring(`${map} ${key}`), decodeNetstring)),
    close: () => client.close(),
  };
}

/** https://cr.yp.to/proto/netstrings.txt */
function netstring(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${payload.length}:`), payload, Buffer.from(',')]);
}

function decodeNetstring(received: Buffer): { readonly reply: string; readonly length: number } | undefined {
  const head = received.toString('latin1', 0, maxDigits + 1);
  const match = /^([0-9]+):/.exec(head);
  if (match === null) {
    if (/^[0-9]*$/.test(head) && head.length <= maxDigits) return undefined;
    throw new BadReplyError('the reply is no netstring');
  }
  const payload = Number(match[1]);
  if (payload > maxPayloadBytes) throw new BadReplyError('the reply is too long');
  const end = match[0].length + payload;
  if (received.length <= end) return undefined;
  if (received[end] !== 0x2c) throw new BadReplyError('the reply is no netstring');
  return { reply: received.toString('utf8', match[0].length, end), length: end + 1 };
}

function readReply(table: string, reply: string): LookupResult {
  const space = reply.indexOf(' ');
  const status = space === -1 ? reply : reply.slice(0, space);
  const text = space === -1 ? '' : reply.slice(space + 1);
  if (status === 'OK') return { kind: 'found', value: text, source: table };
  if (status === 'NOTFOUND') return notFound;
  const classes: Readonly<Record<string, string>> = { TEMP: 'temporary', TIMEOUT: 'timeout', PERM: 'permanent' };
  const reason = text.trim().slice(0, 200);
  const problem = `socketmap server ${classes[status] ?? 'unknown'} error`;
  throw new TemporaryError(`table ${table}: ${problem}${reason === '' ? '' : `: ${reason}`}`);
}
