// Internationalised names on the page: read as people write them, unless they could be taken for others.

import { domainToASCII } from 'node:url';
import { describe, expect, test } from 'vitest';
import { shownNames } from '../../web/src/parts/shown-name.ts';
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
  await server.close();
});
