// The delivery programs that the source documents hand mail to (test/documents), each Debian's own and each delivering:
// Dovecot by LMTP over a socket and over TCP, dovecot-lda and maildrop by pipe(8), Cyrus by LMTP; and a Dovecot that shows
// what virtual(8) wrote. procmail is in local-delivery.test.ts, Mailman in mailman.test.ts, a script in pipe-delivery.test.ts.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startDnsServer } from '../harness/dns-server.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { canRunDovecot, PrivateDovecot } from '../imap-dialogs/private-dovecot.ts';
import { canRunCyrus, PrivateCyrus } from './private-cyrus.ts';

const lda = '/usr/lib/dovecot/deliver';
const maildrop = '/usr/bin/maildrop';
const canRun = canRunDovecot() && canRunCyrus && [lda, maildrop].every((program) => existsSync(program));

/** Whose the mail of all domains is: the documents' vmail. */
const [user, group] = ['nobody', 'nogroup'];
/** Where `hostname` is: an address of this machine that is nobody else's. */
const host = `127.78.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;

/** Of both kinds: as the howto has it for Postfix, `DOMAIN/USER/`. */
const dovecotMore = (base: string, spool: string): string => `
protocols = imap lmtp
mail_location = maildir:${base}/%d/%n
protocol lda {
  log_path = ${base}/lda.log
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
}
service lmtp {
  unix_listener ${spool}/private/dovecot-lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    address = ${host}
    port = 24
  }
}
`;

/** maildrop makes no Maildirs, and runs its commands with the user's own shell. */
const mailfilter = (base: string): string => `SHELL="/bin/sh"
BOX="${base}/sorted.test/$1"
\`mkdir -p $BOX/cur $BOX/new $BOX/tmp\`
to "$BOX/"
`;

const domains = ['socket', 'tcp', 'lda', 'maildrop', 'sorted', 'cyrus', 'virtual'].map((name) => `${name}.test`);

const transports = (cyrusSocket: string): string =>
  Object.entries({
    'socket.test': 'lmtp:unix:private/dovecot-lmtp',
    'tcp.test': 'lmtp:hostname.test:24',
    'lda.test': 'dovecot',
    'maildrop.test': 'maildrop:',
    'sorted.test': 'sorting:',
    'cyrus.test': `lmtp:unix:${cyrusSocket}`,
  })
    .map(([domain, transport]) => `{ ${domain} = ${transport} }`)
    .join(', ');

// Skipped without Dovecot, Cyrus, maildrop (scripts/install-test-servers) and root, which users of their own and port 24
// need; CI has them all and counts a skip as a failure.
describe.skipIf(!canRun)('the delivery programs of the source documents', () => {
  let folder: string;
  let base: string;
  let [uid, gid]: (number | undefined)[] = [];
  let server: PosthasteProcess;
  let dovecot: PrivateDovecot;
  let cyrus: PrivateCyrus;
  let dns: { close(): void };

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/posthaste-agents-');
    chmodSync(folder, 0o755);
    base = join(folder, 'vmail');
    const spool = join(folder, 'spool');
    for (const one of [base, spool, join(spool, 'private')]) mkdirSync(one);
    [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, user], { encoding: 'utf8' })));
    chownSync(base, uid ?? 0, gid ?? 0);
    const rules = join(folder, 'mailfilter');
    writeFileSync(rules, mailfilter(base), { mode: 0o600 });
    chownSync(rules, uid ?? 0, gid ?? 0);
    dns = await startDnsServer(`hostname.test A ${host}\nhostname.test MX 10 other.test\n`, { host, port: 53 });
    dovecot = await PrivateDovecot.start('plain', dovecotMore(base, spool));
    cyrus = await PrivateCyrus.start(join(folder, 'cyrus'));
    const mailbox = (address: string): string => `{ ${address} = ${address.split('@').toReversed().join('/')}/ }`;
    server = await PosthasteProcess.create({
      folder,
      nameServer: host,
      services:
        'lmtp unix - - y - - lmtp\nvirtual unix - n n - - virtual\n' +
        `dovecot    unix  -       n       n       -       -       pipe\n flags=DRhu user=${user}:${group} argv=${lda} -c ${dovecot.configFile} -f \${sender} -d \${recipient}\n` +
        `maildrop  unix  -       n       n       -       -       pipe\n  flags=DRXhu user=${user} argv=${maildrop} -d \${recipient}\n` +
        `sorting unix - n n - - pipe flags=DRhu user=${user} argv=${maildrop} ${rules} \${user}\n`,
      settings: {
        queue_directory: spool,
        message_size_limit: '1000000',
        transport_maps: `inline:{ ${transports(cyrus.socket)} }`,
        virtual_transport: 'virtual',
        virtual_mailbox_domains: domains.join(', '),
        virtual_mailbox_maps: `inline:{ ${domains.map((domain) => mailbox(`ann@${domain}`)).join(', ')} }`,
        virtual_alias_maps: '',
        virtual_mailbox_base: base,
        virtual_uid_maps: `static:${uid}`,
        virtual_gid_maps: `static:${gid}`,
        dovecot_destination_recipient_limit: '1',
        maildrop_destination_recipient_limit: '1',
        sorting_destination_recipient_limit: '1',
      },
    });
    await server.start();
    while (!existsSync(join(spool, 'private/dovecot-lmtp'))) await sleep(20);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await dovecot.stop();
    await cyrus.stop();
    dns.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(...recipients: string[]): Promise<void> {
    const connection = await SmtpConnection.open(server.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<joe@far.test>');
    for (const recipient of recipients) expect((await connection.command(`RCPT TO:<${recipient}>`)).code).toBe(250);
    await connection.command('DATA');
    connection.send('Subject: one\r\n\r\nFrom here on\r\n..two dots\r\nGrüße\r\n.\r\n');
    expect((await connection.reply()).code).toBe(250);
    await connection.quit();
  }

  /** What Dovecot shows of a mailbox. */
  async function shown(user: string): Promise<string[]> {
    const imap = await ImapConnection.open({ port: dovecot.port });
    await imap.command(`LOGIN ${user} secret`);
    await imap.command('EXAMINE INBOX');
    const { untagged } = await imap.command('UID FETCH 1:* BODY.PEEK[]');
    await imap.command('LOGOUT');
    return untagged.flatMap(({ literals }) => (literals[0] ? [literals[0].toString('utf8')] : []));
  }

  const text = '\r\n\r\nFrom here on\r\n.two dots\r\nGrüße\r\n';

  test.each([
    ['ann@virtual.test', 'virtual 2.0.0 sent (delivered to maildir)', 'Return-Path: <joe@far.test>\r\nX-Original-To: '],
    [
      'ann@socket.test',
      / 2\.0\.0 sent \(250 2\.0\.0 <ann@socket\.test> \S+ Saved\)$/,
      'Return-Path: <joe@far.test>\r\n',
    ],
    ['ann@tcp.test', / 2\.0\.0 sent \(250 2\.0\.0 <ann@tcp\.test> \S+ Saved\)$/, 'Return-Path: <joe@far.test>\r\n'],
    [
      'ann@lda.test',
      'dovecot 2.0.0 sent (delivered via dovecot service)',
      'Return-Path: <joe@far.test>\r\nDelivered-To: ann@lda.test\r\n',
    ],
    [
      'ann@sorted.test',
      'sorting 2.0.0 sent (delivered via sorting service)',
      'Return-Path: <joe@far.test>\r\nDelivered-To: ann@sorted.test\r\n',
    ],
  ] as const)('%s: Dovecot shows the message', async (address, outcome, start) => {
    await send(address);
    expect(await server.deliveryOutcome(address)).toMatch(outcome);
    const messages = await vi.waitFor(
      async () => {
        const found = await shown(address);
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 10_000 },
    );
    expect(messages[0]?.startsWith(start)).toBe(true);
    expect(messages[0]?.endsWith(text)).toBe(true);
    const [name = '', domain = ''] = address.split('@');
    expect(statSync(join(base, domain, name)).uid).toBe(uid);
  });

  test('Cyrus keeps what LMTP brings', async () => {
    await send('ann@cyrus.test');
    expect(await server.deliveryOutcome('ann@cyrus.test')).toMatch(
      /\[.*\/cyrus\/run\/lmtp\] 2\.1\.5 sent \(250 2\.1\.5 Success/,
    );
    const [message, ...others] = cyrus.messages();
    expect(others).toEqual([]);
    expect(message).toContain(text.replaceAll('\r\n', '\n'));
    expect(message).toMatch(/^Return-Path: <joe@far\.test>\n/);
  });

  test('maildrop as Debian’s master.cf has it bounces a user of whom the machine knows nothing', async () => {
    await send('ann@maildrop.test');
    expect(await server.deliveryOutcome('ann@maildrop.test')).toMatch(
      /^maildrop 5\.1\.1 bounced \(user unknown\. Command output: .*Invalid user specified\.\)$/,
    );
  });

  test('one message for all of them', async () => {
    const all = domains.filter((domain) => domain !== 'maildrop.test').map((domain) => `ann@${domain}`);
    await send(...all);
    await vi.waitFor(
      () => {
        expect(server.logLines().filter((line) => line.includes('status=sent'))).toHaveLength(6 + all.length);
      },
      { timeout: 15_000 },
    );
    for (const address of all) {
      if (address.endsWith('@cyrus.test')) expect(cyrus.messages()).toHaveLength(2);
      else expect(await shown(address)).toHaveLength(2);
    }
  });
});
