// The real resolver against a name server of ours that speaks just enough DNS (RFC 1035 §4).

import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TemporaryError } from '../lib/temporary-error.ts';
import { SystemResolver } from './system-resolver.ts';

const types: Readonly<Record<number, string>> = { 1: 'A', 12: 'PTR', 15: 'MX', 28: 'AAAA' };

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}

const answers: Readonly<Record<string, Buffer[]>> = {
  'good.example A': [Buffer.from([192, 0, 2, 1])],
  'good.example MX': [Buffer.concat([Buffer.from([0, 10]), encodeName('mx.good.example')])],
  'null.example MX': [Buffer.concat([Buffer.from([0, 0]), encodeName('')])],
  '1.2.0.192.in-addr.arpa PTR': [encodeName('good.example')],
};

/** 0 no error, 2 server failure, 3 no such name. */
function rcode(name: string): number {
  if (name.startsWith('gone')) return 3;
  return name.startsWith('broken') ? 2 : 0;
}

function respond(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const question = query.subarray(12, at + 5);
  const name = labels.join('.').toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const records = answers[`${name} ${types[type]}`] ?? [];
  const header = Buffer.from([...query.subarray(0, 2), 0x85, 0x80 | rcode(name), 0, 1, 0, records.length, 0, 0, 0, 0]);
  const body = records.map((data) => {
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, question, ...body]);
}

let server: Socket;
let resolver: SystemResolver;
beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (query, peer) => {
    if (!query.includes('silent')) server.send(respond(query), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  resolver = new SystemResolver({ servers: [`127.0.0.1:${server.address().port}`], timeout: 100, tries: 1 });
});
afterAll(() => server.close());

describe('an answer of the DNS', () => {
  test('is found', async () => {
    expect(await resolver.addresses('good.example', 4)).toEqual({ kind: 'found', records: ['192.0.2.1'] });
    expect(await resolver.names('192.0.2.1')).toEqual({ kind: 'found', records: ['good.example'] });
    expect(await resolver.mx('good.example')).toEqual({
      kind: 'found',
      records: [{ preference: 10, exchange: 'mx.good.example' }],
    });
    expect(await resolver.mx('null.example')).toEqual({ kind: 'found', records: [{ preference: 0, exchange: '' }] });
  });

  test('is that there is nothing of the kind', async () => {
    expect(await resolver.addresses('good.example', 6)).toEqual({ kind: 'no-data' });
  });

  test('is that there is no such name', async () => {
    expect(await resolver.addresses('gone.example', 4)).toEqual({ kind: 'no-domain' });
    expect(await resolver.mx('a..b')).toEqual({ kind: 'no-domain' });
    expect(await resolver.mx('x'.repeat(300))).toEqual({ kind: 'no-domain' });
  });

  test('cannot be had', async () => {
    await expect(resolver.mx('broken.example')).rejects.toBeInstanceOf(TemporaryError);
    await expect(resolver.mx('silent.example')).rejects.toBeInstanceOf(TemporaryError);
  });
});
