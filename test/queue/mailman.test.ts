// Mailman 3 behind our LMTP client, as its manual sets it up for Postfix: its own tables say which addresses are its, it
// takes posts by LMTP and hands the members' copies in by SMTP.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { canRunMailman, Mailman } from '../harness/mailman.ts';
import { PeopleServer } from './people-server.ts';

// Skipped where Mailman 3 (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunMailman())('Mailman 3 (package mailman3)', () => {
  let folder: string;
  let mailman: Mailman;
  let people: PeopleServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mailman-'));
    const [smtpPort = 0] = await findFreePorts(1);
    mailman = await Mailman.create(folder, smtpPort);
    mailman.addList('team@lists.test', ['anna@home.test', 'ben@home.test']);
    const table = `regexp:${mailman.transportTable}`;
    people = await PeopleServer.start(
      ['anna', 'ben'],
      1,
      {
        mydestination: 'lists.test',
        transport_maps: table,
        local_recipient_maps: table,
      },
      `lmtp unix - - n - - lmtp\n127.0.0.1:${smtpPort} inet n - n - - smtpd\n`,
    );
    await mailman.start();
  }, 90_000);
  afterAll(async () => {
    await mailman?.stop();
    await people?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('a member’s post goes there and comes back to all members', async () => {
    const id = await people.send({ from: 'anna@home.test', to: 'team@lists.test' });
    expect(people.lines(id).join('\n')).toMatch(
      /to=<team@lists.test>, relay=127.0.0.1\[127.0.0.1\]:\d+, .*dsn=2.0.0, status=sent/,
    );
    await people.until(
      () =>
        people.process.logLines().filter((line) => /to=<(anna|ben)@home.test>, relay=mailstore/.test(line)).length >= 2,
      'the members to have it',
    );
    for (const name of ['anna', 'ben']) {
      const mails = await people.inbox(name);
      expect(mails).toHaveLength(1);
      expect(mails[0]).toMatch(/^Return-Path: <team-bounces\S*@lists.test>\r\n/);
      expect(mails[0]).toContain('List-Id: <team.lists.test>');
    }
  }, 30_000);

  test('what is no address of the list is refused', async () => {
    expect((await people.offer({ from: 'anna@home.test', to: 'nolist@lists.test' })).code).toBe(550);
  });
});
