// Recipients that come in one packet are asked about together (access/recipients-ahead.ts), with the same answers and the
// same questions as one after the other.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasMariaDb, MariaDbServer } from './harness/mariadb.ts';
import { RawClient, startTestServer, type TestServer } from './smtp-dialogs/test-server.ts';

const count = 40;
const known = Array.from({ length: count }, (_, index) => `u${index}@example.com`);

// Skipped where MariaDB (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!hasMariaDb)('recipients in one packet (package mariadb-server)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ahead-'));
  const database = new MariaDbServer(join(folder, 'db'));
  let server: TestServer;

  beforeAll(async () => {
    // For the user that MariaDB runs as.
    chmodSync(folder, 0o755);
    await database.start();
    const rows = known.map((address) => `('${address}', 'x')`).join(',');
    database.execute(
      "CREATE DATABASE mail; CREATE USER mail IDENTIFIED BY 'mail'; GRANT ALL ON mail.* TO mail; USE mail; " +
        'CREATE TABLE mailbox (name VARCHAR(200) PRIMARY KEY, target TEXT); ' +
        'CREATE TABLE alias (name VARCHAR(200) PRIMARY KEY, target TEXT); ' +
        `INSERT INTO mailbox VALUES ${rows}; INSERT INTO alias VALUES ('all@example.com', 'u1@example.com,u2@example.com'), ('round@example.com', 'about@example.com'), ('about@example.com', 'round@example.com')`,
    );
    server = await start();
  });
  afterAll(async () => {
    await server.close();
    await database.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function table(name: string, query: string): string {
    const access = `hosts = 127.0.0.1:${database.port}\nuser = mail\npassword = mail\ndbname = mail\n`;
    writeFileSync(join(folder, name), `${access}query = ${query}\n`);
    return `mysql:${join(folder, name)}`;
  }

  function start(settings: Record<string, string> = {}, condition = ''): Promise<TestServer> {
    const from = (name: string): string =>
      table(`${name}${condition.length}.cf`, `SELECT target FROM ${name} WHERE name = '%s'${condition}`);
    return startTestServer({
      isRealPolicy: true,
      settings: {
        virtual_alias_maps: from('alias'),
        virtual_mailbox_maps: from('mailbox'),
        smtpd_hard_error_limit: '1000',
        smtpd_soft_error_limit: '1000',
        ...settings,
      },
    });
  }

  /** The replies to these recipients, and how many questions they were to the database. */
  async function ask(
    { port }: TestServer,
    recipients: readonly string[],
    isPipelined: boolean,
  ): Promise<{ replies: string[]; questions: number; milliseconds: number }> {
    const client = await RawClient.open(port);
    await client.reply();
    await client.command('EHLO client.test');
    await client.command('MAIL FROM:<sender@elsewhere.test>');
    // The first of a message tells that servers are asked.
    await client.command('RCPT TO:<u0@example.com>');
    const before = selects();
    const began = performance.now();
    const replies: string[] = [];
    const lines = recipients.map((recipient) => `RCPT TO:<${recipient}>\r\n`);
    if (isPipelined) client.send(lines.join(''));
    for (const line of lines) {
      if (!isPipelined) client.send(line);
      replies.push((await client.reply()) ?? '');
    }
    const milliseconds = performance.now() - began;
    client.destroy();
    return { replies, questions: selects() - before, milliseconds };
  }

  function selects(): number {
    return Number(/\d+/.exec(database.execute("SHOW GLOBAL STATUS LIKE 'Com_select'"))?.[0]);
  }

  test('are answered as one after the other, in their order, with no more questions', async () => {
    const recipients = [
      ...known.flatMap((address, index) => [address, `nobody${index}@example.com`]),
      'all@example.com',
      '"u1"@example.com',
      'u2@EXAMPLE.com',
      'u3@[127.0.0.1]',
      'u4',
      'gr\u00fcn@example.com',
      '@a:u5@example.com',
      'u6@example.com',
      'u6@example.com',
    ];
    // A connection that is opened asks a question of its own.
    await ask(server, recipients, true);
    const turnAbout = await ask(server, recipients, false);
    const together = await ask(server, recipients, true);
    expect(together.replies).toEqual(turnAbout.replies);
    expect(together.replies.filter((reply) => reply.startsWith('250 '))).toHaveLength(count + 6);
    expect(together.replies.filter((reply) => reply.includes('User unknown'))).toHaveLength(count + 1);
    expect(together.questions).toBe(turnAbout.questions);
    const withOthers = ['u1@example.com', 'x@elsewhere.test', 'u2@example.com', 'y@elsewhere.test', 'u3@example.com'];
    expect((await ask(server, withOthers, true)).replies).toEqual((await ask(server, withOthers, false)).replies);
  });

  test('warn of an alias loop once', async () => {
    const { log } = server;
    const { length } = log.lines;
    const { replies } = await ask(server, [...known.slice(1, 4), 'round@example.com'], true);
    // It is refused at the end of DATA.
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '250', '250']);
    expect(log.lines.slice(length).filter((line) => line.includes('alias loop: '))).toHaveLength(1);
  });

  test('see what was added before they came', async () => {
    const late = known.map((address) => `late-${address}`);
    expect((await ask(server, late, true)).replies.every((reply) => reply.startsWith('550 '))).toBe(true);
    database.execute(
      `INSERT INTO mailbox SELECT CONCAT('late-', name), target FROM mailbox WHERE name LIKE 'u%'`,
      'mail',
    );
    expect((await ask(server, late, true)).replies.every((reply) => reply.startsWith('250 '))).toBe(true);
  });

  test('see what was added meanwhile, where their first command was refused before anybody asked', async () => {
    const client = await RawClient.open(server.port);
    await client.reply();
    await client.command('EHLO client.test');
    await client.command('MAIL FROM:<sender@elsewhere.test>');
    const refused = 'RCPT TO:<soon@example.com> FOO=BAR\r\n';
    client.send(`RCPT TO:<u1@example.com>\r\nRCPT TO:<u2@example.com>\r\n${refused}`);
    expect(await client.reply()).toMatch(/^250 /);
    expect(await client.reply()).toMatch(/^250 /);
    expect(await client.reply()).toMatch(/^555 /);
    // What was asked about it meanwhile has been answered.
    expect(await client.command('NOOP')).toMatch(/^250 /);
    await pause(50);
    database.execute("INSERT INTO mailbox VALUES ('soon@example.com', 'x')", 'mail');
    expect(await client.command('RCPT TO:<soon@example.com>')).toMatch(/^250 /);
    client.destroy();
  });

  test('wait for a slow server together', async () => {
    const slow = await start({}, ' AND SLEEP(0.02) = 0');
    try {
      await ask(slow, known.slice(0, 2), false);
      const turnAbout = await ask(slow, known, false);
      const together = await ask(slow, known, true);
      expect(together.replies).toEqual(turnAbout.replies);
      expect(together.milliseconds).toBeLessThan(turnAbout.milliseconds / 2);
    } finally {
      await slow.close();
    }
  });

  test('of a client that is refused are not looked for', async () => {
    const closed = await start({ smtpd_client_restrictions: 'reject' });
    try {
      await ask(closed, known.slice(0, 2), false);
      const turnAbout = await ask(closed, known, false);
      const { replies, questions } = await ask(closed, known, true);
      expect(replies.every((reply) => reply.includes('Client host rejected'))).toBe(true);
      expect(questions).toBe(turnAbout.questions);
    } finally {
      await closed.close();
    }
  });

  test('are temporary errors, each of them, when the server has gone', async () => {
    const client = await RawClient.open(server.port);
    await client.reply();
    await client.command('EHLO client.test');
    await client.command('MAIL FROM:<sender@elsewhere.test>');
    expect(await client.command('RCPT TO:<u0@example.com>')).toMatch(/^250 /);
    await database.stop();
    try {
      client.send(known.map((address) => `RCPT TO:<${address}>\r\n`).join(''));
      for (const _ of known) expect(await client.reply()).toMatch(/^451 4\.3\.0 .*Temporary lookup failure/);
    } finally {
      client.destroy();
      await database.start();
    }
  });
});
