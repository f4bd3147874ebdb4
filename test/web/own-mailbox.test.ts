// What the owner of a mailbox does on the page, and that it is so for mail: app passwords, vacation, forward; the way back when
// the password is forgotten.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { secretDigest } from '../../src/directory/api-tokens.ts';
import { Inboxes } from '../api/inboxes.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { expectAccessible, PageServer, password } from './browser.ts';

let server: PageServer;
let inboxes: Inboxes;
let imapPort = 0;

beforeAll(async () => {
  [imapPort = 0] = await findFreePorts(1);
  server = await PageServer.start({ posthaste_imap_listen: `127.0.0.1:${imapPort}` });
  inboxes = new Inboxes(server.api);
  const { directory } = server.api;
  const passwordHash = await hashPassword(password);
  for (const domain of ['example.com', 'elsewhere.example']) {
    await directory.domains.add(domain);
    for (const name of ['first', 'vera', 'fritz', 'axel', 'rosa', 'ulla']) {
      await directory.mailboxes.add({ address: `${name}@${domain}`, passwordHash, quotaBytes: 50_000_000 });
    }
  }
  await directory.aliases.add('sales@example.com', ['ulla@example.com']);
});
afterAll(async () => {
  inboxes.close();
  await server.close();
});

test('begins with the mailbox: room, addresses, logins; accessible, light and dark, wide and narrow', async () => {
  for (const options of [
    { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
    { colorScheme: 'dark', viewport: { width: 360, height: 780 } },
  ] as const) {
    const page = await server.openAs('ulla@example.com', '/', options);
    await page.getByRole('heading', { name: 'My mailbox' }).waitFor();
    await page.getByText(/of .* used/).waitFor();
    await page.getByRole('cell', { name: 'sales@example.com' }).waitFor();
    for (const tab of ['Overview', 'Forward', 'Vacation', 'App passwords']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByRole('heading', { level: 2 }).first().waitFor();
      await expectAccessible(page);
      const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth);
      expect(width).toBeLessThanOrEqual(options.viewport.width);
    }
    await page.context().close();
  }
});

test('an app password is made, shown once, opens IMAP and nothing else, and is removed', async () => {
  const page = await server.openAs('axel@example.com', '/mailbox?tab=app-passwords');
  await page.getByRole('button', { name: 'Make an app password' }).click();
  await page.getByLabel('Name').fill('telephone');
  for (const name of ['fetch mail by POP3', 'send mail (SMTP)', 'change filters (ManageSieve)']) {
    await page.getByLabel(name).uncheck();
  }
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('Copy it now').waitFor();
  const secret = (await page.locator('[data-secret]').textContent()) ?? '';
  // No slip loses it.
  await page.keyboard.press('Escape');
  await page.mouse.click(5, 5);
  expect(await page.getByRole('dialog').getByRole('button', { name: 'Close' }).count()).toBe(0);
  expect(await page.getByText(secret).isVisible()).toBe(true);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Done' }).click();
  expect(await page.getByText(secret).count()).toBe(0);

  const imap = await ImapConnection.open({ port: imapPort });
  expect((await imap.login('axel@example.com', secret)).status).toBe('OK');
  await imap.logout();
  const web = { login: 'axel@example.com', password: secret };
  expect((await server.api.ask('POST', '/session', { body: web })).status).toBe(401);

  await expect
    .poll(
      async () => {
        await page.reload();
        return await page.getByRole('row', { name: /telephone/ }).textContent();
      },
      { timeout: 15_000, interval: 1000 },
    )
    .toContain('127.0.0.1');
  await page.getByRole('button', { name: 'Remove telephone' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('There is none yet.').waitFor();
  const after = await ImapConnection.open({ port: imapPort });
  expect((await after.command(`LOGIN axel@example.com ${secret}`)).status).toBe('NO');
  after.destroy();
  await page.getByRole('tab', { name: 'Overview' }).click();
  await page.getByRole('row', { name: /logged in IMAP 127\.0\.0\.1/ }).waitFor();
  await page.context().close();
});

test('a vacation that is switched on answers a message, and one that is off does not', async () => {
  const page = await server.openAs('vera@example.com', '/mailbox?tab=vacation');
  await page.getByLabel('Subject').fill('Away <b>for now</b>');
  await page.getByLabel('Text').fill('Back on Monday.\n\nVera');
  const preview = page.getByRole('region', { name: 'Preview' });
  expect(await preview.textContent()).toContain('Away <b>for now</b>');
  await page.getByLabel('Until and with').fill('2020-01-01');
  await page.getByLabel('From').fill('2020-02-01');
  await page.getByText('That is before it begins').waitFor();
  await page.getByLabel('From').fill('');
  await page.getByText('That day is over already').waitFor();
  expect(await page.getByRole('button', { name: 'Switch on' }).isEnabled()).toBe(false);
  await page.getByLabel('Until and with').fill('');
  await page.getByLabel('From').fill('');
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByText('Mail is answered now, until you switch it off.').waitFor();
  await inboxes.send('fritz@elsewhere.example', 'vera@example.com');
  const [answer = ''] = await inboxes.when('fritz@elsewhere.example', 1);
  expect(answer).toMatch(/^Subject: Away <b>for now<\/b>\r$/m);
  expect(answer).toContain('Back on Monday.');
  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByRole('button', { name: 'Switch on' }).waitFor();
  expect((await server.api.directory.mailboxes.need('vera@example.com')).vacation).toBeUndefined();
  await page.context().close();
});

test('a vacation ends on the day that its owner has set, also where an administrator saves it', async () => {
  const { mailboxes } = server.api.directory;
  const [from, until] = [new Date(2099, 0, 5), new Date(2099, 0, 11)].map(Number) as [number, number];
  await mailboxes.set('axel@example.com', { vacation: { text: 'Away', from, until } });
  const page = await server.openAs('anna', '/domains/example.com?open=axel%40example.com');
  const panel = page.getByRole('dialog', { name: 'axel@example.com' });
  await panel.getByRole('tab', { name: 'Forward and vacation' }).click();
  expect(await panel.getByLabel('To and including').inputValue()).toBe('2099-01-10');
  await panel.getByRole('textbox', { name: 'Text' }).fill('Back soon');
  await panel.getByRole('button', { name: 'Save the vacation' }).click();
  await expect
    .poll(async () => (await mailboxes.need('axel@example.com')).vacation)
    .toMatchObject({ text: 'Back soon', from, until });
  await mailboxes.set('axel@example.com', { vacation: null });
  await page.context().close();
});

test('a vacation of another time zone stays as long as it was set when only its text is changed', async () => {
  const { mailboxes } = server.api.directory;
  const [from, until] = [Date.UTC(2099, 0, 5), Date.UTC(2099, 0, 11)];
  for (const timezoneId of ['Pacific/Auckland', 'America/Los_Angeles']) {
    await mailboxes.set('axel@example.com', { vacation: { text: 'Away', from, until } });
    const page = await server.openAs('axel@example.com', '/mailbox?tab=vacation', { timezoneId });
    await page.getByLabel('Text').fill('Back soon');
    await page.getByRole('button', { name: 'Save' }).click();
    const vacation = async () => (await mailboxes.need('axel@example.com')).vacation;
    await expect.poll(vacation).toMatchObject({ text: 'Back soon', from, until });
    await page.getByLabel('Until and with').fill('2099-01-20');
    await page.getByRole('button', { name: 'Save' }).click();
    const end = await page.evaluate(() => new Date('2099-01-21T00:00:00').getTime());
    await expect.poll(vacation).toMatchObject({ from, until: end });
    await page.context().close();
  }
  await mailboxes.set('axel@example.com', { vacation: null });
});

test('a forward is set by the keyboard alone, says what happens, and forwards; a circle is refused', async () => {
  const page = await server.openAs('fritz@example.com', '/mailbox?tab=forward');
  await page.getByRole('radio', { name: 'stays here', exact: true }).focus();
  await page.keyboard.press('ArrowDown');
  const field = page.getByRole('combobox', { name: 'To these addresses' });
  await field.focus();
  await page.keyboard.type('rosa@elsewhere.example,first@elsewhere.example');
  await page.getByText(/a copy is sent to rosa@elsewhere\.example, first@elsewhere\.example/).waitFor();
  await page.getByRole('button', { name: 'Save' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Mail is forwarded from now on').waitFor();
  await inboxes.send('vera@elsewhere.example', 'fritz@example.com', 'on and on');
  for (const address of ['rosa@elsewhere.example', 'first@elsewhere.example', 'fritz@example.com']) {
    expect((await inboxes.when(address, 1)).at(-1)).toContain('on and on');
  }
  await page.getByRole('radio', { name: 'goes on, and nothing stays here' }).check();
  await page.getByText(/Nothing new is kept here/).waitFor();
  await page.getByRole('combobox', { name: 'To these addresses' }).fill('fritz@example.com');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/cannot be forwarded to itself/).waitFor();
  expect((await server.api.directory.mailboxes.need('fritz@example.com')).forward?.mode).toBe('both');
  await page.context().close();
});

describe('a forgotten password', () => {
  /** Of the last letter; a long line has soft breaks (RFC 2045 §6.7). */
  const lastOf = (letters: readonly string[], pattern: RegExp): string =>
    pattern.exec((letters.at(-1) ?? '').replaceAll('=\r\n', ''))?.[1] ?? '';
  const fill = async (page: Page, secret: string): Promise<void> => {
    const fresh = page.getByLabel('New password', { exact: false }).and(page.locator('input[type=password]'));
    for (const one of await fresh.all()) await one.fill(secret);
    await page.getByRole('button', { name: 'Change the password' }).click();
  };

  test('is replaced by a link to the recovery address, which was confirmed by a code; the link is good once', async () => {
    const home = await server.openAs('rosa@example.com', '/account');
    await home.getByRole('button', { name: 'Set a recovery address' }).click();
    await home.getByLabel('Address elsewhere').fill('ulla@elsewhere.example');
    await home.getByLabel('Your password').fill('wrong');
    await home.getByRole('button', { name: 'Mail a code to it' }).click();
    await home.getByText('the password is wrong').waitFor();
    await home.getByLabel('Your password').fill(password);
    await home.getByRole('button', { name: 'Mail a code to it' }).click();
    const code = home.getByLabel('Code from the letter');
    await code.waitFor();
    await home.keyboard.press('Escape');
    await home.getByRole('button', { name: 'Type the code' }).click();
    await code.fill('aaaaa-bbbbb');
    await home.getByRole('button', { name: 'Confirm' }).click();
    await home.getByText('this code is not good').waitFor();
    await code.fill(lastOf(await inboxes.when('ulla@elsewhere.example', 1), /^ {4}(\S+)$/m));
    await home.getByRole('button', { name: 'Confirm' }).click();
    await home.getByText('ulla@elsewhere.example', { exact: true }).waitFor();

    const page = await server.open();
    await page.getByRole('link', { name: 'Password forgotten?' }).click();
    await page.getByLabel('Address of the mailbox').fill('rosa@example.com');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.getByText(/If rosa@example\.com is a mailbox here/).waitFor();
    const url = lastOf(await inboxes.when('ulla@elsewhere.example', 2), /^(http:\S+)$/m);
    await page.goto(url.replace('\r', ''));
    await page.getByText('For the mailbox rosa@example.com.').waitFor();
    expect(page.url()).not.toContain('phl_');
    await expectAccessible(page);
    await fill(page, 'seven purple otters');
    await page.getByRole('heading', { name: 'The password is changed' }).waitFor();
    await expectAccessible(page);
    await home.reload();
    await home.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.goto(url.replace('\r', ''));
    await page.getByRole('heading', { name: 'This link is not good' }).waitFor();
    await page.getByRole('button', { name: 'Ask for another one' }).click();
    await page.getByRole('link', { name: 'Back to the login' }).click();
    await page.getByLabel('Login or address').fill('rosa@example.com');
    await page.locator('input[type=password]').fill('seven purple otters');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'My mailbox' }).waitFor();
    for (const one of [home, page]) await one.context().close();
  });

  test('is not replaced past codes, whose beginning and way out are shown; what ended and what goes on is told', async () => {
    const { mailboxes, secondFactors, recovery } = server.api.directory;
    const { id } = await mailboxes.set('axel@elsewhere.example', { recoveryAddress: 'ulla@elsewhere.example' });
    const owner = { kind: 'mailbox', id } as const;
    await secondFactors.startTotp(owner, 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP');
    await secondFactors.confirmTotp(owner, 1, ['abcd']);
    const key = { name: 'key', credential: 'x', publicKey: 'x', counter: 0, transports: [] };
    await secondFactors.addPasskey(owner, key);
    await recovery.addLink({ mailbox: id, address: 'ulla@elsewhere.example' }, secretDigest('phl_codes'));
    const page = await server.open('/forgotten#phl_codes', { viewport: { width: 360, height: 780 } });
    await page.getByText(/Codes have been on since .*20\d\d/).waitFor();
    await page.getByText(/An administrator of your domain can reset the second factors/).waitFor();
    await expectAccessible(page);
    await page.getByLabel('A code of the app, or a recovery code').fill('abcd');
    await fill(page, 'seven purple otters');
    await page.getByText('Passkeys that were removed: 1').waitFor();
    await page.getByText('Codes of the app are asked for as before.').waitFor();
    await expectAccessible(page);
    expect(await secondFactors.passkeys(owner)).toEqual([]);
    await page.context().close();
  });

  test('tells nobody which addresses exist, and whom to ask otherwise', async () => {
    const page = await server.open('/forgotten', { viewport: { width: 360, height: 780 }, colorScheme: 'dark' });
    const told: string[] = [];
    for (const address of ['vera@example.com', 'nobody@example.com', 'nobody@nowhere.example']) {
      await page.getByLabel('Address of the mailbox').fill(address);
      await page.getByRole('button', { name: 'Mail me a link' }).click();
      const text = await page.getByRole('status').textContent();
      told.push((text ?? '').replace(address, 'X'));
      await page.getByText('for a mailbox an administrator of its domain').waitFor();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Another address' }).click();
    }
    expect(new Set(told).size).toBe(1);
    await page.context().close();
  });

  test('is not replaced by a link whose time is over', async () => {
    const { directory } = server.api;
    const { id: mailbox } = await directory.mailboxes.set('vera@example.com', { recoveryAddress: 'a@far.example' });
    await directory.recovery.addLink({ mailbox, address: 'a@far.example' }, secretDigest('phl_soon'));
    const page = await server.open('/forgotten#phl_soon');
    await page.getByText('For the mailbox vera@example.com.').waitFor();
    // As half an hour does.
    await directory.mailboxes.set('vera@example.com', { recoveryAddress: '' });
    await fill(page, 'seven purple otters');
    await page.getByRole('heading', { name: 'This link is not good' }).waitFor();
    await expectAccessible(page);
    await page.context().close();
  });
});
