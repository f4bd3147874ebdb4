// Parameters of main.cf over the network: what is written and what comes of it, what is refused, and what nobody is shown.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
let token: string;
let main: string;

beforeAll(async () => {
  api = await ApiServer.start({
    smtp_sasl_password_maps: 'inline:{relay.example=login:moon-landing}',
    smtpd_bannerr: 'misspelt',
  });
  await api.directory.administrators.add({ login: 'hanna', role: 'host' });
  token = await api.token('hanna');
  main = join(api.folder, 'main.cf');
  writeFileSync(
    main,
    `# What the host says.\n${readFileSync(main, 'utf8')}\n# The greeting:\nsmtpd_banner = $myhostname\n  ESMTP first\n# The end.\n`,
  );
});
afterAll(async () => {
  await api.close();
});

const ask = async (method: string, path: string, body?: unknown): Promise<Answer> =>
  await api.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
const set = async (name: string, value: string): Promise<Answer> => await ask('PUT', `/settings/${name}`, { value });

async function greeting(): Promise<string> {
  const socket = connect(api.smtpPort, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

describe('a parameter that is changed', () => {
  test('is changed where it stands, counts at once, is in the history, and comes back byte by byte', async () => {
    const before = readFileSync(main, 'utf8');
    const { status, body } = await set('smtpd_banner', '$myhostname ESMTP second');
    expect([status, body.restart, body.findings]).toEqual([200, [], []]);
    expect(body.setting).toMatchObject({ isSet: true, value: '$myhostname ESMTP second', origin: { kind: 'file' } });
    expect(readFileSync(main, 'utf8')).toBe(before.replace('$myhostname\n  ESMTP first', '$myhostname ESMTP second'));
    expect(await greeting()).toBe('220 mail.host.test ESMTP second\r\n');
    const { body: history } = await ask('GET', '/history?object=smtpd_banner');
    expect(history.items).toMatchObject([
      {
        action: 'parameter.set',
        actor: expect.stringMatching(/^api:hanna#/),
        after: { value: '$myhostname ESMTP second' },
      },
    ]);
    expect((await ask('POST', '/settings/smtpd_banner/undo')).status).toBe(200);
    expect(readFileSync(main, 'utf8')).toBe(before);
    expect(await greeting()).toBe('220 mail.host.test  ESMTP first\r\n');
  });

  test('is undone by its value where somebody else has changed the file meanwhile', async () => {
    expect((await set('smtpd_helo_required', 'yes')).status).toBe(200);
    writeFileSync(main, `${readFileSync(main, 'utf8')}# By hand.\n`);
    expect((await ask('POST', '/settings/smtpd_helo_required/undo')).body.setting.isSet).toBe(false);
    const text = readFileSync(main, 'utf8');
    expect(text).toContain('# By hand.\n');
    expect(text).not.toContain('smtpd_helo_required');
  });

  test('says when it needs a restart, and says so until then', async () => {
    const { body } = await set('message_size_limit', '20000000');
    expect(body.restart).toEqual(['message_size_limit has changed: that needs a restart']);
    expect((await ask('GET', '/settings-state')).body).toEqual({ isWritable: true, restart: body.restart });
    expect((await ask('DELETE', '/settings/message_size_limit')).body.restart).toEqual([]);
    expect((await ask('DELETE', '/settings/message_size_limit')).status).toBe(409);
    for (const [name, value] of [
      ['posthaste_trace_subjects', 'no'],
      ['posthaste_http_client_connection_limit', '50'],
    ] as const) {
      expect((await set(name, value)).body.restart).toEqual([`${name} has changed: that needs a restart`]);
      expect((await ask('DELETE', `/settings/${name}`)).body.restart).toEqual([]);
    }
  });
});

describe('a parameter that two change at once', () => {
  test('is as the first has it: If-Match is compared when it is written', async () => {
    const path = '/settings/message_size_limit';
    const tag = (await ask('GET', path)).headers.get('etag') ?? '';
    const send = async (method: string, to: string, seen: string, body?: object): Promise<number> =>
      (await api.ask(method, to, { token, headers: { 'if-match': seen }, ...(body && { body }) })).status;
    const statuses = await Promise.all(
      ['20000001', '20000002', '20000003'].map((value) => send('PUT', path, tag, { value })),
    );
    expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 412, 412]);
    for (const [method, to] of [
      ['DELETE', path],
      ['POST', `${path}/undo`],
    ] as const) {
      expect(await send(method, to, tag)).toBe(412);
    }
    const now = (await ask('GET', path)).headers.get('etag') ?? '';
    writeFileSync(main, `# Above.\n${readFileSync(main, 'utf8')}`);
    expect(await send('DELETE', path, now)).toBe(200);
  });
});

describe('a change is refused, and the file stays as it is,', () => {
  test.each([
    ['a word where a number belongs', 'message_size_limit', 'big', 422, /must be a whole number/],
    ['what is no time', 'smtpd_timeout', '5 parsecs', 422, /must be a number with one of/],
    ['what stands between no others', 'smtpd_tls_security_level', 'perhaps', 422, /must be one of/],
    ['a reference that cannot be expanded', 'smtpd_banner', '${myhostname', 422, /./],
    ['a second line', 'smtpd_banner', 'a\nmailbox_command = /bin/sh', 422, /one line/],
    ['an open relay', 'smtpd_relay_restrictions', 'permit', 422, /relay/],
    ['a command', 'mailbox_command', '/bin/sh', 403, /which commands run/],
    ['the rights of root', 'default_privs', 'root', 403, /whose rights/],
    ['a file that is read to strangers', 'bounce_template_file', '/etc/shadow', 403, /files or folders/],
    ['a table in a file', 'relocated_maps', 'texthash:/etc/shadow', 403, /does not use yet/],
    ['a made-up name', 'smtpd_bannerr', 'x', 403, /depends on where it is used/],
    ['a name that nobody has', 'no_such_parameter', 'x', 404, /no parameter/],
  ])('of %s', async (_what, name, value, status, text) => {
    const before = readFileSync(main, 'utf8');
    const answer = await set(name, value);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(text)]);
    expect(readFileSync(main, 'utf8')).toBe(before);
  });
});

describe('what is shown', () => {
  test('tells value, origin and kind; finds by a word; and pages', async () => {
    const { body } = await ask('GET', '/settings?only=set&limit=5');
    expect(body.items).toHaveLength(5);
    const next = await ask('GET', `/settings?only=set&limit=1000&after=${body.next}`);
    const all = [...body.items, ...next.body.items].map(({ name }: { name: string }) => name);
    expect(all).toContain('smtpd_bannerr');
    expect(new Set(all).size).toBe(all.length);
    const found = await ask('GET', '/settings?search=largest%20message');
    expect(found.body.items.map(({ name }: { name: string }) => name)).toContain('message_size_limit');
    expect((await ask('GET', '/settings/mailbox_command')).body).toMatchObject({
      isSet: false,
      origin: { kind: 'default' },
      machineOnly: expect.stringMatching(/commands/),
    });
  });

  test('has the findings of lint at their parameters', async () => {
    const { body } = await ask('GET', '/lint');
    expect(body.items).toContainEqual(
      expect.objectContaining({ rule: 'unknown-parameter', parameter: 'smtpd_bannerr' }),
    );
    const { body: spoken } = await ask('GET', '/settings?only=findings');
    expect(spoken.items.map(({ name }: { name: string }) => name)).toContain('smtpd_bannerr');
  });

  test('has services, with where they listen', async () => {
    const { body } = await ask('GET', '/services');
    expect(body.items[0]).toMatchObject({
      command: 'smtpd',
      state: 'listening',
      addresses: [`127.0.0.1:${api.smtpPort}`],
    });
    expect(body.items.map(({ state }: { state: string }) => state)).toEqual([
      'listening',
      'running',
      'running',
      'running',
      'running',
    ]);
  });

  test('has no password in it, before and after a change', async () => {
    expect((await set('smtp_sasl_password_maps', 'inline:{relay.example=login:sun-landing}')).status).toBe(200);
    expect(readFileSync(main, 'utf8')).toContain('sun-landing');
    for (const path of [
      '/settings?limit=1000',
      '/settings/smtp_sasl_password_maps',
      '/lint',
      '/services',
      '/history',
    ]) {
      const { text, status } = await ask('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toMatch(/landing/);
    }
  });

  test('is for administrators of the host, and tokens with its scope', async () => {
    const reader = await api.token('hanna', ['setting:read']);
    expect((await api.ask('GET', '/settings/smtpd_banner', { token: reader })).status).toBe(200);
    const refused = await api.ask('PUT', '/settings/smtpd_banner', { token: reader, body: { value: 'x' } });
    expect([refused.status, refused.body.type]).toEqual([403, 'urn:posthaste:problem:scope']);
  });
});
