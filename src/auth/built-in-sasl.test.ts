// The mechanisms against a real directory: who gets in with what, and what an exchange tells a stranger.

import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScramClient, type ScramClientOptions } from '../../test/harness/scram-client.ts';
import { Directory } from '../directory/directory.ts';
import { FakeClock } from '../lib/clock.ts';
import { BuiltInSasl, knownMechanisms } from './built-in-sasl.ts';
import type { ChannelBinding } from './channel-binding.ts';
import { appPasswordDigest, DirectoryAccounts, maySendAs } from './directory-accounts.ts';
import { DirectoryAuthenticator } from './directory-authenticator.ts';
import { DirectorySecrets } from './directory-secrets.ts';
import { GatedSasl } from './gated-sasl.ts';
import { DelayGate, type LoginGate } from './login-gate.ts';
import { hashPassword } from './password-scheme.ts';
import { makeScramKeys } from './scram-key-maker.ts';
import type { SaslRequest, SaslStep } from './sasl-server.ts';

const clock = new FakeClock();
const anna = 'anna@example.com';
const channel: ChannelBinding = { data: (type) => (type === 'tls-exporter' ? Buffer.from('this channel') : undefined) };
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const text = (word: string): string => Buffer.from(word, 'base64').toString();

let folder: string;
let directory: Directory;
let sasl: BuiltInSasl;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sasl-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  const gate = new DelayGate(clock, { firstMilliseconds: 0, maxMilliseconds: 0, maxEntries: 100 });
  const authenticator = new DirectoryAuthenticator({ directory, clock, gate, scramHashes: ['sha1', 'sha256'] });
  const secrets = new DirectorySecrets(new DirectoryAccounts(directory, clock));
  sasl = new BuiltInSasl({ authenticator, gate, secrets, hostname: 'mx.example.com' }, knownMechanisms);
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: anna, passwordHash: await hashPassword('geheim') });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

function begin(mechanism: string, initial?: string | Buffer, more: Partial<SaslRequest> = {}): Promise<SaslStep> {
  return sasl.begin({
    mechanism,
    protocol: 'smtp',
    service: 'smtp',
    serverAddress: '192.0.2.25',
    clientAddress: '192.0.2.1',
    isSecured: true,
    ...(initial === undefined ? {} : { initialResponse: base64(initial) }),
    ...more,
  });
}

async function answer(step: SaslStep, response: string): Promise<SaslStep> {
  if (step.kind !== 'challenge') throw new Error(`no challenge: ${JSON.stringify(step)}`);
  return await step.answer(base64(response));
}

function challengeOf(step: SaslStep): string {
  if (step.kind !== 'challenge') throw new Error(`no challenge: ${JSON.stringify(step)}`);
  return text(step.challenge);
}

async function withScram(options: Partial<ScramClientOptions> = {}, more: Partial<SaslRequest> = {}, isBound = false) {
  const client = new ScramClient({ hash: 'sha256', login: anna, password: 'geheim', ...options });
  const name = client.hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256';
  const first = await begin(isBound ? `${name}-PLUS` : name, client.first(), more);
  if (first.kind !== 'challenge') return first;
  const proved = await answer(first, client.final(challengeOf(first)));
  if (proved.kind !== 'challenge') return proved;
  expect(challengeOf(proved)).toBe(`v=${client.signature}`);
  return await answer(proved, '');
}

/** As a login with PLAIN or a change of the password leaves them. */
async function makeKeys(password = 'geheim', address = anna): Promise<void> {
  const mailbox = directory.credentials(address);
  if (mailbox) await makeScramKeys(directory, ['sha1', 'sha256'], mailbox, password);
  expect(directory.notes.flush()).toBe(true);
}

async function addAppPassword(password: string, limits: object = {}): Promise<void> {
  const digest = appPasswordDigest(password);
  const { id } = await directory.appPasswords.add({ mailbox: anna, name: password, digest, ...limits });
  const mailbox = directory.credentials(anna);
  if (mailbox) await makeScramKeys(directory, ['sha256'], mailbox, password, { id, digest });
  expect(directory.notes.flush()).toBe(true);
}

const welcome = { kind: 'authenticated', login: anna };

describe('SCRAM', () => {
  it('lets in who knows the password, with both hashes', async () => {
    await makeKeys();
    expect(await withScram()).toMatchObject(welcome);
    expect(await withScram({ hash: 'sha1' })).toMatchObject(welcome);
    expect(await withScram({ login: 'ANNA@Example.com' })).toMatchObject(welcome);
    expect(await withScram({ login: 'anna' }, { localDomain: 'example.com' })).toMatchObject(welcome);
    expect(await withScram({ password: 'Geheim' })).toMatchObject({ kind: 'denied', reason: 'password mismatch' });
  });

  it('has keys after a login that showed the password, and says in the log what to do before', async () => {
    expect(await withScram()).toMatchObject({
      kind: 'denied',
      told: 'authentication failure',
      reason: 'no SCRAM-SHA-256 keys of the password yet: log in once with PLAIN, or set the password',
    });
    expect(await begin('PLAIN', `\0${anna}\0geheim`)).toMatchObject(welcome);
    await expect.poll(() => directory.notes.flush() && directory.lookups.secrets.scramKeys(1, 'sha256').length).toBe(1);
    expect(await withScram()).toMatchObject(welcome);
  });

  it('prepares names and passwords (RFC 4013)', async () => {
    await directory.mailboxes.set(anna, { passwordHash: await hashPassword('I\u00adX\u2168') });
    await makeKeys('I\u00adX\u2168');
    expect(await withScram({ password: 'IXIX' })).toMatchObject(welcome);
    expect(await withScram({ login: 'an\u00adna@example.com', password: 'IXIX' })).toMatchObject(welcome);
  });

  it('tells nobody whether an account exists, also when it gets its keys', async () => {
    await directory.domains.add('alias.example');
    const saltOf = async (login: string) =>
      challengeOf(
        await begin('SCRAM-SHA-256', new ScramClient({ hash: 'sha256', login, password: '' }).first()),
      ).replace(/^r=[^,]*/, '');
    const before = [await saltOf(anna), await saltOf('nobody@example.com')];
    expect(before[0]).not.toBe(before[1]);
    await makeKeys();
    expect([await saltOf(anna), await saltOf('nobody@example.com')]).toEqual(before);
    expect([await saltOf('Anna+x@EXAMPLE.com'), await saltOf('NoBody+x@example.com')]).toEqual(before);
    expect(await saltOf('nobody@elsewhere.example')).not.toBe(before[1]);
    expect(await saltOf('no domain')).toMatch(/^,s=.{24},i=50000$/);
    expect(await withScram({ login: 'nobody@example.com' })).toMatchObject({
      kind: 'denied',
      reason: 'unknown user',
      told: 'authentication failure',
    });
  });

  it('obeys a change of the password and a disabling at once, also in the middle of an exchange', async () => {
    await makeKeys();
    const client = new ScramClient({ hash: 'sha256', login: anna, password: 'geheim' });
    const step = await begin('SCRAM-SHA-256', client.first());
    await directory.mailboxes.set(anna, { passwordHash: await hashPassword('neu') });
    expect(await answer(step, client.final(challengeOf(step)))).toMatchObject({ kind: 'denied' });
    expect(await withScram()).toMatchObject({ kind: 'denied' });
    await makeKeys('neu');
    expect(await withScram({ password: 'neu' })).toMatchObject(welcome);
    await directory.mailboxes.set(anna, { enabled: false });
    expect(await withScram({ password: 'neu' })).toMatchObject({ kind: 'denied', reason: 'disabled' });
  });

  it('is bound to the channel, or not at all', async () => {
    await makeKeys();
    const bound = { header: 'p=tls-exporter,,', channelData: Buffer.from('this channel') };
    expect(await withScram(bound, { channel }, true)).toMatchObject(welcome);
    const denials: [Partial<ScramClientOptions>, Partial<SaslRequest>, boolean, string][] = [
      [{ ...bound, channelData: Buffer.from('another channel') }, { channel }, true, 'channel binding differs'],
      [{ ...bound, header: 'p=tls-unique,,' }, { channel }, true, 'tls-unique is not supported on this connection'],
      [bound, {}, true, 'tls-exporter is not supported'],
      [{}, { channel }, true, 'asked for and is not used'],
      [bound, { channel }, false, 'whose name ends with -PLUS'],
      [{ header: 'y,,' }, { channel, isBindingOffered: true }, false, 'somebody may have changed the list'],
    ];
    for (const [options, request, isBound, reason] of denials) {
      expect(await withScram(options, request, isBound)).toMatchObject({
        kind: 'denied',
        reason: expect.stringContaining(reason),
      });
    }
    expect(await withScram({ header: 'y,,' }, { channel, isBindingOffered: false })).toMatchObject(welcome);
    expect(await withScram({ header: `n,a=${anna},` })).toMatchObject(welcome);
    expect(await withScram({ header: 'n,a=bob@example.com,' })).toMatchObject({ kind: 'denied' });
  });

  it('understands nothing but its own words', async () => {
    await makeKeys();
    const client = new ScramClient({ hash: 'sha256', login: anna, password: 'geheim' });
    const step = async (): Promise<SaslStep> => await begin('SCRAM-SHA-256', client.first());
    for (const word of ['', 'c=biws', 'c=biws,r=other,p=AAAA', '\0\0', 'e=other-error']) {
      expect(await answer(await step(), word)).toMatchObject({ kind: 'denied', flaw: 'syntax' });
    }
    expect(await begin('SCRAM-SHA-256', `n,,n=${'a'.repeat(400)},r=x`)).toMatchObject({ kind: 'denied' });
    const proof = await step();
    const end = await answer(proof, client.final(challengeOf(proof)));
    expect(await answer(end, 'more')).toMatchObject({ kind: 'denied', flaw: 'syntax' });
  });
});

describe('app passwords', () => {
  it('open what they are limited to', async () => {
    await makeKeys();
    await addAppPassword('scanner', { protocols: ['smtp'], senders: ['scanner@example.com', '@scan.example'] });
    await addAppPassword('telephone');
    const senders = ['scanner@example.com', '@scan.example'];
    expect(await begin('PLAIN', `\0${anna}\0scanner`)).toMatchObject({ ...welcome, senders });
    expect(await withScram({ password: 'scanner' })).toMatchObject({ ...welcome, senders });
    expect(await withScram({ password: 'telephone' })).toEqual({ ...welcome, mailboxId: 1 });
    expect(await withScram({ password: 'geheim' })).toEqual({ ...welcome, mailboxId: 1 });
    const reason = 'app password "scanner" is not for imap';
    expect(await begin('PLAIN', `\0${anna}\0scanner`, { protocol: 'imap' })).toMatchObject({ kind: 'denied', reason });
    expect(await withScram({ password: 'scanner' }, { protocol: 'imap' })).toMatchObject({ kind: 'denied', reason });
    expect(maySendAs(senders, 'Scanner@EXAMPLE.com')).toBe(true);
    expect(maySendAs(senders, 'x@scan.example')).toBe(true);
    for (const other of ['anna@example.com', 'x@sub.scan.example', '', 'example.com']) {
      expect(maySendAs(senders, other), other).toBe(false);
    }
    expect(maySendAs(['<>'], '')).toBe(true);
  });

  it('end, are taken away, and say when they were used last', async () => {
    await addAppPassword('telephone', { expires: clock.now() + 1000 });
    expect(await begin('PLAIN', `\0${anna}\0telephone`)).toMatchObject(welcome);
    directory.notes.flush();
    const used = { time: clock.now(), protocol: 'smtp', address: '192.0.2.1' };
    expect(await directory.appPasswords.need(anna, 'telephone')).toMatchObject({ used });
    clock.advance(1000);
    const reason = 'app password "telephone" has expired';
    expect(await begin('PLAIN', `\0${anna}\0telephone`)).toMatchObject({ kind: 'denied', reason });
    expect(await withScram({ password: 'telephone' })).toMatchObject({ kind: 'denied', reason });
    await directory.appPasswords.set(anna, 'telephone', { expires: 0 });
    expect(await withScram({ password: 'telephone' })).toMatchObject(welcome);
    await directory.appPasswords.remove(anna, 'telephone');
    expect(await begin('PLAIN', `\0${anna}\0telephone`)).toMatchObject({ kind: 'denied' });
    expect(await withScram({ password: 'telephone' })).toMatchObject({ kind: 'denied' });
    const events = await directory.events({ object: anna });
    expect(events.map(({ action }) => action)).toEqual([
      'mailbox.add',
      'app-password.add',
      'app-password.set',
      'app-password.remove',
    ]);
    expect(JSON.stringify(events)).not.toContain(appPasswordDigest('telephone'));
  });

  it('stay when the password of the mailbox changes, and go with the mailbox', async () => {
    await addAppPassword('telephone');
    await directory.mailboxes.set(anna, { passwordHash: await hashPassword('neu') });
    await makeKeys('neu');
    expect(await withScram({ password: 'telephone' })).toMatchObject(welcome);
    expect(await withScram({ password: 'neu' })).toMatchObject(welcome);
    await directory.mailboxes.remove(anna);
    expect(await begin('PLAIN', `\0${anna}\0telephone`)).toMatchObject({ kind: 'denied', reason: 'unknown user' });
    await directory.mailboxes.restore(anna);
    expect(await begin('PLAIN', `\0${anna}\0telephone`)).toMatchObject(welcome);
    await directory.mailboxes.remove(anna);
    await directory.mailboxes.purge(1);
    expect(directory.lookups.secrets.appPasswords(1)).toEqual([]);
    expect(directory.lookups.secrets.scramKeys(1, 'sha256')).toEqual([]);
  });

  it('are named once, in words that hold', async () => {
    await addAppPassword('telephone');
    const add = (more: object) => directory.appPasswords.add({ mailbox: anna, name: 'x', digest: 'd', ...more });
    for (const wrong of [
      { name: 'telephone' },
      { name: ' ' },
      { name: 'a\nb' },
      { protocols: ['ftp'] },
      { senders: ['nobody'] },
      { expires: -1 },
      { mailbox: 'nobody@example.com' },
    ]) {
      await expect(add(wrong), JSON.stringify(wrong)).rejects.toThrow(/./);
    }
  });
});

describe('CRAM-MD5', () => {
  const digest = (step: SaslStep, secret: string): string =>
    createHmac('md5', secret).update(challengeOf(step)).digest('hex');

  it('works with a password that can be read, and says in the log where there is none', async () => {
    const denied = await begin('CRAM-MD5');
    expect(challengeOf(denied)).toMatch(/^<[0-9a-f]{24}@mx\.example\.com>$/);
    expect(await answer(denied, `${anna} ${digest(denied, 'geheim')}`)).toMatchObject({
      kind: 'denied',
      reason: expect.stringContaining('app-password add --recoverable'),
    });
    await addAppPassword('scanner', { secret: 'scanner' });
    const step = await begin('CRAM-MD5');
    expect(await answer(step, `${anna} ${digest(step, 'scanner')}`)).toMatchObject(welcome);
    const wrong = await begin('CRAM-MD5');
    expect(await answer(wrong, `${anna} ${digest(step, 'scanner')}`)).toMatchObject({ reason: 'password mismatch' });
    await directory.mailboxes.set(anna, { passwordHash: '{PLAIN}offen' });
    const own = await begin('CRAM-MD5');
    expect(await answer(own, `${anna} ${digest(own, 'offen').toUpperCase()}`)).toMatchObject(welcome);
  });

  it('takes no initial response, and no other words', async () => {
    expect(await begin('CRAM-MD5', 'x')).toMatchObject({ kind: 'denied', flaw: 'syntax' });
    for (const word of ['', anna, `${anna} xyz`, `a\0b ${'0'.repeat(32)}`]) {
      expect(await answer(await begin('CRAM-MD5'), word)).toMatchObject({ kind: 'denied', flaw: 'syntax' });
    }
  });
});

describe('every mechanism', () => {
  it('survives anything, and lets nobody in for it', async () => {
    const names = sasl.mechanisms().map(({ name }) => name);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 4 }),
        async (name, words) => {
          let step = await begin(name, undefined, { channel });
          for (const word of words) {
            if (step.kind !== 'challenge') break;
            step = await step.answer(base64(Buffer.from(word)));
          }
          expect(step.kind).not.toBe('authenticated');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('says so where a word is not base64', async () => {
    for (const name of sasl.mechanisms().map((one) => one.name)) {
      const step = await begin(name, undefined, { channel });
      if (step.kind !== 'challenge') throw new Error(name);
      for (const word of ['====', 'a', 'AA=A', '*']) {
        expect(await step.answer(word)).toMatchObject({ kind: 'denied', flaw: 'base64' });
      }
    }
  });
});

it('passes one gate, which a lock-out closes whatever the secret, also where another program judges', async () => {
  const attempts: string[] = [];
  let isLocked = false;
  const gate: LoginGate = {
    begin: ({ account, address, protocol, mechanism }) => {
      const note = (what: string): void => void attempts.push(`${account} ${address} ${protocol} ${mechanism} ${what}`);
      if (isLocked) return { kind: 'locked', reason: 'locked out', delayMilliseconds: 0, retryAfterSeconds: 60 };
      return {
        kind: 'admitted',
        failed: () => {
          note('failed');
          return 0;
        },
        succeeded: () => note('succeeded'),
        abandoned: () => note('abandoned'),
      };
    },
  };
  await makeKeys();
  const gated = new GatedSasl(gate, sasl);
  sasl = new BuiltInSasl(
    {
      authenticator: new DirectoryAuthenticator({ directory, clock, gate }),
      gate,
      secrets: new DirectorySecrets(new DirectoryAccounts(directory, clock)),
      hostname: 'mx.example.com',
    },
    knownMechanisms,
  );
  const plain = { initialResponse: base64(`\0${anna}\0geheim`) };
  const behind = (): Promise<SaslStep> =>
    gated.begin({
      ...plain,
      mechanism: 'PLAIN',
      protocol: 'smtp',
      service: 'smtp',
      serverAddress: '192.0.2.25',
      clientAddress: '192.0.2.1',
      isSecured: true,
    });
  expect(await withScram()).toMatchObject(welcome);
  expect(await begin('PLAIN', `\0${anna}\0wrong`)).toMatchObject({ kind: 'denied' });
  expect(await behind()).toMatchObject(welcome);
  expect(attempts).toEqual([
    `${anna} 192.0.2.1 smtp SCRAM-SHA-256 succeeded`,
    `${anna} 192.0.2.1 smtp PLAIN failed`,
    `${anna} 192.0.2.1 smtp PLAIN succeeded`,
  ]);
  isLocked = true;
  const locked = {
    kind: 'denied',
    reason: 'locked out',
    told: 'too many failed logins, try again later',
    isTemporary: true,
  };
  expect(await withScram()).toMatchObject(locked);
  expect(await begin('PLAIN', `\0${anna}\0geheim`)).toMatchObject(locked);
  expect(await behind()).toMatchObject(locked);
});
