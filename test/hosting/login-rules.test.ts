// Protocols, must-change and the end of a password by every way to log in: the mechanisms that send a password, those that
// prove it, app passwords, tokens' grants, and passwords that another program keeps.

import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appPasswordDigest, DirectoryAccounts } from '../../src/auth/directory-accounts.ts';
import { passGate } from '../../src/auth/login-gate.ts';
import type { SaslStep } from '../../src/auth/sasl-server.ts';
import { makeScramKeys } from '../../src/auth/scram-key-maker.ts';
import type { LoginService } from '../../src/auth/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Logins } from '../../src/main/logins.ts';
import { ScramClient } from '../harness/scram-client.ts';
import { crypted, logIn, LoginRig } from '../logins/login-rig.ts';

const anna = 'anna@example.com';
const right = 'of the directory';
let rig: LoginRig;
let logins: Logins;

beforeEach(async () => {
  rig = await LoginRig.open([anna]);
  logins = rig.logins({ posthaste_sasl_mechanisms: 'plain login scram-sha-1 scram-sha-256 cram-md5' });
  const mailbox = rig.directory.credentials(anna);
  if (mailbox === undefined) throw new Error('no mailbox');
  await makeScramKeys(rig.directory, ['sha1', 'sha256'], mailbox, right);
  const digest = appPasswordDigest('of the app');
  const { id } = await rig.directory.appPasswords.add({ mailbox: anna, name: 'app', digest, secret: 'of the app' });
  await makeScramKeys(rig.directory, ['sha1', 'sha256'], mailbox, 'of the app', { id, digest });
  expect(rig.directory.notes.flush()).toBe(true);
});

afterEach(() => rig.close());

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const unbase64 = (text: string): string => Buffer.from(text, 'base64').toString();

/** `authenticated`, or what the log and the client hear. */
async function show(mechanism: string, password: string, protocol: LoginService): Promise<string> {
  const begin = (initialResponse?: string): Promise<SaslStep> =>
    logins.sasl.begin({
      mechanism,
      protocol,
      service: protocol,
      serverAddress: '192.0.2.25',
      clientAddress: '192.0.2.1',
      isSecured: true,
      ...(initialResponse === undefined ? {} : { initialResponse: base64(initialResponse) }),
    });
  const last = await exchange(mechanism, password, begin);
  return last.kind === 'denied' ? `${last.reason} / ${last.told ?? ''}` : last.kind;
}

async function exchange(
  mechanism: string,
  password: string,
  begin: (initial?: string) => Promise<SaslStep>,
): Promise<SaslStep> {
  const answer = async (step: SaslStep, text: string): Promise<SaslStep> =>
    step.kind === 'challenge' ? await step.answer(base64(text)) : step;
  if (mechanism === 'PLAIN') return await begin(`\0${who}\0${password}`);
  if (mechanism === 'LOGIN') return await answer(await answer(await begin(), who), password);
  const step = await begin(mechanism.startsWith('SCRAM') ? scramOf(mechanism, password).first() : undefined);
  if (step.kind !== 'challenge') return step;
  if (mechanism === 'CRAM-MD5') {
    const proof = createHmac('md5', password).update(unbase64(step.challenge)).digest('hex');
    return await answer(step, `${who} ${proof}`);
  }
  const proved = await answer(step, scramOf(mechanism, password).final(unbase64(step.challenge)));
  return await answer(proved, '');
}

let client: ScramClient | undefined;
let who = anna;
function scramOf(mechanism: string, password: string): ScramClient {
  client ??= new ScramClient({ hash: mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256', login: who, password });
  return client;
}
afterEach(() => {
  client = undefined;
  who = anna;
});

const set = (settings: Parameters<LoginRig['directory']['mailboxes']['set']>[1]) =>
  rig.directory.mailboxes.set(anna, settings);

describe.each(['PLAIN', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'CRAM-MD5'])('by %s', (mechanism) => {
  const again = async (password: string, protocol: LoginService = 'imap'): Promise<string> => {
    client = undefined;
    return await show(mechanism, password, protocol);
  };

  test('a protocol that the mailbox has not is refused, with an app password too', async () => {
    await set({ protocols: ['imap'] });
    expect(await again(right)).toBe('authenticated');
    const refusal = 'smtp is not among the protocols of the mailbox / This mailbox may not be used by SMTP: ask';
    expect(await again(right, 'smtp')).toContain(refusal);
    expect(await again('of the app', 'smtp')).toContain(refusal);
    expect(await again('wrong', 'smtp')).toContain('authentication failure');
  });

  test('a password that is over is refused with what to do, and the app password goes on', async () => {
    await set({ passwordExpires: 1 });
    expect(await again(right)).toMatch(/^password has expired \/ Your password has expired: change it/);
    expect(await again('of the app')).toBe('authenticated');
    expect(await again('wrong')).toMatch(/authentication failure$/);
    await set({ passwordExpires: 0, mustChange: true });
    expect(await again(right)).toMatch(/^password must be changed first \/ Your password must be changed/);
    expect(await again('of the app')).toBe('authenticated');
    await set({ passwordExpires: systemClock.now() + 60_000, mustChange: false });
    expect(await again(right)).toBe('authenticated');
  });

  test('a mailbox that has got another address is logged in to by that one', async () => {
    await rig.directory.mailboxes.rename(anna, 'ann@example.com');
    expect(await again(right)).toMatch(/^unknown user/);
    who = 'Ann@example.com';
    expect(await again(right)).toBe('authenticated');
    expect(await again('of the app')).toBe('authenticated');
  });
});

test('who has to change the password is named to where that can be done', async () => {
  await set({ mustChange: true });
  const ask = (password: string) =>
    logins.authenticator.authenticate({ service: 'http', remoteAddress: '192.0.2.1', login: anna, password });
  const mailboxId = rig.directory.mailboxByAddress(anna)?.id;
  expect(await ask(right)).toMatchObject({ kind: 'denied', proven: { mustChange: { mailboxId, login: anna } } });
  expect(await ask('wrong')).toEqual({ kind: 'denied', reason: 'password mismatch' });
  await set({ passwordHash: '{PLAIN}new' });
  expect(await ask('new')).toMatchObject({ kind: 'authenticated' });
});

test('a token has an end of its own, and no protocol more', async () => {
  const accounts = new DirectoryAccounts(rig.directory, systemClock);
  const mailbox = rig.directory.credentials(anna);
  if (mailbox === undefined) throw new Error('no mailbox');
  await set({ mustChange: true, protocols: ['imap'] });
  const grant = (service: LoginService) => accounts.grantByOther(mailbox, { service, remoteAddress: '' }).kind;
  expect([grant('imap'), grant('smtp')]).toEqual(['authenticated', 'denied']);
});

test('a password that another program keeps opens no protocol that the mailbox has not', async () => {
  const file = rig.write('users', `${anna}:${crypted('of the file')}::::::\n`);
  const chain = rig.logins({ posthaste_auth_backends: `directory, passwd-file:${file}` });
  await set({ protocols: ['imap'], mustChange: true });
  expect(await logIn(chain, anna, 'of the file')).toBe(anna);
  expect(await logIn(chain, anna, 'of the file', { service: 'smtp' })).toBe(
    'denied: smtp is not among the protocols of the mailbox',
  );
  expect(await logIn(chain, anna, right)).toBe('denied: password must be changed first');
  const denial = await chain.authenticator.authenticate({
    service: 'imap',
    remoteAddress: '192.0.2.1',
    login: anna,
    password: right,
  });
  expect(denial).toMatchObject({ proven: { told: expect.stringContaining('must be changed') as string } });
});

test('the right password is no failed guess, whatever it opens', async () => {
  const told: string[] = [];
  const gate = {
    begin: () => ({
      kind: 'admitted' as const,
      failed: () => told.push('failed') && 0,
      succeeded: () => void told.push('succeeded'),
      abandoned: () => void told.push('abandoned'),
    }),
  };
  const attempt = { account: anna, address: '192.0.2.1', protocol: 'imap', mechanism: 'PLAIN' } as const;
  const denial = { kind: 'denied', reason: 'x' } as const;
  await passGate(gate, attempt, async () => denial);
  await passGate(gate, attempt, async () => ({ ...denial, proven: { told: 'x' } }));
  expect(told).toEqual(['failed', 'abandoned']);
});

test('the last login is written once a minute, and by whom', async () => {
  const { notes, mailboxes } = rig.directory;
  expect(await logIn(logins, anna, right)).toBe(anna);
  expect(notes.flush()).toBe(true);
  const first = (await mailboxes.need(anna)).lastLogin;
  expect(first).toMatchObject({ protocol: 'imap', address: '192.0.2.1' });
  expect(await logIn(logins, anna, right, { service: 'smtp' })).toBe(anna);
  expect(notes.flush()).toBe(true);
  expect((await mailboxes.need(anna)).lastLogin).toEqual(first);
  expect(
    (await rig.directory.events({ limit: 1000 })).every(({ after }) => !JSON.stringify(after).includes('lastLogin')),
  ).toBe(true);
});
