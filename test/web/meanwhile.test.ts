// What others change while somebody types is told, and overwritten by nobody.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { expectAccessible, PageServer, password } from './browser.ts';

let server: PageServer;
/** The host's administrator. */
let anna: Page;

beforeAll(async () => {
  server = await PageServer.start();
  const { directory } = server.api;
  const passwordHash = await hashPassword(password);
  await directory.domains.add('example.com');
  await directory.domains.add('other.test');
  for (const name of ['ben', 'carla']) await directory.mailboxes.add({ address: `${name}@example.com`, passwordHash });
  await server.addAdministrator('bert', ['example.com']);
  anna = await server.openAs('anna', '/domains');
});
afterAll(async () => {
  await server.close();
});

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });
const asItIs = (page: Page) => page.getByRole('button', { name: 'Show it as it is now' });

/** Presses it; what it sends arrives after `change`, which it knows nothing of. Then what is now is shown. */
async function pressAfter(page: Page, button: string, path: RegExp, change: () => Promise<unknown>): Promise<void> {
  await page.route(path, async (route) => {
    if (route.request().method() !== 'GET') await change();
    await route.continue();
  });
  await page.getByRole('button', { name: button, exact: true }).click();
  await asItIs(page)
    .or(page.getByRole('button', { name: 'Make this change' }))
    .waitFor();
  const confirm = page.getByRole('button', { name: 'Make this change' });
  if (await confirm.isVisible()) await confirm.click();
  await asItIs(page).waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  await asItIs(page).click();
}

describe('what others change meanwhile', () => {
  test('is told beside an alias and a mailbox, and what is being typed stays', async () => {
    const { aliases, mailboxes } = server.api.directory;
    await aliases.add('info@example.com', ['ben@example.com']);
    const now = anna.getByRole('button', { name: 'Show it as it is now' });
    await anna.goto('/domains/example.com?tab=aliases&open=info@example.com');
    const panel = dialog(anna, 'info@example.com');
    await panel.getByText('ben@example.com', { exact: true }).waitFor();
    await aliases.set('info@example.com', ['carla@example.com']);
    await panel.getByText('carla@example.com', { exact: true }).waitFor();
    await panel.getByRole('combobox', { name: 'Leads to' }).fill('dora');
    await anna.keyboard.press('Enter');
    await aliases.set('info@example.com', ['ben@example.com', 'carla@example.com']);
    await now.waitFor();
    expect(await panel.getByText('dora@example.com', { exact: true }).count()).toBe(1);
    expect(await panel.getByText('ben@example.com', { exact: true }).count()).toBe(0);
    await expectAccessible(anna);
    await now.click();
    await panel.getByText('ben@example.com', { exact: true }).waitFor();
    expect(await panel.getByText('dora@example.com', { exact: true }).count()).toBe(0);
    await aliases.remove('info@example.com');
    await anna.goto('/domains/example.com?open=ben@example.com');
    const name = anna.getByLabel("The owner's name");
    await name.fill('Ben');
    await anna.route(/\/api\/v1\/mailboxes\/ben(?:@|%40)example\.com$/, async (route) => {
      if (route.request().method() !== 'GET') await mailboxes.set('ben@example.com', { name: 'Benedict' });
      await route.continue();
    });
    await anna.getByRole('button', { name: 'Save', exact: true }).click();
    await now.waitFor();
    expect(await name.inputValue()).toBe('Ben');
    await now.click();
    await expect.poll(() => name.inputValue()).toBe('Benedict');
    await anna.unrouteAll({ behavior: 'wait' });
  });

  test("is not overwritten in a mailbox's owner's own settings", async () => {
    const { mailboxes } = server.api.directory;
    const ben = await server.openAs('ben@example.com', '/mailbox');
    const path = /\/api\/v1\/mailboxes\/ben(?:@|%40)example\.com$/;
    const name = ben.getByRole('textbox', { name: 'Name' });
    await name.fill('Ben');
    await pressAfter(ben, 'Save', path, () => mailboxes.set('ben@example.com', { name: 'Benno' }));
    await expect.poll(() => name.inputValue()).toBe('Benno');
    await ben.getByRole('tab', { name: 'Forward' }).click();
    await ben.getByRole('radio', { name: 'goes on, and nothing stays here' }).check();
    await ben.getByRole('combobox', { name: 'To these addresses' }).fill('x@far.example');
    const forward = { mode: 'both', to: ['y@far.example'] } as const;
    await pressAfter(ben, 'Save', path, () => mailboxes.set('ben@example.com', { forward }));
    await ben.getByText('y@far.example', { exact: true }).waitFor();
    await ben.getByRole('tab', { name: 'Vacation' }).click();
    await ben.getByRole('textbox', { name: 'Text' }).fill('Away');
    const vacation = { text: 'Gone' };
    await pressAfter(ben, 'Switch on', path, () => mailboxes.set('ben@example.com', { vacation }));
    await expect.poll(() => ben.getByRole('textbox', { name: 'Text' }).inputValue()).toBe('Gone');
    expect(await mailboxes.need('ben@example.com')).toMatchObject({ name: 'Benno', forward, vacation });
    await ben.context().close();
  });

  test("is not overwritten in a catch-all's targets and mode", async () => {
    const { aliases, domains } = server.api.directory;
    await anna.goto('/domains/example.com?tab=catch-all');
    const leads = anna.getByRole('combobox', { name: 'The catch-all leads to' });
    const targets = async () => (await aliases.need('@example.com')).targets;
    const path = /\/api\/v1\/aliases(?:\/(?:@|%40)example\.com)?$/;
    const set = async (to: string) => {
      const others = [`${to}@far.example`];
      await (to === 'x' ? aliases.add('@example.com', others) : aliases.set('@example.com', others));
    };
    for (const other of ['x', 'y']) {
      await leads.fill('ben ');
      await pressAfter(anna, 'Set the catch-all', path, () => set(other));
      await anna.getByText(`${other}@far.example`, { exact: true }).waitFor();
      expect(await targets()).toEqual([`${other}@far.example`]);
    }
    await anna.getByLabel('Refuse', { exact: true }).check();
    await pressAfter(anna, 'Set the mode', /catch-alls\/example\.com$/, () =>
      domains.set('example.com', { catchAllMode: 'propose' }),
    );
    await expect.poll(() => anna.getByLabel('Propose', { exact: true }).isChecked()).toBe(true);
    expect((await domains.show('example.com'))?.catchAllMode).toBe('propose');
  });

  test('is not overwritten in an administrator', async () => {
    const { administrators } = server.api.directory;
    await anna.goto('/administrators?open=bert');
    const name = dialog(anna, 'bert').getByRole('textbox', { name: 'Name' });
    await name.fill('Bert');
    await pressAfter(anna, 'Save', /\/admins\/bert$/, () => administrators.set('bert', { domains: ['other.test'] }));
    await dialog(anna, 'bert').getByText('other.test').first().waitFor();
    expect(await administrators.need('bert')).toMatchObject({ name: '', domains: ['other.test'] });
  });

  test("is not overwritten in a host's parameter", async () => {
    const token = await server.api.token('anna');
    const path = '/settings/smtpd_banner';
    await anna.goto('/settings?name=smtpd_banner');
    const value = anna.getByLabel('Value');
    await value.fill('$myhostname mine');
    const body = { value: '$myhostname theirs' };
    await pressAfter(anna, 'Change it', /\/settings\/smtpd_banner$/, () =>
      server.api.ask('PUT', path, { token, body }),
    );
    await expect.poll(() => value.inputValue()).toBe(body.value);
    expect((await server.api.ask('GET', path, { token })).body.value).toBe(body.value);
  });
});
