// An after-queue content filter on loopback (FILTER_README): mail goes from the queue to the filter and comes back on a second
// listener, of a real Postfix and of ours. Mail from outside, from a user of this machine and from a notice to the same
// aliases gives the same recipients, once each, on whichever side of the filter aliases are expanded.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { LmtpSink } from '../harness/lmtp-sink.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { testOptions } from '../queue/client-options.ts';
import { masterCf } from '../queue/relaying-postfix.ts';
import { envelope } from '../queue/scripted-server.ts';

/** An SMTP filter: puts a field on top and hands the message back; what it heard of recipients is kept. */
class SmtpFilter {
  readonly recipients: string[] = [];
  back = 0;
  readonly #server: Server = createServer((socket) => this.#serve(socket));

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let rest = '';
    let sender = '';
    let own: string[] = [];
    let data: string[] | undefined;
    const say = (text: string): boolean => socket.write(`${text}\r\n`);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const value = /<([^>]*)>/.exec(line)?.[1] ?? '';
        if (data !== undefined && line !== '.') data.push(line);
        else if (data !== undefined) {
          const text = `X-Filtered: yes\r\n${data.map((one) => one.replace(/^\./, '')).join('\r\n')}\r\n`;
          data = undefined;
          deliver(`[127.0.0.1]:${this.back}`, envelope(own, { sender }, text), patient).then(
            ({ outcomes }) => say(outcomes.every(({ kind }) => kind === 'delivered') ? '250 2.0.0 Ok' : '451 4.3.0 no'),
            () => say('451 4.3.0 no'),
          );
        } else if (/^MAIL/i.test(line)) {
          sender = value;
          own = [];
          say('250 2.1.0 Ok');
        } else if (/^RCPT/i.test(line)) {
          own.push(value);
          this.recipients.push(value);
          say('250 2.1.5 Ok');
        } else if (/^DATA/i.test(line)) {
          data = [];
          say('354 go on');
        } else if (/^QUIT/i.test(line)) socket.end('221 2.0.0 Bye\r\n');
        else say(/^EHLO/i.test(line) ? '250 filter' : '250 2.0.0 Ok');
      }
    });
    say('220 filter ESMTP');
  }
}

/** A busy machine, and a real Postfix that starts a process for everybody, take their time. */
const patient = testOptions({ patience: 20_000 });

type Side = 'before' | 'behind';

interface Setup {
  readonly filter: number;
  readonly back: number;
  readonly sink: number;
  /** On which side of the filter aliases are expanded. */
  readonly side: Side;
}

function mainSettings({ sink }: Setup): Record<string, string> {
  return {
    compatibility_level: '3.6',
    myhostname: 'mx.example',
    myorigin: 'mx.example',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    default_transport: `lmtp:inet:127.0.0.1:${sink}`,
    lmtp_destination_recipient_limit: '50',
    virtual_alias_maps:
      'inline:{{all@b.example=ann@b.example,bob@b.example},{keep@b.example=keep@b.example,copy@b.example},{chain@b.example=all@b.example},{@catch.example=ann@b.example}}',
    virtual_alias_domains: '',
    header_checks: `regexp:{{/^X-Case: header/ FILTER lmtp:inet:127.0.0.1:${sink}}}`,
    smtpd_sender_restrictions: 'check_sender_access inline:{{plain@a.example=FILTER lmtp:inet:127.0.0.1:' + sink + '}}',
  };
}

/** FILTER_README: the way in has the filter, the way back has none of what was done before. */
function services(port: number, { filter, back, side }: Setup): string {
  const first = side === 'before' ? '' : ',no_address_mappings';
  const second = side === 'before' ? ',no_address_mappings' : '';
  const checks = `-o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters${second}`;
  const into = `-o content_filter=scan:[127.0.0.1]:${filter} -o receive_override_options=no_unknown_recipient_checks${first}`;
  return `127.0.0.1:${port} inet n - n - - smtpd ${into}
pickup unix n - n 60 1 pickup ${into}
127.0.0.1:${back} inet n - n - - smtpd -o content_filter= ${checks} -o smtpd_sender_restrictions=
scan unix - - n - - smtp -o disable_dns_lookups=yes
lmtp unix - - n - - lmtp
`;
}

interface Peer {
  readonly port: number;
  /** Hands a message to this system's sendmail command. */
  sendmail(args: readonly string[], text: string): Promise<void>;
  stop(): Promise<void>;
}

/** The filter, which is in this process, goes on meanwhile. */
function run(file: string, args: readonly string[], input: string, env = process.env): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { env }, (error) => (error === null ? resolve() : reject(error)));
    child.stdin?.end(input);
  });
}

async function startPostfix(folder: string, port: number, setup: Setup): Promise<Peer> {
  const postfix = new RealPostfix(folder, port);
  const main = Object.entries({ ...mainSettings(setup), ...postfix.settings }).map(
    ([name, value]) => `${name} = ${value}\n`,
  );
  const master = masterCf(port)
    .replace(/^127\.0\.0\.1:.*\n/, '')
    .replace(/^pickup .*\n/m, '');
  await postfix.start(main.join(''), `${services(port, setup)}${master}`);
  return {
    port,
    sendmail: (args, input) =>
      run('/usr/sbin/sendmail', ['-C', postfix.folder.etc, ...args], input, {
        PATH: '/usr/sbin:/usr/bin:/bin',
        MAIL_CONFIG: postfix.folder.etc,
      }),
    stop: async () => postfix.stop(),
  };
}

async function startOurs(folder: string, setup: Setup): Promise<Peer> {
  const [port = 0] = await findFreePorts(1);
  const server = await PosthasteProcess.create({
    folder: join(folder, 'ours'),
    settings: { virtual_mailbox_domains: '', ...mainSettings(setup) },
    services: services(port, setup),
  });
  await server.start();
  const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
  return {
    port,
    sendmail: (args, input) => run(program, ['-c', server.configFolder, 'sendmail', ...args], input),
    stop: () => server.stop(),
  };
}

const cases = ['all', 'keep', 'chain', 'ann'];

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined).each([
  ['Postfix', 'before'],
  ['Posthaste', 'before'],
  ['Postfix', 'behind'],
  ['Posthaste', 'behind'],
] as const)('%s with aliases %s its content filter', (name, side) => {
  const folder = mkdtempSync('/tmp/content-filter-');
  const filter = new SmtpFilter();
  let sink: LmtpSink;
  let peer: Peer;
  beforeAll(async () => {
    sink = await LmtpSink.start();
    const [port = 0, back = 0] = await findFreePorts(2);
    const setup = { filter: await filter.listen(), back, sink: sink.port, side };
    filter.back = back;
    peer = name === 'Postfix' ? await startPostfix(folder, port, setup) : await startOurs(folder, setup);
  }, 60_000);
  afterAll(async () => {
    await peer.stop();
    filter.close();
    sink.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  /** Who has got what of a case, and whether the filter has seen it. */
  async function outcome(id: string, count: number): Promise<{ to: string[]; filtered: boolean[] }> {
    const to: string[] = [];
    const filtered: boolean[] = [];
    const take = (): void => {
      for (const { recipients, headers } of sink.take(id)) {
        to.push(...recipients.map((one) => /<([^>]*)>/.exec(one)?.[1] ?? ''));
        filtered.push(headers[0] !== undefined && headers.includes('X-Filtered: yes'));
      }
    };
    for (let attempt = 0; attempt < 500 && to.length < count; attempt++) {
      await sleep(20);
      take();
    }
    // Nobody gets it a second time.
    await sleep(150);
    take();
    return { to: to.toSorted(), filtered: [...new Set(filtered)] };
  }

  const expected: Readonly<Record<string, readonly string[]>> = {
    all: ['ann@b.example', 'bob@b.example'],
    keep: ['copy@b.example', 'keep@b.example'],
    chain: ['ann@b.example', 'bob@b.example'],
    ann: ['ann@b.example'],
  };

  test('mail from outside and from this machine reaches the same people, once', async () => {
    for (const user of cases) {
      const text = `From: joe@a.example\r\nX-Case: out-${user}\r\nSubject: x\r\n\r\nhello\r\n`;
      const mail = envelope([`${user}@b.example`], { sender: 'joe@a.example' }, text);
      await deliver(`[127.0.0.1]:${peer.port}`, mail, patient);
      await peer.sendmail(
        ['-f', 'joe@a.example', `${user}@b.example`],
        `From: joe@a.example\nX-Case: own-${user}\n\nhello\n`,
      );
    }
    for (const user of cases) {
      const people = expected[user] ?? [];
      expect(await outcome(`out-${user}`, people.length)).toEqual({ to: people, filtered: [true] });
      expect(await outcome(`own-${user}`, people.length)).toEqual({ to: people, filtered: [true] });
    }
    const heard = side === 'before' ? ['ann@b.example', 'bob@b.example'] : ['all@b.example'];
    expect(filter.recipients).toEqual(expect.arrayContaining(heard));
    expect(filter.recipients.includes('all@b.example')).toBe(side === 'behind');
  }, 40_000);

  test.each([
    ['access', 'plain@a.example'],
    ['header', 'joe@a.example'],
  ])(
    'FILTER of %s tables leads elsewhere',
    async (where, sender) => {
      const text = `X-Case: ${where}\r\nSubject: x\r\n\r\nhello\r\n`;
      const mail = envelope(['ann@b.example'], { sender }, text);
      await deliver(`[127.0.0.1]:${peer.port}`, mail, patient);
      expect(await outcome(where, 1)).toEqual({ to: ['ann@b.example'], filtered: [false] });
    },
    20_000,
  );
});
