// The way of mail as a picture, why it does not go where somebody expected it, two moments side by side, and the map of a domain:
// as people use them, with the mouse and with the keyboard alone.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, PageServer } from './browser.ts';

let server: PageServer;
let page: Page;

beforeAll(async () => {
  server = await PageServer.start({
    smtpd_sender_restrictions: 'check_sender_access inline:{{spam.test=REJECT no thanks}}',
    smtpd_recipient_restrictions: 'check_recipient_access inline:{{over@a.test=FILTER scan:[127.0.0.1]:10025}}',
    virtual_alias_maps: 'inline:{{l1@a.test=l2@a.test},{l2@a.test=l1@a.test}}, directory:virtual-aliases',
    virtual_mailbox_maps: 'directory:mailboxes',
    transport_maps: 'directory:transports',
    recipient_bcc_maps: 'directory:recipient-bcc',
    recipient_canonical_maps: 'inline:{{old@a.test=anna@a.test}}',
    relay_domains: 'directory:relay-domains, relay.test',
    relay_recipient_maps: '',
  });
  const { directory } = server.api;
  for (const name of ['a.test', 'big.test', 'other.test']) await directory.domains.add(name);
  for (const user of ['anna', 'bert', 'carla'])
    await directory.mailboxes.add({ address: `${user}@a.test`, passwordHash: '*' });
  await directory.mailboxes.add({ address: 'zoe@other.test', passwordHash: '*' });
  await directory.lists.add({
    address: 'team@a.test',
    owners: ['anna@a.test'],
    members: ['bert@a.test', 'guest@far.test'],
    post: 'anyone',
  });
  await directory.aliases.add('sales@a.test', ['anna@a.test', 'team@a.test', 'partner@far.test']);
  await directory.aliases.add('info@a.test', ['sales@a.test', 'bert@a.test']);
  await directory.aliases.add('carla@a.test', ['bert@a.test']);
  await directory.aliases.add('over@a.test', ['zoe@other.test']);
  await directory.aliases.add('lost@a.test', ['gone@a.test']);
  await directory.bccs.add('recipient', 'carla@a.test', 'anna@a.test');
  await server.addAdministrator('dora', ['a.test']);
  const bulk = Array.from({ length: 700 }, (_, at) => `user${at}@big.test`);
  await directory.whole('test', async (view) => {
    for (const address of bulk) await view.mailboxes.add({ address, passwordHash: '*' });
    for (let at = 0; at < 300; at++) {
      await view.aliases.add(
        `alias${at}@big.test`,
        at < 200 ? ['user0@big.test', 'user1@big.test'] : [`user${at}@big.test`],
      );
    }
  });
  page = await server.openAs('anna', '/explain');
});
afterAll(async () => {
  await server.close();
});

/** In the page: how long it has held the thread at once. */
const watchLongTasks = `globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask' })`;

/** In the page: how much longer than on an idle core fixed work takes at worst. */
const slowness = `(() => {
  let worst = 0;
  for (let round = 0; round < 6; round++) {
    const begun = performance.now();
    let sum = 0;
    for (let at = 0; at < 3e7; at++) sum = (sum + at) % 1000003;
    worst = Math.max(worst, performance.now() - begun + (sum < 0 ? 1 : 0));
  }
  return worst / 150;
})()`;

const line = (name: RegExp) => page.locator('.flow-edge').and(page.getByRole('button', { name }));
const box = (name: RegExp) => page.locator('.flow-node').and(page.getByRole('button', { name }));

async function explain(query: string): Promise<void> {
  await page.goto(`/explain?${query}`);
  await page.locator('.flow-node').first().waitFor();
}

describe('the way of mail', () => {
  test('is asked for by the keyboard alone, and each line says its row', async () => {
    await page.getByLabel('Mail for').fill('info@a.test');
    await page.keyboard.press('Enter');
    await line(/info@a\.test → sales@a\.test, alias, aliases row \d+/).waitFor();
    await line(/sales@a\.test → partner@far\.test, alias/).waitFor();
    await line(/partner@far\.test → smtp:far\.test, usual way out/).waitFor();
    await line(/team@a\.test → guest@far\.test, member/).waitFor();
    expect(new URL(page.url()).searchParams.get('address')).toBe('info@a.test');
    const edge = line(/info@a\.test → sales@a\.test/);
    await edge.focus();
    await page.keyboard.press('Enter');
    const panel = page.getByRole('dialog');
    await panel.getByText('directory:virtual-aliases').first().waitFor();
    await panel.getByText('Without this row').waitFor();
    await panel.getByText(/The client would hear/).waitFor();
    expect(await panel.getByRole('link', { name: 'Edit it' }).getAttribute('href')).toContain(
      '/domains/a.test?tab=aliases',
    );
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    await page.waitForFunction(`document.activeElement.classList.contains('flow-edge')`);
  });

  test.each([
    [
      'nobody@a.test',
      '550 5.1.1 <nobody@a.test>: Recipient address rejected: User unknown in virtual mailbox table',
      /550 5\.1\.1/,
    ],
    ['l1@a.test', '451 4.6.0 Alias expansion error', /451 4\.6\.0.*goes round in a circle/],
    ['x@nowhere.test', '454 4.7.1 <x@nowhere.test>: Relay access denied', /454 4\.7\.1/],
    ['somebody@relay.test', '250 2.1.5 Ok', /relay:relay\.test/],
    ['old@a.test', '250 2.1.5 Ok', /anna@a\.test, Mailbox/],
    ['lost@a.test', '250 2.1.5 Ok', /gone@a\.test.*not there/],
  ])('%s: %s', async (address, reply, end) => {
    await explain(`address=${address}`);
    await page.getByText(reply, { exact: true }).first().waitFor();
    await box(end).first().waitFor();
  });

  test('names the restriction that refuses a sender, and the copy that somebody gets', async () => {
    await explain('address=anna@a.test&sender=x@spam.test');
    await page
      .getByText(/554 5\.7\.1 <x@spam\.test>: Sender address rejected: no thanks/)
      .first()
      .waitFor();
    await line(/check_sender_access/).click();
    await page.getByRole('dialog').getByText('The client hears').waitFor();
    await page.keyboard.press('Escape');
    await explain('address=carla@a.test');
    await line(/carla@a\.test → anna@a\.test, blind copy/).waitFor();
  });

  test('names the filter that takes a message first', async () => {
    await explain('address=over@a.test');
    await page.getByText('It goes first to scan:[127.0.0.1]:10025 (FILTER)').waitFor();
  });

  test('a table that cannot be asked is drawn as such', async () => {
    const broken = await PageServer.start({ virtual_alias_maps: 'fail:broken, directory:virtual-aliases' });
    await broken.api.directory.domains.add('a.test');
    const other = await broken.openAs('anna', '/explain?address=anna@a.test');
    await other.getByText('451 4.3.0 <anna@a.test>: Temporary lookup failure').first().waitFor();
    await other
      .getByRole('button', { name: /Could not be found out/ })
      .first()
      .waitFor();
    await other.getByRole('button', { name: /could not be asked/ }).waitFor();
    await broken.close();
  });

  test('says why not, draws the missing line, and who reaches it', async () => {
    await explain('address=carla@a.test&not=carla@a.test');
    await page.getByText(/an alias comes before the mailbox: carla@a\.test leads to bert@a\.test/).waitFor();
    await line(/carla@a\.test → carla@a\.test, does not arrive/).waitFor();
    await explain('address=nobody@a.test&not=bert@a.test');
    await page.getByText('What reaches bert@a.test:').waitFor();
    await page.getByRole('link', { name: 'info@a.test' }).waitFor();
    await expectAccessible(page);
  });

  test('two moments stand side by side, with what differs in words and signs', async () => {
    const { directory } = server.api;
    const [before] = await directory.history({ limit: 1 });
    await directory.aliases.set('info@a.test', ['bert@a.test', 'carla@a.test']);
    await explain(`address=info@a.test&compare=${before?.revision}`);
    await page.getByText('What differs').waitFor();
    await page.getByRole('listitem').filter({ hasText: '− gone: info@a.test → sales@a.test' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: '+ added: info@a.test → carla@a.test' }).waitFor();
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    await expectAccessible(page);
    await directory.aliases.set('info@a.test', ['sales@a.test', 'bert@a.test']);
  });

  test('is as accessible narrow and dark, and the same as a table', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 860 });
        await explain('address=info@a.test');
        await expectAccessible(page);
        const isWide = await page.evaluate(
          'document.documentElement.scrollWidth > document.documentElement.clientWidth',
        );
        expect(isWide).toBe(false);
      }
    }
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByText('Table', { exact: true }).first().click();
    await page.getByRole('cell', { name: 'partner@far.test' }).first().waitFor();
    expect(new URL(page.url()).searchParams.get('view')).toBe('table');
    await expectAccessible(page);
  });
});

describe('the map of a domain', () => {
  test('marks what to look at, opens what is behind it, and goes around one address', async () => {
    await page.goto('/domains/a.test?tab=map');
    await box(/carla@a\.test, Mailbox · gets no mail/).waitFor();
    await page.getByText(/To look at: \d/).waitFor();
    await box(/gone@a\.test, Mailbox · not there/).click();
    await page
      .getByRole('dialog')
      .getByText(/Mail is taken and then sent back/)
      .waitFor();
    await page.keyboard.press('Escape');
    await expectAccessible(page);
    await page.getByPlaceholder('all of the domain').fill('sales@a.test');
    await page.keyboard.press('Enter');
    await line(/sales@a\.test → partner@far\.test/).waitFor();
    expect(await box(/^gone@a\.test/).count()).toBe(0);
    await page.goto('/domains/a.test?tab=map&only=leaving');
    await box(/smtp:far\.test/).waitFor();
    expect(await box(/^gone@a\.test/).count()).toBe(0);
  });

  test('of a thousand addresses is there at once, opens its groups, and moves without a stall', async () => {
    await page.goto('/domains/a.test?tab=map');
    await box(/anna@a\.test/)
      .first()
      .waitFor();
    await page.goto('/domains/big.test?tab=map');
    await box(/\d+ mailboxes without aliases/).waitFor();
    await box(/200 addresses, same targets/).waitFor();
    await page.evaluate(watchLongTasks);
    const group = box(/\d+ mailboxes without aliases/);
    await group.focus();
    await page.keyboard.press('Enter');
    await box(/^user\d+@big\.test, Mailbox/)
      .first()
      .waitFor();
    // Only what is near is made.
    expect(await page.locator('.flow-node').count()).toBeLessThan(150);
    const canvas = page.getByRole('group', { name: 'Map of the mail of big.test' });
    await canvas.focus();
    for (let count = 0; count < 10; count++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('0');
    await page.keyboard.press('+');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the picture (SVG)' }).click();
    expect((await download).suggestedFilename()).toBe('map-big.test.svg');
    const longest = await page.evaluate('Math.max(0, ...longTasks)');
    await page.mouse.move(0, 0);
    await page.getByRole('tooltip').waitFor({ state: 'detached' });
    // On a machine that is busy with something else everything takes longer, by as much.
    expect(longest).toBeLessThan(300 * Math.max(1, Number(await page.evaluate(slowness))));
    await expectAccessible(page);
  });

  test('shows a domain administrator nothing of other domains', async () => {
    const own = await server.openAs('dora', '/domains/a.test?tab=map');
    await own.getByRole('button', { name: /zoe@other\.test, Elsewhere/ }).waitFor();
    const text = await own.locator('main').innerHTML();
    expect(text).not.toContain('other.test, Mailbox');
    await own.goto('/explain?address=over@a.test');
    await own.getByRole('button', { name: /zoe@other\.test, Elsewhere/ }).waitFor();
    await own.goto('/explain?address=zoe@other.test');
    await own.getByText(/not one of yours/).waitFor();
    await own.goto('/domains/other.test?tab=map');
    await own.getByText(/There is no such domain here, or it is not yours/).waitFor();
    await own.context().close();
  });
});
