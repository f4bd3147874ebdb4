// ldap: against what is no LDAP server, and settings that are refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MemoryLog, ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Tables } from '../registry.ts';
import type { Table } from '../table.ts';
import { openLdapTable } from './ldap-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'ldap-'));
const log = new MemoryLog();
const registry = new Tables({ log, isWatching: false });
const context = { log: new ProgramLog(log, 'test'), registry, parameter: () => undefined };
const opened: { close?(): unknown }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close?.();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(settings: string): Table {
  const path = join(folder, 'table.cf');
  writeFileSync(path, settings);
  const table = openLdapTable(path, context);
  opened.push(table);
  return table;
}

describe('a server that is none', () => {
  /** Sends this in reply to whatever comes. */
  async function serve(reply: Buffer): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(reply));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => [server.close(), ...[...sockets].map((socket) => socket.destroy())] });
    return `server_host = 127.0.0.1:${(server.address() as { port: number }).port}\nsearch_base = dc=x\ntimeout = 1\n`;
  }

  test.each([
    ['nothing', ''],
    [
      'text',
      '220 mail.example.test ESMTP\r\n'
        .split('')
        .map((letter) => letter.charCodeAt(0).toString(16))
        .join(''),
    ],
    ['a message without end', '3084ffffffff0201'],
    ['a length without end', '3088ffffffffffffffff'],
    ['a message of nothing', '3000'],
    ['an id and no more', '3003020101'],
    ['a result that leaves its message', '300c02010161070a010004000420'],
    ['an attribute that leaves its message', '301702010164120400300e300c0400310884ffffff7f0400'],
  ])('%s is "could not find out"', async (_what, reply) => {
    const table = open(await serve(Buffer.from(reply, 'hex')));
    await expect(table.lookup('a@b.test')).rejects.toThrow(TemporaryError);
  });

  test.each([
    ['bind = sasl', 'bind = sasl is not supported'],
    ['bind = maybe', 'unsupported parameter value: bind = maybe'],
    ['timeout = soon', 'bad numerical configuration'],
    ['recursion_limit = 0', 'bad numerical configuration'],
    ['server_host = ,', 'names no server'],
    ['query_filter = (cn=%x)', 'invalid query template'],
    ['start_tls = yes\ntls_ca_cert_file = /nonexistent', 'tls_ca_cert_file'],
  ])('%j is refused at the start', (settings, message) => {
    expect(() => open(`${settings}\n`)).toThrow(message);
  });
});
