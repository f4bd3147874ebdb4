// What a host keeps of its mailboxes, on a started server: forwards give exactly the right copies, logins are held to
// protocols and to the end of the password, a mailbox gets another address while its owner is reading.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapConnection } from '../harness/imap-connection.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { SmtpRecorder } from '../harness/smtp-recorder.ts';
import { PeopleServer } from '../queue/people-server.ts';

const far = new SmtpRecorder();
let server: PeopleServer;
const names = ['anna', 'ben', 'carl', 'dora', 'eve', 'fay', 'gil', 'hal'];
const password = 'right horse';

beforeAll(async () => {
  server = await PeopleServer.start(names, await far.listen(), {
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'directory',
    posthaste_sasl_mechanisms: 'plain login scram-sha-256 cram-md5',
  });
  const passwordHash = `{PLAIN}${password}`;
  for (const name of names) await server.directory.mailboxes.set(`${name}@home.test`, { passwordHash });
});

afterAll(async () => {
  await server.close();
  await far.close();
});

const at = (name: string) => `${name}@home.test`;
const set = (name: string, settings: Parameters<PeopleServer['directory']['mailboxes']['set']>[1]) =>
  server.directory.mailboxes.set(at(name), settings);
const count = async (...people: string[]) => Promise.all(people.map(async (name) => (await server.inbox(name)).length));
const recipients = () =>
  far.mails.flatMap(({ commands }) => commands.flatMap((one) => /^RCPT TO:<(.*?)>/i.exec(one)?.[1] ?? []));

describe('a forward', () => {
  test('keeps a copy, or none, or is none, and no copy is made twice', async () => {
    await set('anna', { forward: { to: [at('ben'), 'x@far.test'] } });
    await server.send({ from: 'q@client.test', to: at('anna') });
    await far.waitFor(1);
    expect(await count('anna', 'ben')).toEqual([1, 1]);
    expect(recipients()).toEqual(['x@far.test']);

    await set('anna', { forward: { mode: 'forward' } });
    await server.send({ from: 'q@client.test', to: [at('anna'), at('ben')] });
    await far.waitFor(2);
    expect(await count('anna', 'ben')).toEqual([1, 2]);

    await set('anna', { forward: null });
    await server.send({ from: 'q@client.test', to: 'ANNA+x@alias.test' });
    expect(await count('anna', 'ben')).toEqual([2, 2]);
    expect(far.mails).toHaveLength(2);
  });

  test('of two who forward to each other, of whom one keeps a copy, ends', async () => {
    await set('carl', { forward: { to: [at('dora')], mode: 'forward' } });
    await set('dora', { forward: { to: [at('carl')], mode: 'both' } });
    await set('carl', { name: 'Carl' });
    for (const to of ['carl', 'dora']) await server.send({ from: 'q@client.test', to: at(to) });
    expect(await count('carl', 'dora')).toEqual([0, 2]);
    await set('carl', { forward: { mode: 'both' } });
    await server.send({ from: 'q@client.test', to: at('carl') });
    expect(await count('carl', 'dora')).toEqual([1, 3]);
  });
});

const imapLogin = async (name: string, secret = password): Promise<string> => {
  const imap = await ImapConnection.open({ port: server.process.imapPort });
  const { status, text } = await imap.command(`LOGIN "${at(name)}" "${secret}"`);
  await imap.logout();
  return `${status} ${text}`;
};

const smtpLogin = async (name: string, secret = password): Promise<string> => {
  const smtp = await SmtpConnection.open(server.process.smtpPort);
  await smtp.command('EHLO client.test');
  const { code, text } = await smtp.command(`AUTH PLAIN ${Buffer.from(`\0${at(name)}\0${secret}`).toString('base64')}`);
  await smtp.quit();
  return `${code} ${text}`;
};

const logged = (words: string) => server.process.logLines().some((line) => line.includes(words));

describe('a login', () => {
  test('is held to the protocols of the mailbox', async () => {
    await set('eve', { protocols: ['imap'] });
    expect(await imapLogin('eve')).toMatch(/^OK/);
    expect(await smtpLogin('eve')).toBe(
      '535 5.7.8 Error: authentication failed: This mailbox may not be used by SMTP: ask the administrator of your mail.',
    );
    await server.until(() => logged('smtp is not among the protocols of the mailbox'), 'the reason in the log');
    await set('eve', { protocols: ['none'] });
    expect(await imapLogin('eve')).toMatch(/^NO \[CONTACTADMIN\] This mailbox may not be used by IMAP/);
    await set('eve', { protocols: [] });
    expect(await smtpLogin('eve')).toMatch(/^235/);
  });

  test('with a password that has run out is refused with the reason, and only to who has it', async () => {
    await set('fay', { passwordExpires: 1 });
    expect(await imapLogin('fay')).toMatch(/^NO \[EXPIRED\] Your password has expired: change it/);
    expect(await smtpLogin('fay')).toBe(
      '535 5.7.8 Error: authentication failed: Your password has expired: change it, then log in with the new one.',
    );
    await server.until(() => logged('failed: password has expired'), 'the reason in the log');
    await set('fay', { passwordHash: '{PLAIN}another' });
    expect(await imapLogin('fay', 'another')).toMatch(/^OK/);
    await set('fay', { mustChange: true });
    expect(await smtpLogin('fay', 'another')).toMatch(/^535 .*must be changed before you can use it/);
    expect(await imapLogin('fay', 'another')).toMatch(/^NO \[EXPIRED\]/);
  });

  test('is remembered as the last one', async () => {
    expect((await server.directory.mailboxes.need(at('gil'))).lastLogin).toBeUndefined();
    expect(await imapLogin('gil')).toMatch(/^OK/);
    await expect
      .poll(async () => (await server.directory.mailboxes.need(at('gil'))).lastLogin, { timeout: 10_000 })
      .toMatchObject({ protocol: 'imap', address: '127.0.0.1' });
  });
});

describe('a mailbox that gets another address', () => {
  test('loses nothing: not the session, not the mail, not its UIDs, not what is still on its way', async () => {
    await server.directory.domains.add('new.test');
    await server.send({ from: 'q@client.test', to: at('hal') });
    const imap = await ImapConnection.open({ port: server.process.imapPort });
    await imap.login(at('hal'), password);
    const before = await imap.ok('SELECT INBOX');
    await imap.ok('STORE 1 +FLAGS (\\Flagged kept)');
    await imap.ok('CREATE Work');
    const uidValidity = before.untagged.find(({ text }) => text.includes('UIDVALIDITY'))?.text;

    // Taken for the old address, and still waiting when it is gone.
    await server.directory.aliases.add('pair@home.test', [at('hal'), at('gil')]);
    await set('hal', { maintenance: 'a moment' });
    const waiting = await server.offer({ from: 'q@client.test', to: 'pair@home.test', body: 'late\r\n' });
    expect(waiting.code).toBe(250);
    await server.directory.mailboxes.rename(at('hal'), 'henry@new.test', { keepAlias: true });

    await server.directory.mailboxes.set('henry@new.test', { maintenance: '' });
    await server.whenQueueEmpty();
    expect((await imap.ok('UID FETCH 1 (FLAGS)')).untagged[0]?.text).toMatch(/UID 1.*\\Flagged/);
    await server.send({ from: 'q@client.test', to: at('hal') });
    await server.send({ from: 'q@client.test', to: 'henry@new.test' });
    const seen = await imap.ok('NOOP');
    expect(seen.untagged.some(({ text }) => text === '4 EXISTS')).toBe(true);
    await imap.logout();

    const again = await ImapConnection.open({ port: server.process.imapPort });
    expect((await again.command(`LOGIN ${at('hal')} "${password}"`)).status).toBe('NO');
    await again.login('henry@new.test', password);
    const after = await again.ok('SELECT INBOX');
    expect(after.untagged.find(({ text }) => text.includes('UIDVALIDITY'))?.text).toBe(uidValidity);
    expect((await again.ok('LIST "" *')).untagged.map(({ text }) => text).join('\n')).toMatch(/Work/);
    const fetched = (await again.ok('UID FETCH 1:* (FLAGS)')).untagged.map(({ text }) => text);
    expect(fetched).toEqual([
      expect.stringMatching(/UID 1 .*kept/),
      expect.stringContaining('UID 2'),
      expect.stringContaining('UID 3'),
      expect.stringContaining('UID 4'),
    ]);
    await again.logout();
  });
});
