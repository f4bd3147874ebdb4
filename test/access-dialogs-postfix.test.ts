// The dialogs of access-dialogs/*.txt with a real Postfix: the same replies and the same log lines are expected of it as
// of our own server (smtp-dialogs.test.ts).

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chrootedMasterCf, chrootedPostfix, noChrootedPostfix } from './harness/chrooted-postfix.ts';
import { startDnsServer } from './harness/dns-server.ts';
import { findFreePorts } from './harness/free-ports.ts';
import type { RealPostfix } from './harness/real-postfix.ts';
import { matches, unescape, withinTime } from './smtp-dialogs/dialog.ts';
import { RawClient, realDefaults } from './smtp-dialogs/test-server.ts';

const nameServer = { host: '127.0.53.9', port: 53 } as const;
const dialogs = new URL('./access-dialogs/', import.meta.url);

const reason = await noChrootedPostfix(nameServer);

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(reason !== undefined)(
  `a real Postfix says the same${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let folder: string;
    let postfix: RealPostfix;
    beforeAll(async () => {
      folder = mkdtempSync('/var/tmp/posthaste-access-');
      chmodSync(folder, 0o755);
      const [port = 0] = await findFreePorts(1);
      postfix = chrootedPostfix(folder, port, nameServer);
    });
    afterAll(() => {
      postfix.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test.each(readdirSync(dialogs).filter((file) => file.endsWith('.txt')))('%s', { timeout: 60_000 }, async (file) => {
      const lines = readFileSync(new URL(file, dialogs), 'utf8').split('\n');
      const given = (word: string) => lines.flatMap((line) => (line.startsWith(word) ? line.slice(word.length) : []));
      const dns = await startDnsServer(given('dns: ').join('\n'), nameServer);
      try {
        postfix.clearLog();
        await postfix.start(mainCf(given('settings: ')), chrootedMasterCf(postfix.port));
        await converse(lines);
        const log = await settledLog(given('LOG: '));
        for (const pattern of given('LOG: ')) {
          expect(
            log.some((line) => matches(pattern, line)),
            `no line ${pattern} in\n${log.join('\n')}`,
          ).toBe(true);
        }
      } finally {
        dns.close();
        postfix.stop();
      }
    });

    function mainCf(settings: readonly string[]): string {
      const own = {
        ...postfix.settings,
        ...realDefaults,
        compatibility_level: '3.6',
        myhostname: 'mx.example.com',
        inet_interfaces: '127.0.0.1',
        inet_protocols: 'ipv4',
        alias_maps: '',
        virtual_transport: 'discard',
        default_transport: 'discard',
        enable_long_queue_ids: 'yes',
        smtpd_error_sleep_time: '0',
      };
      const lines = Object.entries(own).map(([name, value]) => `${name} = ${value}`);
      return `${[...lines, ...settings].join('\n')}\n`;
    }

    async function converse(lines: readonly string[]): Promise<void> {
      let client = await RawClient.open(postfix.port);
      try {
        for (const [index, line] of lines.entries()) {
          const rest = line.slice(3).trimStart();
          if (line.startsWith('C:')) client.send(`${Buffer.from(rest, 'utf8').toString('latin1')}\r\n`);
          else if (line.startsWith('C! ')) client.send(unescape(rest));
          else if (line.startsWith('S: ')) expectReply(index, rest, await reply(client, index));
          else if (line.startsWith('S... ')) await skipReply(client, line.slice(5));
          else if (line === 'NEW') {
            client.destroy();
            client = await RawClient.open(postfix.port);
          }
        }
      } finally {
        client.destroy();
      }
    }

    async function reply(client: RawClient, index: number): Promise<string | undefined> {
      try {
        return await withinTime(client.line());
      } catch (error) {
        throw new Error(`line ${index + 1}: ${(error as Error).message}; the log says\n${postfix.readLog()}`);
      }
    }

    /** In our own form, `program: text`, with the queue ids numbered in the order in which they were given. */
    function readLog(): string[] {
      const lines = postfix.readLog().replace(/^.*? (postfix\/\S+?)\[\d+\]: /gm, '$1: ');
      const ids = [...lines.matchAll(/^postfix\/smtpd: (\w{10,}): client=/gm)].map(([, id = '']) => id);
      const numbered = ids.reduce((text, id, index) => text.replaceAll(id, `Q${index + 1}`), lines);
      return numbered.split('\n');
    }

    async function settledLog(patterns: readonly string[]): Promise<string[]> {
      for (let attempt = 0; ; attempt++) {
        const log = readLog();
        if (attempt === 40 || patterns.every((pattern) => log.some((line) => matches(pattern, line)))) return log;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  },
);

function expectReply(index: number, pattern: string, given: string | undefined): void {
  if (given === undefined || !matches(pattern, given)) {
    throw new Error(`line ${index + 1}: expected ${pattern}\n     got ${given}`);
  }
}

async function skipReply(client: RawClient, code: string): Promise<void> {
  for (;;) {
    const line = await withinTime(client.line());
    if (line === undefined || !line.startsWith(code)) throw new Error(`unexpected: ${line}`);
    if (line.startsWith(`${code} `)) return;
  }
}
