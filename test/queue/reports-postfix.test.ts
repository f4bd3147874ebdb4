// The same mail, refused by the same next hop, through a real Postfix and through ours: the same reports, field by field, to
// the same people, from the same sender, and the same replies to whoever asks for VERP or is verified.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { masterCf } from './relaying-postfix.ts';
import { type RecordedMail, SmtpRecorder } from '../harness/smtp-recorder.ts';

const aliases = ['one = far@there.example', 'two = far@there.example f2@there.example', 'lost = bad9@there.example'];
const verified = ['good1@there.example', 'bad1@there.example', 'busy1@there.example', 'pair@alias.example'];

const settings: Readonly<Record<string, string>> = {
  compatibility_level: '3.6',
  myhostname: 'mx.example.com',
  myorigin: 'origin.example',
  mydestination: '',
  mynetworks: '127.0.0.0/8',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  recipient_delimiter: '',
  message_size_limit: '10240000',
  virtual_alias_domains: 'alias.example',
  virtual_alias_maps: `inline:{ ${[...aliases, 'pair = far@there.example f2@there.example'].map((row) => `{ ${row.replace(' =', '@alias.example =')} }`).join(', ')} }`,
  virtual_mailbox_domains: '',
  virtual_mailbox_maps: '',
  virtual_transport: 'error',
  notify_classes: 'bounce, 2bounce, delay, protocol',
  bounce_size_limit: '2000',
  smtpd_authorized_verp_clients: '127.0.0.1',
  smtpd_restriction_classes: 'verifying verifying_sender',
  verifying: 'reject_unverified_recipient',
  verifying_sender: 'reject_unverified_sender',
  smtpd_recipient_restrictions: `check_recipient_access inline:{ ${verified.map((address) => `{ ${address} = verifying }`).join(', ')}, { asks@there.example = verifying_sender } }`,
  unverified_recipient_reject_code: '550',
  address_verify_poll_delay: '1',
  address_verify_map: '',
  minimal_backoff_time: '1',
  queue_run_delay: '1',
  delay_warning_time: '1s',
  maximal_queue_lifetime: '5d',
};

const header =
  'From: a@b.example\r\nSubject: x\r\nMessage-Id: <1@b.example>\r\nDate: Sun, 22 Nov 2026 00:00:00 +0000\r\n';
const short = `${header}\r\nbody\r\n`;
const long = `${header}\r\n${'a line that makes it long\r\n'.repeat(100)}`;

/** MAIL, RCPT …, and the message; what the next hop gets of it but the message itself is a number of reports. */
interface Scenario {
  readonly name: string;
  readonly mail: string;
  readonly recipients: readonly string[];
  readonly text?: string;
  /** Messages that the next hop takes. */
  readonly mails: number;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'refused recipients, one by an alias, with ENVID and ORCPT',
    mail: 'FROM:<joe@src.example> ENVID=e+2B1',
    recipients: ['TO:<lost@alias.example>', 'TO:<bad@there.example> ORCPT=rfc822;o+2Bx@y.example NOTIFY=FAILURE'],
    mails: 2,
  },
  { name: 'RET=HDRS', mail: 'FROM:<joe@src.example> RET=HDRS', recipients: ['TO:<bad@there.example>'], mails: 2 },
  {
    name: 'longer than is returned',
    mail: 'FROM:<joe@src.example>',
    recipients: ['TO:<bad@there.example>'],
    text: long,
    mails: 2,
  },
  {
    name: 'NOTIFY=NEVER',
    mail: 'FROM:<joe@src.example>',
    recipients: ['TO:<bad@there.example> NOTIFY=NEVER'],
    mails: 1,
  },
  { name: 'a bounce that bounces', mail: 'FROM:<>', recipients: ['TO:<bad@there.example>'], mails: 1 },
  {
    name: 'the postmaster’s bounce',
    mail: 'FROM:<double-bounce@mx.example.com>',
    recipients: ['TO:<bad@there.example>'],
    mails: 0,
  },
  {
    name: 'expanded aliases',
    mail: 'FROM:<joe@src.example>',
    recipients: [
      'TO:<one@alias.example> NOTIFY=SUCCESS ORCPT=rfc822;z@x.example',
      'TO:<two@alias.example> NOTIFY=SUCCESS,FAILURE',
    ],
    mails: 2,
  },
  {
    name: 'VERP',
    mail: 'FROM:<list@src.example> XVERP',
    recipients: ['TO:<bad2@there.example>', 'TO:<ok@there.example>', 'TO:<one@alias.example>'],
    mails: 4,
  },
  {
    name: 'VERP with other delimiters',
    mail: 'FROM:<list@src.example> XVERP=-=',
    recipients: ['TO:<bad3@there.example>'],
    mails: 2,
  },
  {
    name: 'late mail',
    mail: 'FROM:<joe@src.example>',
    recipients: ['TO:<busy@there.example>', 'TO:<busyn@there.example> NOTIFY=NEVER'],
    mails: 2,
  },
  {
    name: 'SMTPUTF8',
    mail: 'FROM:<jö@src.example> SMTPUTF8',
    recipients: ['TO:<bad4@there.example>', 'TO:<badü@there.example> ORCPT=utf-8;b\\x{FC}@there.example'],
    mails: 2,
  },
  {
    name: 'SMTPUTF8 and the header alone',
    mail: 'FROM:<jö@src.example> SMTPUTF8 RET=HDRS',
    recipients: ['TO:<badü@there.example>'],
    mails: 2,
  },
];

interface Answers {
  readonly dialog: readonly string[];
  readonly mails: readonly string[];
}

function answer(command: string): string | undefined {
  if (/^RCPT TO:<bad/i.test(command)) return '550-5.1.1 no such\n550 5.1.1 user here';
  if (/^RCPT TO:<busy/i.test(command)) return '450 4.2.1 busy now';
  return undefined;
}

async function play(port: number, recorder: SmtpRecorder, scenario: Scenario): Promise<Answers> {
  const before = recorder.mails.length;
  const connection = await SmtpConnection.open(port);
  const dialog: string[] = [];
  const say = async (line: string) => {
    const { code, text } = await connection.command(line);
    dialog.push(`${line}\n   ${code} ${text}`);
  };
  await connection.command('EHLO client.example');
  await say(`MAIL ${scenario.mail}`);
  for (const recipient of scenario.recipients) await say(`RCPT ${recipient}`);
  await say('DATA');
  connection.send(`${scenario.text ?? short}.\r\n`);
  expect((await connection.reply()).code).toBe(250);
  await connection.quit();
  await recorder.waitFor(before + scenario.mails);
  const mails = recorder.mails.slice(before).map(plain).toSorted();
  return { dialog, mails };
}

/** What depends on time, queue ids and the order of MAIL's parameters is the same for all. */
function plain({ commands, text }: RecordedMail): string {
  let all = `${commands.toSorted().join('\n')}\n\n${text}`
    // Postfix quotes addresses beyond ASCII octet by octet, and calls them rfc822; RFC 6533 §3 asks for what ours says.
    .replace(/^(?:X-Postfix-Sender: |Return-Path: <).*[\x80-\xff].*/gm, 'SENDER BEYOND ASCII')
    .replace(/^Original-Recipient: (?:rfc822|utf-8);(?=.*[\x80-\xff])/gm, 'Original-Recipient: utf-8;')
    .replace(/\w{3}, +\d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)/g, 'DATE')
    .replace(/boundary="[^"]*"/, 'boundary="B"')
    .replace(/^--\w+\.\d+\/mx\.example\.com/gm, '--B')
    .replace(/ SIZE=\d+| BODY=8BITMIME| SMTPUTF8$/gm, '')
    .replace(/<\d{14}\.\w+@/g, '<TIME.ID@');
  for (const [, id = ''] of text.matchAll(/(?:\bid|Queue-ID:) (\w{9,20})/g)) all = all.replaceAll(id, 'ID');
  return all;
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(
  `beside a real Postfix${noRealPostfix ? ` (${noRealPostfix})` : ''}`,
  () => {
    let folder: string;
    let postfix: RealPostfix;
    let posthaste: PosthasteProcess;
    const recorders = { theirs: new SmtpRecorder(), ours: new SmtpRecorder() };

    beforeAll(async () => {
      folder = mkdtempSync('/var/tmp/posthaste-reports-');
      chmodSync(folder, 0o755);
      const [port = 0] = await findFreePorts(1);
      postfix = new RealPostfix(join(folder, 'postfix'), port);
      const hop = async (recorder: SmtpRecorder) => {
        recorder.answer = answer;
        return { relayhost: `[127.0.0.1]:${await recorder.listen()}` };
      };
      const main = { ...postfix.settings, ...settings, ...(await hop(recorders.theirs)) };
      await postfix.start(
        Object.entries(main)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join(''),
        masterCf(port),
      );
      posthaste = await PosthasteProcess.create({
        folder: join(folder, 'posthaste'),
        settings: { ...settings, ...(await hop(recorders.ours)) },
        services: 'relay unix - - n - - smtp\nretry unix - - n - - error\n',
      });
      await posthaste.start();
    }, 60_000);

    afterAll(async () => {
      postfix.stop();
      await posthaste.stop();
      for (const recorder of Object.values(recorders)) await recorder.close();
      rmSync(folder, { recursive: true, force: true });
    });

    test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (_, scenario) => {
      const [theirs, ours] = await Promise.all([
        play(postfix.port, recorders.theirs, scenario),
        play(posthaste.smtpPort, recorders.ours, scenario),
      ]);
      expect(ours.dialog).toEqual(theirs.dialog);
      expect(ours.mails.length).toBe(scenario.mails);
      ours.mails.forEach((mail, index) => expect(mail).toBe(theirs.mails[index]));
    });

    test('sends transcripts of sessions with trouble to the postmaster, in the same words', async () => {
      const lines = [
        'EHLO client.example',
        'FOO',
        'MAIL FROM:<joe@src.example>',
        'RCPT TO:<nobody@alias.example>',
        'QUIT',
      ];
      const [theirs, ours] = await Promise.all(
        (
          [
            [postfix.port, recorders.theirs],
            [posthaste.smtpPort, recorders.ours],
          ] as const
        ).map(async ([port, recorder]) => {
          const before = recorder.mails.length;
          const connection = await SmtpConnection.open(port);
          for (const line of lines) await connection.command(line);
          connection.destroy();
          await recorder.waitFor(before + 1);
          return plain(recorder.mails[before] as RecordedMail);
        }),
      );
      expect(ours).toBe(theirs);
    });

    test('refuses what XVERP may not be, and verified addresses, in the same words', async () => {
      const lines = [
        'MAIL FROM:<joe@src.example> XVERP=ab',
        'MAIL FROM:<joe@src.example> XVERP==',
        'MAIL FROM:<> XVERP',
        'MAIL FROM:<bad5@src.example>',
        ...verified.map((address) => `RCPT TO:<${address}>`),
        ...verified.map((address) => `RCPT TO:<${address}>`),
        'RCPT TO:<asks@there.example>',
      ];
      const [theirs, ours] = await Promise.all(
        [postfix.port, posthaste.smtpPort].map(async (port) => {
          const connection = await SmtpConnection.open(port);
          const replies = [(await connection.command('EHLO client.example')).text];
          for (const line of lines) {
            const { code, text } = await connection.command(line);
            replies.push(`${line}: ${code} ${text}`);
          }
          await connection.quit();
          return replies;
        }),
      );
      expect(ours).toEqual(theirs);
    });
  },
);
