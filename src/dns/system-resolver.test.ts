// The real resolver against a name server on loopback.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDnsServer } from '../../test/harness/dns-server.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { SystemResolver } from './system-resolver.ts';

let server: Awaited<ReturnType<typeof startDnsServer>>;
let resolver: SystemResolver;
beforeAll(async () => {
  server = await startDnsServer(`
    good.example A 192.0.2.1
    good.example MX 10 mx.good.example
    null.example MX 0 .
    192.0.2.1 PTR good.example
    broken.example FAIL
    192.0.2.2 FAIL
    silent.example SILENT`);
  resolver = new SystemResolver({ servers: [`127.0.0.1:${server.port}`], timeout: 100, tries: 1 });
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
    await expect(resolver.names('192.0.2.2')).rejects.toBeInstanceOf(TemporaryError);
    expect(await resolver.names('192.0.2.3')).toEqual({ kind: 'no-domain' });
    expect(await resolver.names('fe80::1%eth0')).toEqual({ kind: 'no-domain' });
  });
});
