// The stranger's relay test: a thousand attempts to have mail relayed, made of our real SMTP server in every configuration
// that is shipped or documented, and in the one that lint calls closed. Nothing leaves for the victim's domain.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { LintContext } from '../src/lint/context.ts';
import { classParameters } from '../src/lint/domain-lists.ts';
import { lintConfiguration } from '../src/lint/lint.ts';
import { type Server, smtpServers } from '../src/lint/restriction-lists.ts';
import { writeFirstConfiguration } from '../src/settings/first-start.ts';
import { SettingsError } from '../src/settings/settings-error.ts';
import { findFreePorts } from './harness/free-ports.ts';
import { PosthasteProcess } from './harness/posthaste-process.ts';
import { type LintCase, readCases, writeMachine } from './lint/fixtures.ts';
import { makeAttempts } from './relay/make-attempts.ts';
import { elsewhere, strangerAttempts } from './relay/stranger-attempts.ts';
import { startTestServer, type TestServer } from './smtp-dialogs/test-server.ts';

const folder = (name: string): string => join(import.meta.dirname, name);
const cases = [...readCases(folder('lint/clean')), ...readCases(folder('documents'))];

/** A thousand mistakes in one session are what this is about. */
const limitsOff = {
  smtpd_hard_error_limit: '1000000',
  smtpd_soft_error_limit: '1000000',
  smtpd_error_sleep_time: '0',
  smtpd_client_connection_count_limit: '0',
};

/** As the documents have them, but for what needs a server of somebody else's, or would hide that relaying is refused. */
const overrides = {
  ...limitsOff,
  smtpd_authorized_xclient_hosts: '127.0.0.1',
  smtpd_tls_security_level: 'none',
  smtpd_tls_wrappermode: 'no',
  smtpd_tls_auth_only: 'no',
  smtpd_sasl_type: 'directory',
  smtpd_milters: '',
  compatibility_level: '3.6',
};

const zone = [`${elsewhere} MX 10 mail.${elsewhere}`, `mail.${elsewhere} A 203.0.113.66`];

/** Tables that only a server knows: a domain of ours is in each, and nothing else. */
function withoutServers(value: string): string {
  return value.replace(/(?:proxy:)?(?:mysql|pgsql|ldap|sqlite):[^\s,]+/g, 'inline:{{example.com=example.com}}');
}

function settingsOf(context: LintContext, server: Server, root: string): Record<string, string> {
  const own: Record<string, string> = {};
  for (const name of [...context.settings.names(), ...server.settings.names()]) {
    const raw = (server.settings.isSet(name) ? server.settings : context.settings).raw(name) ?? '';
    own[name] = withoutServers(raw.replaceAll('/etc/postfix/', `${root}/etc/postfix/`));
  }
  return { ...own, myorigin: context.text('myorigin'), ...overrides };
}

async function attemptAll(context: LintContext, server: Server, root: string): Promise<number> {
  let tested: TestServer;
  try {
    const settings = settingsOf(context, server, root);
    tested = await startTestServer({ settings, isRealPolicy: true, withoutTls: true, zone });
  } catch (error) {
    // Where no server starts, nothing is relayed.
    if (error instanceof SettingsError) return 0;
    throw error;
  }
  try {
    const own = classParameters.flatMap((parameter) => [...context.domainList(parameter).domains.keys()].slice(0, 1));
    const attempts = strangerAttempts([...own, 'example.com'], context.text('myhostname'));
    const accepted = await makeAttempts(tested.port, attempts);
    const leaving = tested.queue.messages.flatMap(({ submission }) =>
      submission.recipients.filter(({ deliveries }) =>
        deliveries.some(({ recipient }) => recipient.toLowerCase().includes(elsewhere)),
      ),
    );
    expect({ accepted: accepted.filter(({ reply }) => reply.startsWith('2')), leaving }).toEqual({
      accepted: [],
      leaving: [],
    });
    return attempts.length;
  } finally {
    await tested.close();
  }
}

async function testCase(one: LintCase): Promise<{ readonly made: number[]; readonly verdicts: string[] }> {
  const root = writeMachine(one);
  try {
    const directory = join(root, 'etc/postfix');
    const { relayProofs } = await lintConfiguration(directory);
    const context = await LintContext.open(directory);
    const made: number[] = [];
    for (const server of smtpServers(context)) made.push(await attemptAll(context, server, root));
    return { made, verdicts: relayProofs.map(({ verdict }) => verdict) };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Whether strangers could relay is left to a table of the directory's there, as its lint case says. */
const undecided = '000-modoboa.txt: lines 36-67, as written: E7, E8, E9, E10';

describe('documented configurations', () => {
  test.each(cases.map((one) => [`${one.file}: ${one.title}`, one] as const))(
    '%s',
    { timeout: 60_000 },
    async (title, one) => {
      const { made, verdicts } = await testCase(one);
      expect(new Set(verdicts)).toEqual(new Set([title === undecided ? 'undecided' : 'closed']));
      expect(Math.min(...made)).toBeGreaterThan(1000);
    },
  );
});

test('the attempts do get through where a door is open', async () => {
  const settings = {
    ...overrides,
    mydestination: 'here.example',
    smtpd_relay_restrictions: 'check_client_access inline:{unknown=OK}, reject',
  };
  const tested = await startTestServer({ settings, isRealPolicy: true, withoutTls: true, zone });
  try {
    const attempts = strangerAttempts(['here.example'], 'mx.here.example').slice(0, 150);
    const accepted = await makeAttempts(tested.port, attempts, { name: '[UNAVAILABLE]' });
    expect(accepted.length).toBeGreaterThan(50);
    expect(accepted.filter(({ reply }) => !reply.startsWith('250'))).toEqual([]);
  } finally {
    await tested.close();
  }
});

describe('the first start’s own configuration, as a server of its own', () => {
  let scratch: string;
  let posthaste: PosthasteProcess;
  let submissionPort: number;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'stranger-relay-'));
    posthaste = await PosthasteProcess.create({ folder: scratch });
    const { configFolder, dataFolder, smtpPort, imapPort } = posthaste;
    rmSync(configFolder, { recursive: true });
    await writeFirstConfiguration(configFolder, {
      dataDirectory: dataFolder,
      loopback: true,
      hostname: 'mx.example.com',
    });
    const [submission = 0, submissions, lmtp, imaps, metrics] = await findFreePorts(5);
    submissionPort = submission;
    const ports = {
      2525: smtpPort,
      2587: submission,
      2465: submissions,
      2424: lmtp,
      2143: imapPort,
      2993: imaps,
      9154: metrics,
    };
    for (const name of ['main.cf', 'master.cf']) {
      const file = join(configFolder, name);
      const text = Object.entries(ports).reduce(
        (before, [from, to]) => before.replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`),
        readFileSync(file, 'utf8'),
      );
      const limits = Object.entries({ ...limitsOff, smtpd_authorized_xclient_hosts: '127.0.0.1' });
      writeFileSync(
        file,
        name === 'main.cf' ? text + limits.map(([key, value]) => `${key} = ${value}\n`).join('') : text,
      );
    }
    const directory = await Directory.open(join(dataFolder, 'directory.db'), { clock: systemClock, actor: 'test' });
    await directory.domains.add('example.com');
    await directory.domains.add('aliases.example', { class: 'alias' });
    await directory.domains.add('relayed.example', { class: 'relay' });
    await directory.aliasDomains.add('example.org', 'example.com');
    await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '*' });
    await directory.aliases.add('@example.com', ['anna@example.com']);
    await directory.aliases.add('info@aliases.example', ['anna@example.com']);
    directory.close();
    await posthaste.start();
  }, 60_000);

  afterAll(async () => {
    await posthaste.kill();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('lint proves it closed', async () => {
    const { relayProofs } = await lintConfiguration(posthaste.configFolder);
    expect(relayProofs.map(({ verdict, attempts, failure }) => [verdict, attempts > 200, failure])).toEqual(
      Array.from({ length: 3 }, () => ['closed', true, undefined]),
    );
  });

  test.each([
    ['for other servers', false],
    ['for users, after STARTTLS', true],
  ])('nothing is relayed on the port %s', { timeout: 60_000 }, async (_, withTls) => {
    const own = ['example.com', 'example.org', 'aliases.example', 'relayed.example'];
    const attempts = strangerAttempts(own, 'mx.example.com');
    expect(attempts.length).toBeGreaterThan(1000);
    const accepted = await makeAttempts(withTls ? submissionPort : posthaste.smtpPort, attempts, { withTls });
    expect(accepted.filter(({ reply }) => reply.startsWith('2'))).toEqual([]);
    const leaving = posthaste.logLines().filter((line) => /status=/.test(line) && line.includes(elsewhere));
    expect(leaving).toEqual([]);
  });
});
