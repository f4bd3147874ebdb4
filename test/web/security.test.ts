// What a hostile page, a hostile message and a hostile user try with the administration's page. Chromium is the judge: the
// attacks are made as a browser makes them, from a site of another origin on the same machine (for cookies the same site, so
// that SameSite alone protects from nothing here).

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { PageServer, password } from './browser.ts';

/** Shown as markup it would fetch and run; a page that shows it as text does neither. */
const planted = '<img src="/planted" onerror="globalThis.wasHit=1">';

let server: PageServer;
let evil: HttpServer;
let evilOrigin: string;

beforeAll(async () => {
  server = await PageServer.start();
  await server.api.directory.domains.add('example.com');
  await server.api.directory.domains.add('other.test');
  await server.addAdministrator('bert', ['example.com']);
  evil = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    const frame = `<iframe src="${server.api.origin}/" id="framed"></iframe>`;
    response.end(`<!doctype html><title>evil</title>${request.url === '/frame' ? frame : ''}<body></body>`);
  });
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
  evilOrigin = `http://localhost:${(evil.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await server.close();
  evil.close();
});

describe('a page of another site', () => {
  test('cannot frame ours', async () => {
    const page = await server.openAs('anna');
    const head = await server.api.ask('GET', '/../..', { headers: { accept: 'text/html' } });
    expect(head.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(head.headers.get('x-frame-options')).not.toBeNull();
    await page.goto(`${evilOrigin}/frame`);
    const frame = page.frames().find((one) => one !== page.mainFrame());
    await frame?.waitForLoadState().catch(() => undefined);
    expect(frame?.url().startsWith('chrome-error:') || (await frame?.locator('#root').count()) === 0).toBe(true);
    await page.context().close();
    server.forgive(/frame-ancestors|Framing/);
  });

  test('changes nothing with the cookie of somebody who is logged in, and reads nothing', async () => {
    const page = await server.openAs('anna');
    await page.goto(`${evilOrigin}/`);
    const target = `${server.api.origin}/api/v1`;
    const tried = await page.evaluate(async (api) => {
      const outcomes: string[] = [];
      const attempt = async (path: string, init: RequestInit) => {
        const answer = await fetch(`${api}${path}`, { credentials: 'include', ...init }).catch(() => undefined);
        outcomes.push(answer === undefined ? 'blocked' : answer.type);
      };
      const body = JSON.stringify({ name: 'csrf.test' });
      await attempt('/domains', { method: 'POST', mode: 'no-cors', body });
      await attempt('/domains', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      await attempt('/domains/other.test', { method: 'DELETE' });
      await attempt('/account', {});
      return outcomes;
    }, target);
    expect(tried).toEqual(['blocked', 'blocked', 'blocked', 'blocked']);
    expect(await server.api.directory.domains.show('csrf.test')).toBeUndefined();
    expect(await server.api.directory.domains.show('other.test')).toBeDefined();
    await page.setContent(
      `<form method="post" action="${target}/domains" enctype="text/plain"><input name='{"name":"csrf.test","x":"' value='"}'></form>`,
    );
    await page.evaluate("document.querySelector('form').submit()");
    await page.waitForURL(/domains$/);
    expect(await page.locator('body').textContent()).toMatch(/another site|not taken|Not JSON/);
    expect(await server.api.directory.domains.show('csrf.test')).toBeUndefined();
    await page.context().close();
    server.forgive(/CORS|ERR_FAILED|NotSameOrigin/);
  });

  test('cannot log somebody in', async () => {
    const page = await server.open('/');
    await page.goto(`${evilOrigin}/`);
    await page.evaluate(
      async ([api, secret]) => {
        await fetch(`${api}/api/v1/session`, {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          body: JSON.stringify({ login: 'bert', password: secret }),
        }).catch(() => undefined);
      },
      [server.api.origin, password] as const,
    );
    expect(await page.context().cookies(server.api.origin)).toEqual([]);
    await page.context().close();
    server.forgive(/NotSameOrigin/);
  });
});

describe('a session', () => {
  test('that somebody planted beforehand is not the one that a login gives', async () => {
    const page = await server.open('/');
    const name = 'posthaste-session';
    const value = 'phs_planted-before-the-login-000000000000000000';
    await page.context().addCookies([{ name, value, url: server.api.origin }]);
    await page.reload();
    await page.getByLabel('Login or address').fill('anna');
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('navigation').first().waitFor();
    const cookies = (await page.context().cookies(server.api.origin)).filter((one) => one.name === name);
    expect(cookies).toHaveLength(1);
    expect(cookies[0]?.value).not.toBe(value);
    expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    const planter = await server.api.ask('GET', '/account', { headers: { cookie: `${name}=${value}` } });
    expect(planter.status).toBe(401);
    await page.context().close();
  });

  test('is told by no script, and by no address', async () => {
    const page = await server.openAs('anna', '/domains');
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).not.toContain('phs_');
    expect(page.url()).not.toContain('phs_');
    await page.context().close();
  });
});

describe('what strangers and users have written', () => {
  test('is text in every view', { timeout: 240_000 }, async () => {
    const { directory, smtpPort } = server.api;
    await directory.mailboxes.add({ address: 'anna@example.com', name: planted, passwordHash: '{PLAIN}x' });
    await directory.mailboxes.set('anna@example.com', {
      vacation: { subject: planted, text: planted, days: 7 },
    });
    await directory.aliases.add('info@example.com', ['anna@example.com']);
    await directory.administrators.add({ login: 'mallory', name: planted, role: 'domain', domains: ['example.com'] });
    const token = await server.api.token('anna');
    const put = async (method: string, path: string, body: unknown) => {
      const { status, text } = await server.api.ask(method, path, { token, body });
      expect(status, text).toBeLessThan(300);
    };
    await put('POST', '/tokens', { name: planted, scopes: ['*:read'] });
    await put('POST', '/access-rules', {
      stage: 'sender',
      pattern: 'bad.test',
      action: 'REJECT <b>no</b>',
      note: planted,
    });
    await put('PATCH', '/domains/example.com', { maintenance: '' });
    await put('POST', '/mailboxes/anna@example.com/app-passwords', { name: planted });
    await sendPlanted(smtpPort);
    const page = await server.openAs('anna');
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
    for (const path of everyView) {
      await page.goto(path);
      await settled(page);
      expect(await page.evaluate(() => (globalThis as { wasHit?: number }).wasHit), path).toBeUndefined();
      expect(await page.locator('img[src*=planted], #root b:text-is("no")').count(), path).toBe(0);
    }
    expect(fetched).not.toContain('/planted');
    await page.context().close();
  });
});

const everyView = [
  '/',
  '/domains',
  '/domains/example.com',
  '/domains/example.com?tab=aliases',
  '/domains/example.com?tab=map',
  '/domains/example.com?tab=settings',
  '/explain?address=anna%40example.com',
  `/explain?address=${encodeURIComponent(planted)}`,
  '/queue',
  '/trace?text=anna%40example.com',
  `/trace?text=${encodeURIComponent(planted)}`,
  '/history',
  '/defence',
  '/administrators',
  '/administrators?tab=tokens',
  '/settings',
  '/account',
  `/domains?search=${encodeURIComponent(planted)}`,
];

async function sendPlanted(port: number): Promise<void> {
  const client = await SmtpConnection.open(port);
  const message = `Subject: ${planted}\r\nFrom: ${planted} <x@sender.test>\r\nMessage-ID: <x@sender.test>\r\n\r\n${planted}\r\n.`;
  const lines = [
    'EHLO [127.0.0.1]',
    'MAIL FROM:<"<b>no</b>"@sender.test>',
    'RCPT TO:<anna@example.com>',
    'DATA',
    message,
  ];
  for (const line of lines) expect((await client.command(line)).code, line).toBeLessThan(400);
  await client.quit();
}

/** What it shows is there, and nothing is being fetched any more. */
async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label=Loading]') === null);
}
