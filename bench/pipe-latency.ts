// sh scripts/with-node bench/pipe-latency.ts: how long a client waits for the reply to NOOP, by SMTP and by IMAP, while nothing
// else happens and then while 50 messages a second come in and each is given to a program by pipe(8): starting programs
// must hold up nobody. Beside it what a timer of this process is late by, for that is the machine's doing.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillDirectory } from '../test/harness/fill-directory.ts';
import { ImapConnection } from '../test/harness/imap-connection.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { percentile, runPacedLoad } from './paced-load.ts';

const messagesPerSecond = 50;
const seconds = 15;
const pauseMilliseconds = 10;
const user = 'u@home.test';

async function waits(say: () => Promise<unknown>, until: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!until()) {
    const began = performance.now();
    await say();
    times.push(performance.now() - began);
    await sleep(pauseMilliseconds);
  }
  return times.toSorted((one, two) => one - two);
}

async function measure(smtp: SmtpConnection, imap: ImapConnection, work: Promise<unknown>): Promise<string> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  const until = (): boolean => isOver;
  const late = async (): Promise<void> => sleep(1);
  const all = await Promise.all([
    waits(() => smtp.command('NOOP'), until),
    waits(() => imap.command('NOOP'), until),
    waits(late, until),
  ]);
  await work;
  return all
    .map((times) => `${percentile(times, 0.5).toFixed(1)}, ${percentile(times, 0.99).toFixed(1)} ms`)
    .join(' | ');
}

async function main(): Promise<void> {
  const folder = mkdtempSync('/var/tmp/posthaste-noop-');
  chmodSync(folder, 0o755);
  const server = await PosthasteProcess.create({
    folder,
    services: 'count unix - n n - - pipe user=nobody argv=/usr/bin/wc -c\n',
    settings: {
      transport_maps: 'inline:{ { bulk.test = count: } }',
      relay_domains: 'bulk.test',
      smtpd_junk_command_limit: '1000000',
    },
  });
  await fillDirectory(server, { mailboxes: [user], password: 'pw' });
  await server.start();
  try {
    const smtp = await SmtpConnection.open(server.smtpPort);
    const imap = await ImapConnection.open({ port: server.imapPort });
    await imap.login(user, 'pw');
    const load = () => runPacedLoad({ port: server.smtpPort, messagesPerSecond, seconds, sessions: 5, bytes: 4096 });
    console.log('| | SMTP NOOP: median, p99 | IMAP NOOP | a timer of 1 ms |\n|---|---|---|---|');
    console.log(`| nothing else | ${await measure(smtp, imap, sleep(5000))} |`);
    // The helper and its code are there from now on, as they are on a server that has been up for a while.
    await runPacedLoad({ port: server.smtpPort, messagesPerSecond, seconds: 2, sessions: 5, bytes: 4096 });
    console.log(`| ${messagesPerSecond} commands a second | ${await measure(smtp, imap, load())} |`);
    await sleep(1000);
    const sent = server.logLines().filter((line) => line.includes('status=sent (delivered via count service')).length;
    if (sent !== messagesPerSecond * (seconds + 2)) throw new Error(`${sent} were delivered`);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
