import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { TlsContexts, type TlsContextsOptions } from './certificates.ts';
import { createSelfSigned } from './self-signed.ts';

let folder: string;
let log: MemoryLog;
let clock: FakeClock;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthaste-tls-'));
  log = new MemoryLog();
  clock = new FakeClock(Date.now());
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const options = (more: Partial<TlsContextsOptions> = {}): TlsContextsOptions => ({
  certFile: '',
  keyFile: '',
  chainFiles: [],
  dataDirectory: folder,
  hostname: 'mx.example.com',
  log: new ProgramLog(log, 'test'),
  clock,
  ...more,
});

/** The serial number that a client sees. */
async function servedSerial(contexts: TlsContexts): Promise<string> {
  const listening = createServer((socket) => {
    new TLSSocket(socket, { isServer: true, secureContext: contexts.secureContext() }).on('error', () => undefined);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return new Promise((resolve, reject) => {
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(client.getPeerCertificate().serialNumber);
      client.destroy();
      listening.close();
    });
    client.on('error', reject);
  });
}

test('the self-signed certificate is a right one', async () => {
  const { key, certificate } = await createSelfSigned('mx.example.com', Date.UTC(2026, 10, 21));
  const parsed = new X509Certificate(certificate);
  expect(parsed.subject).toBe('CN=mx.example.com');
  expect(parsed.subjectAltName).toBe(
    'DNS:mx.example.com, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(parsed.checkHost('localhost')).toBe('localhost');
  expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.ca).toBe(false);
  expect(parsed.validTo).toMatch(/ 2036 GMT$/);
});

test('the first start makes a certificate, the second finds it', async () => {
  const first = await servedSerial(await TlsContexts.open(options()));
  expect((await stat(join(folder, 'tls', 'self-signed.pem'))).mode & 0o777).toBe(0o600);
  expect(await servedSerial(await TlsContexts.open(options()))).toBe(first);
  expect(log.lines).toEqual([expect.stringContaining('created a self-signed TLS certificate for mx.example.com')]);
});

test('files that change are read again; unusable ones leave the old certificate in force', async () => {
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  let time = 1_700_000_000;
  const install = async (pair: { key: string; certificate: string }) => {
    await writeFile(certFile, pair.certificate);
    await writeFile(keyFile, pair.key);
    time += 10;
    for (const file of [certFile, keyFile]) await utimes(file, time, time);
  };
  const serialOf = (pair: { certificate: string }) => new X509Certificate(pair.certificate).serialNumber;
  const [one, two] = [await createSelfSigned('a.example', Date.now()), await createSelfSigned('b.example', Date.now())];
  await install(one);
  const contexts = await TlsContexts.open(options({ certFile, keyFile }));
  expect(await servedSerial(contexts)).toBe(serialOf(one));

  await install({ key: one.key, certificate: two.certificate });
  await contexts.reload();
  expect(await servedSerial(contexts)).toBe(serialOf(one));
  expect(log.lines.at(-1)).toContain('warning: cannot load TLS certificate, keeping the previous one');

  await install({ key: two.key, certificate: '-----BEGIN CERTIFICATE-----\nMII' });
  await contexts.reload();
  expect(await servedSerial(contexts)).toBe(serialOf(one));

  await install(two);
  clock.advance(6_000);
  contexts.secureContext();
  for (let turn = 0; turn < 100 && !log.lines.at(-1)?.includes('reloaded'); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await servedSerial(contexts)).toBe(serialOf(two));
});

test('one chain file with key and certificate', async () => {
  const pair = await createSelfSigned('c.example', Date.now());
  const file = join(folder, 'chain.pem');
  await writeFile(file, pair.key + pair.certificate);
  const contexts = await TlsContexts.open(options({ chainFiles: [file], certFile: '/nowhere' }));
  expect(await servedSerial(contexts)).toBe(new X509Certificate(pair.certificate).serialNumber);
});

test('files that cannot be used stop the start and say which', async () => {
  await expect(TlsContexts.open(options({ certFile: join(folder, 'none.pem') }))).rejects.toThrow('none.pem');
  const file = join(folder, 'half.pem');
  await writeFile(file, (await createSelfSigned('d.example', Date.now())).certificate);
  await expect(TlsContexts.open(options({ certFile: file }))).rejects.toThrow(`${file}: no private key in PEM form`);
  expect(await readFile(file, 'latin1')).toContain('BEGIN CERTIFICATE');
});
