// The page's door: who comes in, as what, and what a stranger sees.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, PageServer } from './browser.ts';

let server: PageServer;

beforeAll(async () => {
  server = await PageServer.start();
  await server.api.directory.domains.add('example.com');
  await server.addAdministrator('bert', ['example.com']);
});
afterAll(async () => {
  await server.close();
});

describe('the door', () => {
  test('asks who is there, and nothing violates accessibility, light and dark, wide and narrow', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 360]) {
        const page = await server.open('/', { colorScheme, viewport: { width, height: 800 } });
        await page.getByRole('heading', { name: 'Log in' }).waitFor();
        await expectAccessible(page);
        await page.context().close();
      }
    }
  });

  test('a wrong password is told as such, and says nothing of the name', async () => {
    const page = await server.open();
    for (const name of ['anna', 'nobody']) {
      await page.getByLabel('Login or address').fill(name);
      await page.locator('input[type=password]').fill('wrong');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('The login or the password is wrong.').waitFor();
      await page.reload();
    }
    await page.context().close();
  });

  test('what cannot be a login is told what one looks like, whether or not somebody is called so', async () => {
    const page = await server.open();
    for (const name of ['jörg', 'bert', 'nobody']) {
      await page.getByLabel('Login or address').fill(name);
      await page.locator('input[type=password]').fill('wrong');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('A mailbox logs in with its whole address, as anna@example.com.').waitFor();
      const letters = page.getByText('The letters a to z, digits and . _ @ + - make up the login of an administrator.');
      expect(await letters.count()).toBe(name === 'jörg' ? 1 : 0);
      await page.reload();
    }
    await page.context().close();
  });

  test('leads to where one wanted to go', async () => {
    const page = await server.openAs('anna', '/domains');
    await page.getByRole('heading', { name: 'Domains', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/domains');
    await expectAccessible(page);
    await page.context().close();
  });

  test('shows each role its own places', async () => {
    const host = await server.openAs('anna');
    expect(await host.getByRole('navigation').getByRole('link').allTextContents()).toContain('Settings');
    const domain = await server.openAs('bert');
    const places = await domain.getByRole('navigation').getByRole('link').allTextContents();
    expect(places).not.toContain('Settings');
    expect(places).toContain('Domains');
    await domain.context().close();
    await host.context().close();
  });

  test('logging out ends the session on the server', async () => {
    const page = await server.openAs('anna');
    const [cookie] = await page.context().cookies();
    await page.getByRole('button', { name: /anna/ }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    const header = { cookie: `${cookie?.name}=${cookie?.value}` };
    expect((await server.api.ask('GET', '/account', { headers: header })).status).toBe(401);
    await page.context().close();
  });
});
