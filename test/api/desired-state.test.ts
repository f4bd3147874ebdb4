// History, reverting, plans and the directory as text, by the API.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
let token: string;

beforeAll(async () => {
  api = await ApiServer.start();
  const { directory } = api;
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash: '' });
  token = await api.token('hanna');
  await directory.domains.add('plan.test');
  await directory.mailboxes.add({ address: 'anna@plan.test', passwordHash: '{PLAIN}x' });
});
afterAll(async () => {
  await api.close();
});

const ask = async (method: string, path: string, body?: unknown): Promise<Answer> =>
  await api.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
const plan = async (body: object): Promise<Answer> => await ask('POST', '/directory/plan', body);

test('a plan says what a change would do and does not make it', async () => {
  const input = { address: 'sales@plan.test', targets: ['anna@plan.test'] };
  const { status, body } = await plan({ operation: 'alias.add', input });
  expect(status).toBe(200);
  expect(body.objects).toMatchObject([{ action: 'alias.add', object: 'sales@plan.test' }]);
  expect(body.changes[0]).toMatchObject({
    subject: { address: 'sales@plan.test' },
    before: { reply: { code: 550 } },
    after: { reply: { code: 250 }, deliveries: [{ recipient: 'anna@plan.test' }] },
  });
  expect((await ask('GET', '/aliases/sales@plan.test')).status).toBe(404);
  expect((await ask('POST', '/aliases', input)).status).toBe(201);
  expect((await plan({ operation: 'alias.add', input })).status).toBe(409);
});

test('a plan of a new password keeps nothing of it', async () => {
  const before = api.directory.credentials('anna@plan.test')?.passwordHash;
  const input = { address: 'anna@plan.test', password: 'entirely-new' };
  const { status, text } = await plan({ operation: 'mailbox.set', input });
  expect(status).toBe(200);
  expect(text).not.toContain('entirely-new');
  expect(before).toBe('{PLAIN}x');
  expect(api.directory.credentials('anna@plan.test')?.passwordHash).toBe(before);
});

test('a plan tries no operation that does more than change the directory', async () => {
  for (const operation of [
    'token.add',
    'mailbox.second-factors-add',
    'queue.remove',
    'directory.apply',
    'mailbox.list',
  ]) {
    expect([operation, (await plan({ operation, input: {} })).body]).toMatchObject([operation, { field: 'operation' }]);
  }
  expect((await plan({})).body.field).toBe('operation');
  expect((await plan({ operation: 'alias.add', revision: 1 })).status).toBe(422);
  expect((await plan({ operation: 'alias.add', input: { address: 'x@plan.test' } })).body.field).toBe('targets');
});

test('a revision is listed, shown, planned and undone, and that is undone again', async () => {
  await ask('PATCH', '/mailboxes/anna@plan.test', { name: 'Anna' });
  const { items } = (await ask('GET', '/revisions?object=ANNA@plan.test&limit=1')).body;
  expect(items).toMatchObject([{ actor: expect.stringMatching(/^api:hanna/), count: 1 }]);
  const [{ revision }] = items;
  const { body } = await ask('GET', `/revisions/${revision}`);
  expect(body.changes[0].differences).toEqual([{ field: 'name', before: '', after: 'Anna' }]);
  expect((await plan({ revision })).body.objects[0]).toMatchObject({ object: 'anna@plan.test' });
  expect((await ask('POST', `/revisions/${revision}/revert`, {})).body).toMatchObject({ revision, count: 1 });
  expect((await ask('GET', '/mailboxes/anna@plan.test')).body.name).toBe('');
  const again = await ask('POST', `/revisions/${revision}/revert`, {});
  expect([again.status, again.body.detail]).toMatchObject([422, expect.stringContaining('cannot be undone')]);
  expect(again.body.detail).toMatch(/cannot be undone: ./);
  expect((await ask('GET', '/revisions/99999')).status).toBe(404);
});

test('a change says which revision it is, and that one can be undone, and its undoing too', async () => {
  const made = await ask('POST', '/aliases', { address: 'undo@plan.test', targets: ['anna@plan.test'] });
  const mark = made.headers.get('posthaste-revision');
  expect(mark).toMatch(/^\d+$/);
  const undone = await ask('POST', `/revisions/${mark}/revert`, {});
  expect((await ask('GET', '/aliases/undo@plan.test')).status).toBe(404);
  expect((await ask('POST', `/revisions/${undone.body.made}/revert`, {})).status).toBe(200);
  expect((await ask('DELETE', '/aliases/undo@plan.test')).headers.get('posthaste-revision')).toMatch(/^\d+$/);
});

test('a long plan gives the first addresses and counts all', async () => {
  const input = { name: 'plan.test', active: false };
  const whole = (await plan({ operation: 'domain.set', input })).body;
  const { status, body } = await plan({ operation: 'domain.set', input, limit: 1 });
  expect([status, body.changes.length, body.flags.length]).toEqual([200, 1, 1]);
  expect(whole.changeCount).toBe(whole.changes.length);
  expect([body.changeCount, body.flagCounts]).toEqual([whole.changeCount, whole.flagCounts]);
  expect(Object.values(body.flagCounts as Record<string, number>).reduce((sum, one) => sum + one)).toBeGreaterThan(1);
});

test('pages of revisions reach every one once', async () => {
  const seen: number[] = [];
  let after = '';
  for (;;) {
    const { body } = await ask('GET', `/revisions?limit=2${after}`);
    seen.push(...body.items.map(({ revision }: { revision: number }) => revision));
    if (body.next === undefined) break;
    after = `&after=${body.next}`;
  }
  expect(seen).toEqual([...new Set(seen)].toSorted((one, two) => two - one));
  expect(seen.length).toBeGreaterThan(4);
  expect(seen.at(-1)).toBe((await ask('GET', '/history?limit=1')).body.items[0].revision);
});

test('what is dumped can be applied: to nothing different, and after a change of the text', async () => {
  const { yaml } = (await ask('GET', '/directory?domain=plan.test')).body;
  expect(yaml).toContain('anna');
  expect(yaml).not.toContain('{PLAIN}');
  expect((await ask('POST', '/directory/apply', { yaml })).body).toMatchObject({ added: 0, changed: 0, removed: 0 });
  const wanted = yaml.replaceAll('sales', 'orders');
  const { body } = await plan({ yaml: wanted, prune: true });
  expect(body.objectCount).toBe(2);
  expect((await ask('GET', '/aliases/orders@plan.test')).status).toBe(404);
  const made = await ask('POST', '/directory/apply', { yaml: wanted, prune: true });
  expect(made.body).toMatchObject({ added: 1, changed: 0, removed: 1 });
  expect((await ask('GET', '/aliases/orders@plan.test')).status).toBe(200);
});

test('a text with a mistake changes nothing and says where', async () => {
  const yaml = 'domains:\n  good.test:\n  plan.test:\n    unheard: of\n';
  for (const path of ['/directory/apply', '/directory/plan']) {
    const { status, body } = await ask('POST', path, { yaml });
    expect([status, body.field, body.detail]).toEqual([422, 'yaml', expect.stringContaining('line 4')]);
  }
  expect((await ask('GET', '/domains/good.test')).status).toBe(404);
});
