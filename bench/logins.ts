// sh scripts/with-node bench/logins.ts [SECONDS] — what logging in costs: how many right logins a second, one client after
// the other, and what others feel (NOOP over SMTP and IMAP) while guessers come from everywhere.
// (Promised: 2,000 right logins a second of passwords that were right a moment ago; NOOP within 20 ms at the 99th
// percentile while 100 wrong passwords arrive a second.) Where other programs are busy, the scheduler weighs sessions
// against each other, and the hashing of ours counts against its protocols: setsid, and a nice value in
// /proc/self/autogroup (sched(7)), take the others out of the measurement.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashPassword } from '../src/auth/password-scheme.ts';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { ImapConnection } from '../test/harness/imap-connection.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { cpuSeconds as cpuSecondsOf } from './process-tree.ts';

const seconds = Number(process.argv[2] ?? 20);
const attemptsPerSecond = 100;
const mailboxes = 100;
const clients = 8;
const folder = mkdtempSync(join(tmpdir(), 'logins-bench-'));
const plain = (login: string, password: string): string => Buffer.from(`\0${login}\0${password}`).toString('base64');
const address = (index: number): string => `user${index % mailboxes}@example.com`;

async function fill(server: PosthasteProcess): Promise<void> {
  const directory = await Directory.open(join(server.dataFolder, 'directory.db'), {
    clock: systemClock,
    actor: 'bench',
  });
  await directory.domains.add('example.com');
  const passwordHash = await hashPassword('right');
  for (let index = 0; index < mailboxes; index++)
    await directory.mailboxes.add({ address: address(index), passwordHash });
  directory.close();
}

/** Ours alone: the server's and all that it starts. */
const cpuSeconds = (): number => cpuSecondsOf([server.pid]);

/** Each client connects, logs in and goes, again and again. */
async function rightLogins(logIn: (index: number) => Promise<void>): Promise<string> {
  for (let index = 0; index < mailboxes; index++) await logIn(index);
  // The keys of SCRAM are made behind the first logins' backs.
  for (let before = -1; cpuSeconds() !== before; await sleep(1000)) before = cpuSeconds();
  const cpu = cpuSeconds();
  const end = performance.now() + (seconds * 1000) / 4;
  const start = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) await logIn(count++);
    }),
  );
  const rate = (count * 1000) / (performance.now() - start);
  return `${rate.toFixed(0)}/s at ${(((cpuSeconds() - cpu) * 1000) / count).toFixed(2)} ms of CPU each`;
}

/** 100 a second, each from an address of its own, half of them for names that do not exist. */
async function guess(port: number, until: number): Promise<{ denied: number; putOff: number }> {
  const counts = { denied: 0, putOff: 0 };
  const open: Socket[] = [];
  for (let index = 0; performance.now() < until; index++) {
    const socket = connect({
      port,
      host: '127.0.0.1',
      localAddress: `127.0.${1 + ((index >> 8) % 250)}.${1 + (index % 250)}`,
    });
    const login = index % 2 === 0 ? address(index) : `nobody${index}@example.com`;
    socket.on('error', () => undefined);
    socket.on('data', (reply: Buffer) => {
      if (reply.includes('220 ')) socket.write(`EHLO c\r\nAUTH PLAIN ${plain(login, `wrong ${index}`)}\r\n`);
      if (reply.includes('535 ')) counts.denied++;
      if (reply.includes('454 ')) counts.putOff++;
      if (/(535|454) /.test(reply.toString('latin1'))) socket.destroy();
    });
    open.push(socket);
    await sleep(1000 / attemptsPerSecond);
  }
  for (const socket of open) socket.destroy();
  return counts;
}

async function noops(until: number, noop: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  while (performance.now() < until) {
    const start = performance.now();
    await noop();
    times.push(performance.now() - start);
    await sleep(5);
  }
  return times.sort((a, b) => a - b);
}

function summary(times: readonly number[]): string {
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms of ${times.length}`;
}

/** A timer of our own that comes late says how busy the machine is, whatever the server does. */
async function lateness(until: number): Promise<number[]> {
  return (
    await noops(until, async () => {
      await sleep(1);
    })
  ).map((time) => Math.max(0, time - 1));
}

const server = await PosthasteProcess.create({
  folder,
  settings: {
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'directory',
    maillog_file: '/dev/null',
    smtpd_junk_command_limit: '1000000',
  },
});
try {
  await fill(server);
  await server.start();
  const { smtpPort, imapPort } = server;
  const smtpRate = await rightLogins(async (index) => {
    const connection = await SmtpConnection.open(smtpPort);
    connection.send('EHLO c\r\n');
    connection.send(`AUTH PLAIN ${plain(address(index), 'right')}\r\n`);
    await connection.reply();
    if ((await connection.reply()).code !== 235) throw new Error('a right login was refused');
    connection.destroy();
  });
  const imapRate = await rightLogins(async (index) => {
    const connection = await ImapConnection.open({ port: imapPort });
    const result = await connection.command(`LOGIN ${address(index)} right`);
    if (result.status !== 'OK') throw new Error('a right login was refused');
    connection.destroy();
  });
  console.log(`right logins, a connection each: SMTP ${smtpRate}, IMAP ${imapRate}`);

  const smtp = await SmtpConnection.open(smtpPort);
  const imap = await ImapConnection.open({ port: imapPort });
  await imap.command(`LOGIN ${address(0)} right`);
  for (const isAttacked of [false, true]) {
    const until = performance.now() + seconds * 1000;
    const [overSmtp, overImap, late, counts] = await Promise.all([
      noops(until, () => smtp.command('NOOP')),
      noops(until, () => imap.command('NOOP')),
      lateness(until),
      isAttacked ? guess(smtpPort, until) : undefined,
    ]);
    const who =
      counts === undefined
        ? 'in peace'
        : `with ${attemptsPerSecond} guesses a second (${counts.denied} denied, ${counts.putOff} put off)`;
    console.log(`NOOP ${who}:\n  SMTP ${summary(overSmtp)}\n  IMAP ${summary(overImap)}`);
    console.log(`  a timer of this program: late by ${summary(late)}`);
  }
  smtp.destroy();
  imap.destroy();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
