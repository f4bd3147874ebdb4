// Who may ask for metrics: this machine, or who has the token.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfiguration } from '../settings/configuration.ts';
import { metricsListeners } from './metrics-listeners.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  writeFileSync(join(folder, 'master.cf'), '');
  writeFileSync(join(folder, 'good'), 'a-token-of-enough-length\n');
  writeFileSync(join(folder, 'short'), 'short\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function listeners(text: string) {
  writeFileSync(join(folder, 'main.cf'), `compatibility_level = 3.6\n${text}\n`);
  return metricsListeners((await loadConfiguration(folder)).settings);
}

test('a port alone is that of this machine', async () => {
  expect(await listeners('')).toEqual({ addresses: [], token: undefined });
  expect(await listeners('posthaste_metrics_listen = 9154 [::1]:9155 127.0.0.2:9156 localhost:9157')).toEqual({
    addresses: [
      { host: '127.0.0.1', port: 9154 },
      { host: '::1', port: 9155 },
      { host: '127.0.0.2', port: 9156 },
      { host: '127.0.0.1', port: 9157 },
    ],
    token: undefined,
  });
});

test.each([
  '0.0.0.0:9154',
  '[::]:9154',
  '192.0.2.1:9154',
  'mail.example.com:9154',
  ':9154',
  '127.0.0.1:9154 192.0.2.1:1',
])('%s needs a token', async (address) => {
  await expect(listeners(`posthaste_metrics_listen = ${address}`)).rejects.toThrow('can be reached from elsewhere');
  const token = `posthaste_metrics_token_file = ${join(folder, 'good')}`;
  expect((await listeners(`posthaste_metrics_listen = ${address}\n${token}`)).token).toBe('a-token-of-enough-length');
});

test.each([
  ['short', 'at least 16'],
  ['nosuch', 'ENOENT'],
])('a token file that is %s is refused', async (name, why) => {
  const token = `posthaste_metrics_token_file = ${join(folder, name)}`;
  await expect(listeners(`posthaste_metrics_listen = 9154\n${token}`)).rejects.toThrow(why);
});
