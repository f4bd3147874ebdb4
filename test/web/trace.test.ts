// The trace on the page: a real message and its time line, what was refused, put off and sent back, what a domain
// administrator sees of it, and that nothing a stranger sends is anything but text.

import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, PageServer } from './browser.ts';
import { tabTo } from './keyboard.ts';
import { sendBySmtp } from '../harness/send-by-smtp.ts';

const attack = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
let server: PageServer;
let remote: Server;
/** Of the host's administrator, logged in once. */
let page: Page;

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
  page = await server.openAs('anna', '/trace');
});
afterAll(async () => {
  await server.close();
  await new Promise((resolve) => remote.close(resolve));
});

const send = async (to: readonly string[], subject: string, more: object = {}) =>
  await sendBySmtp(server.api.smtpPort, { from: 'writer@example.net', to, subject, ...more });

async function openMessage(text: string | RegExp, on: Page = page): Promise<void> {
  await on.getByRole('list', { name: 'Messages' }).getByRole('button').filter({ hasText: text }).first().click();
  await on.getByRole('dialog').getByText('What became of it').waitFor();
}

describe('the trace', () => {
  test('shows a message as it comes, with each step, and links to where it went', async () => {
    await page.getByText('No message has come yet').waitFor();
    await send(['anna@example.com'], 'Good news');
    await page.getByText('Good news').waitFor();
    await openMessage('Good news');
    const dialog = page.getByRole('dialog');
    const steps = dialog.getByRole('region', { name: 'Every step' });
    for (const step of ['A client connects', 'The message gets its queue id', 'It is in the queue', 'Delivered']) {
      await steps.getByText(step, { exact: true }).first().waitFor();
    }
    await dialog.getByRole('region', { name: 'Recipient anna@example.com' }).getByText('by mailstore').waitFor();
    // What one sends to a colleague shows the same.
    await page.goto(page.url());
    await steps.getByText('Delivered', { exact: true }).first().waitFor();
    await expectAccessible(page);
    await dialog.getByRole('link', { name: 'The mailbox' }).click();
    await page.getByRole('heading', { name: 'example.com', level: 1 }).waitFor();
  });

  test('finds by subject, address and state what is put off, sent back and refused, with the reason', async () => {
    await send(['who@later.test'], 'Put off');
    await send(['who@never.test'], 'Sent back', { from: 'anna@example.com' });
    expect(await send(['nobody@example.com'], 'Refused')).toContainEqual(expect.objectContaining({ code: 550 }));
    await page.goto('/trace');
    const list = page.getByRole('list', { name: 'Messages' });
    const choose = async (state: string) => {
      await page.getByRole('combobox', { name: 'State' }).click();
      await page.getByRole('option', { name: state, exact: true }).click();
    };
    await choose('deferred');
    await list.getByText('Put off').waitFor();
    expect(await list.getByText('Good news').count()).toBe(0);
    await choose('bounced');
    await openMessage('Sent back');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It cannot be delivered').first().waitFor();
    await dialog.getByRole('button', { name: /The notice about it/ }).click();
    await dialog.getByRole('button', { name: /It is a notice about/ }).waitFor();
    await page.keyboard.press('Escape');
    await choose('refused');
    await openMessage('nobody@example.com');
    await dialog
      .getByText(/User unknown/)
      .first()
      .waitFor();

    await page.goto('/trace?subject=good%20NEWS');
    await list.getByText('Good news').waitFor();
    expect(await list.getByRole('button').count()).toBe(1);
    await page.goto('/trace?text=who@later.test&since=1h');
    await list.getByText('Put off').waitFor();
    await page.goto('/trace?text=nothing@like.that');
    await page.getByText('No message like that is known').waitFor();
  });

  test('tells the state in a whole word, in German on a narrow screen too', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.evaluate("localStorage.setItem('posthaste.language', 'de')");
    await page.goto('/trace?text=who@later.test&since=1h');
    const words = page.getByText('zurückgestellt', { exact: true });
    const areWhole = async () =>
      await words.evaluateAll((all) => all.every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth));
    await words.first().waitFor();
    expect(await areWhole()).toBe(true);
    await page.getByRole('list').getByRole('button').filter({ hasText: 'later.test' }).first().click();
    await page.getByRole('dialog').getByText('zurückgestellt', { exact: true }).first().waitFor();
    expect(await areWhole()).toBe(true);
    await page.evaluate("localStorage.removeItem('posthaste.language')");
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  test('shows a connection that a rule refused, with the rule', async () => {
    await send(['anna@example.com'], 'Blocked', { xclient: '192.0.2.66' });
    await page.goto('/trace?text=192.0.2.66');
    await openMessage('192.0.2.66');
    await page
      .getByRole('alert')
      .getByText(/Client host rejected: Access denied/)
      .waitFor();
  });

  test('takes nothing that a stranger sends for anything but text', async () => {
    await send(['anna@example.com'], attack, { helo: 'x"><script>1</script>', messageId: `<${attack}@x>` });
    await send(['who@never.test'], 'Reply attack', { from: 'anna@example.com' });
    await page.goto('/trace?subject=onerror');
    await openMessage('onerror');
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).first().waitFor();
    await page.goto('/trace?subject=attack');
    await openMessage('Reply attack');
    await page
      .getByRole('dialog')
      .getByText(/nobody here/)
      .first()
      .waitFor();
    expect(await page.title()).toContain('Trace');
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });

  test('is found and read with the keyboard alone', async () => {
    await page.goto('/trace');
    await page.getByRole('list', { name: 'Messages' }).waitFor();
    await tabTo(page, page.getByLabel('Subject'));
    await page.keyboard.type('good');
    await page.keyboard.press('Enter');
    await page.waitForURL(/subject=good/);
    const row = page.getByRole('list', { name: 'Messages' }).getByRole('button').first();
    await tabTo(page, row);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.locator('.list-button:focus').waitFor();
  });

  test('is for a domain administrator what his domains sent or got, without others and without log lines', async () => {
    await send(['anna@example.com', 'otto@example.org'], 'To both');
    await send(['otto@example.org'], 'Not for bert');
    const own = await server.openAs('bert', '/trace', {
      colorScheme: 'dark',
      viewport: { width: 360, height: 800 },
    });
    await own.getByText('To both').waitFor();
    expect(await own.getByText('Not for bert').count()).toBe(0);
    await expectAccessible(own);
    await openMessage('To both', own);
    await own
      .getByRole('dialog')
      .getByText(/Every step is shown to administrators of the host/)
      .waitFor();
    await expectAccessible(own);
    expect(await own.getByText('otto@').count()).toBe(0);
    const width = await own
      .locator('html')
      .evaluate(({ scrollWidth }: { readonly scrollWidth: number }) => scrollWidth);
    expect(width).toBeLessThanOrEqual(360);
    await own.goto('/trace?text=anna@example.com');
    await own.getByRole('list', { name: 'Messages' }).getByText('To both').waitFor();
    // Found by somebody whom he does not see, it would tell that it went there too.
    await own.goto('/trace?text=otto@example.org');
    await own.getByText('No message like that is known').waitFor();
    expect(await own.getByText(/Not for bert|To both/).count()).toBe(0);
    await own.context().close();
  });
});
