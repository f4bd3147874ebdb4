// Automatic replies as Postfix's VIRTUAL_README sets them up: a virtual alias keeps the mail and sends a copy to
// user@domain@autoreply.host, whose transport is a pipe(8) service with a script.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PeopleServer } from './people-server.ts';
import { polite, ScriptedServer } from './scripted-server.ts';

/** Answers by SMTP, from the null sender; its own loop protection is all there is in such a setup. */
const script = (port: number): string => `#!/bin/bash
sender=$1 mailbox=$2
if [ "$sender" = MAILER-DAEMON ] || grep -qi '^auto-submitted: *auto'; then exit 0; fi
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 75
for line in 'HELO script.test' 'MAIL FROM:<>' "RCPT TO:<$sender>" DATA; do
  read -r reply <&3
  printf '%s\\r\\n' "$line" >&3
done
read -r reply <&3
printf 'From: <%s>\\r\\nTo: <%s>\\r\\nSubject: I am away\\r\\nAuto-Submitted: auto-replied\\r\\n\\r\\n.\\r\\n' "$mailbox" "$sender" >&3
read -r reply <&3
case $reply in 250*) exit 0;; *) echo "$reply"; exit 75;; esac
`;

let folder: string;
let far: ScriptedServer;
let people: PeopleServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'autoreply-'));
  chmodSync(folder, 0o755);
  far = new ScriptedServer(polite);
  const farPort = await far.listen();
  const [port = 0] = await findFreePorts(1);
  const program = join(folder, 'autoreply');
  writeFileSync(program, script(port), { mode: 0o755 });
  people = await PeopleServer.start(
    ['anna', 'ben'],
    farPort,
    {
      virtual_alias_maps:
        'inline:{ { anna@home.test = anna@home.test, anna@home.test@autoreply.test } }, directory:virtual-aliases',
      transport_maps: `inline:{ { autoreply.test = autoreply: }, { far.test = smtp:[127.0.0.1]:${farPort} } }`,
      autoreply_destination_recipient_limit: '1',
    },
    `autoreply unix - n n - - pipe flags= user=nobody argv=${program} $sender $mailbox\n` +
      `127.0.0.1:${port} inet n - n - - smtpd\n`,
  );
});
afterAll(async () => {
  await people.close();
  await far.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the mail is kept, and the script answers', async () => {
  const id = await people.send({ from: 'dora@far.test', to: 'anna@home.test' });
  const lines = people.lines(id).join('\n');
  expect(lines).toMatch(/to=<anna@home.test>, relay=mailstore, .*status=sent \(delivered to mailbox\)/);
  expect(lines).toMatch(
    /to=<"anna@home.test"@autoreply.test>, orig_to=<anna@home.test>, relay=autoreply, .*status=sent \(delivered via autoreply service\)/,
  );
  expect(await people.inbox('anna')).toHaveLength(1);
  await people.until(() => far.lines.includes('Subject: I am away'), 'the reply');
  expect(far.lines).toEqual(expect.arrayContaining(['From: <anna@home.test>', 'To: <dora@far.test>']));
});

test('it keeps quiet on what is automatic, and two mailboxes do not answer for ever', async () => {
  const answers = () => far.lines.filter((line) => line === 'Subject: I am away').length;
  const before = answers();
  await people.send({ from: '', to: 'anna@home.test' });
  await people.send({ from: 'x@far.test', to: 'anna@home.test', header: ['Auto-Submitted: auto-replied'] });
  await people.directory.mailboxes.set('ben@home.test', { vacation: { text: 'away too' } });
  const id = await people.send({ from: 'ben@home.test', to: 'anna@home.test' });
  expect(people.lines(id).join('\n')).toContain('delivered via autoreply service');
  expect(await people.inbox('ben')).toHaveLength(1);
  expect(await people.inbox('anna')).toHaveLength(4);
  expect(answers()).toBe(before);
});
