// What a real first start prints: a link that a browser follows, with the DNS good, wrong and silent, until there is an
// administrator; and the commands that give a new link.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDnsServer } from '../harness/dns-server.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';

const nameServer = '127.0.0.47';
const run = promisify(execFile);

// Only root can give the server a name server of its own.
describe.skipIf(process.getuid?.() !== 0)('the first start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-setup-'));
  let dns: { close(): void };
  let server: PosthasteProcess;
  let browser: Browser;
  let origin: string;
  beforeAll(async () => {
    dns = await startDnsServer(
      `
mail.good.net A 192.0.2.7
192.0.2.7 PTR mail.good.net
mail.wrong.net A 192.0.2.8
192.0.2.8 PTR elsewhere.net
mail.silent.net SILENT
`,
      { host: nameServer, port: 53 },
    );
    const [port = 0] = await findFreePorts(1);
    origin = `http://localhost:${port}`;
    const settings = { posthaste_http_listen: `127.0.0.1:${port}`, maillog_file: join(folder, 'maillog') };
    server = await PosthasteProcess.create({ folder, nameServer, settings });
    await server.start();
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    dns?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const check = async (link: string): Promise<number> => {
    const body = JSON.stringify({ token: link.slice(link.indexOf('#') + 1) });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${origin}/api/v1/setup/check`, { method: 'POST', headers, body })).status;
  };

  function printedLink(): string {
    const line = server.logLines().findLast((one) => one.startsWith('Set up this host in a browser: ')) ?? '';
    return line.slice(line.indexOf(': ') + 2);
  }

  const setupLink = async () =>
    await run('bin/posthaste', ['-c', server.configFolder, 'setup-link'], { cwd: join(import.meta.dirname, '../..') });

  test('prints a link that works, and never logs it', async () => {
    const link = printedLink();
    expect(link).toMatch(new RegExp(`^${origin}/setup#phi_[\\w-]{43}$`));
    const page = await fetch(link.replace(/#.*/, ''), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(await check(link)).toBe(200);
    expect(server.logLines()).toContain(`  bin/posthaste -c ${server.configFolder} domain add example.com`);
    expect(readFileSync(join(folder, 'maillog'), 'utf8')).not.toContain('phi_');
    const { stdout } = await setupLink();
    expect(await check(link)).toBe(403);
    expect(await check(stdout.trim())).toBe(200);
  });

  test('leads to a name that the DNS is asked about: good, wrong, not to be found out', async () => {
    const { stdout } = await setupLink();
    const page = await browser.newPage({ locale: 'en-GB', reducedMotion: 'reduce' });
    await page.goto(stdout.trim());
    await page.getByLabel('Login').fill('anna');
    await page.getByLabel('With a password').check();
    for (const field of [page.getByLabel(/^Password/).first(), page.getByLabel('Password again')]) {
      await field.fill('correct horse battery');
    }
    await page.getByRole('button', { name: 'Make the administrator' }).click();
    await page.getByRole('button', { name: 'Later' }).click();
    await page.getByRole('button', { name: 'Go on without it' }).click();
    expect(await found(page, 'mail.good.net')).toEqual([
      'Good: mail.good.net is a complete public name',
      'Good: mail.good.net has the addresses 192.0.2.7',
      'Good: 192.0.2.7 leads back to the name',
      'To do: Nothing listens on port 25 for other servers',
    ]);
    expect((await found(page, 'mail.wrong.net')).slice(1, 3)).toEqual([
      'Good: mail.wrong.net has the addresses 192.0.2.8',
      'To do: 192.0.2.8 is called elsewhere.net',
    ]);
    expect((await found(page, 'mail.nowhere.net'))[1]).toBe('To do: mail.nowhere.net has no address');
    expect((await found(page, 'mail.silent.net'))[1]).toBe('Could not check: The addresses of mail.silent.net');
    await page.getByText('That may be this network, not your settings.').waitFor();
    await page.close();
  });

  /** The marks and titles of what is found about a name. */
  async function found(page: Page, name: string): Promise<string[]> {
    await page.getByLabel('Host name').fill(name);
    await page.getByRole('button', { name: 'Only check it' }).click();
    await page.getByText(name).first().waitFor();
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    const points = page.getByRole('list', { name: 'What others find' }).getByRole('listitem');
    const texts = await points.evaluateAll((all) =>
      all.map((one) => (one as HTMLElement).innerText.split('\n').filter(Boolean).slice(0, 2).join(' ')),
    );
    return texts.map((text) => text.replace(/\s+/g, ' '));
  }

  test('prints no link once there is an administrator', async () => {
    await expect(setupLink()).rejects.toMatchObject({
      stderr: expect.stringContaining('has an administrator already'),
    });
    const link = printedLink();
    expect(await check(link)).toBe(409);
    await server.stop();
    await server.start();
    expect(printedLink()).toBe(link);
    expect(server.logLines().filter((line) => line.startsWith('Administration '))).toHaveLength(1);
  });
});
