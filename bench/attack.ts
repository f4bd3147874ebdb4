// How much of its delivery rate an allowed client keeps while another one opens connections that are all refused, as fast
// as it can: ours and a real Postfix with the same configuration, one after the other on the same machine. Mail is accepted,
// queued and thrown away by both (transport discard).

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../test/harness/real-postfix.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';

export interface AttackResult {
  readonly server: string;
  readonly how: string;
  /** Messages a second of the allowed client. */
  readonly quiet: number;
  readonly attacked: number;
  /** Connections a second that the generator saw refused. */
  readonly refused: number;
}

const attacker = '127.66.0.1';

/** Who is refused, and by what. */
const ways = {
  'rate limit of smtpd': {
    isScreened: false,
    settings: { smtpd_client_connection_rate_limit: '60', anvil_rate_time_unit: '60s' },
  },
  'postscreen, denied and dropped': {
    isScreened: true,
    settings: {
      postscreen_access_list: `inline:{ ${attacker}=reject, 127.0.0.1=permit }`,
      postscreen_denylist_action: 'drop',
    },
  },
} as const;

const common = {
  compatibility_level: '3.6',
  myhostname: 'mx.bench.test',
  mydestination: '',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  mynetworks: '127.0.0.1',
  relay_domains: 'example.com',
  relay_recipient_maps: '',
  relay_transport: 'discard:',
  smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
  smtpd_peername_lookup: 'no',
};

export interface AttackOptions {
  readonly folder: string;
  readonly seconds: number;
  readonly hasPeer: boolean;
  /** Connections that the generator has open at a time. */
  readonly atOnce: number;
}

export async function measureAttacks({ folder, seconds, hasPeer, atOnce }: AttackOptions): Promise<AttackResult[]> {
  const results: AttackResult[] = [];
  for (const [how, { isScreened, settings }] of Object.entries(ways)) {
    const ours = await startOurs(join(folder, isScreened ? 'screened' : 'plain'), settings, isScreened);
    results.push({ server: 'Posthaste', how, ...(await measure(ours.smtpPort, seconds, atOnce)) });
    await ours.stop();
    if (!hasPeer || noRealPostfix !== undefined) continue;
    const postfix = await startPostfix(join(folder, `postfix-${isScreened}`), settings, isScreened);
    results.push({ server: 'Postfix', how, ...(await measure(postfix.port, seconds, atOnce)) });
    postfix.stop();
  }
  return results;
}

async function startOurs(folder: string, settings: Record<string, string>, isScreened: boolean) {
  const [port = 0] = await findFreePorts(1);
  const server = await PosthasteProcess.create({
    folder,
    settings: { ...common, ...settings },
    services: isScreened ? `127.0.0.1:${port} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n` : '',
  });
  await server.start();
  if (isScreened) server.smtpPort = port;
  return server;
}

async function startPostfix(folder: string, settings: Record<string, string>, isScreened: boolean) {
  const [port = 0] = await findFreePorts(1);
  const postfix = new RealPostfix(folder, port);
  const main = { ...common, alias_maps: '', local_recipient_maps: '', ...postfix.settings, ...settings };
  const lines = Object.entries(main).map(([name, value]) => `${name} = ${value}\n`);
  const door = isScreened
    ? `127.0.0.1:${port} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ntlsproxy unix - - n - 0 tlsproxy\ndnsblog unix - - n - 0 dnsblog\n`
    : `127.0.0.1:${port} inet n - n - - smtpd\n`;
  const rest = [
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'discard unix - - n - - discard',
    'proxymap unix - - n - - proxymap',
    'anvil unix - - n - 1 anvil',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  await postfix.start(lines.join(''), `${door}${rest.join('\n')}\n`);
  return postfix;
}

/** Turn about, so that what else the machine does falls on both. */
const rounds = 4;

async function measure(port: number, seconds: number, atOnce: number) {
  await deliver(port, 2);
  let [quiet, attacked, refused] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    quiet += (await deliver(port, seconds)) / rounds;
    const attack = await startAttack(port, atOnce);
    attacked += (await deliver(port, seconds)) / rounds;
    refused += (await attack.end()) / rounds;
    // Those that still wait for their refusal have gone.
    await sleep(1500);
  }
  return { quiet, attacked, refused };
}

async function startAttack(port: number, atOnce: number): Promise<{ end(): Promise<number> }> {
  const script = join(import.meta.dirname, 'refused-connections.ts');
  const generator = spawn(process.execPath, [script, String(port), attacker, String(atOnce)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  generator.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await sleep(1500);
  const began = performance.now();
  generator.stdin.write('begin\n');
  return {
    end: async () => {
      const lasted = (performance.now() - began) / 1000;
      generator.stdin.write('end\n');
      await once(generator, 'exit');
      const counts = JSON.parse(text) as { refused: number; failed: number };
      return (counts.refused + counts.failed) / lasted;
    },
  };
}

/** A connection that the system has forgotten in the flood is never greeted. */
async function soon(opening: Promise<SmtpConnection>): Promise<SmtpConnection> {
  const late = new AbortController();
  const given = sleep(5000, undefined, { signal: late.signal }).then(() => Promise.reject(new Error('no greeting')));
  try {
    return await Promise.race([opening, given]);
  } finally {
    late.abort();
    given.catch(() => undefined);
  }
}

const sessions = 4;
const body = `Subject: bench\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(50)}.\r\n`;

/** Messages a second, a session for each; one whose session was turned away counts as none. */
async function deliver(port: number, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      try {
        const connection = await soon(SmtpConnection.open(port));
        await connection.command('EHLO client.test');
        await connection.command('MAIL FROM:<s@client.test>');
        await connection.command('RCPT TO:<r@example.com>');
        await connection.command('DATA');
        connection.send(body);
        if ((await connection.reply()).code === 250) count++;
        await connection.quit();
      } catch {
        await sleep(10);
      }
    }
  };
  await Promise.all(Array.from({ length: sessions }, one));
  return count / seconds;
}
