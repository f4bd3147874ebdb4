// node bench/restrictions.ts [--seconds 5] [--runs 3] — recipients a second through ten restrictions, three of which look
// a table up, in a list as people write it: ours and a real Postfix with the same main.cf lines and tables, in turns.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chrootedMasterCf } from '../test/harness/chrooted-postfix.ts';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { RealPostfix } from '../test/harness/real-postfix.ts';
import { recipientLoadSettings } from './mail-server.ts';
import { load } from './recipients.ts';
import { writeUserFiles } from './users.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, runs: { type: 'string', default: '3' } },
});
const rows = 10_000;

const folder = mkdtempSync('/var/tmp/posthaste-restrictions-');
chmodSync(folder, 0o755);
const tables = join(folder, 'tables');
mkdirSync(tables);
writeUserFiles(tables);
for (const [name, key] of [
  ['clients', (index: number) => `host${index}.bad.test`],
  ['senders', (index: number) => `user${index}@bad.test`],
  ['recipients', (index: number) => `trap${index}@example.test`],
] as const) {
  const lines = Array.from({ length: rows }, (_, index) => `${key(index)} REJECT\n`);
  writeFileSync(join(tables, name), lines.join(''));
}
const indexed = ['domains', 'mailboxes', 'aliases', 'clients', 'senders', 'recipients'].map(
  (name) => `hash:${tables}/${name}`,
);
writeFileSync(join(tables, 'main.cf'), 'compatibility_level = 3.6\n');
execFileSync('/usr/sbin/postmap', ['-c', tables, ...indexed], { stdio: 'inherit' });

const settings: Readonly<Record<string, string>> = {
  compatibility_level: '3.6',
  ...recipientLoadSettings,
  mynetworks: '192.0.2.0/24',
  smtpd_peername_lookup: 'no',
  virtual_mailbox_domains: `hash:${tables}/domains`,
  virtual_alias_domains: '',
  virtual_alias_maps: `hash:${tables}/aliases`,
  virtual_mailbox_maps: `hash:${tables}/mailboxes`,
  smtpd_recipient_restrictions: [
    'permit_mynetworks',
    'reject_multi_recipient_bounce',
    'reject_non_fqdn_sender',
    'reject_non_fqdn_recipient',
    'reject_invalid_helo_hostname',
    'reject_non_fqdn_helo_hostname',
    `check_client_access hash:${tables}/clients`,
    `check_sender_access hash:${tables}/senders`,
    `check_recipient_access hash:${tables}/recipients`,
    'reject_unauth_destination',
  ].join(', '),
};

const [port = 0] = await findFreePorts(1);
const postfix = new RealPostfix(join(folder, 'postfix'), port);
const ours = await PosthasteProcess.create({ folder: join(folder, 'posthaste'), settings });
const lines = Object.entries({
  ...postfix.settings,
  inet_interfaces: '127.0.0.1',
  myhostname: 'mx.bench.test',
  virtual_transport: 'discard',
  alias_maps: '',
  ...settings,
}).map(([name, value]) => `${name} = ${value}\n`);
try {
  await postfix.start(lines.join(''), chrootedMasterCf(port).replace(' n - y - - smtpd', ' n - n - - smtpd'));
  await ours.start();
  const servers = [
    { name: 'Posthaste', smtpPort: ours.smtpPort, rootPids: () => [ours.pid] },
    { name: 'Postfix', smtpPort: port, rootPids: () => [postfix.pid] },
  ];
  const rates = new Map<string, { rate: number; cpu: number }[]>(servers.map(({ name }) => [name, []]));
  for (const server of servers) await load(server, 'valid', 1);
  for (let run = 0; run < Number(values.runs); run++) {
    for (const server of servers) {
      const result = await load(server, 'valid', Number(values.seconds));
      rates.get(server.name)?.push(result);
      console.log(`${server.name}: ${Math.round(result.rate)} recipients/s, ${Math.round(result.cpu)} µs of CPU each`);
    }
  }
  const median = (name: string, of: 'rate' | 'cpu'): number =>
    (rates.get(name) ?? []).map((one) => one[of]).toSorted((one, other) => one - other)[Number(values.runs) >> 1] ?? 0;
  for (const [what, own, theirs] of [
    ['recipients/s', median('Posthaste', 'rate'), median('Postfix', 'rate')],
    ['recipients a second of CPU', 1e6 / median('Posthaste', 'cpu'), 1e6 / median('Postfix', 'cpu')],
  ] as const) {
    console.log(`${what}: ${Math.round(own)} and ${Math.round(theirs)}: ${(own / theirs).toFixed(1)} times as many`);
  }
} finally {
  postfix.stop();
  await ours.stop();
  rmSync(folder, { recursive: true, force: true });
}
