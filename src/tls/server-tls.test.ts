import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { type Chain, openChains } from './chains.ts';
import { NamedChains } from './named-chains.ts';
import { createSelfSigned, type KeyAndCertificate } from './self-signed.ts';
import { ensureSelfSigned } from './self-signed-file.ts';
import { type HandshakeLog, type ServerNames, ServerTls, type TlsOffer } from './server-tls.ts';
import type { Source } from './watched-files.ts';

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

const offer: TlsOffer = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: 'HIGH:!aNULL',
  curves: 'X25519:prime256v1',
  prefersOwnOrder: false,
  dhParameters: '',
  secureOptions: 0,
  sessionSeconds: 3600,
};

const parts = () => ({ clock, log: new ProgramLog(log, 'test') });

function serverTls(chains: Source<readonly Chain[]>, names?: ServerNames, more: Partial<TlsOffer> = {}): ServerTls {
  return new ServerTls({ offer: { ...offer, ...more }, chains, ...(names ? { names } : {}), clock });
}

interface Seen {
  /** The server's certificate. */
  readonly serial: string;
  readonly isReused: boolean;
  readonly session: Buffer | undefined;
}

async function shakeHands(tls: ServerTls, options: ConnectionOptions = {}, handshakeLog?: HandshakeLog): Promise<Seen> {
  const listening = createServer((socket) => {
    const secure = new TLSSocket(socket, tls.handshake(handshakeLog).socketOptions);
    secure.on('error', () => undefined);
    secure.on('secure', () => secure.end('.'));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined;
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    client.on('session', (one) => {
      session = one;
    });
    client.on('data', () => {
      const { serialNumber: serial } = client.getPeerCertificate();
      const isReused = client.isSessionReused();
      // A ticket of TLS 1.3 comes with the first data or just after.
      setTimeout(() => {
        resolve({ serial, isReused, session });
        client.destroy();
        listening.close();
      }, 20);
    });
    client.on('error', reject);
  });
}

const serialOf = (pair: { certificate: string }) => new X509Certificate(pair.certificate).serialNumber;
const pairs = await Promise.all(['a', 'b', 'c'].map((name) => createSelfSigned(`${name}.example`, Date.now())));
const [one, two, three] = pairs as [KeyAndCertificate, KeyAndCertificate, KeyAndCertificate];

async function chainFile(name: string, pair: KeyAndCertificate): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, pair.key + pair.certificate);
  return file;
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
  const options = { dataDirectory: folder, hostname: 'mx.example.com', log: parts().log, now: clock.now() };
  const file = await ensureSelfSigned(options);
  const text = await readFile(file, 'latin1');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await ensureSelfSigned(options)).toBe(file);
  expect(await readFile(file, 'latin1')).toBe(text);
  expect(log.lines).toEqual([expect.stringContaining('created a self-signed TLS certificate for mx.example.com')]);
});

describe('files', () => {
  test('that change are read again; unusable ones leave the old certificate in force', async () => {
    const certFile = join(folder, 'cert.pem');
    const keyFile = join(folder, 'key.pem');
    let time = 1_700_000_000;
    const install = async (pair: KeyAndCertificate) => {
      await writeFile(certFile, pair.certificate);
      await writeFile(keyFile, pair.key);
      time += 10;
      for (const file of [certFile, keyFile]) await utimes(file, time, time);
    };
    await install(one);
    const chains = await openChains([[keyFile, certFile]], parts());
    const tls = serverTls(chains);
    expect((await shakeHands(tls)).serial).toBe(serialOf(one));

    await install({ key: one.key, certificate: two.certificate });
    await chains.reload();
    expect((await shakeHands(tls)).serial).toBe(serialOf(one));
    expect(log.lines.at(-1)).toContain('warning: cannot load TLS certificate, keeping the previous one');

    await install({ key: two.key, certificate: '-----BEGIN CERTIFICATE-----\nMII' });
    await chains.reload();
    expect((await shakeHands(tls)).serial).toBe(serialOf(one));

    await install(two);
    clock.advance(6_000);
    chains.current();
    for (let turn = 0; turn < 100 && !log.lines.at(-1)?.includes('reloaded'); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await shakeHands(tls)).serial).toBe(serialOf(two));
  });

  test('that cannot be used stop the start and say which', async () => {
    await expect(openChains([[join(folder, 'none.pem')]], parts())).rejects.toThrow('none.pem');
    const file = join(folder, 'half.pem');
    await writeFile(file, one.certificate);
    await expect(openChains([[file]], parts())).rejects.toThrow(`${file}: no private key in PEM form`);
    await writeFile(file, two.key + one.certificate);
    await expect(openChains([[file]], parts())).rejects.toThrow('the private key is not that of the certificate');
  });
});

describe('sessions', () => {
  test('are resumed by ticket, and no longer than they may be', async () => {
    const tls = serverTls(await openChains([[await chainFile('one.pem', one)]], parts()), undefined, {
      maxVersion: 'TLSv1.2',
    });
    const { session } = await shakeHands(tls);
    expect(session).toBeDefined();
    expect((await shakeHands(tls, { session })).isReused).toBe(true);
    clock.advance(3_601_000);
    expect((await shakeHands(tls, { session })).isReused).toBe(false);
  });

  test('are not resumed where that is switched off', async () => {
    const tls = serverTls(await openChains([[await chainFile('one.pem', one)]], parts()), undefined, {
      sessionSeconds: 0,
    });
    const { session } = await shakeHands(tls);
    expect((await shakeHands(tls, { session })).isReused).toBe(false);
  });
});

describe('a name that the client asks for', () => {
  const rows = new Map<string, string>();
  const asked: string[] = [];
  let problems: string[] = [];
  const handshakeLog: HandshakeLog = {
    unmatched: (name) => problems.push(`unmatched ${name}`),
    invalid: (name) => problems.push(`invalid ${name}`),
    failed: (name, problem) => problems.push(`failed ${name} ${problem}`),
  };

  async function namedTls(): Promise<ServerTls> {
    problems = [];
    const names = new NamedChains({
      row: async (key) => {
        asked.push(key);
        if (key === 'trouble.example') throw new Error('the table is away');
        return rows.get(key);
      },
      own: (name) => (name === 'own.example' ? own.current() : undefined),
      hasOwn: () => true,
      ...parts(),
    });
    const own = await openChains([[await chainFile('own.pem', three)]], parts());
    return serverTls(await openChains([[await chainFile('usual.pem', one)]], parts()), names);
  }

  test('gets the certificate of its row: files, or their text in base64', async () => {
    const tls = await namedTls();
    rows.set('files.example', `${await chainFile('files.pem', two)}`);
    rows.set('.parent.example', Buffer.from(three.key + three.certificate).toString('base64'));
    expect((await shakeHands(tls, { servername: 'Files.Example' }, handshakeLog)).serial).toBe(serialOf(two));
    asked.length = 0;
    expect((await shakeHands(tls, { servername: 'a.b.parent.example' }, handshakeLog)).serial).toBe(serialOf(three));
    expect(asked).toEqual(['a.b.parent.example', '.b.parent.example', '.parent.example']);
    expect((await shakeHands(tls, { servername: 'own.example' }, handshakeLog)).serial).toBe(serialOf(three));
    expect(problems).toEqual([]);
  });

  test('gets the usual one where there is no row, and none at all where the row is of no use', async () => {
    const tls = await namedTls();
    rows.set('bad.example', join(folder, 'missing.pem'));
    expect((await shakeHands(tls, { servername: 'other.example' }, handshakeLog)).serial).toBe(serialOf(one));
    expect((await shakeHands(tls, { servername: 'no~host' }, handshakeLog)).serial).toBe(serialOf(one));
    await expect(shakeHands(tls, { servername: 'bad.example' }, handshakeLog)).rejects.toThrow();
    await expect(shakeHands(tls, { servername: 'trouble.example' }, handshakeLog)).rejects.toThrow();
    expect(problems).toEqual([
      'unmatched other.example',
      'invalid no~host',
      expect.stringMatching(/^failed bad\.example .*missing\.pem/),
      'failed trouble.example the table is away',
    ]);
    // It may be there at the next handshake.
    rows.set('bad.example', await chainFile('missing.pem', two));
    expect((await shakeHands(tls, { servername: 'bad.example' }, handshakeLog)).serial).toBe(serialOf(two));
  });
});
