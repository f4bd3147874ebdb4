// sh scripts/with-node bench/backlog.ts [MESSAGES] [DESTINATIONS] — mail for many dead destinations, and what it does to the
// rest: half of them refuse connections, half take them and say nothing. Meanwhile one message a second goes to a live
// destination. Then the server is killed and started again.
// (Promised for 100,000 messages to 10,000 destinations: live mail leaves within a second, at most 250 MB, a start within 2 s.)

import { rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { mountBenchFileSystem } from './file-system.ts';
import { percentile } from './paced-load.ts';
import { residentMiB } from './process-tree.ts';

const messages = Number(process.argv[2] ?? 100_000);
const destinations = Number(process.argv[3] ?? 10_000);
const sessions = 10;
const silentPort = 2_525;
const closedPort = 1;
const { folder: disk } = mountBenchFileSystem('/var/tmp/posthaste-bench', 4_096);
const folder = join(disk, 'backlog');

/** A loopback address of its own for each destination. */
const addressOf = (number: number) => `127.${2 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;

async function listen(address: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 64 }, resolve);
  });
  return server;
}

/** Takes everything; tells when the message with each number has come. */
function sink(arrived: (number: number) => void): (socket: Socket) => void {
  return (socket) => {
    let text = '';
    let isData = false;
    socket.write('220 live.test ESMTP\r\n');
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (isData) {
          const number = /^X-Number: (\d+)/.exec(line)?.[1];
          if (number !== undefined) arrived(Number(number));
          if (line !== '.') continue;
          isData = false;
          socket.write('250 ok\r\n');
        } else if (/^DATA/i.test(line)) {
          isData = true;
          socket.write('354 go on\r\n');
        } else if (/^EHLO/i.test(line)) socket.write('250-live.test\r\n250 PIPELINING\r\n');
        else socket.write(/^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n');
      }
    });
  };
}

async function send(connection: SmtpConnection, recipient: string, header: string): Promise<void> {
  connection.send(`MAIL FROM:<a@client.test>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
  const replies = [await connection.reply(), await connection.reply(), await connection.reply()];
  const last = replies[2];
  if (last?.code !== 354) throw new Error(`refused: ${replies.map(({ code, text }) => `${code} ${text}`).join('; ')}`);
  connection.send(`${header}Subject: x\r\nFrom: <a@client.test>\r\n\r\n${'some text\r\n'.repeat(50)}.\r\n`);
  const done = await connection.reply();
  if (done.code !== 250) throw new Error(`refused: ${done.code} ${done.text}`);
}

async function open(port: number): Promise<SmtpConnection> {
  const connection = await SmtpConnection.open(port);
  await connection.command('EHLO client.test');
  return connection;
}

const report = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
rmSync(folder, { recursive: true, force: true });
const servers: Server[] = [];
const server = await PosthasteProcess.create({
  folder,
  settings: {
    transport_maps: `texthash:${join(folder, 'transport')}`,
    maximal_queue_lifetime: '5d',
  },
});
try {
  const sentAt = new Map<number, number>();
  const delays: number[] = [];
  const live = await listen(
    '127.0.0.1',
    0,
    sink((number) => {
      const sent = sentAt.get(number);
      if (sent === undefined) return;
      sentAt.delete(number);
      delays.push(performance.now() - sent);
    }),
  );
  servers.push(live);
  const { port } = live.address() as { port: number };
  const lines = [`live.test smtp:[127.0.0.1]:${port}\n`];
  for (let number = 0; number < destinations; number++) {
    const isSilent = number % 2 === 1;
    lines.push(`d${number}.dead.test smtp:[${addressOf(number)}]:${isSilent ? silentPort : closedPort}\n`);
    if (isSilent) servers.push(await listen(addressOf(number), silentPort, () => undefined));
  }
  writeFileSync(join(folder, 'transport'), lines.join(''));
  await server.start();
  report(`${destinations} destinations; idle ${residentMiB(server.pid).toFixed(0)} MiB`);

  let peak = 0;
  let probes = 0;
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      peak = Math.max(peak, residentMiB(server.pid));
      const connection = await open(server.smtpPort);
      const number = probes++;
      sentAt.set(number, performance.now());
      await send(connection, 'x@live.test', `X-Number: ${number}\r\n`);
      await connection.quit();
      await sleep(500);
    }
  })();
  const tell = (what: string) => {
    const sorted = [...delays].sort((a, b) => a - b);
    const [median, max] = [percentile(sorted, 0.5), sorted.at(-1) ?? 0];
    const late = [...sentAt.values()].filter((sent) => performance.now() - sent > 1_000).length;
    const counts = `${sorted.length} of ${probes} arrived, ${late} late`;
    report(
      `${what}: live mail ${counts}, median ${median.toFixed(0)} ms, max ${max.toFixed(0)} ms; at most ${peak.toFixed(0)} MiB`,
    );
    delays.length = 0;
  };
  const began = performance.now();
  let next = 0;
  const load = async () => {
    const connection = await open(server.smtpPort);
    for (let number = next++; number < messages; number = next++) {
      await send(connection, `u${number}@d${(number * 7_919) % destinations}.dead.test`, '');
    }
    await connection.quit();
  };
  await Promise.all(Array.from({ length: sessions }, load));
  tell(`${messages} messages in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  for (let round = 0; round < 3; round++) {
    await sleep(15_000);
    tell('15 s later');
  }
  isOver = true;
  await probing;
  const wal = statSync(join(server.dataFolder, 'store.db-wal')).size / 1_048_576;
  await server.kill();

  const restarted = performance.now();
  await server.start();
  report(
    `killed with ${wal.toFixed(0)} MiB of write-ahead log, ready again in ${((performance.now() - restarted) / 1_000).toFixed(2)} s`,
  );
  peak = 0;
  isOver = false;
  for (let number = 1_000_000; number < 1_000_030; number++) {
    const connection = await open(server.smtpPort);
    sentAt.set(number, performance.now());
    probes++;
    await send(connection, 'x@live.test', `X-Number: ${number}\r\n`);
    await connection.quit();
    await sleep(500);
    peak = Math.max(peak, residentMiB(server.pid));
  }
  tell('15 s after the start');
} finally {
  await server.stop();
  for (const each of servers) each.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}
