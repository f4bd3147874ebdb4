// The same mail to the same aliases, files, commands and users of a real Postfix's local(8) and of ours: what the logs say
// became of it, what the commands were given, and what stands in the files.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { domain, LocalMachine, sendEach, type User } from './local-machine.ts';

const masterCf = (port: number) => `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
local unix - n n - - local
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;

/** Without those that have several ends: they are messages of their own with us. */
const recipients = `
  exit0 exit1 exit65 exit67 exit69 exit75 exit77 exit99 says kill sleep missing noprogram builtin shell noexec
  file null maildir forbidden executable folder link hard nolist openlist relative nest tilde unknown
  list owned
`
  .trim()
  .split(/\s+/);

interface Peer {
  readonly name: string;
  readonly machine: LocalMachine;
  start(settings: Readonly<Record<string, string>>): Promise<number>;
  readLog(): string;
  stop(): Promise<void>;
}

function realPeer(machine: LocalMachine, port: number): Peer {
  const postfix = new RealPostfix(join(machine.folder, 'postfix'), port);
  return {
    name: 'Postfix',
    machine,
    start: async (settings) => {
      const all = { ...machine.settings, ...settings, ...postfix.settings };
      const main = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
      // postalias(1) reads it too.
      writeFileSync(join(postfix.folder.etc, 'main.cf'), main.join(''));
      execFileSync('postalias', ['-c', postfix.folder.etc, `hash:${machine.folder}/aliases`], { stdio: 'ignore' });
      await postfix.start(main.join(''), masterCf(port));
      return port;
    },
    readLog: () => postfix.readLog(),
    stop: async () => postfix.stop(),
  };
}

function ourPeer(machine: LocalMachine): Peer {
  let server: PosthasteProcess | undefined;
  return {
    name: 'Posthaste',
    machine,
    start: async (settings) => {
      server = await PosthasteProcess.create({
        folder: join(machine.folder, 'posthaste'),
        services: 'local unix - n n - - local\n',
        settings: { ...machine.settings, virtual_alias_maps: '', virtual_mailbox_domains: '', ...settings },
      });
      await server.start();
      return server.smtpPort;
    },
    readLog: () => server?.logLines().join('\n') ?? '',
    stop: async () => {
      await server?.stop();
    },
  };
}

/** `dsn status (reason)` of the newest mail for each address, without what differs by nature. */
function outcomes(peer: Peer, logged: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of peer.machine.plain(peer.readLog().slice(logged)).split('\n')) {
    const match = /to=<([^>]*)>, (?:orig_to=<([^>]*)>, )?relay=local, .*dsn=(\S+), status=(.*)$/.exec(line);
    // What became of what was forwarded is another line.
    if (match === null || match[4]?.includes('(forwarded as ') === true) continue;
    const [, to = '', original, dsn = '', status = ''] = match;
    const reason = status.replace(/ \)$/, ')').replace(/\/tmp\/[^/: ]+(?=:)/, '/tmp/NAME');
    found.set((original ?? to).toLowerCase(), `${dsn} ${reason}`);
  }
  return found;
}

async function deliver(
  peer: Peer,
  users: readonly string[],
  sender: string,
  settings = {},
): Promise<Map<string, string>> {
  const port = await peer.start(settings);
  const logged = peer.readLog().length;
  const names = users.map((user) => user.replace(/^(ann|bob|cleo)/, (one) => peer.machine.login(one as User)));
  await sendEach(port, names, sender);
  const wanted = users.map((user) => `${user}@${domain}`.toLowerCase());
  for (let attempt = 0; attempt < 600; attempt++) {
    const done = outcomes(peer, logged);
    if (wanted.every((address) => done.has(address))) break;
    await sleep(50);
  }
  const done = outcomes(peer, logged);
  await peer.stop();
  return new Map(wanted.map((address) => [address, done.get(address) ?? 'nothing in the log']));
}

/** The messages of a file, in no order: which of two deliveries comes first is chance. */
function content(machine: LocalMachine, path: string): string {
  const messages = machine.plain(machine.read(path)).split(/^(?=From )/m);
  return messages
    .sort()
    .join('')
    .replace(/^Received: .*\n(?:[ \t].*\n)*/gm, '')
    .replace(/^(?:Message-Id|Date|From): .*\n/gim, '')
    .replace(/^(From \S.* {2}).*/gm, '$1TIME');
}

/** Who the client was is not kept with a message of ours; the rest of the environment is the servers' own. */
function environment(machine: LocalMachine, name: string): string[] {
  const others = /^(?:CLIENT_\w+|MAIL_CONFIG|PWD|OLDPWD|LANG|TZ|SHLVL)=/;
  return machine
    .plain(machine.read(`out/${name}.env`))
    .replaceAll(/uid=\d{4,} groups=\d{4,}$/gm, 'a user of its own')
    .split('\n')
    .filter((line) => !others.test(line));
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`as a real local(8) (${noRealPostfix ?? 'Postfix'})`, () => {
  const peers: Peer[] = [];
  beforeAll(async () => {
    const [port = 0] = await findFreePorts(1);
    peers.push(realPeer(new LocalMachine('p'), port), ourPeer(new LocalMachine('o')));
    for (const { machine } of peers) {
      const forward = `|${machine.command('forwarded')} "$EXTENSION"`;
      machine.writeHome('ann', '.forward+run', `"${forward.replaceAll('"', '\\"')}"\n`);
      machine.writeHome('ann', '.forward+box', '~/box\n');
    }
  });
  afterAll(async () => {
    try {
      for (const peer of peers) await peer.stop();
    } finally {
      for (const { machine } of peers) machine.remove();
    }
  });

  async function both(users: readonly string[], sender: string, settings: Readonly<Record<string, string>> = {}) {
    const [real, ours] = await Promise.all(peers.map((peer) => deliver(peer, users, sender, settings)));
    expect(Object.fromEntries(ours ?? [])).toEqual(Object.fromEntries(real ?? []));
    return real as Map<string, string>;
  }

  test('aliases to commands, files and lists', { timeout: 60_000 }, async () => {
    const real = await both(
      [...recipients, 'ann+run', 'ann+box', 'ann', 'bob+Ext', 'cleo', 'root'],
      '"odd; sender"@far.test',
    );
    expect(real.get(`exit75@${domain}`)).toBe('4.3.0 deferred (temporary failure. Command output: some output)');
    const [first, second] = peers.map(({ machine }) => ({
      environments: ['exit0', 'nested', 'forwarded', 'owned'].map((name) => environment(machine, name)),
      contents: [
        'out/exit0.mail',
        'out/forwarded.mail',
        'out/nested.mail',
        'out/owned.mail',
        'out/file',
        'home/ann/box',
        machine.onlyFile('out/maildir/new'),
        `mail/${machine.login('ann')}`,
        `mail/${machine.login('bob')}`,
        'mail/root',
      ].map((path) => content(machine, path)),
    }));
    expect(second).toEqual(first);
  });

  test.each([
    ['its group', 0o2775, 8],
    ['root', 0o755, 0],
  ])('a spool folder that only %s may write', { timeout: 60_000 }, async (_who, mode, gid) => {
    const [first, second] = peers.map(({ machine }) => machine);
    for (const machine of [first, second]) {
      if (machine === undefined) continue;
      rmSync(machine.spool, { recursive: true });
      mkdirSync(machine.spool);
      chownSync(machine.spool, 0, gid);
      chmodSync(machine.spool, mode);
      writeFileSync(join(machine.spool, machine.login('bob')), 'before\n');
      chmodSync(join(machine.spool, machine.login('bob')), 0o666);
    }
    const real = await both(['ann', 'bob', 'root'], 'joe@far.test');
    expect(real.get(`bob@${domain}`)).toContain('is not owned by recipient');
    const made = (machine: LocalMachine | undefined) =>
      ['ann', 'bob'].map((user) => {
        const {
          mode: bits,
          uid,
          gid: group,
        } = statSync(join(machine?.spool ?? '', machine?.login(user as User) ?? ''));
        return [bits, uid === machine?.uid(user as User), group === machine?.uid(user as User) ? 'own' : group];
      });
    expect(made(second)).toEqual(made(first));
    expect(readdirSync(second?.spool ?? '').filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  test.each<Readonly<Record<string, string>>>([
    { home_mailbox: 'Maildir/' },
    { home_mailbox: 'box', prepend_delivered_header: 'forward', enable_original_recipient: 'no' },
    { require_home_directory: 'yes', mail_spool_directory: '/nonexistent/mail', frozen_delivered_to: 'no' },
    { home_mailbox: 'deep/box', local_command_shell: '/bin/echo -n' },
    { mailbox_command: '/bin/true', command_execution_directory: '$home/${extension?x$extension}' },
    { mailbox_command: 'cat >/dev/null; exit 67', default_privs: 'daemon', allow_mail_to_commands: '' },
  ])('%o', { timeout: 60_000 }, async (settings) => {
    await both(['ann', 'bob+ext', 'cleo', 'nest', 'exit0', 'says'], '', settings);
    const boxes = peers.map(({ machine }) => {
      const box = existsSync(join(machine.home('bob'), 'box')) ? content(machine, 'home/bob/box') : '';
      return [box, readdirSync(machine.home('bob')).toSorted(), environment(machine, 'exit0')];
    });
    expect(boxes[1]).toEqual(boxes[0]);
  });
});
