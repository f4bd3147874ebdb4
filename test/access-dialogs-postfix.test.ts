// The dialogs of access-dialogs/*.txt with a real Postfix: the same replies and the same log lines are expected of it as
// of our own server (smtp-dialogs.test.ts). Its smtpd runs in a chroot, whose resolv.conf names a name server of ours;
// resolvers know no port but 53, so that one listens there, on an address of this machine that nobody else uses.

import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDnsServer } from './harness/dns-server.ts';
import { findFreePorts } from './harness/free-ports.ts';
import { noRealPostfix, RealPostfix } from './harness/real-postfix.ts';
import { matches, unescape, withinTime } from './smtp-dialogs/dialog.ts';
import { RawClient, realDefaults } from './smtp-dialogs/test-server.ts';

const nameServer = { host: '127.0.53.9', port: 53 };
const dialogs = new URL('./access-dialogs/', import.meta.url);

const noNameServer = await startDnsServer('', nameServer).then(
  (server) => {
    server.close();
    return undefined;
  },
  () => `needs port 53 of ${nameServer.host}`,
);
const reason = noRealPostfix ?? noNameServer;

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
      postfix = new RealPostfix(folder, port);
      const etc = join(postfix.folder.spool, 'etc');
      mkdirSync(etc, { recursive: true });
      writeFileSync(join(etc, 'resolv.conf'), `nameserver ${nameServer.host}\noptions timeout:1 attempts:3\n`);
      writeFileSync(join(etc, 'hosts'), '127.0.0.1 localhost\n');
      writeFileSync(join(etc, 'nsswitch.conf'), 'hosts: files dns\n');
      copyFileSync('/etc/services', join(etc, 'services'));
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
        await postfix.start(mainCf(given('settings: ')), masterCf(postfix.port));
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

function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - y - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
flush unix n - n 1000? 0 flush
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;
}
