// A mailbox without room, however it is reached (features V12): its own address, an extension, an alias, an alias domain, a
// catch-all, an alias with others, a list with others. That recipient alone is refused or bounced; everybody else has the mail.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { SmtpRecorder } from '../harness/smtp-recorder.ts';
import { PeopleServer } from './people-server.ts';

const others = ['anna', 'ben', 'owner'];

describe.each([
  ['no', 552, '5.2.2'],
  ['yes', 452, '4.2.2'],
])('posthaste_quota_full_tempfail = %s', (value, code, status) => {
  let far: SmtpRecorder;
  let people: PeopleServer;
  beforeAll(async () => {
    far = new SmtpRecorder();
    const settings = { posthaste_quota_full_tempfail: value };
    people = await PeopleServer.start([...others, 'full'], await far.listen(), settings);
    const { aliases, aliasDomains, domains, lists, mailboxes } = people.directory;
    await mailboxes.set('full@home.test', { quotaBytes: 2000 });
    await aliases.add('alias@home.test', ['full@home.test']);
    await aliases.add('chain@home.test', ['alias@alias.test']);
    await domains.add('catch.test');
    await aliases.add('@catch.test', ['full@home.test']);
    await aliasDomains.add('catch-alias.test', 'catch.test');
    await aliases.add('both@home.test', ['full@home.test', 'anna@home.test']);
    await lists.add({
      address: 'team@home.test',
      owners: ['owner@home.test'],
      members: ['anna@home.test', 'full@home.test', 'ben@home.test'],
    });
    await people.send({ from: 'dora@far.test', to: 'full@home.test', body: `${'x'.repeat(70)}\r\n`.repeat(20) });
  });
  afterAll(async () => {
    await people.close();
    await far.close();
  });

  const count = async (name: string): Promise<number> => (await people.inbox(name)).length;

  test.each([
    'full@home.test',
    'Full+Extension@Home.test',
    'full@alias.test',
    'alias@home.test',
    'chain@home.test',
    'anybody@catch.test',
    'anybody+else@catch-alias.test',
  ])('%s: refused at RCPT, the other recipient of the same message has it', async (address) => {
    const before = await count('anna');
    const connection = await SmtpConnection.open(people.process.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<dora@far.test> SIZE=1000');
    const refused = await connection.command(`RCPT TO:<${address}>`);
    expect(refused).toEqual({
      code,
      text: `${status} <${address}>: Recipient address rejected: Mailbox is full`,
    });
    expect((await connection.command('RCPT TO:<anna@home.test>')).code).toBe(250);
    await connection.command('DATA');
    connection.send('Subject: for one\r\n\r\ntext\r\n.\r\n');
    expect((await connection.reply()).code).toBe(250);
    await connection.quit();
    expect(await count('anna')).toBe(before + 1);
    expect(await count('full')).toBe(1);
  });

  test('a client that says no SIZE, and whose message is too large for the rest', async () => {
    const before = await count('anna');
    const body = `${'x'.repeat(70)}\r\n`.repeat(20);
    const reply = await people.offer({ from: 'dora@far.test', to: 'full@home.test', body });
    expect(`${reply.code} ${reply.text}`).toMatch(new RegExp(`^${code} ${status.replaceAll('.', '\\.')} `));
    await people.offer({ from: 'dora@far.test', to: ['full@home.test', 'anna@home.test'], body });
    expect(await count('anna')).toBe(before + 1);
    expect(await count('full')).toBe(1);
  });

  test('an alias with somebody else: the other has the mail, the sender hears of the full one', async () => {
    const before = await count('anna');
    const id = /queued as (\w+)/.exec(
      (await people.offer({ from: 'dora@far.test', to: 'both@home.test', body: `${'x'.repeat(900)}\r\n` })).text,
    )?.[1];
    await people.until(() => people.lines(id ?? '').some((line) => /to=<full@.*status=\w/.test(line)), 'an outcome');
    const line = people.lines(id ?? '').find((one) => one.includes('to=<full@'));
    expect(line).toContain(value === 'yes' ? 'dsn=4.2.2, status=deferred (' : 'dsn=5.2.2, status=bounced (');
    expect(await count('anna')).toBe(before + 1);
    expect(await count('full')).toBe(1);
    if (value === 'yes') return;
    const notice = () => far.mails.find(({ text }) => text.includes(`X-Postfix-Queue-ID: ${id}\n`));
    await people.until(() => notice() !== undefined, 'the notice');
    expect(notice()?.text).toContain('Final-Recipient: rfc822; full@home.test\n');
    expect(notice()?.text).not.toContain('Final-Recipient: rfc822; anna');
  });

  test('a list with two others: they have the mail, the owner hears of the full one', async () => {
    const before = { anna: await count('anna'), ben: await count('ben'), owner: await count('owner') };
    const reply = await people.offer({ from: 'anna@home.test', to: 'team@home.test', body: `${'x'.repeat(900)}\r\n` });
    const id = /queued as (\w+)/.exec(reply.text)?.[1] ?? '';
    await people.whenRemoved(id);
    const copy = /forwarded as (\w+)/.exec(people.lines(id).join('\n'))?.[1] ?? '';
    await people.until(() => people.lines(copy).some((line) => /to=<full@.*status=\w/.test(line)), 'an outcome');
    expect(await count('anna')).toBe(before.anna + 1);
    expect(await count('ben')).toBe(before.ben + 1);
    expect(await count('full')).toBe(1);
    if (value === 'yes') return;
    await people.whenRemoved(copy);
    await people.whenQueueEmpty();
    const notice = (await people.inbox('owner')).at(-1) ?? '';
    expect(await count('owner')).toBe(before.owner + 1);
    expect(notice).toContain('Final-Recipient: rfc822; full@home.test');
    expect(notice).toContain('Status: 5.2.2');
  });
});
