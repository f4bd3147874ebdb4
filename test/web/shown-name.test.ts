// Internationalised names on the page: read as people write them, unless they could be taken for others.

import { domainToASCII } from 'node:url';
import { describe, expect, test } from 'vitest';
import { shownNames } from '../../web/src/parts/shown-name.ts';
import { sendBySmtp } from '../harness/send-by-smtp.ts';
import { PageServer } from './browser.ts';

const written = (name: string) => {
  const ascii = domainToASCII(name);
  expect(ascii).toMatch(/xn--/);
  return ascii;
};

describe('an internationalised domain name', () => {
  test.each([
    'рос.рф',
    'müller.example',
    'bücher.example',
    'пример.рф',
    'пример.example',
    '例え.jp',
    '例子.中国',
    'ελλάδα.gr',
  ])('%s is shown as it is written', (name) => {
    expect(shownNames(written(name))).toBe(name);
    expect(shownNames(`Mail for anna@${written(name)}, and bob@example.com`)).toBe(
      `Mail for anna@${name}, and bob@example.com`,
    );
  });

  test.each([
    'pаypal.com',
    'раура.com',
    'gοοgle.com',
    'paypaı.com',
    'ɑpple.com',
    'example.comノlogin.example',
    'x̲y.com',
  ])('%s, which looks like another, stays in ASCII', (name) => {
    expect(shownNames(written(name))).toBe(written(name));
  });

  test('what is no such name stays as it is', () => {
    for (const name of [
      'xn--',
      'xn--a',
      'xn--99999999',
      'xn--zzzzzzzzzzzzzz',
      'axn--mller-kva.example',
      'example.com',
    ]) {
      expect(shownNames(name)).toBe(name);
    }
  });
});

test('the page shows such names to read, beside what they are in the DNS, and takes both', async () => {
  const server = await PageServer.start();
  const { domains, mailboxes, aliases } = server.api.directory;
  await domains.add('müller.example');
  await mailboxes.add({ address: 'anna@müller.example', passwordHash: '{PLAIN}x' });
  await aliases.add('info@müller.example', ['anna@müller.example']);
  const page = await server.openAs('anna', '/domains');
  await page.getByRole('row', { name: /müller\.example/ }).click();
  await page.getByRole('heading', { level: 1, name: 'müller.example' }).waitFor();
  await page.getByText('xn--mller-kva.example', { exact: true }).waitFor();
  await page.getByRole('row', { name: /anna@müller\.example/ }).waitFor();
  await page.goto('/domains/xn--mller-kva.example?tab=aliases&open=info@xn--mller-kva.example');
  const panel = page.getByRole('dialog', { name: 'info@müller.example' });
  await panel.getByText('anna@müller.example', { exact: true }).waitFor();
  await page.goto('/domains/xn--mller-kva.example?tab=settings');
  const remove = page.getByRole('button', { name: 'Remove…' });
  for (const name of ['müller.example', 'xn--mller-kva.example']) {
    await page.getByLabel('Type müller.example to go on').fill(name);
    expect(await remove.isEnabled()).toBe(true);
  }
  await page.goto('/domains');
  await page.getByLabel('Tick müller.example').check();
  await page.getByRole('button', { name: 'Refuse their mail' }).click();
  const plan = page.getByRole('dialog', { name: /Change the ticked domains/ });
  await plan.getByText(/^anna@müller\.example with any \+extension$/).waitFor();
  expect(await plan.locator('li b').allTextContents()).toContain('anna@müller.example');
  await server.close();
});

test('also in the queue, the trace, the history, pictures and the choice of domains; what is quoted stays', async () => {
  const server = await PageServer.start({ transport_maps: 'directory:transports' });
  const { api } = server;
  const { domains, aliases, mailboxes, transports } = api.directory;
  for (const domain of ['müller.example', 'bücher.example']) await domains.add(domain);
  await mailboxes.add({ address: 'anna@müller.example', passwordHash: '{PLAIN}x' });
  await aliases.add('info@müller.example', ['anna@müller.example', 'ben@größe.example']);
  await transports.add('größe.example', 'smtp:[127.0.0.1]:9');
  await server.addAdministrator('bert', ['müller.example', 'bücher.example']);
  const token = await api.token('anna');
  const path = '/aliases/info@xn--mller-kva.example';
  const body = { targets: ['anna@müller.example', 'carl@größe.example'] };
  expect((await api.ask('PUT', path, { token, body })).status).toBe(200);
  await sendBySmtp(api.smtpPort, {
    from: 'x@xn--bcher-kva.example',
    to: ['info@xn--mller-kva.example'],
    subject: 'Hello',
  });
  const queued = async () => (await api.ask('GET', '/queue', { token })).body.items[0];
  await expect.poll(async () => (await queued())?.recipients[0]?.reason).toContain('127.0.0.1');
  const { id } = await queued();
  const last = (await api.ask('GET', '/revisions', { token })).body.items[0];
  const page = await server.openAs('anna', '/queue?view=messages');
  const picture = `/explain?address=info%40xn--mller-kva.example`;
  const places: readonly (readonly [string, readonly string[]])[] = [
    ['/queue?view=messages', ['x@bücher.example', 'carl@größe.example']],
    ['/queue?view=groups', ['größe.example', 'bücher.example']],
    [`/queue?id=${id}`, ['carl@größe.example', 'for info@müller.example']],
    ['/trace', ['x@bücher.example', 'info@müller.example']],
    [`/trace?id=${id}`, ['info@müller.example → carl@größe.example', 'info@müller.example → anna@müller.example']],
    ['/history', ['info@müller.example']],
    [`/history?revision=${last.mark}`, ['info@müller.example', '+ carl@größe.example', '− ben@größe.example']],
    [picture, ['anna@müller.example', 'carl@größe.example']],
    [`${picture}&view=table`, ['anna@müller.example', 'carl@größe.example']],
    ['/domains/xn--mller-kva.example?tab=map', ['info@müller.example', 'carl@größe.example']],
    ['/administrators', ['bücher.example, müller.example']],
    ['/administrators?open=bert', ['bücher.example', 'müller.example']],
    ['/', ['info@müller.example']],
  ];
  for (const [place, names] of places) {
    await page.goto(place);
    for (const name of names) await page.getByText(name).filter({ visible: true }).first().waitFor();
    // The log's own lines, what is asked of tables, and what somebody has typed stay as they are.
    const rest = await page.evaluate(() => {
      const read = document.body.cloneNode(true) as HTMLElement;
      for (const one of read.querySelectorAll('.log-line, table td.mono, style, script, title')) one.remove();
      return [...(read.textContent ?? '').matchAll(/\S*xn--\S*/g)].map(([word]) => word);
    });
    expect([place, rest]).toEqual([place, place.includes('tab=map') ? [expect.any(String)] : []]);
  }
  await page.goto('/administrators?open=bert');
  await page.getByRole('dialog').locator('input[aria-haspopup=listbox]').fill('müll');
  await page.getByRole('option', { name: 'müller.example' }).waitFor();
  await server.close();
});
