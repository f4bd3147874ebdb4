// sh scripts/with-node bench/large-messages.ts: four messages at a time through every way that mail can leave the server, of
// 5 MB and then of 50 MB. What is measured is the most memory that the server and its helpers have had meanwhile: messages
// stream, so ten times the size must not need more. Root, because every user of the machine is delivered to.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { mailUid } from './mail-user.ts';
import { processTree } from './process-tree.ts';
import { RelaySink } from './relay.ts';

const sizes = [5_000_000, 50_000_000];
const atOnce = 4;
const ways = ['smtp', 'lmtp', 'pipe', 'virtual', 'command'] as const;
type Way = (typeof ways)[number];

const addresses: Readonly<Record<Way, string>> = {
  smtp: 'user@smtp.test',
  lmtp: 'user@lmtp.test',
  pipe: 'user@pipe.test',
  virtual: 'user@virtual.test',
  command: 'count@local.test',
};

async function makeServer(folder: string, smtp: RelaySink, lmtp: RelaySink): Promise<PosthasteProcess> {
  chmodSync(folder, 0o755);
  const vmail = join(folder, 'vmail');
  mkdirSync(vmail);
  chownSync(vmail, mailUid, mailUid);
  writeFileSync(join(folder, 'aliases'), 'count: "|/usr/bin/wc -c"\n');
  return await PosthasteProcess.create({
    folder,
    services:
      'lmtp unix - - n - - lmtp\nvirtual unix - n n - - virtual\nlocal unix - n n - - local\n' +
      'count unix - n n - - pipe user=nobody argv=/usr/bin/wc -c\n',
    settings: {
      mydestination: 'local.test',
      alias_maps: `hash:${folder}/aliases`,
      local_recipient_maps: '',
      mailbox_size_limit: '0',
      virtual_mailbox_limit: '0',
      virtual_transport: 'virtual',
      virtual_mailbox_domains: 'virtual.test',
      virtual_mailbox_maps: 'inline:{ { user@virtual.test = box/ } }',
      virtual_alias_maps: '',
      virtual_mailbox_base: vmail,
      virtual_uid_maps: `static:${mailUid}`,
      virtual_gid_maps: `static:${mailUid}`,
      transport_maps: `inline:{ { smtp.test = smtp:[127.0.0.1]:${smtp.port} }, { lmtp.test = lmtp:inet:127.0.0.1:${lmtp.port} }, { pipe.test = count: } }`,
    },
  });
}

async function send(port: number, recipient: string, octets: number): Promise<void> {
  const connection = await SmtpConnection.open(port);
  await connection.command('EHLO client.test');
  for (const line of ['MAIL FROM:<>', `RCPT TO:<${recipient}>`, 'DATA']) await connection.command(line);
  connection.send('Subject: large\r\n\r\n');
  const piece = Buffer.from(`${'z'.repeat(76)}\r\n`.repeat(800), 'latin1');
  for (let sent = 0; sent < octets; sent += piece.length) {
    if (!connection.sendSome(piece)) await connection.drained();
  }
  connection.send('.\r\n');
  const { code, text } = await connection.reply();
  if (code !== 250) throw new Error(`${recipient}: ${code} ${text}`);
  await connection.quit();
}

/** MiB: the sum of what each process of the server has had at most since the last call of forgetPeaks. */
function peakMiB(server: PosthasteProcess): { server: number; helpers: number } {
  const peak = (pid: number): number =>
    Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  let helpers = 0;
  for (const pid of processTree([server.pid])) {
    if (pid !== server.pid && isHelper(pid)) helpers += peak(pid);
  }
  return { server: peak(server.pid), helpers };
}

function isHelper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('-helper.');
  } catch {
    return false;
  }
}

/** proc(5), clear_refs. */
function forgetPeaks(server: PosthasteProcess): void {
  for (const pid of processTree([server.pid])) {
    if (pid === server.pid || isHelper(pid)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  }
}

async function deliverAll(server: PosthasteProcess, way: Way, octets: number): Promise<void> {
  const sent = () => server.logLines().filter((line) => line.includes(`to=<${addresses[way]}>`)).length;
  const before = sent();
  await Promise.all(Array.from({ length: atOnce }, () => send(server.smtpPort, addresses[way], octets)));
  for (const end = performance.now() + 120_000; sent() < before + atOnce; await sleep(50)) {
    if (performance.now() > end) throw new Error(`${way}: not delivered:\n${server.logTail()}`);
  }
  const failed = server.logLines().find((line) => /status=(?:bounced|deferred)/.test(line));
  if (failed !== undefined) throw new Error(failed);
}

async function main(): Promise<void> {
  const folder = mkdtempSync('/var/tmp/posthaste-large-');
  const [smtp, lmtp] = [await RelaySink.start('smtp'), await RelaySink.start('lmtp')];
  const server = await makeServer(folder, smtp, lmtp);
  try {
    await server.start();
    // Whatever is loaded and compiled when it is needed first.
    for (const way of ways) await deliverAll(server, way, 1_000_000);
    console.log(
      `| ${atOnce} at a time, out by | ${sizes.map((size) => `${size / 1e6} MB: server + helpers`).join(' | ')} |`,
    );
    console.log('|---|---|---|');
    for (const way of ways) {
      const cells: string[] = [];
      for (const size of sizes) {
        await sleep(1000);
        forgetPeaks(server);
        await deliverAll(server, way, size);
        const { server: own, helpers } = peakMiB(server);
        cells.push(`${Math.round(own)} + ${Math.round(helpers)} MiB`);
        rmSync(join(folder, 'vmail/box'), { recursive: true, force: true });
      }
      console.log(`| ${way} | ${cells.join(' | ')} |`);
    }
  } finally {
    await server.stop();
    await smtp.stop();
    await lmtp.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
