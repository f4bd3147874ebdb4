// Several sessions on one folder change it at once, in random order, while mail arrives. Each session keeps a picture from
// nothing but the untagged responses (RFC 3501 §7.3, §7.4; RFC 7162 §3.2) as a caching client does; whenever all is quiet
// it must be what a fresh session sees.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from './harness/random.ts';
import { ModelClient } from './imap-dialogs/model-client.ts';
import { LineClient, TestHost, type TestServer } from './imap-dialogs/test-server.ts';

/** More of both for a longer run: IMAP_SEEDS="10 11 12" IMAP_ROUNDS=1000 npx vitest run test/imap-sessions.test.ts. */
const seeds = (process.env['IMAP_SEEDS'] ?? '1 2 3').split(' ').map(Number);
const rounds = Number(process.env['IMAP_ROUNDS'] ?? 100);
const sessions = 3;
let host: TestHost;
let server: TestServer;

beforeAll(async () => {
  host = await TestHost.open();
  server = await host.serve();
});

afterAll(async () => {
  await server.close();
  await host.close();
});

it.each(seeds)('shows every session what became of the folder (seed %d)', async (seed) => {
  const random = new Random(seed);
  const login = `user${seed}`;
  const deliver = (): Promise<void> => server.deliver(login, `Subject: ${random.next()}\r\n\r\nbody\r\n`);
  for (let count = 0; count < 8; count++) await deliver();
  const clients: ModelClient[] = [];
  for (let index = 0; index < sessions; index++) {
    clients.push(await ModelClient.open(await LineClient.open(server.port), login, index > 0));
  }
  const witness = await LineClient.open(server.port);
  await witness.line();
  await witness.command('w', `LOGIN ${login} secret`);
  for (let round = 0; round < rounds; round++) {
    // Some act at once, some do not.
    const acts: Promise<void>[] = [];
    for (const client of clients) if (random.chance(60)) acts.push(client.act(random));
    if (random.chance(40)) acts.push(deliver());
    await Promise.all(acts);
    if (!random.chance(30)) continue;
    const truth = await readFolder(witness);
    for (const client of clients) await client.compare(truth);
  }
  for (const client of clients) client.close();
  witness.destroy();
});

it('tells an idling client of mail that comes while it is told of many flags', async () => {
  await server.deliver('many', 'Subject: x\r\n\r\nbody\r\n');
  const idler = await LineClient.open(server.port);
  const other = await LineClient.open(server.port);
  for (const client of [idler, other]) {
    await client.line();
    await client.command('t', 'LOGIN many secret');
    await client.command('t', 'SELECT INBOX');
  }
  for (let doubled = 0; doubled < 14; doubled++) await other.command('t', 'COPY 1:* INBOX');
  await idler.command('t', 'NOOP');
  for (const sign of '+-+-+') {
    await other.command('t', `STORE 1:* ${sign}FLAGS.SILENT (\\Flagged)`);
    idler.send('i IDLE\r\n');
    await server.deliver('many', 'Subject: new\r\n\r\nbody\r\n');
    for (let line = await idler.line(); !line?.endsWith(' EXISTS'); line = await idler.line())
      expect(line).toBeDefined();
    idler.send('DONE\r\n');
    await idler.linesTo('i');
    await other.command('t', 'NOOP');
  }
  idler.destroy();
  other.destroy();
});

/** `uid (flags) modseq` of every message. */
async function readFolder(witness: LineClient): Promise<string[]> {
  await witness.command('w', 'EXAMINE INBOX');
  const lines = await witness.command('w', 'FETCH 1:* (UID FLAGS MODSEQ)');
  return lines.flatMap((line) => {
    const match = /^\* \d+ FETCH \(UID (\d+) FLAGS \((.*)\) MODSEQ \((\d+)\)\)$/.exec(line);
    return match === null ? [] : [`${match[1]} (${match[2]?.split(' ').toSorted().join(' ')}) ${match[3]}`];
  });
}
