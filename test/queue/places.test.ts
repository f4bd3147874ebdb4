// What the directory holds beyond mailboxes, on a started server: names that fall to a catch-all are proposed and refused,
// blind copies arrive, transports lead elsewhere, rules and lists of recipients refuse, and all of it at once.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PeopleServer } from './people-server.ts';
import { polite, ScriptedServer } from './scripted-server.ts';

let far: ScriptedServer;
let farPort: number;
let people: PeopleServer;

beforeAll(async () => {
  far = new ScriptedServer(polite);
  farPort = await far.listen();
  people = await PeopleServer.start(['anna', 'ben', 'archive', 'rest'], farPort, {
    transport_maps: 'directory:transports',
    relay_domains: 'directory:relay-domains',
    relay_recipient_maps: 'directory:relay-recipients',
    sender_bcc_maps: 'directory:sender-bcc',
    recipient_bcc_maps: 'directory:recipient-bcc',
    smtpd_client_restrictions: 'check_client_access directory:client-access',
    smtpd_helo_restrictions: 'check_helo_access directory:helo-access',
    smtpd_sender_restrictions: 'check_sender_access directory:sender-access',
    smtpd_recipient_restrictions: 'check_recipient_access directory:recipient-access',
  });
});
afterAll(async () => {
  await people.close();
  await far.close();
});

const said = async (mail: Parameters<PeopleServer['offer']>[0]): Promise<string> => {
  const { code, text } = await people.offer(mail);
  return `${code} ${text}`;
};

/** They are written a second after the mail, by whoever is not waited for. */
async function untilProposed(): Promise<string[]> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const found = await people.directory.catchAlls.list();
    if (found.some(({ messages }) => messages > 1)) {
      return found.map(({ address, messages, sender }) => `${address} ${messages} ${sender}`);
    }
    await sleep(50);
  }
  throw new Error('nothing was proposed');
}

describe('a catch-all', () => {
  test('proposes the names that came, and refuses at RCPT from the decision on', async () => {
    const { aliases, domains, catchAlls } = people.directory;
    await aliases.add('@home.test', ['rest@home.test']);
    await domains.set('home.test', { catchAllMode: 'propose' });
    for (const to of ['Shop@home.test', 'shop+autumn@alias.test', 'anna+x@home.test']) {
      await people.send({ from: 'seller@far.test', to });
    }
    expect(await untilProposed()).toEqual(['shop@home.test 2 seller@far.test']);
    expect(await people.inbox('rest')).toHaveLength(2);

    await catchAlls.refuse(['shop@home.test']);
    for (const to of ['shop@home.test', 'shop+x@alias.test']) {
      expect(await said({ from: 'seller@far.test', to })).toMatch(
        /^550 5\.1\.1 .*User unknown in virtual mailbox table/,
      );
    }
    expect(await people.inbox('rest')).toHaveLength(2);
    await catchAlls.accept(['shop@home.test']);
    await people.send({ from: 'seller@far.test', to: 'shop@home.test' });
    expect(await people.inbox('rest')).toHaveLength(3);
  });
});

describe('blind copies', () => {
  test('of a sender and to a recipient arrive, by an alias domain too', async () => {
    const { bccs, transports } = people.directory;
    await bccs.add('sender', 'anna@home.test', 'archive@home.test');
    await bccs.add('recipient', '@home.test', 'archive@home.test');
    await transports.add('elsewhere.test', `smtp:[127.0.0.1]:${farPort}`);
    await people.send({ from: 'anna@alias.test', to: 'friend@elsewhere.test', header: ['Subject: sent'] });
    await people.send({ from: 'x@far.test', to: 'ben@alias.test', header: ['Subject: got'] });
    const subjects = (await people.inbox('archive')).map((mail) => /^Subject: (\w+)/m.exec(mail)?.[1]);
    expect(subjects).toEqual(['sent', 'got']);
    expect(await people.inbox('ben')).toHaveLength(1);
    await bccs.remove('recipient', '@home.test');
    await bccs.remove('sender', 'anna@home.test');
  });
});

describe('transports', () => {
  test('lead an address and a domain of others elsewhere', async () => {
    const { transports } = people.directory;
    await transports.add('ben@home.test', `smtp:[127.0.0.1]:${farPort}`);
    await transports.add('.partner.test', `smtp:[127.0.0.1]:${farPort}`);
    for (const to of ['ben+x@home.test', 'b@mail.partner.test']) {
      const id = await people.send({ from: 'anna@home.test', to });
      expect(people.lines(id).join('\n')).toMatch(
        new RegExp(`to=<${to.replace('+', '\\+')}>, relay=127\\.0\\.0\\.1.*status=sent`),
      );
    }
    await transports.remove('ben@home.test');
    const before = (await people.inbox('ben')).length;
    await people.send({ from: 'anna@home.test', to: 'ben+x@home.test' });
    expect(await people.inbox('ben')).toHaveLength(before + 1);
  });
});

describe('refusals', () => {
  test('of recipients that a relay domain does not list', async () => {
    const { domains, relayRecipients } = people.directory;
    await domains.add('relay.test', { class: 'relay', transport: `smtp:[127.0.0.1]:${farPort}`, recipients: 'listed' });
    await relayRecipients.add(['known@relay.test']);
    expect(await said({ from: 'x@far.test', to: 'nobody@relay.test' })).toMatch(
      /^550 5\.1\.1 .*User unknown in relay recipient table/,
    );
    const id = await people.send({ from: 'x@far.test', to: 'known+tag@relay.test' });
    expect(people.lines(id).join('\n')).toMatch(/status=sent/);
  });

  test('of who may not write to an alias, and by rules, at the next message', async () => {
    const { aliases, accessRules } = people.directory;
    await aliases.add('all@home.test', ['anna@home.test', 'ben@home.test'], { post: 'members' });
    expect(await said({ from: 'x@far.test', to: 'all@alias.test' })).toMatch(
      /^550 5\.7\.1 .*only members may write to/,
    );
    expect(await said({ from: 'ben@home.test', to: 'all@home.test' })).toMatch(/^250 /);
    await accessRules.add('sender', 'spam.test', { action: '550 5.7.1 no, thank you' });
    expect(await said({ from: 'x@mail.spam.test', to: 'anna@home.test' })).toMatch(/^550 5\.7\.1 .*no, thank you/);
    await accessRules.add('helo', 'client.test', { action: 'REJECT who?' });
    expect(await said({ from: 'x@far.test', to: 'anna@home.test' })).toMatch(
      /^554 5\.7\.1 .*Helo command rejected: who\?/,
    );
    await accessRules.remove('helo', 'client.test');
    expect(await said({ from: 'x@far.test', to: 'anna@home.test' })).toMatch(/^250 /);
    await accessRules.add('recipient', 'anna@home.test', { action: 'HOLD' });
    const { text } = await people.offer({ from: 'x@far.test', to: 'anna@home.test' });
    const [, id = ''] = /queued as (\w+)/.exec(text) ?? [];
    expect(people.lines(id).join('\n')).not.toContain('removed');
  });
});
