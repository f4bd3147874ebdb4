// The built-in automatic reply on a started server (RFC 3834, RFC 5230): V13, and that a reply is neither lost nor doubled.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PeopleServer } from './people-server.ts';
import { polite, ScriptedServer } from './scripted-server.ts';

const anna = 'anna@home.test';
let far: ScriptedServer;
let farPort: number;
let people: PeopleServer;

beforeAll(async () => {
  far = new ScriptedServer(polite);
  farPort = await far.listen();
  people = await PeopleServer.start(['anna', 'ben', 'carl', 'dora'], farPort);
  const { mailboxes, aliases } = people.directory;
  await aliases.add('sales@home.test', [anna, 'carl@home.test']);
  await aliases.add('deep@home.test', ['sales@home.test']);
  await mailboxes.set(anna, { vacation: { text: 'I am away – until Monday.\n' } });
  await mailboxes.set('ben@home.test', { vacation: { text: 'Ben is away too.' } });
});
afterAll(async () => {
  await people.close();
  await far.close();
});

let senders = 0;
const whenFar = (line: string) => people.until(() => far.lines.includes(line), `"${line}" to arrive`);
const farTimes = (line: string) => far.lines.filter((one) => one === line).length;
/** The Message-IDs of what the far side got for this recipient. */
function repliesTo(recipient: string): Set<string> {
  const messages = far.lines.join('\n').split(/^DATA$/im);
  const own = messages.filter((message) => message.includes(`\nTo: <${recipient}>\n`));
  return new Set(own.map((message) => /^Message-Id: (.*)$/im.exec(message)?.[1] ?? ''));
}
const replies = async (name: string) => (await people.inbox(name)).filter((mail) => /^Subject: Auto:/m.test(mail));

describe('V13', () => {
  test('one reply, as RFC 3834 wants it', async () => {
    const header = [
      'From: Dora <dora@home.test>',
      `To: ${anna}`,
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'References: <1@x> <2@x>',
    ];
    const id = await people.send({ from: 'dora@home.test', to: anna, header });
    expect(people.vacation(id)).toBe('answered');
    const [reply = '', ...more] = (await people.inbox('dora')).filter((mail) => mail.includes('auto-replied'));
    expect(more).toEqual([]);
    expect(reply).toMatch(/^Return-Path: <>\r\n/);
    expect(reply).toContain(`\r\nFrom: ANNA\r\n <${anna}>\r\nTo: <dora@home.test>\r\nSubject: `);
    expect(reply).toContain(`Subject: =?utf-8?B?${Buffer.from('Auto: Grüße').toString('base64')}?=\r\n`);
    expect(reply).toMatch(
      /\r\nIn-Reply-To: <\d+@client.test>\r\nReferences: <1@x>\r\n <2@x>\r\n <\d+@client.test>\r\n/,
    );
    expect(reply).toContain('\r\nAuto-Submitted: auto-replied\r\n');
    expect(reply).toMatch(/quoted-printable\r\n\r\nI am away =E2=80=93 until Monday\.\r\n$/);
    expect(people.lines(id)[2]).toMatch(/from=<dora@home.test>, size=\d+, nrcpt=2 \(queue active\)/);
  });

  test('a sender hears once', async () => {
    expect(people.vacation(await people.send({ from: 'carl@home.test', to: anna }))).toBe('answered');
    const again = await people.send({ from: 'CARL@home.test', to: anna });
    expect(people.vacation(again)).toBe('its sender has heard in the last 7 days');
    expect(await replies('carl')).toHaveLength(1);
  });

  test('of many at once one is answered', async () => {
    await people.directory.mailboxes.add({ address: 'eve@home.test', passwordHash: '!' });
    const ids = await Promise.all(Array.from({ length: 8 }, () => people.send({ from: 'eve@home.test', to: anna })));
    expect(ids.filter((id) => people.vacation(id) === 'answered')).toHaveLength(1);
    expect(await replies('eve')).toHaveLength(1);
  });

  test('two who are away do not answer each other for ever', async () => {
    const id = await people.send({ from: 'ben@home.test', to: anna });
    expect(people.vacation(id)).toBe('answered');
    expect(await replies('ben')).toHaveLength(1);
    expect(await replies('anna')).toEqual([]);
  });

  test.each([
    ['to an alias', 'sales@home.test', 'To: sales@home.test', 'answered'],
    ['to an alias of an alias', 'deep@home.test', 'Cc: Sales team <deep@home.test>', 'answered'],
    ['to an alias domain', 'anna@alias.test', 'To: x@far.test, anna@alias.test', 'answered'],
    ['with an extension', 'anna+shop@home.test', 'Resent-To: anna+shop@home.test', 'answered'],
    ['sent on from elsewhere', anna, 'To: anna.adams@far.test', 'it was not sent to one of its addresses'],
    ['as a blind copy', anna, 'To: undisclosed-recipients:;', 'it was not sent to one of its addresses'],
    ['to an address that leads elsewhere', anna, 'To: carl@home.test', 'it was not sent to one of its addresses'],
    ['to the same through another alias', anna, 'To: deep@home.test', 'answered'],
  ])('%s', async (_, to, line, expected) => {
    const from = `sender${++senders}@far.test`;
    const id = await people.send({ from, to, header: [`From: <${from}>`, line] });
    expect(people.vacation(id)).toBe(expected);
    if (expected === 'answered') await whenFar(`To: <${from}>`);
    else expect(far.lines).not.toContain(`To: <${from}>`);
  });

  test('a catch-all counts where there is one', async () => {
    const send = (from: string) =>
      people.send({ from, to: anna, header: [`From: <${from}>`, 'To: whoever@home.test'] });
    expect(people.vacation(await send('one@far.test'))).toBe('it was not sent to one of its addresses');
    await people.directory.aliases.add('@home.test', [anna]);
    expect(people.vacation(await send('one@far.test'))).toBe('answered');
    await people.directory.aliases.remove('@home.test');
  });

  test.each([
    ['', [], undefined],
    ['a@far.test', ['Auto-Submitted: auto-generated'], 'it was sent automatically'],
    ['b@far.test', ['Auto-Submitted: auto-replied (vacation)'], 'it was sent automatically'],
    ['c@far.test', ['List-Id: <x.far.test>'], 'it is from a mailing list (List-Id)'],
    ['d@far.test', ['Precedence: bulk'], 'it is bulk mail (Precedence)'],
    ['owner-x@far.test', [], 'its sender is no person'],
    ['x-request@far.test', [], 'its sender is no person'],
    ['MAILER-DAEMON@far.test', [], 'its sender is no person'],
    ['no-reply@far.test', [], 'its sender is no person'],
    ['e@far.test', ['X-Auto-Response-Suppress: DR, OOF'], 'it asks for no automatic reply'],
    ['sales@home.test', [], 'its sender is the mailbox itself'],
    ['ok@far.test', ['Auto-Submitted: no'], 'answered'],
  ])('from <%s> with %j', async (from, fields, expected) => {
    const id = await people.send({ from, to: anna, header: [`From: <${from}>`, `To: ${anna}`, ...fields] });
    expect(people.vacation(id)).toBe(expected);
  });

  test('a list of our own is not answered, and asks nobody', async () => {
    await people.directory.lists.add({ address: 'all@home.test', owners: ['carl@home.test'], members: [anna] });
    const before = (await people.inbox('anna')).length;
    const id = await people.send({ from: 'carl@home.test', to: 'all@home.test' });
    expect(people.lines(id).join('\n')).toMatch(/relay=list, .*status=sent \(forwarded as \w+\)/);
    const [, copy = ''] = /forwarded as (\w+)/.exec(people.lines(id).join('\n')) ?? [];
    await people.whenRemoved(copy);
    expect(people.lines(copy)[0]).toMatch(/from=<owner-all@home.test>, size=\d+, nrcpt=1 /);
    expect((await people.inbox('anna')).length).toBe(before + 1);
  });
});

test('times: not before it begins, not after it ends, and with another text again', async () => {
  const { mailboxes } = people.directory;
  const from = 'patient@far.test';
  const send = async () => people.vacation(await people.send({ from, to: 'dora@home.test' }));
  const now = Date.now();
  expect(await send()).toBeUndefined();
  await mailboxes.set('dora@home.test', { vacation: { text: 'Later', from: now + 3_600_000 } });
  expect(await send()).toBe('the owner is not away');
  await mailboxes.set('dora@home.test', { vacation: { from: 0, subject: 'Bin weg' } });
  expect(await send()).toBe('answered');
  await whenFar('Subject: Bin weg');
  expect(await send()).toBe('its sender has heard in the last 7 days');
  await mailboxes.set('dora@home.test', { vacation: { text: 'Still away' } });
  expect(await send()).toBe('answered');
  await mailboxes.set('dora@home.test', { vacation: { from: now - 2000, until: now - 1000 } });
  expect(await send()).toBeUndefined();
  await mailboxes.set('dora@home.test', { vacation: null });
});

test('mail that asks for a success report, and waits in the queue for its delivery, is answered once', async () => {
  const id = await people.send({ from: 'asks@far.test', to: anna, parameters: ' NOTIFY=SUCCESS' });
  expect(people.lines(id).join('\n')).toMatch(/status=sent \(delivered to mailbox\)/);
  await whenFar('To: <asks@far.test>');
  expect(farTimes('To: <asks@far.test>')).toBe(1);
});

test('kill -9 while the question waits: one reply, and the ledger holds across starts', async () => {
  const from = 'crash@far.test';
  const before = (await people.inbox('anna')).length;
  for (let round = 0; round < 3; round++) {
    expect((await people.offer({ from, to: anna })).code).toBe(250);
    await people.process.kill();
    await people.process.start();
  }
  await whenFar(`To: <${from}>`);
  expect(people.vacation(await people.send({ from, to: anna }))).toBe('its sender has heard in the last 7 days');
  expect((await people.inbox('anna')).length).toBe(before + 4);
  // A kill between the other side's 250 and its record sends the same reply again (RFC 5321 §6.1), never another one.
  expect(repliesTo(from).size).toBe(1);
}, 60_000);
