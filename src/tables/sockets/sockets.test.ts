// tcp:, socketmap: and memcache: against servers of this test and a real memcached; what the real postmap(1) gets from
// the same servers.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../../../test/harness/free-ports.ts';
import { isListening } from '../../../test/harness/posthaste-process.ts';
import { noRealPostmap, RealPostmap } from '../../../test/harness/real-postmap.ts';
import { systemClock } from '../../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Tables } from '../registry.ts';
import type { Table } from '../table.ts';
import { openMemcacheTable } from './memcache-table.ts';
import { openSocketmapTable } from './socketmap-table.ts';
import { openTcpTable } from './tcp-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'sockets-'));
const postmap = noRealPostmap === undefined ? new RealPostmap(folder) : undefined;
afterAll(() => rmSync(folder, { recursive: true }));

const options = { clock: systemClock };
const opened: { close?(): unknown }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close?.();
});

function use<Closable extends { close?(): unknown }>(one: Closable): Closable {
  opened.push(one);
  return one;
}

/** Answers each piece that a client sends with what `answer` says; undefined closes the connection. */
async function serve(answer: (request: string, socket: Socket) => string | Buffer | undefined): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const reply = answer(bytes.toString(), socket);
      if (reply === undefined) socket.destroy();
      else socket.write(reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  use({
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return (server.address() as { readonly port: number }).port;
}

async function answer(table: Table, key: string): Promise<string | Error | undefined> {
  try {
    const result = await table.lookup(key);
    return result.kind === 'found' ? result.value : undefined;
  } catch (error) {
    if (error instanceof TemporaryError) return error;
    throw error;
  }
}

/** All at once: postmap sleeps a second before it ends with an error. */
async function expectSameAsPostfix(name: string, table: Table, keys: readonly string[]): Promise<void> {
  const short = (value: string | Error | undefined): string | undefined => (value instanceof Error ? 'error' : value);
  const [ours, theirs] = await Promise.all([
    Promise.all(keys.map(async (key) => [key, short(await answer(table, key))])),
    Promise.all(keys.map(async (key) => [key, short(await postmap?.value(name, key))])),
  ]);
  expect(ours).toEqual(theirs);
}

const netstring = (text: string): string => `${Buffer.byteLength(text)}:${text},`;

describe('tcp:', () => {
  const replies: Readonly<Record<string, string>> = {
    'get a\n': '200 one%20two\n',
    'get A@b\n': '200 case\n',
    'get x%20y%25%C3%BC\n': '200 %C3%9C%25\n',
    'get no\n': '500 not found\n',
    'get temp\n': '400 try%20again\n',
    'get odd\n': '300 what\n',
    'get bad\n': 'hello\n',
    'get short\n': '200\n',
    'get escape\n': '200 %zz\n',
    'get long\n': `200 ${'x'.repeat(5000)}\n`,
    'get empty\n': '200 \n',
  };
  test.each([
    ['a', 'one two'],
    ['A@b', 'case'],
    ['x y%ü', 'Ü%'],
    ['no', undefined],
    ['temp', 'error'],
    ['odd', 'error'],
    ['bad', 'error'],
    ['short', 'error'],
    ['escape', 'error'],
    ['long', 'error'],
  ])('%s → %s', async (key, expected) => {
    const port = await serve((request) => replies[request] ?? '500 unexpected\n');
    const ours = await answer(use(openTcpTable(`127.0.0.1:${port}`, options)), key);
    expect(ours instanceof Error ? 'error' : ours).toBe(expected);
  });

  // Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
  test.skipIf(postmap === undefined)('the real postmap gets the same', async () => {
    const port = await serve((request) => replies[request] ?? '500 unexpected\n');
    const table = use(openTcpTable(`127.0.0.1:${port}`, options));
    const keys = ['a', 'A@b', 'x y%ü', 'no', 'temp', 'odd', 'bad'];
    await expectSameAsPostfix(`tcp:127.0.0.1:${port}`, table, keys);
  });

  test('one connection serves many lookups; a restart of the server goes unnoticed', async () => {
    let connections = 0;
    const seen = new Set<Socket>();
    const port = await serve((_request, socket) => {
      if (!seen.has(socket)) connections++;
      seen.add(socket);
      return '200 x\n';
    });
    const table = use(openTcpTable(`127.0.0.1:${port}`, options));
    for (let index = 0; index < 20; index++) expect(await answer(table, 'a')).toBe('x');
    expect(connections).toBe(1);
    for (const socket of seen) socket.destroy();
    expect(await answer(table, 'a')).toBe('x');
    expect(connections).toBe(2);
  });

  test('many lookups at once share a few connections, and each gets its own answer', async () => {
    const seen = new Set<Socket>();
    const port = await serve((request, socket) => {
      seen.add(socket);
      return `200 ${request.slice(4).trim()}\n`;
    });
    const table = use(openTcpTable(`127.0.0.1:${port}`, options));
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    expect(await Promise.all(keys.map((key) => answer(table, key)))).toEqual(keys);
    expect(seen.size).toBeLessThanOrEqual(8);
  });

  test('nobody there, silence, a server that hangs up: "could not find out"', async () => {
    const [closed = 0] = await findFreePorts(1);
    expect(await answer(use(openTcpTable(`127.0.0.1:${closed}`, options)), 'a')).toBeInstanceOf(TemporaryError);
    const silent = use(openTcpTable(`127.0.0.1:${await serve(() => '')}`, { ...options, timeoutMilliseconds: 60 }));
    const many = await Promise.all(Array.from({ length: 20 }, () => answer(silent, 'a')));
    expect(new Set(many.map(String))).toEqual(new Set([expect.stringContaining('no reply within 0.06 s')]));
    const rude = use(openTcpTable(`127.0.0.1:${await serve(() => undefined)}`, options));
    expect(await answer(rude, 'a')).toBeInstanceOf(TemporaryError);
  });

  test('a late or second reply is never the answer to another question', async () => {
    const port = await serve((request) => (request === 'get a\n' ? '200 one\n200 two\n' : '200 three\n'));
    const table = use(openTcpTable(`127.0.0.1:${port}`, options));
    expect(await answer(table, 'a')).toBeInstanceOf(TemporaryError);
    expect(await answer(table, 'b')).toBe('three');
    let hungUp: Promise<unknown> = Promise.resolve();
    const late = await serve((request, socket) => {
      if (request === 'get a\n') {
        hungUp = new Promise((resolve) => socket.once('close', resolve));
        setTimeout(() => socket.write('200 late\n'), 20);
      }
      return '200 x\n';
    });
    const other = use(openTcpTable(`127.0.0.1:${late}`, options));
    expect(await answer(other, 'a')).toBe('x');
    await hungUp;
    expect(await answer(other, 'b')).toBe('x');
  });

  test.each(['tcp:host', 'tcp:host:x', 'tcp:host:0', 'tcp:host:70000'])('%s is refused at the start', (name) =>
    expect(() => openTcpTable(name.slice(4), options)).toThrow('is not host:port'),
  );
});

describe('socketmap:', () => {
  const replies: Readonly<Record<string, string>> = {
    a: netstring('OK one two'),
    ü: netstring('OK Ü'),
    no: netstring('NOTFOUND '),
    temp: netstring('TEMP later'),
    timeout: netstring('TIMEOUT '),
    perm: netstring('PERM broken'),
    odd: netstring('HM'),
    bad: 'hello',
    'long number': '1234567890',
    'too long': `${100_001}:`,
    'no comma': '4:OK x;',
    big: netstring(`OK ${'x'.repeat(99_997)}`),
  };
  const serveMap = (): Promise<number> =>
    serve((request) => replies[/^\d+:map (.*),$/s.exec(request)?.[1] ?? ''] ?? netstring('PERM unexpected'));

  const expected: [string, string | undefined][] = [
    ['a', 'one two'],
    ['ü', 'Ü'],
    ['no', undefined],
    ['big', 'x'.repeat(99_997)],
    ...['temp', 'timeout', 'perm', 'odd', 'bad', 'long number', 'too long', 'no comma'].map((key): [string, string] => [
      key,
      'error',
    ]),
  ];
  test.each(expected)('%s', async (key, value) => {
    const ours = await answer(use(openSocketmapTable(`inet:127.0.0.1:${await serveMap()}:map`, options)), key);
    expect(ours instanceof Error ? 'error' : ours).toBe(value);
  });

  // Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
  test.skipIf(postmap === undefined)('the real postmap gets the same', async () => {
    const name = `inet:127.0.0.1:${await serveMap()}:map`;
    const keys = expected.map(([key]) => key).filter((key) => key !== 'long number');
    await expectSameAsPostfix(`socketmap:${name}`, use(openSocketmapTable(name, options)), keys);
  });

  test('a UNIX-domain socket; a reply in pieces', async () => {
    const path = join(folder, 'map');
    const unix = createServer((socket) => {
      socket.on('data', () => {
        socket.write('7:OK ');
        setTimeout(() => socket.write('ab'), 5);
        setTimeout(() => socket.write('cd,'), 10);
      });
    });
    await new Promise<void>((resolve) => unix.listen(path, resolve));
    use(unix);
    expect(await answer(use(openSocketmapTable(`unix:${path}:map`, options)), 'a')).toBe('abcd');
  });

  test.each([
    ['inet', 'requires server:socketmap'],
    ['inet:host:25:', 'requires server:socketmap'],
    ['inet:host:map', 'is not host:port'],
    ['host:25:map', 'need inet:host:port'],
    ['unix:relative:map', 'absolute pathname'],
  ])('socketmap:%s is refused at the start', (name, message) =>
    expect(() => openSocketmapTable(name, options)).toThrow(message),
  );
});

const memcached = '/usr/bin/memcached';

// Skipped where memcached (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!existsSync(memcached))('memcache: (package memcached)', () => {
  const tables = new Tables({ log: new MemoryLog(), isWatching: false });
  const context = {
    log: new ProgramLog(new MemoryLog(), 'test'),
    registry: tables,
    parameter: () => undefined,
    clock: systemClock,
  };
  let child: ChildProcess;
  let port = 0;

  beforeAll(async () => {
    [port = 0] = await findFreePorts(1);
    child = spawn(memcached, ['-u', 'nobody', '-l', '127.0.0.1', '-p', String(port), '-U', '0'], { stdio: 'ignore' });
    while (!(await isListening(port))) await sleep(10);
    const rows = { 'k:a': 'one', 'k:big': 'x'.repeat(11_000), 'k:user@a.test': 'lower' };
    const { connect } = await import('node:net');
    const socket = connect(port, '127.0.0.1');
    for (const [key, value] of Object.entries(rows)) socket.write(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`);
    socket.write('get k:user@a.test\r\n');
    await new Promise<void>((resolve) => {
      let text = '';
      socket.on('data', (bytes) => {
        text += bytes.toString();
        if (text.endsWith('END\r\n')) resolve();
      });
    });
    socket.destroy();
  });
  afterAll(() => child.kill('SIGTERM'));

  function settingsFile(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, `memcache = inet:127.0.0.1:${port}\nkey_format = k:%s\nretry_pause = 1\n${text}`);
    return path;
  }

  test.each([
    ['a', 'one'],
    ['User@A.test', 'lower'],
    ['none', undefined],
    ['a b', undefined],
    ['a\r\nget k:a', undefined],
    ['big', 'error'],
  ])('%j → %s', async (key, expected) => {
    const ours = await answer(use(openMemcacheTable(settingsFile('plain.cf', ''), context)), key);
    expect(ours instanceof Error ? 'error' : ours).toBe(expected);
  });

  // Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
  test.skipIf(postmap === undefined)('the real postmap gets the same', async () => {
    const path = settingsFile('plain.cf', '');
    const keys = ['a', 'User@A.test', 'none', 'a b'];
    await expectSameAsPostfix(`memcache:${path}`, use(openMemcacheTable(path, context)), keys);
  });

  test('the backup answers what the cache does not know, and where there is no cache', async () => {
    const path = settingsFile('backup.cf', 'backup = inline:{a=backup,b=two}\n');
    const table = use(openMemcacheTable(path, context));
    expect(await answer(table, 'a')).toBe('one');
    expect(await answer(table, 'b')).toBe('two');
    expect(await answer(table, 'c')).toBeUndefined();
    const [closed = 0] = await findFreePorts(1);
    const lost = settingsFile('lost.cf', `memcache = inet:127.0.0.1:${closed}\nbackup = inline:{a=backup}\n`);
    expect(await answer(use(openMemcacheTable(lost, context)), 'a')).toBe('backup');
    expect(await answer(use(openMemcacheTable(lost, context)), 'b')).toBeUndefined();
    const alone = settingsFile('alone.cf', `memcache = inet:127.0.0.1:${closed}\n`);
    expect(await answer(use(openMemcacheTable(alone, context)), 'a')).toBeInstanceOf(TemporaryError);
  });

  test('keys of other domains are not asked for', async () => {
    const path = settingsFile('domain.cf', 'domain = b.test\nbackup = static:x\n');
    const table = use(openMemcacheTable(path, context));
    expect(await answer(table, 'user@a.test')).toBeUndefined();
    expect(await answer(table, 'user@b.test')).toBe('x');
  });
});
