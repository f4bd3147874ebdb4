// The trace on the page: a real message and its time line, what was refused, put off and sent back, what a domain
// administrator sees of it, and that nothing a stranger sends is anything but text.

import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, PageServer } from './browser.ts';
import { sendBySmtp } from './send-by-smtp.ts';

const attack = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
let server: PageServer;
let remote: Server;

beforeAll(async () => {
  remote = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 remote.test ESMTP\r\n');
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n').filter(Boolean)) {
        if (/^(?:EHLO|HELO|MAIL|RSET)/i.test(line)) socket.write('250 ok\r\n');
        else if (/^RCPT/i.test(line)) socket.write(`550 5.1.1 ${attack} nobody here\r\n`);
        else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
        else socket.write('503 no\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
  const { port } = remote.address() as AddressInfo;
  server = await PageServer.start({
    transport_maps: 'directory:transports',
    smtpd_authorized_xclient_hosts: '127.0.0.1',
    smtpd_client_restrictions: 'check_client_access inline:{192.0.2.66=REJECT}',
    smtpd_delay_reject: 'no',
  });
  const { directory } = server.api;
  for (const domain of ['example.com', 'example.org']) await directory.domains.add(domain);
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.add({ address: 'otto@example.org', passwordHash: '{PLAIN}x' });
  await directory.transports.add('later.test', 'smtp:[127.0.0.1]:9');
  await directory.transports.add('never.test', `smtp:[127.0.0.1]:${port}`);
  await server.addAdministrator('bert', ['example.com']);
});
afterAll(async () => {
  await server.close();
  await new Promise((resolve) => remote.close(resolve));
});

const send = async (to: readonly string[], subject: string, more: object = {}): Promise<readonly string[]> =>
  await sendBySmtp(server.api.smtpPort, { from: 'writer@example.net', to, subject, ...more });

async function openMessage(page: Page, text: string | RegExp): Promise<void> {
  await page.getByRole('list', { name: 'Messages' }).getByRole('button').filter({ hasText: text }).first().click();
  await page.getByRole('dialog').getByText('What became of it').waitFor();
}

describe('the trace', () => {
  test('shows a message that has come, with each step, and links to where it went', async () => {
    await send(['anna@example.com'], 'Good news');
    const page = await server.openAs('anna', '/trace');
    await page.getByText('Good news').waitFor();
    await openMessage(page, 'Good news');
    const dialog = page.getByRole('dialog');
    const steps = dialog.getByRole('region', { name: 'Every step' });
    for (const step of ['A client connects', 'The message gets its queue id', 'It is in the queue', 'Delivered']) {
      await steps.getByText(step, { exact: true }).first().waitFor();
    }
    await dialog.getByRole('region', { name: 'Recipient anna@example.com' }).getByText('by mailstore').waitFor();
    expect(new URL(page.url()).searchParams.get('id')).toMatch(/^"?\w{10,}"?$/);
    // What one sends to a colleague shows the same.
    await page.reload();
    await steps.getByText('Delivered', { exact: true }).first().waitFor();
    await dialog.getByRole('link', { name: 'The mailbox' }).click();
    await page.getByRole('heading', { name: 'example.com', level: 1 }).waitFor();
    await page.context().close();
  });

  test('new messages appear by themselves', async () => {
    const page = await server.openAs('anna', '/trace');
    await page.getByRole('list', { name: 'Messages' }).waitFor();
    await send(['anna@example.com'], 'While you look');
    await page.getByText('While you look').waitFor();
    await page.context().close();
  });

  test('finds by subject, address and state, what is put off, sent back and refused, with the reason', async () => {
    await send(['who@later.test'], 'Put off');
    await send(['who@never.test'], 'Sent back', { from: 'anna@example.com' });
    expect(await send(['nobody@example.com'], 'Refused')).toContainEqual(expect.stringMatching(/^550 /));
    const page = await server.openAs('anna', '/trace');
    const list = page.getByRole('list', { name: 'Messages' });
    const choose = async (state: string) => {
      await page.getByRole('combobox', { name: 'State' }).click();
      await page.getByRole('option', { name: state, exact: true }).click();
    };
    await choose('deferred');
    await list.getByText('Put off').waitFor();
    expect(await list.getByText('Good news').count()).toBe(0);
    await choose('bounced');
    await openMessage(page, 'Sent back');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It cannot be delivered').first().waitFor();
    await dialog.getByRole('button', { name: /The notice about it/ }).click();
    await dialog.getByRole('button', { name: /It is a notice about/ }).waitFor();
    await page.keyboard.press('Escape');
    await choose('refused');
    await openMessage(page, 'nobody@example.com');
    await dialog
      .getByText(/User unknown/)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');

    await page.goto('/trace?subject=good%20NEWS');
    await list.getByText('Good news').waitFor();
    expect(await list.getByRole('button').count()).toBe(1);
    await page.goto('/trace?text=who@later.test&since=1h');
    await list.getByText('Put off').waitFor();
    await page.goto('/trace?text=nothing@like.that');
    await page.getByText('No message like that is known').waitFor();
    await page.context().close();
  });

  test('shows a connection that a rule refused, with the rule', async () => {
    await send(['anna@example.com'], 'Blocked', { xclient: '192.0.2.66' });
    const page = await server.openAs('anna', '/trace?text=192.0.2.66');
    await openMessage(page, '192.0.2.66');
    await page
      .getByRole('dialog')
      .getByText(/Client host rejected: Access denied/)
      .first()
      .waitFor();
    await page.context().close();
  });

  test('takes nothing that a stranger sends for anything but text', async () => {
    await send(['anna@example.com'], attack, { helo: 'x"><script>1</script>', messageId: `<${attack}@x>` });
    await send(['who@never.test'], 'Reply attack');
    const page = await server.openAs('anna', '/trace');
    await openMessage(page, 'onerror');
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).first().waitFor();
    await page.keyboard.press('Escape');
    await openMessage(page, 'Reply attack');
    await page
      .getByRole('dialog')
      .getByText(/nobody here/)
      .first()
      .waitFor();
    expect(await page.title()).toContain('Trace');
    expect(await page.locator('img[src=x]').count()).toBe(0);
    await page.context().close();
  });

  test('is for a domain administrator what his domains sent or got, without others and without log lines', async () => {
    await send(['anna@example.com', 'otto@example.org'], 'To both');
    await send(['otto@example.org'], 'Not for bert');
    const page = await server.openAs('bert', '/trace');
    await page.getByText('To both').waitFor();
    expect(await page.getByText('Not for bert').count()).toBe(0);
    await openMessage(page, 'To both');
    await page
      .getByRole('dialog')
      .getByText(/Every step is shown to administrators of the host/)
      .waitFor();
    expect(await page.getByText('otto@').count()).toBe(0);
    await page.goto('/trace?text=otto@example.org');
    await page.getByRole('list', { name: 'Messages' }).getByText('To both').waitFor();
    expect(await page.getByText('Not for bert').count()).toBe(0);
    await page.context().close();
  });

  test('is found and read with the keyboard alone', async () => {
    const page = await server.openAs('anna', '/trace');
    await page.getByRole('list', { name: 'Messages' }).waitFor();
    await page.getByLabel('Subject').focus();
    await page.keyboard.type('good');
    await page.keyboard.press('Enter');
    await page.waitForURL(/subject=good/);
    const row = page.getByRole('list', { name: 'Messages' }).getByRole('button').first();
    await row.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await row.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.context().close();
  });

  test('violates no rule of accessibility, light and dark, wide and narrow', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 360],
    ] as const) {
      const page = await server.openAs('anna', '/trace', { colorScheme, viewport: { width, height: 800 } });
      await page.getByRole('list', { name: 'Messages' }).waitFor();
      await expectAccessible(page);
      await openMessage(page, 'Good news');
      await page.getByRole('region', { name: 'Every step' }).waitFor();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.context().close();
    }
  });
});
