// What a domain administrator sees of revisions and plans, and what he may undo: his own, nothing else, and no number.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
let host: string;
let dora: string;

beforeAll(async () => {
  api = await ApiServer.start();
  const { directory } = api;
  for (const domain of ['own.test', 'foreign.test']) {
    await directory.domains.add(domain);
    await directory.mailboxes.add({ address: `anna@${domain}`, passwordHash: '{PLAIN}x' });
    await directory.mailboxes.add({ address: `ben@${domain}`, passwordHash: '{PLAIN}x' });
  }
  await directory.aliases.add('all@foreign.test', ['anna@foreign.test', 'elsewhere@example.net']);
  const admins = directory.administrators;
  await admins.add({ login: 'hanna', role: 'host', passwordHash: '' });
  await admins.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash: '' });
  host = await api.token('hanna');
  dora = await api.token('dora');
});
afterAll(async () => {
  await api.close();
});

const ask = async (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  await api.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
const numberOf = ({ headers }: Answer): string => headers.get('posthaste-revision') ?? '';
const marksOf = async (): Promise<string[]> =>
  (await ask(dora, 'GET', '/revisions?limit=200')).body.items.map(({ mark }: { mark: string }) => mark);
const plan = async (body: object): Promise<Answer> => await ask(dora, 'POST', '/directory/plan', body);

describe('revisions of a domain administrator', () => {
  test('are those of the domain, by marks that tell nothing, without those of others', async () => {
    await ask(host, 'PUT', '/aliases/all@foreign.test', { targets: ['ben@foreign.test'] });
    const made = await ask(dora, 'POST', '/aliases', { address: 'sales@own.test', targets: ['anna@own.test'] });
    expect(numberOf(made)).toMatch(/^[\w-]{22}$/);
    const { body, text } = await ask(dora, 'GET', '/revisions');
    expect(text).not.toMatch(/foreign|hanna|"revision"|"event"/);
    expect(body.items[0]).toMatchObject({ mark: numberOf(made), count: 1, actor: expect.stringContaining('dora') });
    expect(body.items.every(({ changes }: { changes: { object: string }[] }) => changes.length > 0)).toBe(true);
    const shown = await ask(dora, 'GET', `/revisions/${numberOf(made)}`);
    expect(shown.body).toMatchObject({ mayRevert: true, changes: [{ object: 'sales@own.test' }] });
  });

  test('pages reach each of them once, whatever lies between', async () => {
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { body } = await ask(dora, 'GET', `/revisions?limit=2${after}`);
      seen.push(...body.items.map(({ mark }: { mark: string }) => mark));
      if (body.next === undefined) break;
      after = `&after=${body.next}`;
    }
    expect(seen).toEqual(await marksOf());
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('filters find by kind, person, domain and time, and the host is nobody by name', async () => {
    const count = async (query: string) => (await ask(dora, 'GET', `/revisions?${query}`)).body.items?.length;
    expect(await count('area=alias&object=sales@own.test')).toBe(1);
    expect(await count('actor=dora')).toBe(1);
    expect(await count('actor=hanna')).toBe(0);
    expect(await count('domain=own.test&area=mailbox')).toBe(2);
    expect(await count(`since=${Date.now() + 60_000}`)).toBe(0);
    expect(await count(`until=${Date.now() - 3_600_000}`)).toBe(0);
    expect((await ask(dora, 'GET', '/revisions?domain=foreign.test')).status).toBe(403);
  });

  test('neither a number, nor a mark that was made up, nor one of others shows or undoes anything', async () => {
    const foreign = numberOf(await ask(host, 'PATCH', '/mailboxes/anna@foreign.test', { name: 'Anna' }));
    const own = numberOf(await ask(host, 'PATCH', '/mailboxes/anna@own.test', { name: 'Anna' }));
    const none = await ask(dora, 'GET', '/revisions/AAAAAAAAAAAAAAAAAAAAAA');
    expect(none.status).toBe(404);
    for (const mark of [foreign, own, '1', '99999', 'x', 'AAAAAAAAAAAAAAAAAAAAAA']) {
      const shown = await ask(dora, 'GET', `/revisions/${mark}`);
      expect([mark, shown.status, shown.text]).toEqual([mark, 404, none.text]);
      const undone = await ask(dora, 'POST', `/revisions/${mark}/revert`, {});
      expect([mark, undone.status, undone.text]).toEqual([mark, 404, none.text]);
      expect((await plan({ revision: /^\d+$/.test(mark) ? Number(mark) : mark })).status).toBe(404);
    }
    expect((await ask(host, 'GET', '/mailboxes/anna@foreign.test')).body.name).toBe('Anna');
  });

  test('his is undone and done again; what the host decides is not his to undo', async () => {
    const [newest = ''] = await marksOf();
    expect((await ask(dora, 'GET', `/revisions/${newest}`)).body.mayRevert).toBe(true);
    const undone = await ask(dora, 'POST', `/revisions/${newest}/revert`, {});
    expect([undone.status, undone.body.revision]).toEqual([200, undefined]);
    expect((await ask(host, 'GET', '/mailboxes/anna@own.test')).body.name).toBe('');
    expect((await ask(dora, 'POST', `/revisions/${undone.body.made}/revert`, {})).status).toBe(200);

    await ask(host, 'PATCH', '/domains/own.test', { maxMailboxes: 5 });
    const [limit = ''] = await marksOf();
    expect((await ask(dora, 'GET', `/revisions/${limit}`)).body).toMatchObject({
      mayRevert: false,
      actor: "the host's administrator",
    });
    const refused = await ask(dora, 'POST', `/revisions/${limit}/revert`, {});
    expect([refused.status, refused.body.type]).toEqual([403, 'urn:posthaste:problem:not-allowed']);
    expect((await plan({ revision: limit })).status).toBe(403);
    expect((await ask(host, 'GET', '/domains/own.test')).body.maxMailboxes).toBe(5);
  });

  test('one that touched others too is shown without them and is not his to undo', async () => {
    const yaml = `domains:
  own.test: {mailboxes: {ben: {name: Ben}}}
  foreign.test: {mailboxes: {ben: {name: Secret}}}
`;
    const applied = await ask(host, 'POST', '/directory/apply', { yaml });
    expect(applied.status).toBe(200);
    const [mark = ''] = await marksOf();
    const { body, text } = await ask(dora, 'GET', `/revisions/${mark}`);
    expect(body).toMatchObject({ count: 1, mayRevert: false, changes: [{ object: 'ben@own.test' }] });
    expect(text).not.toMatch(/foreign|Secret/);
    expect((await ask(dora, 'POST', `/revisions/${mark}/revert`, {})).status).toBe(403);
  });

  test('a right that was given to somebody elsewhere is not his to give again', async () => {
    await ask(host, 'POST', '/sender-logins', { address: 'anna@own.test', login: 'ben@foreign.test' });
    await ask(host, 'DELETE', '/sender-logins/anna@own.test/ben@foreign.test');
    const [mark = ''] = await marksOf();
    expect((await ask(dora, 'POST', `/revisions/${mark}/revert`, {})).status).toBe(403);
  });

  test('why it cannot be undone names nobody of the host and no number', async () => {
    const made = await ask(dora, 'PATCH', '/mailboxes/ben@own.test', { name: 'B.' });
    await ask(host, 'PATCH', '/mailboxes/ben@own.test', { name: 'Benjamin' });
    const { status, body, text } = await ask(dora, 'POST', `/revisions/${numberOf(made)}/revert`, {});
    expect([status, body.detail]).toEqual([422, expect.stringContaining('name of ben@own.test changed since')]);
    expect(text).not.toMatch(/hanna|revision \d/);
  });

  test('what was there before the domain was given its place here is not his', async () => {
    await api.directory.domains.add('gone.test');
    const left = await api.directory.mailboxes.add({ address: 'old@gone.test', passwordHash: '{PLAIN}x' });
    await api.directory.aliases.add('to@gone.test', ['old@gone.test']);
    await api.directory.lists.add({ address: 'all@gone.test', owners: ['old@gone.test'], members: ['x@example.net'] });
    await api.directory.domains.remove('gone.test', { recursive: true });
    await api.directory.domains.add('gone.test');
    await api.directory.administrators.set('dora', { domains: ['own.test', 'gone.test'] });
    expect(left.address).toBe('old@gone.test');
    expect((await ask(dora, 'GET', '/revisions?object=old@gone.test')).body.items).toEqual([]);
    const history = (await ask(dora, 'GET', '/history?object=old@gone.test')).body.items;
    expect(history).toEqual([]);
    expect((await ask(dora, 'GET', '/mailboxes?removed=true&domain=gone.test')).body.items).toEqual([]);
    for (const path of ['/mailboxes/old@gone.test', '/aliases/to@gone.test', '/lists/all@gone.test']) {
      const { status } = await ask(dora, 'POST', `${path}/restore`, {});
      expect([path, status >= 400 && status < 500]).toEqual([path, true]);
    }
    expect((await ask(host, 'GET', '/revisions?object=old@gone.test')).body.items.length).toBeGreaterThan(0);
    expect((await ask(host, 'POST', '/mailboxes/old@gone.test/restore', {})).status).toBe(200);
    // What he removes himself is his to bring back.
    await ask(dora, 'DELETE', '/mailboxes/old@gone.test');
    expect((await ask(dora, 'POST', '/mailboxes/old@gone.test/restore', {})).status).toBe(200);
    await api.directory.administrators.set('dora', { domains: ['own.test'] });
  });
});

test('a loop is told to him without the links that are not his', async () => {
  await api.directory.aliases.add('boss@foreign.test', ['hidden@foreign.test']);
  await api.directory.aliases.add('hidden@foreign.test', ['loop@own.test']);
  const input = { address: 'loop@own.test', targets: ['boss@foreign.test'] };
  const text = 'address,targets\nloop@own.test,boss@foreign.test\n';
  for (const [path, body] of [
    ['/aliases', input],
    ['/directory/plan', { operation: 'alias.add', input }],
    ['/domains/own.test/import/check', { kind: 'alias', text }],
    ['/domains/own.test/import', { kind: 'alias', text }],
  ] as const) {
    const answer = await ask(dora, 'POST', path, body);
    expect(answer.text).toContain('loop');
    expect([path, answer.text]).toEqual([path, expect.not.stringContaining('hidden')]);
  }
  const { body } = await ask(dora, 'POST', '/aliases', input);
  expect(body.detail + body.mend).toContain('boss@foreign.test → (an address elsewhere) → ');
  expect((await ask(host, 'POST', '/aliases', input)).text).toContain('hidden@foreign.test');
});

describe('a plan for a domain administrator', () => {
  test('shows the way of his addresses before and after, and no number', async () => {
    const input = { address: '@own.test', targets: ['anna@own.test'] };
    const { status, body, text } = await plan({ operation: 'alias.add', input });
    expect(status).toBe(200);
    expect(body.changes).toMatchObject([
      {
        subject: { kind: 'others', domain: 'own.test' },
        before: { reply: { code: 550 } },
        after: { reply: { code: 250 }, deliveries: [{ recipient: 'anna@own.test', transport: 'mailstore' }] },
      },
    ]);
    expect(body.flags).toMatchObject([{ kind: 'catch-all-widened' }]);
    expect(text).not.toMatch(/"id"|"event"|foreign/);
  });

  test('tells nothing of what becomes of mail at an address elsewhere', async () => {
    await ask(host, 'PUT', '/aliases/all@foreign.test', { targets: ['anna@foreign.test', 'elsewhere@example.net'] });
    const input = { address: 'far@own.test', targets: ['all@foreign.test'] };
    const { body, text } = await plan({ operation: 'alias.add', input });
    const after = body.changes[0].after.deliveries as { recipient: string; transport: string }[];
    expect(after.every(({ transport }) => transport === '')).toBe(true);
    expect(text.replaceAll('all@foreign.test', '')).not.toMatch(/foreign|elsewhere|example\.net/);
    // And whether it is there at all makes no difference.
    const none = await plan({ operation: 'alias.add', input: { ...input, targets: ['nobody@foreign.test'] } });
    const others = await plan({ operation: 'alias.add', input: { ...input, targets: ['anna@foreign.test'] } });
    expect(others.body.sending).toEqual([]);
    expect(none.body.changes.length).toBe(body.changes.length);
  });

  test('says nothing of addresses elsewhere that lead to his', async () => {
    await ask(host, 'POST', '/aliases', { address: 'spy@foreign.test', targets: ['anna@own.test'] });
    const { body, text } = await plan({ operation: 'mailbox.remove', input: { address: 'anna@own.test' } });
    expect(body.changes.length).toBeGreaterThan(0);
    expect(text).not.toMatch(/spy|foreign/);
    const disabled = await plan({ operation: 'mailbox.set', input: { address: 'anna@own.test', enabled: false } });
    expect(disabled.body.flags.map(({ kind }: { kind: string }) => kind)).toContain('mailbox-unreachable');
    expect(disabled.text).not.toMatch(/spy|foreign/);
  });

  test('leaves the host where his own row says so', async () => {
    const input = { address: 'out@own.test', targets: ['somebody@example.org'] };
    const { body } = await plan({ operation: 'alias.add', input });
    expect(body.changes[0].after.deliveries).toMatchObject([{ recipient: 'somebody@example.org', leaves: true }]);
    expect(body.flags).toMatchObject([{ kind: 'leaves-host' }]);
  });

  test('tries nothing that he may not do', async () => {
    for (const [operation, input] of [
      ['domain.set', { name: 'own.test', active: false }],
      ['transport.add', { place: 'own.test', transport: 'smtp:[192.0.2.1]' }],
      ['alias.add', { address: 'x@foreign.test', targets: ['anna@own.test'] }],
      ['mailbox.remove', { address: 'anna@foreign.test' }],
      ['mailbox.remove', { address: 'anna@missing.test' }],
      ['mailbox.rename', { address: 'anna@own.test', to: 'x@foreign.test' }],
      ['mailbox.rename', { address: 'anna@own.test', to: 'x@own.test', moveReferences: true }],
    ] as const) {
      const { status } = await plan({ operation, input });
      expect([operation, [403, 404].includes(status)]).toEqual([operation, true]);
    }
    expect((await plan({ yaml: 'domains:\n' })).status).toBe(403);
    const [foreign, missing] = await Promise.all(
      ['foreign', 'missing'].map(
        async (name) => await plan({ operation: 'mailbox.remove', input: { address: `anna@${name}.test` } }),
      ),
    );
    expect(foreign?.text).toBe(missing?.text);
  });
});
