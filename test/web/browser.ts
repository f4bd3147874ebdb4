// Debian's Chromium on the page of a started server: logging in as a person does, and what every view must keep.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { ApiServer } from '../api/api-server.ts';

const executablePath = '/usr/bin/chromium';
export const password = 'correct horse battery';
/** A view on a loaded machine of two cores. */
const patience = 15_000;

export class PageServer {
  readonly api: ApiServer;
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  private constructor(api: ApiServer, browser: Browser) {
    this.api = api;
    this.#browser = browser;
  }

  /** With `anna`, an administrator of the host. The page is built by the run itself (test/global-setup.ts). */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PageServer> {
    const server = await PageServer.startFresh(settings);
    await server.addAdministrator('anna');
    return server;
  }

  /** As a first start leaves it: nobody administers it. */
  static async startFresh(settings: Readonly<Record<string, string>> = {}): Promise<PageServer> {
    const api = await ApiServer.start(settings);
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    return new PageServer(api, browser);
  }

  async addAdministrator(login: string, domains?: readonly string[]): Promise<void> {
    const passwordHash = await hashPassword(password);
    await this.api.directory.administrators.add({
      login,
      passwordHash,
      ...(domains === undefined ? { role: 'host' } : { role: 'domain', domains }),
    });
  }

  /** A browser of its own, with no cookie, at `path`. What the page throws or its policy refuses fails the test. */
  async open(path = '/', options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      baseURL: this.api.origin,
      locale: 'en-GB',
      viewport: { width: 1280, height: 860 },
      reducedMotion: 'reduce',
      ...options,
    });
    this.#contexts.push(context);
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      complaints.push(`${page.url()}: ${error.message}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text())) {
        complaints.push(`${page.url()}: ${message.text()}`);
      }
    });
    await page.goto(path);
    return page;
  }

  /** The same, logged in by the form. */
  async openAs(login: string, path = '/', options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const page = await this.open(path, options);
    await page.getByLabel('Login or address').fill(login);
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    // On a narrow screen the navigation is folded away.
    await page.locator('#main').waitFor();
    return page;
  }

  /** What a test has provoked is no fault of the page. */
  forgive(pattern: RegExp): void {
    complaints.splice(0, complaints.length, ...complaints.filter((one) => !pattern.test(one)));
  }

  async close(): Promise<void> {
    for (const context of this.#contexts) await context.close();
    await this.#browser.close();
    await this.api.close();
    expect(complaints.splice(0), 'what the page has complained of').toEqual([]);
  }
}

const complaints: string[] = [];

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/** axe's rules of WCAG 2.2 A and AA, and its best practices; throws what they find. */
export async function expectAccessible(page: Page): Promise<void> {
  // What fades from one colour to another has neither.
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const ending = document.getAnimations().filter((one) => Number.isFinite(one.effect?.getComputedTiming().endTime));
    await Promise.allSettled(ending.map((one) => one.finished));
  });
  // Inserted as a debugger does, which the page's policy does not bind.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    // oxlint-disable-next-line typescript/no-explicit-any -- axe puts itself there.
    const { violations } = await (globalThis as any).axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(
      ({ id, help, nodes }: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }) =>
        `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary}`).join('\n')}`,
    ) as string[];
  });
  expect(found, found.join('\n')).toEqual([]);
}
