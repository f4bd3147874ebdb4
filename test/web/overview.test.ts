// The overview and the queue in a browser: what administrators of both kinds see, what is done to queued mail and what comes
// of it on the server, what changes by itself, and that the page says so when the server is gone.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { expectAccessible, PageServer } from './browser.ts';

let server: PageServer;
let token: string;

beforeAll(async () => {
  const [nobody] = await findFreePorts(1);
  server = await PageServer.start({ relayhost: `[127.0.0.1]:${nobody}`, mydestination: '' });
  const { directory } = server.api;
  await directory.domains.add('example.com');
  await directory.domains.add('foreign.test');
  for (const address of ['carla@example.com', 'secret@foreign.test']) {
    await directory.mailboxes.add({ address, passwordHash: 'none', quotaBytes: 1000 });
  }
  await server.addAdministrator('bert', ['example.com']);
  token = await server.api.token('anna');
  for (let number = 0; number < 3; number++) await send(`one${number}@dead.test`);
  for (let number = 0; number < 2; number++) await send(`two${number}@slow.test`);
  await send('carla@example.com');
  for (const recipient of ['nobody@example.com', 'nobody@foreign.test']) await refused(recipient);
  for (const end = Date.now() + 15_000; (await summary()).states.deferred < 5 && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
afterAll(async () => {
  await server.close();
});

/** A subject that would be a script where it were not text. */
const subject = '<img src=x onerror="document.title=1">';

async function send(recipient: string): Promise<void> {
  const smtp = await SmtpConnection.open(server.api.smtpPort);
  for (const line of ['EHLO c.test', 'MAIL FROM:<writer@sender.test>', `RCPT TO:<${recipient}>`, 'DATA'])
    await smtp.command(line);
  expect((await smtp.command(`Subject: ${subject}\r\n\r\nthe body\r\n.`)).code).toBe(250);
  await smtp.command('QUIT');
}

async function refused(recipient: string): Promise<void> {
  const smtp = await SmtpConnection.open(server.api.smtpPort);
  for (const line of ['EHLO c.test', 'MAIL FROM:<writer@sender.test>']) await smtp.command(line);
  expect((await smtp.command(`RCPT TO:<${recipient}>`)).code).toBe(550);
  await smtp.command('QUIT');
}

async function summary() {
  return (await server.api.ask('GET', '/queue/summary?fresh=true', { token })).body;
}

/** One page, in light and dark, wide and narrow. */
async function lookedAt(path: string, ready: (page: Page) => Promise<unknown>, login = 'anna'): Promise<void> {
  const page = await server.openAs(login, path);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['dark', 360],
    ['light', 360],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await ready(page);
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  }
  await page.context().close();
}

describe('the overview', () => {
  test('violates nothing, light and dark, wide and narrow', { timeout: 120_000 }, async () => {
    await lookedAt('/', async (page) => {
      await page.getByText('dead.test').first().waitFor();
      await page.getByText('accepted messages').first().waitFor();
      await page.getByText('Accounting').waitFor();
    });
  });

  test('counts one as one, and many as many', async () => {
    const page = await server.openAs('anna', '/');
    for (const [entered, words] of [
      [1, '1 recipient accepted, and accounted for'],
      [1234, '1,234 recipients accepted, each accounted for'],
    ] as const) {
      await page.route(/\/api\/v1\/health/, async (route) => {
        const response = await route.fetch();
        const text = await response.text();
        await route.fulfill({ response, body: text.replaceAll(/"entered":\d+/g, `"entered":${entered}`) });
      });
      await page.reload();
      await page.getByText(words).waitFor();
      await page.unrouteAll({ behavior: 'wait' });
    }
    await page.context().close();
  });

  test('shows mail over time as a picture that the arrow keys walk along, and as a table', async () => {
    const page = await server.openAs('anna', '/');
    await page.getByText('1 hour').click();
    await page.waitForURL(/range=1h/);
    await page.getByRole('group', { name: /Mail over time/ }).focus();
    await page.keyboard.press('End');
    await page.getByText(/: accepted messages \d+ · delivered/).waitFor();
    await page.getByRole('button', { name: 'As a table' }).click();
    await page.getByRole('columnheader', { name: 'refused' }).waitFor();
    await page.getByRole('link', { name: 'dead.test, under 5 min: 3' }).press('Enter');
    await page.waitForURL(/queue\?.*destination=dead.test/);
    await page.getByText('Matching: messages 3').waitFor();
    await page.context().close();
  });

  test("shows a domain's administrator what is his and nothing of others", { timeout: 120_000 }, async () => {
    await lookedAt(
      '/',
      async (page) => {
        await page.getByRole('link', { name: 'example.com', exact: true }).waitFor();
        await page.getByText('Nobody has logged in yet.').waitFor();
        await page
          .getByRole('list', { name: /Not delivered/ })
          .getByText('nobody@example.com')
          .first()
          .waitFor();
        const text = await page.getByRole('main').textContent();
        expect(text).not.toContain('foreign.test');
        expect(text).not.toContain('dead.test');
      },
      'bert',
    );
  });

  test('changes by itself, with one stream for all tabs of a browser', async () => {
    const page = await server.openAs('anna', '/');
    await page.getByRole('heading', { name: 'Newest changes' }).waitFor();
    const second = await page.context().newPage();
    await second.goto('/');
    await second.getByRole('heading', { name: 'Newest changes' }).waitFor();
    await server.api.directory.aliases.add('fresh@example.com', ['carla@example.com']);
    for (const one of [page, second]) await one.getByText('Alias: added fresh@example.com').waitFor();
    const streams = await Promise.all(
      [page, second].map((one) =>
        one.evaluate(
          () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/v1/events')).length,
        ),
      ),
    );
    expect(streams.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(1);
    await page.context().close();
  });

  test('says so when the server is lost', async () => {
    const page = await server.open('/');
    // Each new stream is refused from now on: the one that is open is not.
    await page.route('**/api/v1/events*', (route) => route.abort());
    await page.getByLabel('Login or address').fill('anna');
    await page.locator('input[type=password]').fill('correct horse battery');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The connection to the server is lost').waitFor();
    await page.unroute('**/api/v1/events*');
    await page.getByText('The connection to the server is lost').waitFor({ state: 'detached' });
    // The browser's own complaint of the refused requests.
    server.forgive(/ERR_FAILED/);
    await page.context().close();
  });
});

describe('the queue', () => {
  test('violates nothing, light and dark, wide and narrow', { timeout: 120_000 }, async () => {
    for (const view of ['groups', 'messages']) {
      await lookedAt(`/queue?view=${view}`, (page) =>
        page
          .getByText(view === 'groups' ? 'dead.test' : 'deferred', { exact: true })
          .first()
          .waitFor(),
      );
    }
  });

  test('and other tables keep long headings off their first row, on a narrow screen', async () => {
    const page = await server.openAs('anna', '/', { viewport: { width: 390, height: 780 } });
    await page.evaluate(() => localStorage.setItem('posthaste.language', 'fr'));
    await page.goto('/domains');
    await page.getByRole('columnheader', { name: 'Bo\u00eetes aux lettres' }).waitFor();
    const overlaps = await page.getByRole('columnheader').evaluateAll((heads) =>
      heads.filter((head) => {
        const row = head.parentElement?.getBoundingClientRect();
        return row !== undefined && head.getBoundingClientRect().bottom > row.bottom;
      }),
    );
    expect(overlaps).toHaveLength(0);
    await page.context().close();
  });

  test('shows one message by the keyboard: its recipients, its header as text, not its body', async () => {
    const page = await server.openAs('anna', '/queue?view=messages&destination=slow.test');
    await page.getByRole('grid').focus();
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer.getByText('two0@slow.test').waitFor();
    expect(page.url()).toMatch(/id=\w+/);
    await drawer.getByText(/Connection refused/).waitFor();
    await drawer.getByRole('button', { name: 'Show the header' }).press('Enter');
    await drawer.getByText(subject).waitFor();
    expect(await drawer.textContent()).not.toContain('the body');
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    expect(page.url()).not.toMatch(/id=/);
    await page.context().close();
  });

  test('holds what is ticked and releases what matches, with the numbers before and after', {
    timeout: 120_000,
  }, async () => {
    const page = await server.openAs('anna', '/queue?view=messages&destination=dead.test');
    const grid = page.getByRole('grid');
    await grid.focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Act on the ticked: 2' }).click();
    await page.getByRole('menuitem', { name: 'Hold' }).click();
    await page.getByText('Messages: 2', { exact: true }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Hold' }).click();
    await page.getByText('Done. Messages that were changed: 2').waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Close');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Act on all that match' }).waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Act on all that match');
    await grid.getByText('on hold').first().waitFor();
    expect((await summary()).states.hold).toBe(2);
    await page.goto('/queue?state=hold&view=messages');
    await page.getByText('Matching: messages 2').waitFor();
    await page.getByRole('button', { name: 'Act on all that match' }).click();
    await page.getByRole('menuitem', { name: 'Release' }).click();
    await page.getByText('Messages: 2 · Recipients: 2 · Domains: 1').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await page.getByText('Done. Messages that were changed: 2').waitFor();
    expect((await summary()).states.hold).toBe(0);
    await page.context().close();
  });

  test('deletes what matches after saying what it is, and shows what arrives', { timeout: 120_000 }, async () => {
    const page = await server.openAs('anna', '/queue?destination=slow.test&view=messages');
    await page.getByRole('button', { name: 'Act on all that match' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByText('This cannot be undone', { exact: false }).waitFor();
    await expectAccessible(page);
    // Enter at once must not delete.
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect((await summary()).messages).toBe(5);
    await page.getByRole('button', { name: 'Act on all that match' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Done. Messages that were changed: 2').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('Nothing in the queue matches').waitFor();
    expect((await summary()).messages).toBe(3);
    await send('new@slow.test');
    await page.getByText('new@slow.test').waitFor();
    await page.context().close();
  });

  test("is not a domain administrator's", async () => {
    const page = await server.openAs('bert', '/queue');
    await page.getByText("The queue is the host's", { exact: false }).waitFor();
    await page.goto('/settings');
    await page.getByText("The settings are the host's.").waitFor();
    await page.goto('/nowhere');
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.context().close();
  });
});
