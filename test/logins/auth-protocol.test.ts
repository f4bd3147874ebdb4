// The Dovecot auth protocol as we serve it: its words, and what clients do that are broken, hostile or gone.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuthClient, plain } from './auth-client.ts';
import { LoginRig } from './login-rig.ts';

describe('the auth protocol', () => {
  let rig: LoginRig;
  let socket: string;
  let userdb: string;
  let port: number;
  const clients: AuthClient[] = [];

  beforeAll(async () => {
    rig = await LoginRig.open(['anna@example.com', 'bert@example.com']);
    await rig.directory.mailboxes.set('anna@example.com', { quotaBytes: 5000 });
    socket = join(rig.folder, 'auth');
    userdb = join(rig.folder, 'userdb');
    const bound = await rig
      .logins({
        posthaste_auth_listen: `{ unix:${socket}, mode=0666 }, inet:127.0.0.1:0`,
        posthaste_auth_userdb_listen: userdb,
        posthaste_auth_userdb_fields: 'uid=root gid=8 home=/home/vmail/%d/%n',
        posthaste_auth_login_fields: 'proxy=y host=127.0.0.1 port=2143',
      })
      .listen();
    port = bound.find(({ port: one }) => one > 0)?.port ?? 0;
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await rig.close();
  });

  async function open(at: string | number = socket): Promise<AuthClient> {
    const client = await AuthClient.open(at);
    clients.push(client);
    return client;
  }

  async function greeted(): Promise<AuthClient> {
    const client = await open();
    await client.greet();
    return client;
  }

  test('begins as Dovecot 2.3 does, on a socket with the mode that was asked for and on an address', async () => {
    for (const at of [socket, port]) {
      expect(await (await open(at)).greet()).toEqual([
        'VERSION\t1\t2',
        'MECH\tPLAIN\tplaintext',
        'MECH\tLOGIN\tplaintext',
        `SPID\t${process.pid}`,
        expect.stringMatching(/^CUID\t\d+$/),
        expect.stringMatching(/^COOKIE\t[0-9a-f]{32}$/),
        'DONE',
      ]);
    }
    expect(statSync(socket).mode & 0o777).toBe(0o666);
    expect(statSync(userdb).mode & 0o777).toBe(0o600);
  });

  test('PLAIN and LOGIN, right and wrong', async () => {
    const client = await greeted();
    expect(
      await client.ask(
        `AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tsecured\tresp=${plain('Anna@example.com', 'of the directory')}`,
      ),
    ).toBe('OK\t1\tuser=anna@example.com');
    expect(await client.ask(`AUTH\t2\tPLAIN\tservice=smtp\tresp=${plain('anna@example.com', 'wrong')}`)).toBe(
      'FAIL\t2\tuser=anna@example.com',
    );
    expect(await client.ask('AUTH\t3\tPLAIN\tservice=smtp')).toBe('CONT\t3\t');
    expect(await client.ask(`CONT\t3\t${plain('bert@example.com', 'of the directory')}`)).toBe(
      'OK\t3\tuser=bert@example.com',
    );
    expect(await client.ask('AUTH\t4\tLOGIN\tservice=smtp')).toBe('CONT\t4\tVXNlcm5hbWU6');
    expect(await client.ask(`CONT\t4\t${btoa('anna@example.com')}`)).toBe('CONT\t4\tUGFzc3dvcmQ6');
    expect(await client.ask(`CONT\t4\t${btoa('of the directory')}`)).toBe('OK\t4\tuser=anna@example.com');
    expect(await client.ask('AUTH\t5\tCRAM-MD5\tservice=smtp')).toBe('FAIL\t5');
    expect(await client.ask('AUTH\t6\tPLAIN\tservice=smtp\tresp=!!!')).toBe('FAIL\t6');
    expect(
      await client.ask(
        `AUTH\t7\tPLAIN\tservice=smtp\tresp=${btoa('bert@example.com\0anna@example.com\0of the directory')}`,
      ),
    ).toBe('FAIL\t7\tuser=anna@example.com');
    // What seems to follow the response is not looked at.
    expect(
      await client.ask(`AUTH\t8\tPLAIN\tservice=smtp\tresp=${plain('anna@example.com', 'wrong')}\tsecured\tuser=bert`),
    ).toBe('FAIL\t8\tuser=anna@example.com');
    // A number may be used again when its exchange is over; one that was given up says nothing more.
    expect(await client.ask('AUTH\t8\tLOGIN\tservice=smtp')).toContain('CONT');
    client.send('CANCEL\t8\n');
    expect(
      await client.ask(`AUTH\t8\tPLAIN\tservice=smtp\tresp=${plain('anna@example.com', 'of the directory')}`),
    ).toContain('OK\t8');
  });

  test('a proxy is told where to, with the password that its client gave', async () => {
    const client = await greeted();
    expect(
      await client.ask(`AUTH\t1\tPLAIN\tservice=imap\tresp=${plain('anna@example.com', 'of the directory')}`),
    ).toBe('OK\t1\tuser=anna@example.com\tproxy=y\thost=127.0.0.1\tport=2143\tnologin\tpass=of the directory');
  });

  test('many exchanges at once on one connection do not get mixed up', async () => {
    const client = await greeted();
    const count = 900;
    const lines = Array.from({ length: count }, (_, index) => {
      const isRight = index % 3 !== 0;
      return `AUTH\t${index}\tPLAIN\tservice=smtp\tresp=${plain(index % 2 ? 'anna@example.com' : 'bert@example.com', isRight ? 'of the directory' : 'wrong')}\n`;
    });
    client.send(lines.join(''));
    const answers = new Map<number, string>();
    for (let at = 0; at < count; at++) {
      const [outcome = '', id, user] = (await client.line())?.split('\t') ?? [];
      answers.set(Number(id), `${outcome} ${user}`);
    }
    let temporary = 0;
    for (let index = 0; index < count; index++) {
      const who = index % 2 ? 'anna@example.com' : 'bert@example.com';
      const answer = answers.get(index);
      // More wait for a hash than may: to be tried again, and never wrong.
      if (answer === 'FAIL temp') temporary++;
      else expect(answer).toBe(index % 3 !== 0 ? `OK user=${who}` : `FAIL user=${who}`);
    }
    expect(temporary).toBeLessThan(count);
  }, 30_000);

  test('a client that disappears, or speaks another language, costs nothing', async () => {
    const before = await greeted();
    for (let round = 0; round < 50; round++) {
      const client = await greeted();
      client.send(
        `AUTH\t1\tPLAIN\tservice=smtp\tresp=${plain('anna@example.com', 'of the directory')}\nAUTH\t2\tLOGIN\tservice=smtp\n`,
      );
      client.destroy();
    }
    for (const words of [
      'HELO there\n',
      'VERSION\t2\t0\n',
      'CPID\t1\n',
      'VERSION\t1\t1\nAUTH\t1\tPLAIN\n',
      'VERSION\t1\t1\nCPID\tx\n',
      'VERSION\t1\t1\nCPID\t1\nAUTH\tx\tPLAIN\n',
      'VERSION\t1\t1\nCPID\t1\nAUTH\t1\tLOGIN\tservice=smtp\nAUTH\t1\tLOGIN\tservice=smtp\n',
      'VERSION\t1\t1\nCPID\t1\nUSER\t1\tanna@example.com\n',
      'GET / HTTP/1.1\r\n\r\n',
      '\n\n\n',
      'x'.repeat(100_000),
      `VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tresp=${'A'.repeat(100_000)}\n`,
    ]) {
      const client = await open();
      client.send(words);
      await client.closed();
    }
    expect(
      await before.ask(`AUTH\t1\tPLAIN\tservice=smtp\tresp=${plain('anna@example.com', 'of the directory')}`),
    ).toContain('OK\t1');
  });

  test('survives anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 300 }), async (isGreeted, bytes) => {
        const client = await open();
        if (isGreeted) await client.greet();
        client.send(Buffer.from(bytes));
        client.send('\n');
        await sleep(1);
        client.destroy();
      }),
      { numRuns: 50 },
    );
    expect(await (await greeted()).ask('AUTH\t1\tPLAIN\tservice=smtp')).toBe('CONT\t1\t');
  }, 20_000);

  test('more connections than there may be are refused, and those that were there go on', async () => {
    const many = await Promise.all(Array.from({ length: 520 }, () => open(port)));
    await sleep(100);
    expect(many.filter(({ isClosed }) => isClosed).length).toBeGreaterThan(0);
    const alive = many.find(({ isClosed }) => !isClosed);
    expect(await alive?.greet()).toContain('DONE');
    for (const client of many) client.destroy();
    await sleep(50);
    expect(await (await open(port)).greet()).toContain('DONE');
    expect(rig.log.lines.filter((line) => line.includes('more than 500 connections'))).toHaveLength(1);
  });

  test('a Dovecot hears which accounts there are', async () => {
    const master = await open(userdb);
    master.send('VERSION\t1\t1\n');
    expect([await master.line(), await master.line()]).toEqual(['VERSION\t1\t1', `SPID\t${process.pid}`]);
    expect(await master.ask('USER\t1\tAnna@example.com\tservice=lmtp')).toBe(
      'USER\t1\tanna@example.com\tuid=0\tgid=8\thome=/home/vmail/example.com/anna\tquota_rule=*:bytes=5000',
    );
    expect(await master.ask('USER\t2\tnobody@example.com\tservice=lmtp')).toBe('NOTFOUND\t2');
    expect(await master.ask('PASS\t3\tbert@example.com\tservice=lmtp')).toBe(
      'PASS\t3\tuser=bert@example.com\tproxy=y\thost=127.0.0.1\tport=2143',
    );
    master.send('LIST\t4\tservice=doveadm\n');
    expect([await master.line(), await master.line(), await master.line()]).toEqual([
      'LIST\t4\tanna@example.com',
      'LIST\t4\tbert@example.com',
      'DONE\t4\t',
    ]);
    expect(await master.ask('REQUEST\t5\t42\t1\t00000000000000000000000000000000')).toBe(
      'FAIL\t5\treason=there is no such login',
    );
    master.send('NONSENSE\t6\n');
    await master.closed();
  });

  test('who has just logged in is told once, to who knows the cookie', async () => {
    const client = await open();
    const cookie = (await client.greet()).find((line) => line.startsWith('COOKIE'))?.slice(7) ?? '';
    await client.ask(`AUTH\t9\tPLAIN\tservice=imap\tresp=${plain('anna@example.com', 'of the directory')}`);
    const master = await open(userdb);
    master.send('VERSION\t1\t1\n');
    await master.line();
    await master.line();
    expect(await master.ask(`REQUEST\t1\t43\t9\t${cookie}`)).toContain('FAIL\t1');
    expect(await master.ask(`REQUEST\t2\t42\t9\t${cookie}`)).toContain('USER\t2\tanna@example.com\tuid=0');
    expect(await master.ask(`REQUEST\t3\t42\t9\t${cookie}`)).toContain('FAIL\t3');
  });

  test('a socket that a killed server has left is replaced, one that is in use is not, nor is a file', async () => {
    const path = join(rig.folder, 'left');
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(existsSync(path)).toBe(true);
    expect(await rig.logins({ posthaste_auth_listen: path }).listen()).toEqual([
      { label: 'auth', host: path, port: 0 },
    ]);
    const used = join(rig.folder, 'used');
    const other = createServer((one) => one.destroy());
    await new Promise<void>((resolve) => other.listen(used, resolve));
    await expect(rig.logins({ posthaste_auth_listen: used }).listen()).rejects.toThrow(
      'another program listens there: end it, or change posthaste_auth_listen of main.cf',
    );
    await new Promise((resolve) => other.close(resolve));
    writeFileSync(used, 'text');
    await expect(rig.logins({ posthaste_auth_listen: used }).listen()).rejects.toThrow('is no socket');
  });

  test.each([
    ['auth', /must be unix:\/path or inet:host:port/],
    ['{ unix:/x, mode=9 }', /mode=9/],
    ['{ unix:/x, owner=me }', /no attribute owner/],
    ['{ unix:/x, user=nosuchuser }', /there is no user nosuchuser/],
    ['{ inet:127.0.0.1:99, mode=0600 }', /no mode/],
  ])('posthaste_auth_listen = %s is a mistake', async (value, message) => {
    await expect(rig.logins({ posthaste_auth_listen: value }).listen()).rejects.toThrow(message);
  });
});
