// node test/web/take-pictures.ts FOLDER: fills a host as it might be in real life, and takes the pictures that docs/ and the
// README show. Run it where a view has changed its looks.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { buildWeb } from '../../scripts/build-web.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { PageServer, password } from './browser.ts';

const folder = process.argv[2] ?? 'docs/images';
const people = ['anna', 'bert', 'carla', 'david', 'elena', 'felix', 'greta', 'hugo', 'ines', 'jonas'];

async function fill(server: PageServer): Promise<void> {
  const { api } = server;
  const { directory } = api;
  for (const name of ['example.com', 'example.org', 'shop.example']) await directory.domains.add(name);
  await directory.domains.add('branch.example', { class: 'relay' });
  const passwordHash = await hashPassword(password);
  for (const name of people) {
    await directory.mailboxes.add({ address: `${name}@example.com`, passwordHash, quotaBytes: 2 ** 31 });
  }
  await directory.mailboxes.add({ address: 'owner@shop.example', passwordHash });
  await directory.aliases.add('info@example.com', ['sales@example.com', 'greta@example.com']);
  await directory.aliases.add('sales@example.com', ['bert@example.com', 'carla@example.com', 'shop@partner.example']);
  await directory.aliases.add('support@example.com', ['david@example.com', 'elena@example.com']);
  await directory.aliases.add('orders@shop.example', ['sales@example.com']);
  await directory.aliases.add('@shop.example', ['owner@shop.example']);
  const token = await api.token('anna');
  const post = async (path: string, body: unknown) => await api.ask('POST', path, { token, body });
  await post('/lists', { address: 'team@example.com' });
  await post('/lists/team@example.com/members', { members: people.map((name) => `${name}@example.com`) });
  await post('/alias-domains', { name: 'example.net', target: 'example.com' });
  await post('/transports', { place: 'branch.example', transport: 'smtp:[127.0.0.1]:9' });
  await server.addAdministrator('bert', ['shop.example']);
}

async function send(port: number, from: string, to: string, subject: string): Promise<void> {
  const client = await SmtpConnection.open(port);
  await client.command('EHLO mail.partner.example');
  await client.command(`MAIL FROM:<${from}>`);
  const answer = await client.command(`RCPT TO:<${to}>`);
  if (answer.code === 250) {
    await client.command('DATA');
    await client.command(`From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\n\r\n${subject}.\r\n.`);
  }
  await client.quit();
}

async function take(page: Page, path: string, name: string, prepare?: (page: Page) => Promise<unknown>): Promise<void> {
  await page.goto(path);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label=Loading]') === null);
  await prepare?.(page);
  // What slides in has arrived.
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

buildWeb();
mkdirSync(folder, { recursive: true });
const server = await PageServer.start({ transport_maps: 'directory:transports' });
try {
  await fill(server);
  const { smtpPort } = server.api;
  for (const [index, name] of people.entries()) {
    await send(smtpPort, `sender${index}@partner.example`, `${name}@example.com`, `Offer ${index + 1}`);
  }
  await send(smtpPort, 'anna@partner.example', 'info@example.com', 'Question about an order');
  await send(smtpPort, 'anna@partner.example', 'nobody@example.com', 'Lost');
  await send(smtpPort, 'anna@partner.example', 'orders@shop.example', 'Order 17');
  await send(smtpPort, 'owner@shop.example', 'user@branch.example', 'Order 17 is on its way');
  for (let index = 0; index < 6; index++) {
    await send(smtpPort, 'anna@example.com', `user${index}@branch.example`, `To the branch ${index}`);
  }
  const page = await server.openAs('anna', '/');
  await take(page, '/', 'overview');
  await take(page, '/domains', 'domains');
  await take(page, '/domains/example.com', 'domain');
  await take(page, '/domains/example.com?tab=aliases', 'aliases');
  await take(page, '/domains/example.com?tab=map', 'map');
  await take(page, '/explain?address=info%40example.com', 'explain');
  await take(page, '/explain?address=nobody%40example.com', 'explain-refused');
  await take(page, '/queue', 'queue');
  await take(page, '/trace', 'trace');
  await take(page, '/history', 'history');
  await take(page, '/settings', 'settings');
  await take(page, '/administrators', 'administrators');
  await take(page, '/defence', 'defence');
  await take(page, '/account', 'account');
  const dark = await server.openAs('anna', '/', { colorScheme: 'dark' });
  await take(dark, '/', 'overview-dark');
  await take(dark, '/explain?address=info%40example.com', 'explain-dark');
  const narrow = await server.openAs('anna', '/', { viewport: { width: 360, height: 780 } });
  await take(narrow, '/', 'overview-narrow');
  await take(narrow, '/domains/example.com', 'domain-narrow');
  const owner = await server.openAs('bert', '/');
  await take(owner, '/', 'overview-owner');
  const user = await server.openAs('greta@example.com', '/mailbox');
  await take(user, '/mailbox', 'mailbox');
} finally {
  await server.close();
}
