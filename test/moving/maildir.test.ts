// A Maildir that a real Dovecot has written moves to us and back: the same uids, UIDVALIDITY, flags, keywords, dates and
// sizes, and a client that knew the old server (mbsync with its state) fetches nothing again. MOVING_MESSAGES changes
// how many messages it has.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DovecotMail } from '../harness/dovecot-mail.ts';
import { canRunMbsync, Mbsync } from '../harness/mbsync.ts';
import { canRunDovecot } from '../imap-dialogs/private-dovecot.ts';
import { MovingHost } from './moving-host.ts';
import { sampleMbox } from './sample-mail.ts';

const messages = Number(process.env['MOVING_MESSAGES'] ?? 300);
const patience = 120_000 + messages * 30;

// Needs root and Debian's dovecot-imapd and isync (scripts/install-test-servers); CI has them.
describe.skipIf(!canRunDovecot() || !canRunMbsync)('Dovecot and we (packages dovecot-imapd, isync)', () => {
  let dovecot: DovecotMail;
  let host: MovingHost;
  let mbsync: Mbsync;
  let files: string[];

  beforeAll(async () => {
    dovecot = await DovecotMail.start(
      'mail_plugins = quota\nplugin {\n quota = maildir:User quota\n quota_rule = *:storage=1G\n}\n',
    );
    const mbox = dovecot.write('anna', 'old.mbox', sampleMbox(messages));
    dovecot.doveadm('anna', ['import'], ['-s', `mbox:${join(mbox, '..')}:INBOX=${mbox}`, '', 'all']);
    for (const folder of ['Sent Messages', 'Büro.Süd', 'Work.2026.May', 'a&b']) {
      dovecot.doveadm('anna', ['mailbox', 'create'], ['-s', folder]);
    }
    dovecot.doveadm('anna', ['copy'], ['Büro.Süd', 'mailbox', 'INBOX', 'uid', '1:20']);
    dovecot.doveadm('anna', ['flags', 'add'], ['\\Deleted $Junk', 'mailbox', 'Büro.Süd', 'uid', '3:5']);
    dovecot.doveadm('anna', ['expunge'], ['mailbox', 'INBOX', 'uid', '7,9,50:60']);
    dovecot.doveadm('anna', ['mailbox', 'subscribe'], ['Gone']);
    host = await MovingHost.create(['anna', 'bert']);
    mbsync = new Mbsync(join(host.folder, 'mbsync'));
    const first = mbsync.run(dovecot.account('anna'));
    expect(first.fetched).toBeGreaterThan(0);
    files = mbsync.files('INBOX');
    await host.process.start();
  }, patience);

  afterAll(async () => {
    await host?.close();
    await dovecot?.stop();
  });

  test(
    'arrives whole',
    async () => {
      const { status, stdout } = await host.run(['import', 'maildir', dovecot.mailFolder('anna'), 'anna@home.test']);
      expect(stdout).toContain(
        `${messages - 13 + 20} of ${messages - 13 + 20} messages of the source are here octet for octet`,
      );
      expect(stdout).toContain(
        'not taken: quota of 1073741824 octets (maildirsize): set it with: posthaste mailbox set',
      );
      expect(status).toBe(0);
      for (const [there, here] of [
        ['INBOX', 'INBOX'],
        ['Büro.Süd', 'Büro/Süd'],
      ] as const) {
        expect(await host.listing('anna', here)).toEqual(dovecot.listing('anna', there));
        const [, uidNext, uidValidity] = /uidnext=(\d+) uidvalidity=(\d+)/.exec(statusOf(dovecot, there)) ?? [];
        expect(await host.validity('anna', here)).toBe(`${uidValidity} ${uidNext}`);
      }
      expect(await host.folders('anna')).toEqual([
        'Archive \\Archive true',
        'Büro - false',
        'Büro/Süd - true',
        'Drafts \\Drafts true',
        'INBOX \\Inbox true',
        'Junk \\Junk true',
        'Sent Messages \\Sent true',
        'Trash \\Trash true',
        'Work - false',
        'Work/2026 - false',
        'Work/2026/May - true',
        'a&b - true',
      ]);
    },
    patience,
  );

  test(
    'a client with its old state fetches nothing again',
    () => {
      expect(mbsync.run(host.account('anna'))).toEqual({ fetched: 0, changed: 0 });
      expect(mbsync.files('INBOX')).toEqual(files);
    },
    patience,
  );

  test(
    'a second run changes nothing, and a later one takes what is new at the source',
    async () => {
      const before = await host.listing('anna', 'INBOX');
      const again = await host.run(['import', 'maildir', dovecot.mailFolder('anna'), 'anna@home.test']);
      expect(again.stdout).toContain('anna@home.test: 0 messages taken');
      expect(await host.listing('anna', 'INBOX')).toEqual(before);
      dovecot.doveadm('anna', ['save'], ['-m', 'INBOX'], 'Subject: late\n\nlate\n');
      dovecot.doveadm('anna', ['flags', 'add'], ['\\Flagged late', 'mailbox', 'INBOX', 'uid', '2']);
      const late = await host.run(['import', 'maildir', dovecot.mailFolder('anna'), 'anna@home.test']);
      expect(late.stdout).toContain('anna@home.test: 1 message taken');
      expect(await host.listing('anna', 'INBOX')).toEqual(dovecot.listing('anna', 'INBOX'));
    },
    patience,
  );

  test(
    'goes back: Dovecot serves our export, and the client fetches nothing but what is new',
    async () => {
      mbsync.run(host.account('anna'));
      const target = dovecot.mailFolder('back');
      mkdirSync(target);
      const exported = await host.run(['export', 'maildir', 'anna@home.test', target]);
      expect(exported.stderr).toBe('');
      expect(exported.status).toBe(0);
      dovecot.adopt(target);
      for (const folder of ['INBOX', 'Büro.Süd']) {
        expect(dovecot.listing('back', folder)).toEqual(dovecot.listing('anna', folder));
        expect(statusOf(dovecot, folder, 'back')).toBe(statusOf(dovecot, folder));
      }
      expect(dovecot.doveadm('back', ['mailbox', 'list'], ['-s', 'Work*', 'Gone'])).toBe('Gone\nWork.2026.May\n');
      expect(mbsync.run(dovecot.account('back'))).toEqual({ fetched: 0, changed: 0 });
      const there = await host.run(['export', 'maildir', 'anna@home.test', target]);
      expect(there.status).toBe(1);
      expect(there.stderr).toMatch(/is served by Dovecot already: name an empty folder/);
    },
    patience,
  );

  test(
    'cut off again and again, by the death of the command and of the server, it ends as if it had not been',
    async () => {
      const args = ['import', 'maildir', dovecot.mailFolder('anna'), 'bert@home.test'];
      await host.cutOff(args, 'bert', (command) => command.kill('SIGKILL'));
      await host.cutOff(args, 'bert', () => host.process.kill());
      await host.process.start();
      const { status } = await host.run(args);
      expect(status).toBe(0);
      expect(await host.listing('bert', 'INBOX')).toEqual(dovecot.listing('anna', 'INBOX'));
      expect(await host.listing('bert', 'Büro/Süd')).toEqual(dovecot.listing('anna', 'Büro.Süd'));
    },
    patience,
  );
});

function statusOf(dovecot: DovecotMail, folder: string, user = 'anna'): string {
  return dovecot.doveadm(user, ['mailbox', 'status'], ['uidvalidity uidnext', folder]);
}
