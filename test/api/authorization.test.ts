// Who may do what: every operation asked by everybody, for what is his own, what is somebody else's, and what is not there.
// What is somebody else's must answer exactly as what is not there, and no answer may name it.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { type AnyOperation, pathFields, scopeOf } from '../../src/admin/operation.ts';
import { operations } from '../../src/admin/registry.ts';
import { type Answer, ApiServer } from './api-server.ts';
import { matrix } from './matrix.ts';

let api: ApiServer;
const tokens: Record<string, string> = {};
const cookies: Record<string, string> = {};

beforeAll(async () => {
  api = await ApiServer.start({
    posthaste_auth_address_limit: '0',
    posthaste_auth_network_limit: '0',
    posthaste_auth_account_limit: '0',
  });
  const { directory } = api;
  const passwordHash = await hashPassword('secret');
  for (const domain of ['own.test', 'foreign.test']) {
    await directory.domains.add(domain);
    await directory.aliasDomains.add(`alias-${domain}`, domain);
    for (const name of ['anna', 'ben']) await directory.mailboxes.add({ address: `${name}@${domain}`, passwordHash });
    await directory.aliases.add(`sales@${domain}`, [`anna@${domain}`]);
    await directory.lists.add({ address: `team@${domain}`, owners: [`anna@${domain}`], members: [`ben@${domain}`] });
    await directory.senderRights.add(`sales@${domain}`, `anna@${domain}`, true);
    await directory.appPasswords.add({ mailbox: `anna@${domain}`, name: 'telephone', digest: domain });
  }
  // Rows of the other domain that have to do with this one.
  await directory.aliases.add('all@foreign.test', ['anna@own.test', 'ben@foreign.test']);
  await directory.lists.addMembers('team@foreign.test', ['anna@own.test']);
  await directory.senderRights.add('anna@own.test', 'anna@foreign.test', true);
  await directory.aliases.add('far@own.test', ['all@foreign.test']);
  const admins = directory.administrators;
  await admins.add({ login: 'hanna', role: 'host', passwordHash });
  await admins.add({ login: 'herta', role: 'host', passwordHash });
  await admins.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash });
  await admins.add({ login: 'fred@foreign.test', role: 'domain', domains: ['foreign.test'], passwordHash });
  const logins = { host: 'hanna', domain: 'dora', user: 'anna@own.test' };
  for (const [role, login] of Object.entries(logins)) {
    tokens[role] = await api.token(login);
    cookies[role] = await logIn(login);
  }
  const end = Date.now() + 3000;
  tokens['expiring'] = await api.token('hanna', ['*'], end);
  tokens['revoked'] = await api.token('hanna');
  const all = await directory.tokens.listAll(0, 100);
  await directory.tokens.remove(all.at(-1)?.id ?? 0);
  await sleep(Math.max(0, end - Date.now() + 10));
});
afterAll(async () => {
  await api.close();
});

/** One for each scope. */
async function scoped(scope: string): Promise<string> {
  // One owner has a hundred at most.
  tokens[scope] ??= await api.token(scope < 'm' ? 'hanna' : 'herta', [scope]);
  return tokens[scope];
}

async function logIn(login: string): Promise<string> {
  const { headers, status } = await api.ask('POST', '/session', { body: { login, password: 'secret' } });
  expect([login, status]).toEqual([login, 200]);
  return (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

interface Who {
  readonly token?: string | undefined;
  readonly cookie?: string | undefined;
}

async function ask(operation: AnyOperation, input: Readonly<Record<string, unknown>>, who: Who = {}): Promise<Answer> {
  const left: Record<string, unknown> = { ...input };
  let path = operation.path;
  for (const field of pathFields(operation.path)) {
    path = path.replace(`{${field}}`, encodeURIComponent(String(left[field])));
    delete left[field];
  }
  const isInQuery = operation.method === 'GET' || operation.method === 'DELETE';
  const query = new URLSearchParams(
    Object.entries(left).map(([name, value]) => [name, String(value)] as [string, string]),
  );
  return await api.ask(operation.method, isInQuery && query.size > 0 ? `${path}?${query.toString()}` : path, {
    token: who.token,
    ...(isInQuery ? {} : { body: left }),
    headers: {
      ...(who.cookie === undefined ? {} : { cookie: who.cookie, origin: api.origin }),
      // What is permitted changes nothing: this is the state of nothing.
      ...(operation.shownBy === undefined ? {} : { 'if-match': '"none"' }),
    },
  });
}

/** What his own alias names is his to see. */
function withoutOwnTargets(text: string): string {
  return text.replaceAll('all@foreign.test', '');
}

/** Beyond authorisation, whatever came of it. */
function isPermitted({ status, body }: Answer): boolean {
  if (status === 401 || status === 403) return body?.type === 'urn:posthaste:problem:denied';
  return true;
}

const rank = { user: 1, domain: 2, host: 3 } as const;
const needed = { anyone: 0, known: 1, user: 1, domain: 2, host: 3 } as const;
const roles = ['user', 'domain', 'host'] as const;

test('every operation is in the matrix, and nothing else', () => {
  expect(Object.keys(matrix).toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
});

describe.each(operations.map((operation) => [operation.name, operation] as const))('%s', (name, operation) => {
  const asked = matrix[name] ?? { own: {} };
  // To end sessions would end the test's own.
  const endsSession = name === 'session.remove';

  test('is for nobody who is not logged in, unless it is for all', async () => {
    const answer = await ask(operation, asked.own);
    if (operation.access.who === 'anyone') expect(isPermitted(answer)).toBe(true);
    else expect(answer.status).toBe(401);
  });

  test('is for no token that has ended, was removed, or never was', async () => {
    for (const token of [tokens['expiring'], tokens['revoked'], 'pht_invented']) {
      expect((await ask(operation, asked.own, { token })).body).toMatchObject({
        status: 401,
        type: 'urn:posthaste:problem:token',
      });
    }
  });

  test('is for those whose role it is', async () => {
    for (const role of roles) {
      if (endsSession) continue;
      const who = operation.isPersonal ? { cookie: cookies[role] } : { token: tokens[role] };
      const answer = await ask(operation, asked.own, who);
      const may = rank[role] >= needed[operation.access.who];
      expect([name, role, isPermitted(answer), answer.status]).toEqual([name, role, may, answer.status]);
      if (!may) expect(answer.status).toBe(403);
      if (role !== 'host') expect(withoutOwnTargets(answer.text)).not.toContain('foreign');
    }
  });

  test('is for tokens that have its scope', async () => {
    if (operation.access.who === 'anyone') return;
    const scope = scopeOf(operation);
    const [area = '', right = ''] = scope.split(':');
    const others = [
      `${area}:${right === 'read' ? 'write' : 'read'}`,
      'nothing:*',
      `*:${right === 'read' ? 'write' : 'read'}`,
    ];
    for (const wrong of others) {
      const { body } = await ask(operation, asked.own, { token: await scoped(wrong) });
      const type = operation.isPersonal ? 'no-token' : 'scope';
      expect([wrong, body]).toMatchObject([wrong, { status: 403, type: `urn:posthaste:problem:${type}` }]);
    }
    if (operation.isPersonal) return;
    for (const good of [scope, `${area}:*`, `*:${right}`]) {
      // A token gives no more scopes than its own.
      if (name === 'token.add') continue;
      expect(isPermitted(await ask(operation, asked.own, { token: await scoped(good) }))).toBe(true);
    }
  });

  test('answers for what is foreign exactly as for what is not there', async () => {
    const { foreign, missing, neighbour } = asked;
    if (foreign === undefined || missing === undefined) return;
    for (const role of ['domain', 'user'] as const) {
      const who = { token: tokens[role] };
      const [one, other] = [await ask(operation, foreign, who), await ask(operation, missing, who)];
      expect([one.status, one.text]).toEqual([other.status, other.text]);
      // A trace of somebody else's, and a page of everybody's, are found empty.
      const isEmpty = one.status === 200 && one.body.items?.length === 0;
      expect([403, 404].includes(one.status) || isEmpty).toBe(true);
    }
    if (neighbour === undefined) return;
    const [next, none] = [
      await ask(operation, neighbour, { token: tokens['user'] }),
      await ask(operation, missing, { token: tokens['user'] }),
    ];
    expect([next.status, next.text]).toEqual([none.status, none.text]);
  });
});

describe('a domain administrator', () => {
  const get = async (path: string): Promise<Answer> => await api.ask('GET', path, { token: tokens['domain'] });

  test('finds nothing of others in lists, counts, pages and explanations', async () => {
    const paths = ['/domains', '/alias-domains', '/mailboxes', '/aliases?domain=own.test', '/lists', '/sender-logins'];
    for (const path of [
      ...paths,
      '/quotas',
      '/history',
      '/explain?address=anna@own.test',
      '/sender-logins/anna@own.test',
    ]) {
      const { status, text } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(withoutOwnTargets(text)).not.toMatch(/foreign/);
      expect(text).not.toMatch(/"(?:id|revision)":/);
    }
    expect((await get('/domains')).body.items).toHaveLength(1);
    expect((await get('/mailboxes')).body.items).toHaveLength(2);
  });

  test('learns of an alias that leads elsewhere nothing of what becomes of it there', async () => {
    const { body, text } = await get('/explain?address=far@own.test');
    expect(text).not.toContain('ben@foreign.test');
    expect(
      body.items[0].deliveries.every(
        ({ transport }: { transport: string }) => transport === '' || transport === 'mailstore',
      ),
    ).toBe(true);
    expect(text).not.toContain('anna@foreign');
  });

  test('is not told whether a target elsewhere is there', async () => {
    const add = async (target: string) =>
      (await api.ask('PUT', '/aliases/sales@own.test', { token: tokens['domain'], body: { targets: [target] } })).body;
    expect((await add('nobody@own.test')).unknownTargets).toEqual(['nobody@own.test']);
    const listed = (await get('/aliases')).body.items.find(
      ({ address }: { address: string }) => address === 'sales@own.test',
    );
    expect(listed.unknownTargets).toEqual(['nobody@own.test']);
    expect((await get('/aliases/sales@own.test')).body.unknownTargets).toEqual(['nobody@own.test']);
    expect((await add('nobody@foreign.test')).unknownTargets).toEqual([]);
    expect((await add('anna@foreign.test')).unknownTargets).toEqual([]);
    expect((await get('/aliases/sales@own.test')).body.unknownTargets).toEqual([]);
  });

  test('hears of a mailbox that goes nothing of who elsewhere needs it', async () => {
    const { body } = await api.ask('DELETE', '/mailboxes/anna@own.test', { token: tokens['domain'] });
    expect(body.references.lists).toEqual(['team@own.test']);
    expect(JSON.stringify(body)).not.toContain('foreign');
    await api.ask('POST', '/mailboxes/anna@own.test/restore', { token: tokens['domain'] });
  });

  test('who loses a domain loses it at once', async () => {
    await api.directory.administrators.set('dora', { domains: [] });
    expect((await get('/domains/own.test')).status).toBe(404);
    expect((await get('/mailboxes')).body.items).toEqual([]);
    await api.directory.administrators.set('dora', { domains: ['own.test'] });
    expect((await get('/domains/own.test')).status).toBe(200);
  });
});
