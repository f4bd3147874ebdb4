// Tokens against an authorization server on loopback that says what a test wants: right, wrong, nothing, nonsense.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { FakeClock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { BuiltInSasl } from './built-in-sasl.ts';
import { DirectoryAccounts } from './directory-accounts.ts';
import { DirectoryAuthenticator } from './directory-authenticator.ts';
import { DelayGate } from './login-gate.ts';
import type { SaslStep } from './sasl-server.ts';
import type { TokenCheck, TokenRules } from './token-check.ts';
import { TokenIntrospection } from './token-introspection.ts';
import { DirectoryTokens } from './token-logins.ts';
import { TokenSignature } from './token-signature.ts';

const clock = new FakeClock();
const issuer = 'https://login.example.com';
const anna = 'anna@example.com';
const rules: TokenRules = { issuer, audiences: ['mail'], scopes: ['imap'], loginClaim: 'email' };
const timeoutMilliseconds = 300;

let folder: string;
let directory: Directory;
let server: Server;
let url: string;
let asked = 0;
let respond: (request: IncomingMessage, body: string, response: ServerResponse) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.aliasDomains.add('example.org', 'example.com');
  for (const address of [anna, 'bob@example.com'])
    await directory.mailboxes.add({ address, passwordHash: '{PLAIN}geheim' });
  asked = 0;
  server = createServer((request, response) => {
    asked++;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => respond(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  directory.close();
  rmSync(folder, { recursive: true });
});

function saslWith(check: TokenCheck): BuiltInSasl {
  const accounts = new DirectoryAccounts(directory, clock);
  const gate = new DelayGate(clock, { firstMilliseconds: 0, maxMilliseconds: 0, maxEntries: 100 });
  const details = { scope: 'imap', 'openid-configuration': `${issuer}/.well-known/openid-configuration` };
  const tokens = new DirectoryTokens({ accounts, check, details, cacheMilliseconds: 60_000, clock });
  const authenticator = new DirectoryAuthenticator({ directory, clock, gate });
  return new BuiltInSasl({ authenticator, gate, tokens, hostname: 'mx.example.com' }, ['OAUTHBEARER', 'XOAUTH2']);
}

async function show(sasl: BuiltInSasl, mechanism: string, message: string): Promise<SaslStep> {
  return await sasl.begin({
    mechanism,
    protocol: 'imap',
    service: 'imap',
    serverAddress: '192.0.2.25',
    clientAddress: '192.0.2.1',
    isSecured: true,
    initialResponse: Buffer.from(message).toString('base64'),
  });
}

const oauthBearer = (token: string, login = anna): string =>
  `n,a=${login},\u0001host=mx.example.com\u0001port=993\u0001auth=Bearer ${token}\u0001\u0001`;
const xoauth2 = (token: string, login = anna): string => `user=${login}\u0001auth=Bearer ${token}\u0001\u0001`;

/** What the client is told, and then the end. */
async function refusal(step: SaslStep): Promise<{ told: unknown; reason: string }> {
  if (step.kind !== 'challenge') throw new Error(JSON.stringify(step));
  const told: unknown = JSON.parse(Buffer.from(step.challenge, 'base64').toString());
  const end = await step.answer('AQ==');
  if (end.kind !== 'denied') throw new Error(JSON.stringify(end));
  return { told, reason: end.reason };
}

const welcome = { kind: 'authenticated', login: anna };

describe('introspection', () => {
  const good = { active: true, email: anna, iss: issuer, aud: 'mail', scope: 'openid imap' };
  let sasl: BuiltInSasl;
  beforeEach(() => {
    const clientId = 'posthaste';
    const clientSecret = 'a secret: with signs';
    sasl = saslWith(new TokenIntrospection({ url, clientId, clientSecret, rules, timeoutMilliseconds, clock }));
    respond = (_, body, response) => {
      const token = new URLSearchParams(body).get('token');
      response.end(JSON.stringify(token === 'good' ? good : { active: false }));
    };
  });

  it('asks as RFC 7662 says, and lets in whom the token names', async () => {
    let request: { method?: string | undefined; authorization?: string | undefined; body: string } | undefined;
    const usual = respond;
    respond = (given, body, response) => {
      request = { method: given.method, authorization: given.headers.authorization, body };
      usual(given, body, response);
    };
    expect(await show(sasl, 'OAUTHBEARER', oauthBearer('good'))).toMatchObject(welcome);
    expect(request).toEqual({
      method: 'POST',
      authorization: `Basic ${Buffer.from('posthaste:a%20secret%3A%20with%20signs').toString('base64')}`,
      body: 'token=good&token_type_hint=access_token',
    });
    expect(await show(sasl, 'XOAUTH2', xoauth2('good', 'Anna@example.org'))).toMatchObject(welcome);
    expect(await show(sasl, 'OAUTHBEARER', oauthBearer('good', ''))).toMatchObject(welcome);
    expect(asked).toBe(1);
    clock.advance(60_000);
    expect(await show(sasl, 'XOAUTH2', xoauth2('good'))).toMatchObject(welcome);
    expect(asked).toBe(2);
    await directory.mailboxes.set(anna, { enabled: false });
    expect((await refusal(await show(sasl, 'XOAUTH2', xoauth2('good')))).reason).toBe('disabled');
  });

  it('says what is wrong in the words of each mechanism, and asks once about a token that is bad', async () => {
    expect(await refusal(await show(sasl, 'OAUTHBEARER', oauthBearer('bad')))).toEqual({
      told: {
        status: 'invalid_token',
        scope: 'imap',
        'openid-configuration': 'https://login.example.com/.well-known/openid-configuration',
      },
      reason: 'token is not active',
    });
    expect((await refusal(await show(sasl, 'XOAUTH2', xoauth2('bad')))).told).toEqual({
      status: '401',
      schemes: 'bearer',
      scope: 'imap',
    });
    expect(asked).toBe(1);
    expect((await refusal(await show(sasl, 'XOAUTH2', xoauth2('good', 'bob@example.com')))).reason).toBe(
      'the token is of somebody else',
    );
  });

  it.each([
    [{ iss: 'https://evil.example' }, 'token of another issuer'],
    [{ aud: 'shop' }, 'token is not for us (audience)'],
    [{ scope: 'openid' }, 'token lacks the scope imap'],
    [{ email: undefined }, 'token does not say email'],
    [{ email_verified: false }, 'address is not verified'],
    [{ exp: 5 }, 'token has expired'],
    [{ email: 'nobody@example.com' }, 'the token is of somebody who has no mailbox here'],
  ])('refuses %j', async (change, reason) => {
    respond = (_, _body, response) => void response.end(JSON.stringify({ ...good, ...change }));
    expect((await refusal(await show(sasl, 'XOAUTH2', xoauth2('good')))).reason).toBe(reason);
  });

  const answers: Record<string, (response: ServerResponse) => void> = {
    'is silent': () => undefined,
    'hangs up': (response) => response.destroy(),
    'is broken': (response) => void response.writeHead(500).end('oops'),
    'does not know us': (response) => void response.writeHead(401).end('{"active":true}'),
    'talks nonsense': (response) => void response.end('<html>'),
    'says nothing': (response) => void response.end('{}'),
    'sends us elsewhere': (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    'talks without end': (response) => void response.end(`{"active":true,"x":"${'x'.repeat(400_000)}"}`),
    'never ends': (response) => {
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    },
  };
  it.each(Object.keys(answers))('cannot tell where the server %s', async (what) => {
    respond = (_, _body, response) => answers[what]?.(response);
    await expect(show(sasl, 'XOAUTH2', xoauth2('good'))).rejects.toThrow(TemporaryError);
  });
});

describe('signatures', () => {
  it('lets in by a token of the issuer, and refuses every other', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const other = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    respond = (_, _body, response) => void response.end(JSON.stringify({ keys: [jwk] }));
    const check = new TokenSignature({ url, rules, timeoutMilliseconds, clock });
    const sasl = saslWith(check);
    const sign = (change: object = {}, key = privateKey, kid = 'k1'): Promise<string> =>
      new SignJWT({ email: anna, scope: 'imap', iss: issuer, aud: 'mail', exp: clock.now() / 1000 + 60, ...change })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(key);
    expect(await show(sasl, 'OAUTHBEARER', oauthBearer(await sign()))).toMatchObject(welcome);
    expect(await show(sasl, 'XOAUTH2', xoauth2(await sign({ aud: ['x', 'mail'] })))).toMatchObject(welcome);
    expect(asked).toBe(1);
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ email: anna })).toString('base64url')}.`;
    const hmac = await new SignJWT({ email: anna })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(Buffer.alloc(32));
    for (const [token, reason] of [
      [await sign({ exp: clock.now() / 1000 - 31 }), 'expired'],
      [await sign({ aud: 'shop' }), 'not for us'],
      [await sign({ iss: 'https://evil.example' }), 'not for us'],
      [await sign({ exp: undefined }), 'not for us'],
      [await sign({}, other.privateKey), 'signature of the token is wrong'],
      [await sign({}, other.privateKey, 'k2'), 'a key that the issuer does not have'],
      [hmac, 'not allowed'],
      [unsigned, 'not allowed'],
      ['no.token.atall', 'no signed token'],
      ['nonsense', 'no signed token'],
    ] as const) {
      expect((await refusal(await show(sasl, 'XOAUTH2', xoauth2(token)))).reason, reason).toContain(reason);
    }
  });

  it.each(['<html>', '{}', '{"keys":7}'])('cannot tell where the keys are %j', async (keys) => {
    respond = (_, _body, response) => void response.end(keys);
    const { privateKey } = await generateKeyPair('ES256');
    const token = await new SignJWT({ email: anna }).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
    const sasl = saslWith(new TokenSignature({ url, rules, timeoutMilliseconds, clock }));
    await expect(show(sasl, 'XOAUTH2', xoauth2(token))).rejects.toThrow(TemporaryError);
    server.close();
    server.closeAllConnections();
    await expect(show(sasl, 'XOAUTH2', xoauth2(token))).rejects.toThrow(TemporaryError);
  });
});

it('understands nothing but its own words', async () => {
  respond = (_, _body, response) => void response.end('{"active":true}');
  const options = { url, clientId: '', clientSecret: '', rules, timeoutMilliseconds, clock };
  const sasl = saslWith(new TokenIntrospection(options));
  for (const message of [
    '',
    'n,,',
    `n,a=${anna},\u0001auth=Bearer x`,
    `n,a=${anna},\u0001auth=Basic eDp5\u0001\u0001`,
    `n,a=${anna},\u0001\u0001`,
    `n,a=${anna},\u0001auth=Bearer a b\u0001\u0001`,
    `p=tls-unique,a=${anna},\u0001auth=Bearer x\u0001\u0001`,
    `user=\u0001auth=Bearer x\u0001\u0001`,
    `user=a\0b\u0001auth=Bearer x\u0001\u0001`,
    `user=${anna}\u0001auth=Bearer \u0001\u0001`,
  ]) {
    for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
      expect(await show(sasl, mechanism, message), message).toMatchObject({ kind: 'denied', flaw: 'syntax' });
    }
  }
  expect(asked).toBe(0);
});
