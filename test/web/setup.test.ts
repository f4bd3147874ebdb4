// The first start in a browser: the link, each step, wrong inputs, a reload in the middle, and a test message that arrives.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSetupToken } from '../../src/admin/setup-token.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { expectAccessible, PageServer, password } from './browser.ts';
import { pressButton, tabTo, typeInto } from './keyboard.ts';

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 1 });

/** Light and narrow, dark and wide. */
async function expectAccessibleStep(page: Page): Promise<void> {
  const before = page.viewportSize() ?? { width: 1280, height: 860 };
  await page.setViewportSize({ width: 360, height: 800 });
  await expectAccessible(page);
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect(overflow, 'scrolls sideways').toBeLessThanOrEqual(0);
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('html[data-mantine-color-scheme=dark]').waitFor();
  // Colours that fade have no contrast on the way.
  await page.evaluate('Promise.all(document.getAnimations().map((one) => one.finished))');
  await expectAccessible(page);
  await page.emulateMedia({ colorScheme: 'light' });
}

describe('a host that nobody administers yet', () => {
  let server: PageServer;
  let imapPort: number;
  let token: string | undefined;
  beforeAll(async () => {
    [imapPort = 0] = await findFreePorts(1);
    server = await PageServer.startFresh({ posthaste_imap_listen: `127.0.0.1:${imapPort}`, myhostname: '' });
  });
  afterAll(async () => {
    await server.close();
  });

  test('leads every stranger to its setup, without the link; owners of mailboxes can log in', async () => {
    for (const path of ['/', '/domains', '/forgotten']) {
      const page = await server.open(path);
      await heading(page, 'This server is not set up yet').waitFor();
      await page.getByText(`bin/posthaste -c ${server.api.folder} setup-link`, { exact: true }).waitFor();
      expect(await page.getByRole('textbox').count()).toBe(0);
      await expectAccessibleStep(page);
      await page.getByRole('button', { name: 'I have a mailbox here' }).click();
      await page.getByLabel(/^(Login or address|Address of the mailbox)/).waitFor();
      await page.context().close();
    }
  });

  test('shows how to get a link to whoever has none, or one that is not good', async () => {
    const page = await server.open('/setup');
    await heading(page, 'This page needs its link').waitFor();
    await page.getByText(`bin/posthaste -c ${server.api.folder} setup-link`, { exact: true }).waitFor();
    await expectAccessibleStep(page);
    const old = await makeSetupToken(server.api.directory, systemClock);
    token = await makeSetupToken(server.api.directory, systemClock);
    for (const wrong of ['phi_guess', old]) {
      await page.goto('about:blank');
      await page.goto(`/setup#${wrong}`);
      await heading(page, 'This link is not good').waitFor();
    }
    await page.context().close();
  });

  test('tells what is wrong with the administrator, and makes none', async () => {
    const page = await server.open(`/setup#${token}`);
    await page.getByLabel('Login').fill('jörg');
    await page.getByLabel('With a password').check();
    await page
      .getByLabel(/^Password/)
      .first()
      .fill('password');
    await page.getByText('Too short: at least 12 characters').waitFor();
    await page.getByRole('button', { name: 'Make the administrator' }).click();
    await page.getByText('The letters a to z, digits and . _ @ + - make up a login').waitFor();
    await page.getByText('At least 12 characters', { exact: true }).waitFor();
    await page.getByText('The two are not the same').waitFor();
    await page
      .getByLabel(/^Password/)
      .first()
      .fill('passwordpassword');
    await page.getByText('Weak: easy to guess').waitFor();
    await page
      .getByLabel(/^Password/)
      .first()
      .fill(password);
    await page.getByText('Strong').waitFor();
    expect(server.api.directory.lookups.identities.hasHost()).toBe(false);
    await page.context().close();
  });

  test('is set up with the keyboard alone, and every step is accessible', async () => {
    const page = await server.open(`/setup#${token}`);
    const taken: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 409) taken.push(response.url());
    });
    await administratorByKeyboard(page);
    expect(new URL(page.url()).hash).toBe('');
    await codesByKeyboard(page);
    await hostByKeyboard(page);
    await domainByKeyboard(page);
    const id = await testByKeyboard(page);
    expect(taken, 'asked for what is there').toEqual([]);

    const imap = await ImapConnection.open({ port: imapPort });
    await imap.ok(`LOGIN anna@example.com "${password}"`);
    await imap.ok('SELECT INBOX');
    const { untagged } = await imap.ok('FETCH 1 BODY[HEADER]');
    expect(untagged.flatMap(({ literals }) => literals.map(String)).join('')).toContain(`id ${id};`);
    await imap.command('LOGOUT');
    const { lookups } = server.api.directory;
    expect(lookups.mailboxByAddress('postmaster@example.com')).toBeUndefined();
    const alias = await server.api.directory.aliases.show('abuse@example.com');
    expect(alias?.targets).toEqual(['anna@example.com']);
    await pressLink(page, 'To the overview');
    await page.getByRole('navigation').waitFor();
    await page.context().close();
  });

  async function administratorByKeyboard(page: Page): Promise<void> {
    await heading(page, 'Who administers this host?').waitFor();
    await expectAccessibleStep(page);
    await typeInto(page, page.getByLabel('Name'), 'Anna Example');
    await typeInto(page, page.getByLabel('Login'), 'Anna');
    await tabTo(page, page.getByLabel('With a passkey'));
    await page.keyboard.press('ArrowDown');
    await typeInto(page, page.getByLabel(/^Password/).first(), password);
    await typeInto(page, page.getByLabel('Password again'), password);
    await expectAccessibleStep(page);
    await page.keyboard.press('Enter');
    await heading(page, 'A second lock').waitFor();
  }

  async function codesByKeyboard(page: Page): Promise<void> {
    const secret = ((await page.locator('.mono').first().textContent()) ?? '').replaceAll(' ', '');
    await page.getByRole('img', { name: 'QR code for the app' }).waitFor();
    await expectAccessibleStep(page);
    await typeInto(page, page.getByLabel('The code that the app shows now'), '000000');
    await page.keyboard.press('Enter');
    await page.getByText('this code is not good').waitFor();
    await typeInto(page, page.getByLabel('The code that the app shows now'), generateSync({ secret }));
    await page.keyboard.press('Enter');
    await page.getByText('Keep these recovery codes').waitFor();
    expect(await page.locator('main li.mono').count()).toBe(10);
    await expectAccessibleStep(page);
    const download = page.waitForEvent('download');
    await pressButton(page, 'Download');
    expect(readFileSync(await (await download).path(), 'utf8').match(/^[a-z2-9-]{14}$/gm)).toHaveLength(10);
    await tabTo(page, page.getByLabel('I have kept them'));
    await page.keyboard.press('Space');
    await pressButton(page, 'Continue');
  }

  async function hostByKeyboard(page: Page): Promise<void> {
    const name = page.getByLabel('Host name');
    await heading(page, 'What is this host called?').waitFor();
    // Whoever goes away and comes back goes on here.
    await page.reload();
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    await expectAccessibleStep(page);
    await typeInto(page, name, 'not a name');
    await page.keyboard.press('Enter');
    await page.getByText('a host name is written as mail.example.com').waitFor();
    await typeInto(page, name, 'mail.example.com');
    await page.keyboard.press('Enter');
    await page.getByText('myhostname has changed: that needs a restart').waitFor();
    expect(readFileSync(join(server.api.folder, 'main.cf'), 'utf8')).toContain('\nmyhostname = mail.example.com\n');
    await page.getByText('mail.example.com is a complete public name').waitFor();
    await expectAccessibleStep(page);
    await page.evaluate("localStorage.setItem('posthaste.language', 'de')");
    await page.goto('/setup?step=host');
    await page.getByText('myhostname wurde geändert: Das erfordert einen Neustart').waitFor();
    await page.evaluate("localStorage.removeItem('posthaste.language')");
    await page.goto('/setup?step=host');
    await page.getByText('mail.example.com is a complete public name').waitFor();
    await pressButton(page, 'Continue');
  }

  async function domainByKeyboard(page: Page): Promise<void> {
    await heading(page, 'The first domain and mailbox').waitFor();
    await expectAccessibleStep(page);
    await typeInto(page, page.getByLabel('Domain'), 'nowhere');
    await page.keyboard.press('Enter');
    await page.getByText('A domain, as example.com').waitFor();
    await typeInto(page, page.getByLabel('Domain'), 'Example.com');
    await typeInto(page, page.getByLabel('Mailbox').first(), 'anna');
    await page.getByText('anna@Example.com').waitFor();
    await tabTo(page, page.getByLabel('Make a strong one'));
    await page.keyboard.press('ArrowDown');
    await typeInto(page, page.getByLabel('Password of the mailbox'), password);
    await page.keyboard.press('Enter');
    await heading(page, 'anna@example.com is ready').waitFor();
    await page.getByText('It also gets the mail for postmaster@example.com, abuse@example.com.').waitFor();
    await page.getByText('MX 10 mail.example.com.').waitFor();
    await expectAccessibleStep(page);
    await pressButton(page, 'Continue');
  }

  async function testByKeyboard(page: Page): Promise<string> {
    await heading(page, 'See mail arrive').waitFor();
    await pressButton(page, 'Send a test message');
    await page.getByText('Delivered to the INBOX').waitFor();
    const id = new URL(page.url()).searchParams.get('message') ?? '';
    await page.getByText(`Queue id ${id}`).waitFor();
    const receiving = page.getByRole('region', { name: 'To receive mail' });
    expect(await receiving.locator('dd').allTextContents()).toEqual([
      'localhost',
      String(imapPort),
      'STARTTLS',
      'anna@example.com',
      'that of the mailbox, or an app password',
    ]);
    await expectAccessibleStep(page);
    await page.reload();
    await page.getByText('Delivered to the INBOX').waitFor();
    return id;
  }

  async function pressLink(page: Page, name: string): Promise<void> {
    await tabTo(page, page.getByRole('link', { name }));
    await page.keyboard.press('Enter');
  }

  test('then leads to the login, whatever link one has', async () => {
    const page = await server.open(`/setup#${token}`);
    await heading(page, 'This host is set up').waitFor();
    await page.getByText('bin/posthaste admin set LOGIN --password', { exact: true }).waitFor();
    await expectAccessibleStep(page);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Login or address').waitFor();
    await page.context().close();
  });
});

describe('a host that gets certificates', () => {
  test('says in words which names a new host name changes too, and where', async () => {
    const [port = 0] = await findFreePorts(1);
    const server = await PageServer.start({
      posthaste_acme_directory: 'https://127.0.0.1:1/directory',
      posthaste_acme_http_listen: `127.0.0.1:${port}`,
      posthaste_acme_terms_agreed: 'yes',
      posthaste_acme_hosts: 'imap.$myhostname',
    });
    const page = await server.openAs('anna');
    await page.goto('/setup?step=host');
    await page.getByLabel('Host name').fill('mail.example.com');
    await page.keyboard.press('Enter');
    await page.getByText('the names that the server gets certificates for').waitFor();
    await page.getByRole('link', { name: 'posthaste_acme_hosts' }).click();
    await page.getByText('Host names for which certificates are got').first().waitFor();
    await page.context().close();
    await server.close();
  });
});

describe('a host whose administrator has a passkey', () => {
  let server: PageServer;
  beforeAll(async () => {
    server = await PageServer.startFresh();
  });
  afterAll(async () => {
    await server.close();
  });

  async function openWithDevice(path: string, isUserThere = true): Promise<Page> {
    const page = await server.open('/setup');
    const session = await page.context().newCDPSession(page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: isUserThere,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto('about:blank');
    await page.goto(path);
    return page;
  }

  test('needs no password; the next step is the first that is not done', async () => {
    const token = await makeSetupToken(server.api.directory, systemClock);
    const stranger = await openWithDevice(`/setup#${token}`, false);
    await stranger.getByLabel('Login').fill('anna');
    await stranger.getByRole('button', { name: 'Make the administrator' }).click();
    await stranger.getByText('The browser has made no passkey').waitFor();
    expect(server.api.directory.lookups.identities.hasHost()).toBe(false);
    await stranger.context().close();

    const page = await openWithDevice(`/setup#${token}`);
    await page.getByLabel('Login').fill('anna');
    await page.getByRole('button', { name: 'Make the administrator' }).click();
    // The host has its name in main.cf already.
    await heading(page, 'The first domain and mailbox').waitFor();
    const { id = 0, passwordHash } = server.api.directory.lookups.identities.adminByLogin('anna') ?? {};
    expect(passwordHash).toBe('');
    expect(await server.api.directory.secondFactors.passkeys({ kind: 'admin', id })).toHaveLength(1);
    await page.getByLabel('Domain').fill('example.org');
    await page.getByLabel('Mailbox').first().fill('postmaster');
    await page.getByRole('button', { name: 'Add both' }).click();
    await page.getByText('The password of the mailbox').waitFor();
    const made = (await page.locator('code').first().textContent()) ?? '';
    expect(made).toMatch(/^[A-Za-z0-9-]{23}$/);
    await page.reload();
    await heading(page, 'postmaster@example.org is ready').waitFor();
    expect(await page.getByText(made).count()).toBe(0);
    await page.goto('/setup');
    await heading(page, 'See mail arrive').waitFor();
    await page.context().close();
  });

  test('is not for others to go on with', async () => {
    await server.addAdministrator('dora', ['example.org']);
    const page = await server.openAs('dora');
    await page.goto('/setup');
    await page.getByText('You are logged in as dora').waitFor();
    await expectAccessible(page);
    await page.context().close();
  });
});
