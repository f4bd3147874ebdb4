// Domains and what they hold, on the page: what somebody does there is what the server then does with mail.

import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { expectAccessible, PageServer } from './browser.ts';

let server: PageServer;
/** The host's administrator. */
let anna: Page;
/** What would run if a stored text were taken for a part of the page. */
const script = '<img src=x onerror="globalThis.wasRun=1"><script>globalThis.wasRun=1</script>';

beforeAll(async () => {
  server = await PageServer.start();
  const { directory } = server.api;
  await directory.domains.add('example.com', {
    maxMailboxes: 20,
    totalQuotaBytes: 2 ** 35,
    defaultQuotaBytes: 2 ** 30,
  });
  await directory.domains.add('other.test');
  await directory.domains.add('relay.test', { class: 'relay' });
  await directory.mailboxes.add({ address: 'ben@example.com', name: script, passwordHash: '{PLAIN}x' });
  await directory.mailboxes.add({ address: 'carla@example.com', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.set('ben@example.com', {
    maintenance: script,
    vacation: { text: script, subject: script },
  });
  await directory.mailboxes.set('ben@example.com', { maintenance: '' });
  await directory.appPasswords.add({ mailbox: 'ben@example.com', name: '<b>phone</b>', digest: 'x' });
  await directory.aliases.add('"<img/src=x>"@example.com', ['"<svg/onload=wasRun=1>"@example.org', 'ben@example.com']);
  await directory.lists.add({ address: 'team@example.com', owners: ['ben@example.com'], name: script });
  await directory.aliasDomains.add('example.de', 'example.com');
  await directory.accessRules.add('recipient', 'ben@example.com', { action: 'REJECT <b>no</b>', note: script });
  await directory.accessRules.remove('recipient', 'ben@example.com');
  await directory.accessRules.add('recipient', 'none@example.com', { action: 'REJECT <b>no</b>', note: script });
  await server.addAdministrator('bert', ['example.com']);
  anna = await server.openAs('anna', '/domains');
});
afterAll(async () => {
  await server.close();
});

async function replyTo(recipient: string): Promise<number> {
  const smtp = await SmtpConnection.open(server.api.smtpPort);
  const ask = async (line: string): Promise<number> => {
    smtp.send(`${line}\r\n`);
    return (await smtp.reply()).code;
  };
  await ask('EHLO client.test');
  await ask('MAIL FROM:<x@example.net>');
  const code = await ask(`RCPT TO:<${recipient}>`);
  smtp.destroy();
  return code;
}

async function deliver(recipient: string): Promise<number> {
  const smtp = await SmtpConnection.open(server.api.smtpPort);
  let code = 0;
  for (const line of [
    'EHLO client.test',
    'MAIL FROM:<x@example.net>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    'Subject: x\r\n\r\nx\r\n.',
  ]) {
    smtp.send(`${line}\r\n`);
    ({ code } = await smtp.reply());
  }
  smtp.destroy();
  return code;
}

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });

describe('what is done on the page', () => {
  test('a mailbox is added by the keyboard alone, takes mail, and its quota is seen', async () => {
    await anna.goto('/domains/example.com');
    await anna.getByRole('grid').waitFor();
    await anna.getByRole('button', { name: 'Add a mailbox' }).press('Enter');
    await dialog(anna, 'Add a mailbox').waitFor();
    await anna.keyboard.type('dora');
    await anna.keyboard.press('Tab');
    await anna.keyboard.type('Dora');
    await anna.keyboard.press('Enter');
    const password = await dialog(anna, 'Add a mailbox').locator('.mono').textContent();
    expect(password).toMatch(/^(?:\w{5}-){3}\w{5}$/);
    await anna.getByRole('button', { name: 'Done' }).press('Enter');
    expect(await deliver('dora@example.com')).toBe(250);
    await anna.getByRole('row', { name: /dora@example\.com/ }).waitFor();
    const grid = anna.getByRole('grid');
    await grid.press('End');
    await grid.press('Enter');
    await dialog(anna, 'dora@example.com').waitFor();
    expect(new URL(anna.url()).searchParams.get('open')).toBe('dora@example.com');
    await anna.keyboard.press('Escape');
    await dialog(anna, 'dora@example.com').waitFor({ state: 'hidden' });
  });

  test('an alias shows its effect before it is there; undo takes it away', async () => {
    await anna.goto('/domains/example.com?tab=aliases');
    await anna.getByRole('button', { name: 'Add an alias' }).click();
    await anna.getByRole('textbox', { name: 'Address', exact: true }).fill('sales');
    await anna.getByRole('combobox', { name: 'Leads to' }).fill('ben, nobody ');
    await anna.getByRole('button', { name: 'Add', exact: true }).click();
    await anna.getByText('What this change does to mail').waitFor();
    expect(await replyTo('sales@example.com')).toBe(550);
    await anna.getByRole('button', { name: 'Make this change' }).click();
    await anna.getByText('Some of it leads to nobody').waitFor();
    expect(await replyTo('sales@example.com')).toBe(250);
    await anna.getByRole('button', { name: 'Undo' }).first().click();
    await anna.getByText('Undone').waitFor();
    expect(await replyTo('sales@example.com')).toBe(550);
  });

  test('an alias that leads to nobody is not fine in the table, and its panel names whom', async () => {
    const { aliases } = server.api.directory;
    await aliases.add('lost@example.com', ['nobody@example.com']);
    await aliases.add('half@example.com', ['ben@example.com', 'nobody@example.com', 'x@far.example']);
    await anna.goto('/domains/example.com?tab=aliases');
    const state = async (name: RegExp) =>
      await anna.getByRole('row', { name }).getByRole('gridcell').last().innerText();
    expect(await state(/^lost@/)).toBe('leads to nobody');
    expect(await state(/^half@/)).toBe('partly to nobody');
    await anna.getByRole('row', { name: /^half@/ }).click();
    const panel = dialog(anna, 'half@example.com');
    await panel.getByText('There is no nobody@example.com here: mail to it is refused.').waitFor();
    await expectAccessible(anna);
    for (const name of ['lost', 'half']) await aliases.remove(`${name}@example.com`);
  });

  test('the click on a button takes along what is typed, also where the field grows by it', async () => {
    await anna.goto('/domains/example.com?tab=aliases');
    await anna.getByRole('button', { name: 'Add an alias' }).click();
    await anna.getByRole('textbox', { name: 'Address', exact: true }).fill('help');
    const field = anna.getByRole('combobox', { name: 'Leads to' });
    await field.fill('ben,carla,somebody.with.a.long.name@far-away.example,another@far-away.example');
    await anna.getByRole('button', { name: 'Add', exact: true }).click();
    const plan = dialog(anna, 'What this change does to mail');
    await plan.getByText('another@far-away.example').first().waitFor();
    await plan.getByRole('button', { name: 'Cancel' }).click();
    await anna.keyboard.press('Escape');
  });

  test('who is a member already is not said to be added', async () => {
    await anna.goto('/domains/example.com?tab=lists&open=team%40example.com');
    const panel = dialog(anna, 'team@example.com');
    for (const said of ['Members added', 'It was so already: nothing has changed']) {
      await panel.getByRole('combobox', { name: 'New members' }).fill('carla ');
      await panel.getByRole('button', { name: 'Add members' }).click();
      await anna.getByText(said).waitFor();
    }
    await server.api.directory.lists.removeMembers('team@example.com', ['carla@example.com']);
  });

  test('what has not come yet is being loaded, and has not failed', async () => {
    const mailbox = '/api/v1/mailboxes/ben@example.com';
    const asked = [
      mailbox,
      '/api/v1/tags/mailbox/ben@example.com',
      `${mailbox}/app-passwords`,
      `${mailbox}/references`,
    ];
    const shown = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const held: string[] = [];
    const hold = async (route: Route) => {
      const url = decodeURIComponent(route.request().url());
      held.push(url);
      await (url.endsWith(mailbox) ? shown.promise : opened.promise);
      await route.continue();
    };
    const ofBen = (url: URL) =>
      url.pathname.startsWith('/api/') && decodeURIComponent(url.href).includes('ben@example.com');
    const alarms = () => anna.getByText('That did not work').count();
    await anna.route(ofBen, hold);
    await anna.goto('/domains/example.com?open=ben%40example.com');
    const panel = dialog(anna, 'ben@example.com');
    await panel.getByRole('status', { name: 'Loading' }).waitFor();
    expect(await alarms()).toBe(0);
    shown.resolve();
    await panel.getByRole('tab').first().waitFor();
    const tabs = await panel.getByRole('tab').all();
    for (const tab of tabs) {
      await tab.click();
      expect(await alarms()).toBe(0);
    }
    expect(held.map((url) => new URL(url).pathname)).toEqual(expect.arrayContaining(asked));
    opened.resolve();
    await anna.unrouteAll({ behavior: 'wait' });
  });

  test('what is being typed stays when somebody else adds a mailbox, and when one clicks beside it', async () => {
    await anna.goto('/domains/example.com?tab=settings');
    const why = anna.getByLabel('In maintenance');
    await why.fill('We are moving');
    const count = await anna.getByRole('tab', { name: 'Mailboxes' }).textContent();
    await server.api.directory.mailboxes.add({ address: 'elsa@example.com', passwordHash: '{PLAIN}x' });
    const counted = () => anna.getByRole('tab', { name: 'Mailboxes' }).textContent();
    await expect.poll(counted, { timeout: 15_000 }).not.toBe(count);
    expect(await why.inputValue()).toBe('We are moving');
    await server.api.directory.mailboxes.remove('elsa@example.com');
    await anna.goto('/domains/example.com');
    await anna.getByRole('button', { name: 'Add a mailbox' }).click();
    await anna.getByRole('textbox', { name: 'Address', exact: true }).fill('dora');
    await anna.mouse.click(5, 5);
    expect(await anna.getByRole('textbox', { name: 'Address', exact: true }).inputValue()).toBe('dora');
    await anna.keyboard.press('Escape');
    await dialog(anna, 'Add a mailbox').waitFor({ state: 'hidden' });
  });

  test('a catch-all takes what nobody has, and then refuses what was not accepted', async () => {
    await anna.goto('/domains/example.com?tab=catch-all');
    await anna.getByRole('combobox', { name: 'The catch-all leads to' }).fill('ben ');
    await anna.getByRole('button', { name: 'Set the catch-all' }).click();
    await anna.getByRole('button', { name: 'Make this change' }).click();
    await anna.getByText('The catch-all is set').waitFor();
    expect(await replyTo('anything@example.com')).toBe(250);
    await anna.getByLabel('Refuse', { exact: true }).check();
    await anna.getByRole('button', { name: 'Set the mode' }).click();
    await anna.getByRole('button', { name: 'Make this change' }).click();
    await anna.getByText('The mode is set').waitFor();
    expect(await replyTo('anything@example.com')).toBe(550);
    expect((await server.api.directory.domains.show('example.com'))?.catchAllMode).toBe('refuse');
  });

  test('many are added from a text: each row is told, the good ones are done at once', async () => {
    await anna.goto('/domains/example.com');
    await anna.getByRole('button', { name: 'Add many' }).click();
    const focused = () => anna.evaluate(() => document.activeElement?.textContent);
    for (const name of ['J\u00fcrgen', 'Zo\u00eb']) {
      const file = { name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(`eva,${name}`, 'latin1') };
      await anna.locator('input[type=file]').setInputFiles(file);
      await expect.poll(() => anna.getByLabel('Paste a list or a table').inputValue()).toBe(`eva,${name}`);
      expect(await anna.locator('input[type=file]').inputValue()).toBe('');
    }
    await anna.getByLabel('Paste a list or a table').fill('emil, Emil, 1G\nben\nfritz@other.test\ngerd');
    await anna.getByRole('button', { name: 'Preview' }).click();
    await anna.getByText('To be added: 2 · there already: 1 · wrong: 1').waitFor();
    await anna.getByText('fritz@other.test is not an address of example.com').waitFor();
    await expectAccessible(anna);
    expect(await replyTo('emil@example.com')).toBe(550);
    await expect.poll(focused).toBe('Add the good ones alone (2)');
    await anna.keyboard.press('Enter');
    // Passwords that nobody can see again are not lost by a key too many.
    await anna.getByRole('button', { name: 'Save the passwords' }).waitFor();
    expect(await focused()).toBe('Save the passwords');
    await anna.keyboard.press('Escape');
    const [download] = await Promise.all([
      anna.waitForEvent('download'),
      anna.getByRole('button', { name: 'Save the passwords' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('passwords-example.com.csv');
    expect([await replyTo('emil@example.com'), await replyTo('gerd@example.com')]).toEqual([250, 250]);
    await anna.getByRole('button', { name: 'Done' }).click();
  });

  test('ticked domains are changed in one revision, with a look at what it does before', async () => {
    await anna.goto('/domains');
    await anna.getByLabel('Tick relay.test').check();
    await anna.getByRole('button', { name: 'Transport…' }).click();
    await anna.getByLabel('Transport', { exact: true }).fill('smtp:[192.0.2.1]');
    await anna.keyboard.press('Enter');
    await anna.getByRole('button', { name: 'Make this change' }).waitFor();
    for (const left of [1, 0]) {
      await anna.keyboard.press('Escape');
      await expect.poll(() => anna.getByRole('dialog').count()).toBe(left);
    }
    await anna.getByRole('button', { name: 'Refuse their mail' }).click();
    await anna.getByRole('button', { name: 'Make this change' }).click();
    await anna.getByText('Domains changed: 1').waitFor();
    expect((await server.api.directory.domains.show('relay.test'))?.active).toBe(false);
    await anna.getByRole('button', { name: 'Undo' }).first().click();
    await anna.getByText('Undone').waitFor();
    expect((await server.api.directory.domains.show('relay.test'))?.active).toBe(true);
  });

  test('the rules of its logins are saved where they are others than before', async () => {
    await anna.goto('/domains/example.com?open=ben@example.com');
    await anna.getByRole('tab', { name: 'Logins' }).click();
    const save = anna.getByRole('button', { name: 'Save', exact: true });
    const pop = anna.getByLabel('POP3', { exact: true });
    await pop.waitFor();
    expect(await save.isEnabled()).toBe(false);
    await pop.uncheck();
    expect(await save.isEnabled()).toBe(true);
    await pop.check();
    expect(await save.isEnabled()).toBe(false);
    await pop.uncheck();
    await save.click();
    await anna.getByText('ben@example.com changed').waitFor();
    expect(await save.isEnabled()).toBe(false);
    expect((await server.api.directory.mailboxes.need('ben@example.com')).protocols).toHaveLength(4);
  });

  test('a mailbox is removed after a word on what names it, and brought back', async () => {
    await anna.goto('/domains/example.com?open=carla@example.com');
    await anna.getByRole('tab', { name: 'Rename or remove' }).click();
    await anna.getByText('No alias, list, forward or right to send names it.').waitFor();
    await anna.getByRole('button', { name: 'Remove…' }).click();
    await dialog(anna, 'Remove carla@example.com?').getByRole('button', { name: 'Remove', exact: true }).click();
    await anna.getByText('carla@example.com is removed').waitFor();
    expect(await replyTo('carla@example.com')).toBe(550);
    await anna.goto('/domains/example.com?show=removed');
    await anna.getByRole('button', { name: 'Bring back carla@example.com' }).click();
    await anna
      .getByText('carla@example.com is back')
      .or(anna.getByRole('button', { name: 'Make this change' }))
      .first()
      .waitFor();
    const confirm = anna.getByRole('button', { name: 'Make this change' });
    if (await confirm.isVisible()) await confirm.click();
    await anna.getByText('carla@example.com is back').waitFor();
    expect(await replyTo('carla@example.com')).toBe(250);
  });
});

const tabs = ['mailboxes', 'aliases', 'catch-all', 'lists', 'names', 'sending', 'routes', 'dns', 'settings'] as const;
const places = [
  '/domains',
  ...tabs.map((tab) => `/domains/example.com?tab=${tab}`),
  '/domains/example.com?open=ben@example.com',
  '/domains/example.com?tab=lists&open=team@example.com',
  '/domains/relay.test',
  '/domains/other.test',
];

/** What a view shows when it has asked. */
async function settle(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('status', { name: 'Loading' }).waitFor({ state: 'hidden' });
}

describe('how it is shown', () => {
  test('nothing violates accessibility, and nothing stored becomes a part of the page', {
    timeout: 120_000,
  }, async () => {
    for (const place of places) {
      await anna.goto(place);
      await settle(anna);
      expect(await anna.evaluate(() => 'wasRun' in globalThis), place).toBe(false);
      expect(await anna.locator('img[src="x"], main svg[onload], main b').count(), place).toBe(0);
      await expectAccessible(anna);
    }
  });

  test('also in the dark, and on a narrow screen', { timeout: 120_000 }, async () => {
    await anna.emulateMedia({ colorScheme: 'dark' });
    await anna.setViewportSize({ width: 360, height: 780 });
    for (const place of places) {
      await anna.goto(place);
      await settle(anna);
      await expectAccessible(anna);
      const width = await anna.evaluate<number>('document.documentElement.scrollWidth');
      expect(width, `${place} is as wide as the screen`).toBeLessThanOrEqual(360);
    }
    await anna.emulateMedia({ colorScheme: 'light' });
    await anna.setViewportSize({ width: 1280, height: 860 });
  });

  test('parts of a mailbox are accessible, and a stored text is only text', async () => {
    await anna.goto('/domains/example.com?open=ben@example.com');
    for (const name of ['Forward and vacation', 'Logins', 'Rename or remove']) {
      await anna.getByRole('tab', { name }).click();
      await anna.getByRole('tabpanel', { name }).waitFor();
      await expectAccessible(anna);
    }
    expect(await anna.evaluate(() => 'wasRun' in globalThis)).toBe(false);
  });
});

describe('a domain administrator', () => {
  test('sees his domains, changes them, and is told of no other', async () => {
    const bert = await server.openAs('bert', '/domains');
    await bert.getByRole('row', { name: /example\.com/ }).waitFor();
    expect(await bert.getByRole('row').count()).toBe(2);
    expect(await bert.getByRole('button', { name: 'Add a domain' }).count()).toBe(0);
    for (const name of ['other.test', 'missing.test']) {
      await bert.goto(`/domains/${name}`);
      await bert.getByText('There is no such domain here, or it is not yours').waitFor();
    }
    await bert.goto('/domains/example.com?tab=aliases');
    await bert.getByRole('button', { name: 'Add an alias' }).click();
    await bert.getByRole('textbox', { name: 'Address', exact: true }).fill('office');
    await bert.getByRole('combobox', { name: 'Leads to' }).fill('ben ');
    await bert.getByRole('button', { name: 'Add', exact: true }).click();
    await bert.getByRole('button', { name: 'Make this change' }).click();
    await bert.getByText('office@example.com is there').waitFor();
    expect(await replyTo('office@example.com')).toBe(250);
    expect(await bert.getByRole('tab', { name: 'Routes' }).count()).toBe(0);
    await bert.getByRole('tab', { name: 'Settings' }).click();
    await bert.getByText('Set by the administrator of the host.').waitFor();
    await expectAccessible(bert);
    await bert.context().close();
  });
});
