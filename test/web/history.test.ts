// The history on the page and the way back: what was changed is found and told, undoing shows what it does to mail first and is
// seen by SMTP afterwards, and a domain administrator undoes what is his alone.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, PageServer } from './browser.ts';
import { tabTo } from './keyboard.ts';
import { sendBySmtp } from '../harness/send-by-smtp.ts';

const attack = '<img src=x onerror="document.title=1">';
let server: PageServer;
/** Of the host's administrator, logged in once. */
let page: Page;

beforeAll(async () => {
  server = await PageServer.start();
  const { directory } = server.api;
  for (const domain of ['example.com', 'example.org']) await directory.domains.add(domain);
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.add({ address: 'otto@example.org', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.set('otto@example.org', { name: attack });
  await directory.aliases.add('sales@example.com', ['anna@example.com', 'far@example.net']);
  await directory.as('api:bert').aliases.add('@example.com', ['anna@example.com']);
  await directory.as(`api:${attack}`).domains.set('example.org', { maxMailboxes: 7 });
  await server.addAdministrator('bert', ['example.com']);
  page = await server.openAs('anna', '/history');
});
afterAll(async () => {
  await server.close();
});

async function rcpt(to: string): Promise<number> {
  const replies = await sendBySmtp(server.api.smtpPort, { from: 'a@example.net', to: [to], subject: 'x' });
  return replies[2]?.code ?? 0;
}

const row = (text: string | RegExp, on: Page = page) => on.locator('.list-button').filter({ hasText: text }).first();

describe('the history', () => {
  test('tells who changed what, the newest first, as text whatever it is', async () => {
    await row('Catch-all: added @example.com').waitFor();
    // The day as the browser's region (en-GB) writes it: in en-US the month comes first.
    await page.getByText(new RegExp(`^${new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' }).format()}$`)).waitFor();
    await row(/Domain: changed example\.org/).click();
    const detail = page.getByRole('dialog');
    await detail.getByText('maxMailboxes').waitFor();
    await detail.getByText('after: 7').waitFor();
    await detail.getByText(attack).first().waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await row('Mailbox: changed otto@example.org').click();
    await detail.getByText(attack).first().waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
    expect(await page.title()).toContain('History');
  });

  test('is narrowed by object, kind and person, and that stands in the address', async () => {
    await page.goto('/history?object=example.org&area=mailbox');
    await row('Mailbox: added otto@example.org').waitFor();
    expect(await page.locator('.list-button').count()).toBe(2);
    await page.goto('/history?actor=bert');
    await row('@example.com').waitFor();
    expect(await page.locator('.list-button').count()).toBe(1);
    await page.goto('/history?object=nobody@example.com');
    await page.getByText('Nothing like that was changed').waitFor();
  });

  test('is saved as a file for a spreadsheet, of what is filtered', async () => {
    await page.goto('/history?object=example.com');
    await page.getByRole('button', { name: 'Download' }).click();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: /CSV/ }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('history.csv');
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text).toContain('alias.add,sales@example.com,targets');
    // What a spreadsheet would run is a text.
    expect(text).toContain(",'@example.com,");
    expect(text).not.toContain('otto');
  });

  test('undoing a catch-all shows what it does to mail, and then mail is refused; undoing that brings it back', async () => {
    expect(await rcpt('whoever@example.com')).toBe(250);
    await page.goto('/history?object=@example.com');
    await row('@example.com').click();
    await page.getByRole('button', { name: 'Undo…' }).click();
    const plan = page.getByRole('dialog', { name: 'What undoing this does to mail' });
    await plan.getByText('every other name at example.com').waitFor();
    await plan.getByText('taken 250').waitFor();
    await plan.getByText('refused 550').waitFor();
    await plan.getByText('Mail starts to be refused').waitFor();
    await expectAccessible(page);
    // To leave it leaves everything as it is.
    await plan.getByRole('button', { name: 'Cancel' }).click();
    await plan.waitFor({ state: 'hidden' });
    expect(await rcpt('whoever@example.com')).toBe(250);
    await tabTo(page, page.getByRole('button', { name: 'Undo…' }));
    await page.keyboard.press('Enter');
    await tabTo(page, plan.getByRole('button', { name: 'Undo it' }));
    await page.keyboard.press('Enter');
    await page.getByText('It is undone').waitFor();
    expect(await rcpt('whoever@example.com')).toBe(550);
    const undo = page.getByRole('button', { name: 'Undo', exact: true });
    await page.setViewportSize({ width: 320, height: 780 });
    const isWhole = await undo.locator('.mantine-Button-label').evaluate((label, longer) => {
      const shorter = label.textContent;
      label.textContent = longer;
      const fits = label.scrollWidth <= label.clientWidth;
      label.textContent = shorter;
      return fits;
    }, 'R\u00fcckg\u00e4ngig machen');
    expect(isWhole).toBe(true);
    await page.setViewportSize({ width: 1280, height: 860 });
    await undo.click();
    await page.getByText('Undone', { exact: true }).waitFor();
    expect(await rcpt('whoever@example.com')).toBe(250);
  });

  test('what leaves the host and what a later change stands in the way of are told', async () => {
    await server.api.directory.aliases.remove('sales@example.com');
    await page.goto('/history?object=sales@example.com');
    await row('Alias: removed sales@example.com').click();
    await page.getByRole('button', { name: 'Undo…' }).click();
    const plan = page.getByRole('dialog', { name: 'What undoing this does to mail' });
    await plan.getByText('Mail starts to leave this host').waitFor();
    await plan.getByText('leaves this host').waitFor();
    await plan.getByRole('button', { name: 'Cancel' }).click();
    await server.api.directory.aliases.add('sales@example.com', ['anna@example.com']);
    await page.getByRole('button', { name: 'Undo…' }).click();
    await page.getByText(/sales@example.com is there again/).waitFor();
  });

  test('a domain administrator sees and undoes his own alone, on a narrow screen in the dark', async () => {
    const own = await server.openAs('bert', '/history', { colorScheme: 'dark', viewport: { width: 360, height: 800 } });
    await row('sales@example.com', own).waitFor();
    expect(await own.getByText(/example\.org|otto/).count()).toBe(0);
    await expectAccessible(own);
    await own.goto('/history?object=sales@example.com');
    await row('Alias: added sales@example.com', own).click();
    await own.getByRole('button', { name: 'Undo…' }).click();
    const plan = own.getByRole('dialog', { name: 'What undoing this does to mail' });
    await plan.getByText(/Addresses whose mail goes another way/).waitFor();
    await expectAccessible(own);
    const width = await own
      .locator('html')
      .evaluate(({ scrollWidth }: { readonly scrollWidth: number }) => scrollWidth);
    expect(width).toBeLessThanOrEqual(360);
    await own.goto('/history?object=otto@example.org');
    await own.getByText('That did not work').waitFor();
    await own.goto('/history?revision=1');
    await own
      .getByRole('dialog')
      .getByText(/there is no such object/)
      .waitFor();
    await own.context().close();
  });
});
