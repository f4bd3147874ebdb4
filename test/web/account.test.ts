// Logging in, and what protects an account: codes of an app, passkeys, sessions that end elsewhere, tokens, and being locked out.

import { generateSync } from 'otplib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { expectAccessible, PageServer, password } from './browser.ts';

let server: PageServer;
const user = 'carla@example.com';

beforeAll(async () => {
  server = await PageServer.start({ posthaste_auth_account_limit: '4' });
  const { directory } = server.api;
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: user, passwordHash: await hashPassword(password), name: 'Carla' });
  for (const login of ['cody', 'pia', 'sam', 'lock', 'toni', 'tina', 'new']) await server.addAdministrator(login);
  await directory.administrators.set('new', { mustChange: true });
});
afterAll(async () => {
  await server.close();
});

/** The form at the door, without waiting for what comes of it. */
async function type(page: Page, login: string, secret = password): Promise<void> {
  await page.getByLabel('Login or address').fill(login);
  await page.getByLabel('Password', { exact: false }).and(page.locator('input[type=password]')).fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /: account$/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
}

test('codes of an app are set up with a picture, asked for, taken once, and switched off', async () => {
  const page = await server.openAs('cody', '/account');
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  const secret = ((await page.locator('.mono').first().textContent()) ?? '').replaceAll(' ', '');
  const codeAt = (seconds: number): string => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + seconds });
  const field = page.getByLabel('The code that the app shows now');
  await field.fill('000000');
  await page.getByRole('button', { name: 'Confirm the code' }).click();
  await page.getByText('this code is not good').waitFor();
  const confirmed = codeAt(-30);
  await field.fill(confirmed);
  await page.getByRole('button', { name: 'Confirm the code' }).click();
  await page.getByText('Keep these recovery codes').waitFor();
  // They are asked for from now on, and nobody can show these again.
  await page.keyboard.press('Escape');
  await expectAccessible(page);
  const recoveryCode =
    (await page
      .getByRole('listitem')
      .filter({ hasText: /^\w{4}-/ })
      .first()
      .textContent()) ?? '';
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toMatch(/recovery-codes/);
  await page.getByLabel('I have kept them').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Switch off' }).waitFor();
  await logOut(page);

  await type(page, 'cody');
  const code = page.locator('input[name=code]');
  await code.waitFor();
  expect(await code.evaluate((field) => field.matches(':focus'))).toBe(true);
  await expectAccessible(page);
  await code.fill(confirmed);
  await page.keyboard.press('Enter');
  await page.getByText('This code is not right, or has been used already.').waitFor();
  await code.fill(codeAt(0));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Account and security' }).waitFor();
  await logOut(page);
  await type(page, 'cody');
  await code.fill(recoveryCode);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByLabel('Your password').fill(password);
  await page.getByLabel(/A code of the app/).fill(codeAt(30));
  await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await page.getByRole('button', { name: 'Set up' }).waitFor();
  await page.context().close();
});

test('a passkey is added with a name, logs in with a new secret, and is removed', async () => {
  const page = await server.openAs('pia', '/account');
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name').fill('Blue key');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('cell', { name: 'Blue key', exact: true }).waitFor();
  await expectAccessible(page);
  // Otherwise the one that the browser offers by itself would be taken at once.
  await page.evaluate(() => localStorage.clear());
  const [before] = await page.context().cookies();
  await logOut(page);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('heading', { name: 'Account and security' }).waitFor();
  const [after] = await page.context().cookies();
  expect(after?.value).not.toBe(before?.value);
  await page.getByRole('button', { name: 'Remove Blue key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('cell', { name: 'Blue key', exact: true }).waitFor({ state: 'detached' });
  await page.context().close();
});

describe('a session', () => {
  test('that is ended elsewhere leads to the login, and what was typed stays', async () => {
    const here = await server.openAs('sam', '/account?tab=tokens');
    const there = await server.openAs('sam', '/account?tab=sessions');
    await here.getByRole('button', { name: 'Make a token' }).click();
    await here.getByLabel('Name').fill('typed before');
    await there.getByText('this one').waitFor();
    await there.getByRole('button', { name: 'End all others' }).click();
    await there.getByText('All other sessions have ended').waitFor();
    await here.getByRole('button', { name: 'Make it' }).click();
    await here.getByText('Your session has ended').waitFor();
    await expectAccessible(here);
    // It closes neither the login nor what stands below it.
    await here.keyboard.press('Escape');
    await here.locator('input[type=password]').fill(password);
    await here.keyboard.press('Enter');
    await here.getByText('Your session has ended').waitFor({ state: 'detached' });
    expect(await here.getByLabel('Name').inputValue()).toBe('typed before');
    await here.getByRole('button', { name: 'Make it' }).click();
    await here.getByText('Copy it now').waitFor();
    await expect.poll(() => here.evaluate(() => document.activeElement?.textContent)).toBe('Done');
    for (const page of [here, there]) await page.context().close();
  });

  test('of somebody else does not go on with what stood there', async () => {
    const { directory } = server.api;
    const id = directory.lookups.identities.adminByLogin('toni')?.id ?? 0;
    await directory.tokens.add({ owner: { kind: 'admin', id }, name: 'of Toni', scopes: ['*'], expires: 0 });
    const page = await server.openAs('toni', '/account?tab=tokens');
    await page.getByRole('cell', { name: 'of Toni', exact: true }).waitFor();
    await page.context().clearCookies();
    await page.getByRole('tab', { name: 'Sessions and logins' }).click();
    await page.getByText('Your session has ended').waitFor();
    await page.getByLabel('Login or address').fill(user);
    await page.locator('input[type=password]').fill(password);
    await page.keyboard.press('Enter');
    await page.getByText('Owner of a mailbox').waitFor();
    await page.getByRole('tab', { name: 'Tokens' }).click();
    await page.getByText('There is none yet.').waitFor();
    await page.context().close();
  });

  test('ends everywhere else with a new password, and gets a new secret', async () => {
    const here = await server.openAs(user, '/account');
    const [before] = await here.context().cookies();
    const there = await server.openAs(user, '/mailbox');
    await here.getByRole('button', { name: 'Change the password' }).click();
    await here.getByLabel('Password so far').fill('wrong');
    const fresh = here.getByLabel('New password', { exact: false }).and(here.locator('input[type=password]'));
    await fresh.nth(0).fill('12345678');
    await here.getByText('Weak: easy to guess').waitFor();
    await fresh.nth(0).fill('seven purple otters');
    await here.getByText('Strong').waitFor();
    await fresh.nth(1).fill('seven purple otters');
    await expectAccessible(here);
    await here.keyboard.press('Enter');
    await here.getByText('the password so far is wrong').waitFor();
    await here.getByLabel('Password so far').fill(password);
    await here.keyboard.press('Enter');
    await here.getByText('The password is changed').waitFor();
    const [after] = await here.context().cookies();
    expect(after?.value).not.toBe(before?.value);
    await there.reload();
    await there.getByRole('heading', { name: 'Log in' }).waitFor();
    await server.api.directory.mailboxes.set(user, { passwordHash: await hashPassword(password) });
    for (const page of [here, there]) await page.context().close();
  });

  test('of somebody whose password was made by another begins with a new one', async () => {
    const page = await server.open();
    await type(page, 'new');
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    await expectAccessible(page);
    await page.getByLabel('Password so far').fill(password);
    const fresh = page.getByLabel('New password', { exact: false }).and(page.locator('input[type=password]'));
    for (const one of await fresh.all()) await one.fill('seven purple otters');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByRole('navigation').waitFor();
    await page.context().close();
  });
});

test('who is locked out is told for how long', async () => {
  const page = await server.open();
  for (let tries = 0; tries < 4; tries++) {
    await type(page, 'lock', `wrong ${tries}`);
    await page.getByText('The login or the password is wrong.').waitFor();
    await expect.poll(async () => await page.locator('input[type=password]').inputValue()).toBe('');
  }
  await type(page, 'lock');
  await page.getByRole('alert').filter({ hasText: 'Too many wrong passwords' }).waitFor();
  expect(await page.getByRole('timer').textContent()).toMatch(/\d+ (?:min|sec|hr)/);
  expect(await page.getByRole('button', { name: 'Log in' }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await page.context().close();
});

test('a token is made by the keyboard alone, works as it says, and is removed', async () => {
  const page = await server.openAs('tina', '/account?tab=tokens');
  await page.getByRole('button', { name: 'Make a token' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Name').waitFor();
  await page.keyboard.type('backup');
  await page.keyboard.press('Enter');
  await page.getByText('Copy it now').waitFor();
  const token = (await page.locator('[data-secret]').textContent()) ?? '';
  expect((await server.api.ask('GET', '/domains', { token })).status).toBe(200);
  expect((await server.api.ask('POST', '/domains', { token, body: { name: 'x.test' } })).status).toBe(403);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Remove backup' }).focus();
  await page.keyboard.press('Enter');
  await page
    .getByRole('dialog', { name: /Remove the token/ })
    .getByRole('button', { name: 'Remove' })
    .focus();
  await page.keyboard.press('Enter');
  await page.getByText('There is none yet.').waitFor();
  expect((await server.api.ask('GET', '/domains', { token })).status).toBe(401);
  await page.context().close();
});

test('every part is accessible, light and dark, wide and narrow', async () => {
  for (const options of [
    { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
    { colorScheme: 'dark', viewport: { width: 360, height: 780 } },
  ] as const) {
    const page = await server.openAs(user, '/account', options);
    await page.getByRole('heading', { name: 'When the password is forgotten' }).waitFor();
    for (const tab of ['Password and security', 'Sessions and logins', 'Tokens']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByRole('heading', { level: 2 }).first().waitFor();
      await expectAccessible(page);
      const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth);
      expect(width).toBeLessThanOrEqual(options.viewport.width);
    }
    await page.context().close();
  }
});
