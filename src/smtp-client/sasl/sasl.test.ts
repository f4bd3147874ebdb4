// Mechanisms against the examples of their RFCs, servers that do not play by the rules, and the choice among what is offered.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ServerReply } from '../reply.ts';
import { CramMd5 } from './cram-md5.ts';
import { type AuthDialogue, logIn, type SaslRules } from './login.ts';
import { chooseMechanism } from './mechanism.ts';
import { Scram } from './scram.ts';

const text = (bytes: Buffer | undefined): string => bytes?.toString() ?? '';

describe('SCRAM', () => {
  test.each([
    {
      // RFC 5802 §5
      hash: 'sha1' as const,
      nonce: 'fyko+d2lbbFgONRv9qkxdawL',
      server: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      verifier: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      // RFC 7677 §3
      hash: 'sha256' as const,
      nonce: 'rOprNGfwEbeRWgbNEkqO',
      server: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      final:
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      verifier: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
  ])('$hash, as its RFC shows it', async ({ hash, nonce, server, final, verifier }) => {
    const scram = new Scram(hash, { login: 'user', password: 'pencil' }, nonce);
    expect(text(scram.first())).toBe(`n,,n=user,r=${nonce}`);
    expect(text(await scram.next(Buffer.from(server)))).toBe(final);
    expect(scram.isComplete).toBe(false);
    expect(text(await scram.next(Buffer.from(verifier)))).toBe('');
    expect(scram.isComplete).toBe(true);
  });

  test.each([
    ['another nonce', 'r=other123,s=QSXCR+Q6sek8bf92,i=4096', 'bad challenge'],
    ['our nonce alone', 'r=mine,s=QSXCR+Q6sek8bf92,i=4096', 'bad challenge'],
    ['few iterations', 'r=minetoo,s=QSXCR+Q6sek8bf92,i=1', 'asks for 1 iterations'],
    ['endless iterations', 'r=minetoo,s=QSXCR+Q6sek8bf92,i=999999999', 'asks for 999999999 iterations'],
    ['an extension that must be known', 'm=x,r=minetoo,s=QSXCR+Q6sek8bf92,i=4096', 'bad challenge'],
    ['nothing', '', 'bad challenge'],
  ])('goes no further with %s', async (_, challenge, why) => {
    const scram = new Scram('sha256', { login: 'joe', password: 'secret' }, 'mine');
    scram.first();
    await expect(scram.next(Buffer.from(challenge))).rejects.toThrow(why);
  });

  test('does not believe a server that does not know the password', async () => {
    const scram = new Scram('sha256', { login: 'a=b,c', password: 'secret' }, 'mine');
    expect(text(scram.first())).toBe('n,,n=a=3Db=2Cc,r=mine');
    const challenge = 'r=mine2,s=QSXCR+Q6sek8bf92,i=4096';
    await scram.next(Buffer.from(challenge));
    await expect(scram.next(Buffer.from('v=AAAA'))).rejects.toThrow('does not know the password');
    await expect(scram.next(Buffer.from('e=invalid-proof'))).rejects.toThrow('the server says: invalid-proof');
    expect(scram.isComplete).toBe(false);
  });
});

test('CRAM-MD5, as RFC 2195 shows it', () => {
  const cram = new CramMd5({ login: 'tim', password: 'tanstaaftanstaaf' });
  const answer = cram.next(Buffer.from('<1896.697170952@postoffice.reston.mci.net>'));
  expect(text(answer)).toBe('tim b913a602c7eda7a495b4e6e7334d3890');
});

describe('the choice', () => {
  const any = () => true;
  test('is the best that is offered and allowed', () => {
    const offered = ['LOGIN', 'PLAIN', 'CRAM-MD5', 'XOAUTH2', 'SCRAM-SHA-1', 'GSSAPI'];
    expect(chooseMechanism(offered, any)?.name).toBe('SCRAM-SHA-1');
    expect(chooseMechanism(offered, ({ properties }) => !properties.has('dictionary'))?.name).toBe('XOAUTH2');
    expect(chooseMechanism(['PLAIN', 'XOAUTH2'], any)?.name).toBe('PLAIN');
    expect(chooseMechanism(['GSSAPI', 'ANONYMOUS'], any)).toBeUndefined();
  });
});

describe('the dialogue', () => {
  const rules: SaslRules = { isUsable: async () => true, isSafe: () => true, softBounce: true };

  /** A server that gives these replies one after the other. */
  function server(...replies: string[]): { dialogue: AuthDialogue; lines: string[] } {
    const lines: string[] = [];
    const command = async (line: string): Promise<ServerReply> => {
      lines.push(line);
      const reply = replies.shift() ?? '334 ';
      const status = /^\d{3} (\d\.\d\.\d)/.exec(reply)?.[1] ?? `${reply.charAt(0)}.0.0`;
      return { code: Number(reply.slice(0, 3)), status, text: reply, lines: [reply.slice(4)] };
    };
    return { dialogue: { label: 'mx[192.0.2.1]', command, warn: () => undefined }, lines };
  }

  test('sends what is too long for the command after it', async () => {
    const token = 'x'.repeat(600);
    const { dialogue, lines } = server('334 ', '235 2.7.0 ok');
    const result = await logIn(dialogue, 'XOAUTH2', { login: 'joe', password: token }, 'tls', rules);
    expect(result).toEqual({ kind: 'done' });
    expect(lines[0]).toBe('AUTH XOAUTH2');
    expect(Buffer.from(lines[1] ?? '', 'base64').toString()).toBe(`user=joe\x01auth=Bearer ${token}\x01\x01`);
  });

  test('asks a refused token for its reason, and reports the refusal', async () => {
    const why = Buffer.from('{"status":"401"}').toString('base64');
    const { dialogue, lines } = server(`334 ${why}`, '535 5.7.8 no');
    const result = await logIn(dialogue, 'XOAUTH2', { login: 'joe', password: 'token' }, 'tls', rules);
    expect(lines[1]).toBe('');
    expect(result).toMatchObject({
      status: '4.7.8',
      reason: 'SASL authentication failed; server mx[192.0.2.1] said: 535 5.7.8 no',
    });
  });

  test('does not repeat a secret that the server repeats', async () => {
    const secret = Buffer.from('\0joe\0hunter22').toString('base64');
    const { dialogue } = server(`501 5.5.2 cannot read ${secret} (hunter22)`);
    const result = await logIn(dialogue, 'PLAIN', { login: 'joe', password: 'hunter22' }, 'none', rules);
    expect(result).toMatchObject({ kind: 'failed', status: '4.5.2' });
    expect(JSON.stringify(result)).not.toMatch(/hunter22|am9l/);
  });

  test('ends with a server that asks without end', async () => {
    const { dialogue, lines } = server();
    const result = await logIn(dialogue, 'LOGIN', { login: 'joe', password: 'secret' }, 'none', rules);
    expect(result).toMatchObject({ kind: 'failed', status: '4.7.0' });
    expect(lines.length).toBeLessThan(20);
  });

  test('takes a yes only from a SCRAM server that has proved itself', async () => {
    const credentials = { login: 'joe', password: 'secret' };
    const early = server('235 2.7.0 welcome');
    expect(await logIn(early.dialogue, 'SCRAM-SHA-256', credentials, 'none', rules)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('did not show that it knows the password') as string,
    });
    expect(await logIn(scramServer('secret'), 'SCRAM-SHA-256', credentials, 'none', rules)).toEqual({ kind: 'done' });
    expect(await logIn(scramServer('other'), 'SCRAM-SHA-256', credentials, 'none', rules)).toMatchObject({
      kind: 'failed',
      reason:
        'SASL authentication failed; cannot authenticate to server mx[192.0.2.1]: the server does not know the password',
    });
  });

  /** Says yes to everybody, and proves that it knows `password`. */
  function scramServer(password: string): AuthDialogue {
    let first = '';
    let challenge = '';
    const reply = (code: number, words: string): ServerReply => ({
      code,
      status: '2.7.0',
      text: words,
      lines: [Buffer.from(words).toString('base64')],
    });
    const hmac = (key: Buffer, message: string) => createHmac('sha256', key).update(message).digest();
    const command = async (line: string): Promise<ServerReply> => {
      if (line === '') return reply(235, 'ok');
      const message = Buffer.from(line.split(' ').at(-1) ?? '', 'base64').toString();
      if (line.startsWith('AUTH')) {
        first = message.slice(3);
        challenge = `${first.replace(/^.*r=/, 'r=')}more,s=${createHash('sha1').digest('base64')},i=4096`;
        return reply(334, challenge);
      }
      const salted = pbkdf2Sync(password, createHash('sha1').digest(), 4096, 32, 'sha256');
      const signed = `${first},${challenge},${message.replace(/,p=.*$/, '')}`;
      return reply(334, `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`);
    };
    return { label: 'mx[192.0.2.1]', command, warn: () => undefined };
  }
});
