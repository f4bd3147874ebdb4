// What the host's administrator rules: administrators, tokens, webhooks, lock-outs, settings; each with what comes of it on
// the server, and what is refused.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { expectAccessible, PageServer, password } from './browser.ts';

let server: PageServer;
let page: Page;
let hook: Server;
let main: string;
const heard: string[] = [];
const evil = '<img src=x onerror=alert(1)>';

beforeAll(async () => {
  server = await PageServer.start({
    posthaste_webhook_private_addresses: 'yes',
    posthaste_auth_account_limit: '3',
    smtpd_bannerr: evil,
  });
  const { directory, folder } = server.api;
  for (const domain of ['example.com', 'example.org']) await directory.domains.add(domain);
  main = join(folder, 'main.cf');
  writeFileSync(
    main,
    `${readFileSync(main, 'utf8')}# What is said first:\nsmtpd_banner = $myhostname ESMTP first\n# The end.\n`,
  );
  await server.addAdministrator('dora', ['example.com']);
  await directory.administrators.set('dora', { name: evil });
  hook = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => heard.push(text));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  page = await server.openAs('anna', '/administrators');
});
afterAll(async () => {
  hook.close();
  await server.close();
});

const drawer = () => page.getByRole('dialog');

async function greeting(): Promise<string> {
  const socket = connect(server.api.smtpPort, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

describe('an administrator', () => {
  test('is made with a domain, logs in with the password shown once, and loses the domain at once', async () => {
    await page.getByRole('button', { name: 'Add an administrator' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Login').fill('bert');
    const domains = form.locator('input[aria-haspopup=listbox]');
    await domains.fill('example.c');
    await page.getByRole('option', { name: 'example.com' }).click();
    await form.getByText(/rights to send of example\.com/).waitFor();
    await domains.press('Escape');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByText('bert may log in').waitFor();
    const secret = (await form.locator('.mono').textContent()) ?? '';
    await page.keyboard.press('Escape');
    await form.getByRole('button', { name: 'Done' }).click();
    expect(await server.api.directory.administrators.show('bert')).toMatchObject({ domains: ['example.com'] });

    const bert = await server.open('/domains/example.com');
    await bert.getByLabel('Login or address').fill('bert');
    await bert.locator('input[type=password]').fill(secret);
    await bert.getByRole('button', { name: 'Log in' }).click();
    await bert.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    await bert.locator('input[autocomplete=current-password]').fill(secret);
    await bert.locator('input[autocomplete=new-password]').first().fill('his own long words');
    await bert.locator('input[autocomplete=new-password]').last().fill('his own long words');
    await bert.getByRole('button', { name: 'Change the password' }).click();
    await bert.getByRole('heading', { name: 'example.com', level: 1 }).waitFor();
    expect((await bert.request.get('/api/v1/domains/example.org')).status()).toBe(404);
    expect((await bert.request.get('/api/v1/settings')).status()).toBe(403);

    await page.goto('/administrators?open=bert');
    await drawer()
      .getByText(/From 127\.0\.0\.1/)
      .waitFor();
    await drawer().locator('input[aria-haspopup=listbox]').press('Backspace');
    await drawer().getByText('No longer, from the very next click: example.com.').waitFor();
    await drawer().getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved').first().waitFor();
    expect((await bert.request.get('/api/v1/domains/example.com')).status()).toBe(404);
    await bert.reload();
    await bert
      .getByText(/no such object here|not there|not hosted here|not yours/i)
      .first()
      .waitFor();
    await bert.context().close();
  });

  test('gets a new password, which is not lost by a slip', async () => {
    await page.goto('/administrators?open=dora');
    await drawer().getByRole('button', { name: 'Make a new password' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make a new one' }).click();
    await drawer().getByText('A new password', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.mouse.click(5, 5);
    await drawer().getByRole('button', { name: 'Done' }).click();
    await drawer().getByText('A new password', { exact: true }).waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await drawer().waitFor({ state: 'hidden' });
    await server.api.directory.administrators.set('dora', {
      passwordHash: await hashPassword(password),
      mustChange: false,
    });
  });

  test('is shown with the last login, and a stranger text is text', async () => {
    await page.goto('/administrators');
    const grid = page.getByRole('grid', { name: 'Administrators' });
    await grid.getByRole('row', { name: /bert.*nothing/ }).waitFor();
    expect(await grid.getByRole('row', { name: /^anna/ }).textContent()).not.toContain('never');
    await grid.getByText(evil).waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });

  test('stands in a table whose heads are whole, in German and on a narrow screen too', async () => {
    await page.evaluate("localStorage.setItem('posthaste.language', 'de')");
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await page.goto('/administrators');
      const heads = page.getByRole('columnheader');
      await heads.filter({ hasText: 'Anmeldename' }).waitFor();
      const cut = await heads.evaluateAll((all) =>
        all
          .filter((one) => {
            const { top, bottom } = one.getBoundingClientRect();
            const row = one.parentElement?.getBoundingClientRect();
            const isOut = row !== undefined && (top < row.top || bottom > row.bottom);
            return isOut || one.scrollWidth > one.clientWidth;
          })
          .map((one) => one.textContent),
      );
      expect([width, cut]).toEqual([width, []]);
      const { hidden } = await page.getByRole('grid').evaluate(({ scrollHeight, clientHeight }) => {
        return { hidden: scrollHeight - clientHeight };
      });
      expect([width, hidden]).toEqual([width, 0]);
    }
    await page.evaluate("localStorage.removeItem('posthaste.language')");
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  test('is out when the sessions are ended; the last of the host cannot be removed', async () => {
    const dora = await server.openAs('dora', '/domains');
    await page.goto('/administrators?open=dora');
    await drawer().getByRole('button', { name: 'End all sessions' }).click();
    await drawer().getByText('No browser is logged in now.').waitFor();
    expect((await dora.request.get('/api/v1/domains')).status()).toBe(401);
    await dora.context().close();
    await page.goto('/administrators?open=anna');
    await drawer().getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('dialog', { name: 'Remove anna?' }).getByRole('button', { name: 'Remove' }).click();
    await page.getByText(/is the last administrator of the host/).waitFor();
  });
});

describe('what programs have', () => {
  test('a token that is removed opens nothing any more', async () => {
    const token = await server.api.token('dora', ['domain:read']);
    expect((await server.api.ask('GET', '/domains', { token })).status).toBe(200);
    await page.goto('/administrators?tab=tokens');
    await page.getByRole('button', { name: /Remove the token .* of dora/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Nobody has a token').waitFor();
    expect((await server.api.ask('GET', '/domains', { token })).status).toBe(401);
  });

  test('a webhook is added, tested, and told of a change', async () => {
    await page.goto('/administrators?tab=webhooks');
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('What it is for').fill('billing');
    await form.getByLabel('Address').fill('ftp://nowhere');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByText(/a webhook is an https/).waitFor();
    await form.getByLabel('Address').fill(`http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`);
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByText(/phw_/).waitFor();
    await form.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test has arrived.').waitFor();
    expect(heard.join('')).toContain('webhook.test');
    await server.api.directory.mailboxes.add({ address: 'info@example.com', passwordHash: '{PLAIN}right' });
    await expect.poll(() => heard.join(''), { timeout: 15_000 }).toContain('mailbox.add');
  });
});

describe('who is locked out', () => {
  test('is shown with the reason, and let in again; a domain administrator sees his own', async () => {
    for (const account of ['info@example.com', 'ceo@example.org']) {
      for (const secret of ['a', 'b', 'c', 'd']) {
        await server.api.ask('POST', '/session', { body: { login: account, password: secret } });
      }
    }
    const dora = await server.openAs('dora', '/defence');
    await dora.getByText('info@example.com').waitFor();
    expect(await dora.getByText('ceo@example.org').count()).toBe(0);
    expect(await dora.getByRole('tab', { name: 'Protection' }).count()).toBe(0);
    await dora.getByRole('tab', { name: 'Failed logins' }).click();
    await dora.getByRole('row', { name: /info@example\.com/ }).waitFor();
    expect(await dora.getByText('ceo@example.org').count()).toBe(0);
    await dora.context().close();
    await page.goto('/defence');
    await page.getByText('ceo@example.org').waitFor();
    await page.getByRole('button', { name: 'Lift the lock-out of info@example.com' }).click();
    await page.getByText('info@example.com may log in again').waitFor();
    const body = { login: 'info@example.com', password: 'right' };
    expect((await server.api.ask('POST', '/session', { body })).status).toBe(200);
  });
});

describe('a setting', () => {
  test('is found, changed and undone by the keyboard alone, and counts at once', async () => {
    await page.goto('/settings');
    await page.getByLabel('Find a parameter').focus();
    await page.keyboard.type('greeting smtpd_banner');
    const grid = page.getByRole('grid', { name: 'Parameters' });
    // The first that is found, under the heading, and no longer one of those that stood there.
    await expect
      .poll(async () => (await grid.getByRole('row').allInnerTexts())[1], { timeout: 15_000 })
      .toMatch(/^smtpd_banner\b/);
    await grid.focus();
    await page.keyboard.press('Enter');
    const value = drawer().getByLabel('Value');
    await value.waitFor();
    for (let presses = 0; presses < 10 && !(await value.evaluate((one) => one.matches(':focus'))); presses++) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Control+A');
    await page.keyboard.type('$myhostname ESMTP second');
    await page.keyboard.press('Enter');
    await drawer().getByText('Changed, and in force').waitFor();
    expect(readFileSync(main, 'utf8')).toContain(
      '# What is said first:\nsmtpd_banner = $myhostname ESMTP second\n# The end.\n',
    );
    expect(await greeting()).toContain('ESMTP second');
    await drawer().getByRole('button', { name: 'Undo' }).press('Enter');
    await page.getByText('Undone').waitFor();
    expect(await greeting()).toContain('ESMTP first');
    await page.keyboard.press('Escape');
    await drawer().waitFor({ state: 'hidden' });
  });

  test('that counts after a restart says so, in the language of who reads it', async () => {
    await page.evaluate("localStorage.setItem('posthaste.language', 'de')");
    await page.goto('/settings?name=message_size_limit');
    await drawer().getByLabel('Wert').fill('20000000');
    await drawer().getByRole('button', { name: 'Ändern' }).click();
    const waits = page.getByText('message_size_limit wurde geändert: Das erfordert einen Neustart');
    await expect.poll(() => waits.count()).toBe(2);
    await drawer().getByRole('button', { name: 'Rückgängig machen' }).click();
    await expect.poll(() => waits.count()).toBe(0);
    await page.evaluate("localStorage.removeItem('posthaste.language')");
  });

  test('of the wrong kind, or one that breaks something, is refused with the reason', async () => {
    await page.goto('/settings?name=message_size_limit');
    await drawer().getByLabel('Value').fill('big');
    await drawer().getByRole('button', { name: 'Change it' }).click();
    await drawer()
      .getByText(/must be a whole number/)
      .waitFor();
    await page.goto('/settings?name=smtpd_relay_restrictions');
    await drawer().getByLabel('Value').fill('permit');
    await drawer().getByRole('button', { name: 'Change it' }).click();
    await drawer()
      .getByText(/anybody could relay mail/)
      .waitFor();
    expect(readFileSync(main, 'utf8')).not.toContain('smtpd_relay_restrictions');
  });

  test('that could give the machine away is not offered, with the command for there', async () => {
    await page.goto('/settings?name=mailbox_command');
    await drawer().getByText('Changed on the machine only').waitFor();
    await drawer()
      .getByText(/posthaste postconf -e 'mailbox_command/)
      .waitFor();
    expect(await drawer().getByRole('button', { name: 'Change it' }).count()).toBe(0);
  });

  test('has what lint says of it beside it', async () => {
    await page.goto('/settings?only=findings');
    await page.getByRole('row', { name: /smtpd_bannerr/ }).click();
    await drawer()
      .getByText(/did you mean smtpd_banner/)
      .waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });
});

const views = [
  '/administrators',
  '/administrators?open=dora',
  '/administrators?tab=tokens',
  '/administrators?tab=webhooks',
  '/defence',
  '/defence?tab=alarms',
  '/defence?tab=failures',
  '/defence?tab=protection',
  '/settings',
  '/settings?name=mailbox_command',
  '/settings?tab=findings',
  '/settings?tab=services',
  '/settings?tab=certificates',
  '/settings?tab=status',
];

describe('every view', () => {
  test.each(views)('%s violates nothing of accessibility, light and dark, wide and narrow', async (path) => {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle');
    await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count(), { timeout: 15_000 }).toBe(0);
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    // Colours change over a moment.
    await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });
});
