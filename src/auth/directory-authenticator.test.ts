// Logging in against a real directory: who gets in, what it costs, and what tells nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { FakeClock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { DirectoryAuthenticator } from './directory-authenticator.ts';
import { FailureDelay } from './failure-delay.ts';
import { HashLimiter } from './hash-limiter.ts';
import { hashPassword } from './password-scheme.ts';
import type { AuthResult } from './types.ts';
import { VerifiedCache } from './verified-cache.ts';

let folder: string;
let directory: Directory;
let authenticator: DirectoryAuthenticator;
let annaId: number;
const clock = new FakeClock();
const noDelay = { firstMilliseconds: 0, maxMilliseconds: 0, maxEntries: 100 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  authenticator = new DirectoryAuthenticator({ directory, clock, failureDelay: noDelay });
  await directory.domains.add('example.com');
  annaId = (await directory.mailboxes.add({ address: 'Anna@example.com', passwordHash: await hashPassword('geheim') }))
    .id;
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const login = (name: string, password: string): Promise<AuthResult> =>
  authenticator.authenticate({ login: name, password, service: 'imap', remoteAddress: '192.0.2.1' });

describe('logging in', () => {
  it('takes the whole address in any case, also through an alias domain', async () => {
    await directory.aliasDomains.add('example.org', 'example.com');
    const in_ = { kind: 'authenticated', mailboxId: annaId, login: 'anna@example.com' };
    for (const name of ['anna@example.com', 'ANNA@Example.COM', 'anna@example.org'])
      expect(await login(name, 'geheim')).toEqual(in_);
  });

  it('says for the log why not, and lets nobody in by an alias or a catch-all', async () => {
    await directory.aliases.add('@example.com', ['anna@example.com']);
    expect(await login('anna@example.com', 'Geheim')).toEqual({ kind: 'denied', reason: 'password mismatch' });
    expect(await login('anna@example.com', '')).toEqual({ kind: 'denied', reason: 'password mismatch' });
    for (const name of [
      'postmaster@example.com',
      'x@example.com',
      'anna',
      '',
      '@example.com',
      `${'a'.repeat(400)}@example.com`,
    ]) {
      expect(await login(name, 'geheim'), name).toEqual({ kind: 'denied', reason: 'unknown user' });
    }
  });

  it('obeys a change of the password, a disabling and a removal at once, whatever it remembers', async () => {
    expect((await login('anna@example.com', 'geheim')).kind).toBe('authenticated');
    await directory.mailboxes.set('anna@example.com', { passwordHash: '{PLAIN}neu' });
    expect((await login('anna@example.com', 'geheim')).kind).toBe('denied');
    expect((await login('anna@example.com', 'neu')).kind).toBe('authenticated');
    await directory.mailboxes.set('anna@example.com', { enabled: false });
    expect(await login('anna@example.com', 'neu')).toEqual({ kind: 'denied', reason: 'disabled' });
    expect(await login('anna@example.com', 'wrong')).toEqual({ kind: 'denied', reason: 'password mismatch' });
    await directory.mailboxes.set('anna@example.com', { enabled: true });
    await directory.mailboxes.remove('anna@example.com');
    expect(await login('anna@example.com', 'neu')).toEqual({ kind: 'denied', reason: 'unknown user' });
  });

  it('leaves a weak hash as it is', async () => {
    await directory.mailboxes.set('anna@example.com', { passwordHash: '{PLAIN}alt' });
    await login('anna@example.com', 'alt');
    expect(directory.credentials('anna@example.com')?.passwordHash).toBe('{PLAIN}alt');
  });

  it('does not call a hash that it cannot compute a wrong password', async () => {
    await directory.mailboxes.set('anna@example.com', { passwordHash: '{NTLM}00' });
    await expect(login('anna@example.com', 'geheim')).rejects.toThrow(TemporaryError);
  });

  it('costs a hash for an unknown user as for a known one', async () => {
    // Where no hash may be computed, whoever needs one is told to come again.
    authenticator = new DirectoryAuthenticator({
      directory,
      clock,
      failureDelay: noDelay,
      maxHashing: 0,
      maxWaiting: 0,
    });
    await expect(login('anna@example.com', 'x')).rejects.toThrow(TemporaryError);
    await expect(login('nobody@example.com', 'x')).rejects.toThrow(TemporaryError);
  });

  it('costs no hash the second time', async () => {
    authenticator = new DirectoryAuthenticator({
      directory,
      clock,
      failureDelay: noDelay,
      maxHashing: 1,
      maxWaiting: 0,
    });
    await login('anna@example.com', 'geheim');
    const guess = login('anna@example.com', 'guess');
    await expect(login('anna@example.com', 'other guess')).rejects.toThrow(TemporaryError);
    expect((await login('anna@example.com', 'geheim')).kind).toBe('authenticated');
    expect((await guess).kind).toBe('denied');
  });
});

describe('limits', () => {
  it('computes a few hashes at a time and turns the flood away', async () => {
    const limiter = new HashLimiter(2, 3, 3);
    let running = 0;
    let most = 0;
    const finish: (() => void)[] = [];
    const start = (): Promise<void> =>
      limiter.run('a', async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => finish.push(resolve));
        running--;
      });
    const work = Array.from({ length: 5 }, start);
    await expect(start()).rejects.toThrow(TemporaryError);
    for (let done = 0; done < 5; done++) {
      await new Promise((resolve) => setImmediate(resolve));
      finish.shift()?.();
    }
    await Promise.all(work);
    expect(most).toBe(2);
    // Places are given back, also after an error.
    await expect(limiter.run('a', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await limiter.run('a', async () => 5)).toBe(5);
  });

  it('remembers a right password for a while, a bounded number of them, and never across mailboxes', () => {
    const time = new FakeClock();
    const cache = new VerifiedCache(time, 1000, 2);
    cache.add(1, 'hash', 'a');
    expect(cache.has(1, 'hash', 'a')).toBe(true);
    for (const [id, hash, password] of [
      [2, 'hash', 'a'],
      [1, 'hash2', 'a'],
      [1, 'hash', 'b'],
      [1, 'has', 'ha'],
    ] as const) {
      expect(cache.has(id, hash, password)).toBe(false);
    }
    cache.add(2, 'hash', 'a');
    expect(cache.has(1, 'hash', 'a')).toBe(true);
    cache.add(3, 'hash', 'a');
    expect([1, 2, 3].map((id) => cache.has(id, 'hash', 'a'))).toEqual([true, false, true]);
    time.advance(1000);
    expect([1, 2, 3].map((id) => cache.has(id, 'hash', 'a'))).toEqual([false, false, false]);
  });

  it('makes each further failure wait longer, up to a limit, until one gets in or stops trying', () => {
    const time = new FakeClock();
    const delay = new FailureDelay(time, { firstMilliseconds: 2000, maxMilliseconds: 15_000, maxEntries: 2 });
    expect([1, 2, 3, 4, 5].map(() => delay.failed('192.0.2.1', 'anna'))).toEqual([2000, 4000, 8000, 15_000, 15_000]);
    expect(delay.failed('192.0.2.2', 'anna')).toBe(2000);
    delay.succeeded('192.0.2.1', 'anna');
    expect(delay.failed('192.0.2.1', 'anna')).toBe(2000);
    time.advance(900_000);
    expect(delay.failed('192.0.2.1', 'anna')).toBe(2000);
    delay.failed('192.0.2.3', 'x');
    delay.failed('192.0.2.4', 'x');
    expect(delay.failed('192.0.2.1', 'anna')).toBe(2000);
  });
});
