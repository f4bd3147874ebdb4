// Changing a password as a webmail program does: by a form, with the password so far.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/auth/password-scheme.ts';
import { ApiServer } from './api-server.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await ApiServer.start();
  const passwordHash = await hashPassword('secret');
  await api.directory.domains.add('own.test');
  await api.directory.mailboxes.add({ address: 'anna@own.test', passwordHash });
  await api.directory.administrators.add({ login: 'hanna', role: 'host', passwordHash });
});
afterAll(async () => {
  await api.close();
});

const send = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const options = { method: 'POST', body: new URLSearchParams(fields), headers };
  return await fetch(`${api.origin}/api/v1${path}`, options);
};
const hash = (): string => api.directory.credentials('anna@own.test')?.passwordHash ?? '';

test('a form with the right password changes it, one with a wrong one does not', async () => {
  const wrong = await send('/self/password', { user: 'anna@own.test', curpass: 'no', newpass: 'new' });
  expect([wrong.status, await verifyPassword('secret', hash())]).toEqual([401, true]);
  const right = await send('/self/password', { user: 'anna@own.test', curpass: 'secret', newpass: 'next' });
  expect([right.status, await right.text()]).toEqual([200, '{"changed":true}']);
  expect([await verifyPassword('next', hash()), await verifyPassword('secret', hash())]).toEqual([true, false]);
});

test('it is for mailboxes, for no other site, and forms are for nothing else', async () => {
  const admin = await send('/self/password', { user: 'hanna', curpass: 'secret', newpass: 'next' });
  expect(admin.status).toBe(401);
  const fields = { user: 'anna@own.test', curpass: 'next', newpass: 'stolen' };
  expect((await send('/self/password', fields, { origin: 'https://evil.test' })).status).toBe(403);
  expect((await send('/session', { login: 'anna@own.test', password: 'next' })).status).toBe(415);
  expect(await verifyPassword('next', hash())).toBe(true);
});
