// The API by HTTPS, and what plain HTTP answers beyond loopback: the way there, and nothing else.

import { request as askPlain, type IncomingMessage } from 'node:http';
import { request as askSecure } from 'node:https';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';
import { ApiServer } from './api-server.ts';

/** An address of this machine that is no loopback's. */
const outer = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

interface Got {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

interface Asked {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** HTTPS, with this authority. */
  readonly ca?: string;
  readonly servername?: string;
}

async function ask({ ca, ...options }: Asked): Promise<Got> {
  return await new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    };
    const asked = ca === undefined ? askPlain(options, answered) : askSecure({ ...options, ca }, answered);
    asked.on('error', reject);
    asked.end();
  });
}

// Needs openssl, and a machine with a network.
describe.skipIf(!hasOpenssl || outer === undefined)('beyond loopback', () => {
  let api: ApiServer;
  let certificates: Certificates;
  let token: string;
  let [plain, secure] = [0, 0];
  const host = outer ?? '';

  beforeAll(async () => {
    certificates = new Certificates();
    [plain = 0, secure = 0] = await findFreePorts(2);
    api = await ApiServer.start({
      posthaste_http_listen: `127.0.0.1:${plain}, ${host}:${plain}`,
      posthaste_https_listen: `127.0.0.1:${secure}, ${host}:${secure}`,
      smtpd_tls_chain_files: certificates.path('good'),
    });
    await api.directory.administrators.add({ login: 'anna', role: 'host' });
    token = await api.token('anna');
  });
  afterAll(async () => {
    await api.close();
    certificates.remove();
  });

  const path = '/api/v1/domains';
  const authorization = () => ({ authorization: `Bearer ${token}` });

  test('plain HTTP leads to HTTPS and does nothing, whoever asks', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const got = await ask({ host, port: plain, path: `${path}?limit=1`, method, headers: authorization() });
      expect(got).toMatchObject({ status: 308, text: '' });
      expect(got.headers).toMatchObject({ location: `https://${host}:${secure}${path}?limit=1`, connection: 'close' });
    }
    // The name that it was asked by stays, its port does not; what is no name, or leads elsewhere, is not repeated.
    const named = await ask({ host, port: plain, path: '/', headers: { host: 'mail.example.com:8080' } });
    expect(named.headers.location).toBe(`https://mail.example.com:${secure}/`);
    for (const bad of [{ headers: { host: 'a@evil.test' } }, { path: '//evil.test/' }]) {
      expect(await ask({ host, port: plain, path: '/', ...bad })).toMatchObject({ status: 403 });
    }
  });

  test('plain HTTP on loopback answers, by the names that lead there alone', async () => {
    const asked = { host: '127.0.0.1', port: plain, path, headers: authorization() };
    expect(await ask(asked)).toMatchObject({ status: 200 });
    const rebound = await ask({ ...asked, headers: { ...authorization(), host: 'evil.test' } });
    expect(rebound).toMatchObject({ status: 403 });
    expect(rebound.text).toContain('localhost only');
  });

  test('HTTPS answers everywhere, with the certificate of the settings', async () => {
    const ca = certificates.pem('ca');
    const local = { host: 'localhost', port: secure, path, ca };
    expect(await ask({ ...local, headers: authorization() })).toMatchObject({ status: 200 });
    expect(await ask(local)).toMatchObject({ status: 401 });
    const beyond = await ask({
      ...local,
      host,
      headers: { ...authorization(), host: 'localhost' },
      servername: 'localhost',
    });
    expect(beyond).toMatchObject({ status: 200 });
    expect(beyond.headers).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    await expect(ask({ ...local, ca: certificates.pem('alone') })).rejects.toThrow(/certificate/);
  });

  test('a cookie of HTTPS is bound to the host, and sent by HTTPS alone', async () => {
    await api.directory.administrators.set('anna', {
      passwordHash: '{PLAIN}secret',
      keepsKeys: true,
      mustChange: false,
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const body = JSON.stringify({ login: 'anna', password: 'secret' });
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const options = { host: 'localhost', port: secure, path: '/api/v1/session', method: 'POST', headers };
      askSecure({ ...options, ca: certificates.pem('ca') }, resolve)
        .on('error', reject)
        .end(body);
    });
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(response.headers['set-cookie']?.[0]).toMatch(
      /^__Host-posthaste=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
  });

  test('who says nothing in the handshake, or nonsense, stops nobody else', async () => {
    const nonsense = await ask({ host: '127.0.0.1', port: secure, path }).catch((error: Error) => error);
    expect(nonsense).toBeInstanceOf(Error);
    const local = { host: 'localhost', port: secure, path, ca: certificates.pem('ca'), headers: authorization() };
    expect(await ask(local)).toMatchObject({ status: 200 });
  });
});
