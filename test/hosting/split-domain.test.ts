// A domain split over two hosts (`domain set --unknown-to`), from RCPT to the host that gets the mail: on our server with the
// directory's tables, and on a real Postfix with the same tables written out as text. Both refuse and deliver alike.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DirectoryTable, type DirectoryTableName } from '../../src/directory/tables.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ageFile, noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { SmtpRecorder } from '../harness/smtp-recorder.ts';
import { PeopleServer } from '../queue/people-server.ts';
import { postfixDaemons } from '../relay/postfix-daemons.ts';

/** Whose mail is here, and whose is at the other host. */
const here = new SmtpRecorder();
const there = new SmtpRecorder();
let server: PeopleServer;
let postfix: RealPostfix;
let folder: string;

/** What becomes of a recipient: the hosts and addresses that its mail reaches, or the refusal. */
const cases: readonly (readonly [string, string])[] = [
  ['anna@home.test', 'here anna@home.test'],
  ['Anna+x@HOME.test', 'here anna+x@home.test'],
  ['nobody@home.test', 'there nobody@home.test'],
  ['nobody+x@home.test', 'there nobody+x@home.test'],
  ['anna@alias.test', 'here anna@home.test'],
  ['nobody@alias.test', 'there nobody@home.test'],
  ['sales@home.test', 'here anna@home.test, there away@home.test'],
  ['forwarded@home.test', 'here forwarded@home.test, there away@home.test'],
  ['off@home.test', '550 5.1.1'],
  ['x@whole.test', '550 5.1.1'],
  ['x@elsewhere.test', '554 5.7.1'],
];

const tables: Readonly<Record<string, DirectoryTableName>> = {
  virtual_mailbox_domains: 'mailbox-domains',
  virtual_alias_maps: 'virtual-aliases',
  virtual_mailbox_maps: 'mailboxes',
  transport_maps: 'transports',
};

beforeAll(async () => {
  folder = mkdtempSync('/var/tmp/posthaste-split-');
  chmodSync(folder, 0o755);
  const [herePort, therePort] = [await here.listen(), await there.listen()];
  const settings = {
    virtual_transport: `smtp:[127.0.0.1]:${herePort}`,
    transport_maps: 'directory:transports',
    mynetworks: '',
    // Later destinations must not wait for earlier ones that share their host.
    smtp_connection_cache_on_demand: 'no',
  };
  server = await PeopleServer.start(['anna', 'off', 'forwarded'], therePort, settings);
  const { directory } = server;
  await directory.domains.add('whole.test');
  await directory.aliases.add('sales@home.test', ['anna@home.test', 'away@home.test']);
  await directory.mailboxes.set('forwarded@home.test', { forward: { to: ['away@home.test'] } });
  await directory.mailboxes.set('off@home.test', { enabled: false });
  await directory.domains.set('home.test', { unknownTo: `smtp:[127.0.0.1]:${therePort}` });
  if (noRealPostfix === undefined) await startPostfix(settings);
});

afterAll(async () => {
  postfix?.stop();
  await server.close();
  await Promise.all([here.close(), there.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Every key that a table of the directory knows, as postmap(1) would read it. */
function writeOut(name: DirectoryTableName): string {
  const { lookups } = server.directory;
  const table = new DirectoryTable(lookups, name);
  const rows = lookups.everyKey().flatMap((key) => {
    const found = table.find(key);
    return found.kind === 'found' ? [`${key}  ${found.value}\n`] : [];
  });
  const file = join(folder, name);
  writeFileSync(file, rows.join(''));
  ageFile(file);
  return `texthash:${file}`;
}

async function startPostfix(settings: Readonly<Record<string, string>>): Promise<void> {
  const [port = 0] = await findFreePorts(1);
  postfix = new RealPostfix(folder, port);
  const main = {
    compatibility_level: '3.6',
    ...postfix.settings,
    myhostname: 'mx.posthaste.test',
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    recipient_delimiter: '+',
    smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
    smtp_tls_security_level: 'none',
    ...settings,
    ...Object.fromEntries(Object.entries(tables).map(([parameter, name]) => [parameter, writeOut(name)])),
  };
  const lines = Object.entries(main).map(([name, value]) => `${name} = ${value}\n`);
  await postfix.start(lines.join(''), `127.0.0.1:${port} inet n - n - - smtpd\n${postfixDaemons}`);
}

async function whatBecomesOf(port: number, recipient: string, expected: string): Promise<string> {
  here.mails.length = 0;
  there.mails.length = 0;
  const connection = await SmtpConnection.open(port);
  try {
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<q@client.test>');
    const { code, text } = await connection.command(`RCPT TO:<${recipient}>`);
    if (code >= 400) return `${code} ${text.split(' ')[0]}`;
    await connection.command('DATA');
    connection.send('Subject: x\r\n\r\nx\r\n.\r\n');
    await connection.reply();
  } finally {
    await connection.quit();
  }
  const count = (host: string): number => expected.split(', ').filter((one) => one.startsWith(`${host} `)).length;
  await Promise.all([here.waitFor(count('here')), there.waitFor(count('there'))]);
  return [...told('here', here), ...told('there', there)].join(', ');
}

function told(name: string, { mails }: SmtpRecorder): string[] {
  const commands = mails.flatMap((mail) => mail.commands);
  return commands.flatMap((command) => {
    const [, recipient] = /^RCPT TO:<(.*?)>/i.exec(command) ?? [];
    return recipient === undefined ? [] : [`${name} ${recipient}`];
  });
}

describe('on our server', () => {
  test.each(cases)('%s: %s', async (recipient, expected) => {
    expect(await whatBecomesOf(server.process.smtpPort, recipient, expected)).toBe(expected);
  });
});

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`on a real Postfix (${noRealPostfix ?? '3.7'})`, () => {
  test.each(cases)('%s: %s', async (recipient, expected) => {
    expect(await whatBecomesOf(postfix.port, recipient, expected)).toBe(expected);
  });
});
