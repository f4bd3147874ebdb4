// Pages of the trace by the API: what a domain administrator sees of them, and that nothing else tells him of others' mail.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sendBySmtp } from '../harness/send-by-smtp.ts';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
let host: string;
let dora: string;

beforeAll(async () => {
  api = await ApiServer.start({ transport_maps: 'directory:transports' });
  const { directory } = api;
  for (const domain of ['own.test', 'foreign.test']) {
    await directory.domains.add(domain);
    await directory.mailboxes.add({ address: `anna@${domain}`, passwordHash: '{PLAIN}x' });
    await directory.mailboxes.add({ address: `ben@${domain}`, passwordHash: '{PLAIN}x' });
  }
  await directory.aliasDomains.add('other-name.test', 'own.test');
  await directory.aliases.add('private@foreign.test', ['hidden@elsewhere.example']);
  await directory.aliases.add('lead@foreign.test', ['ben@own.test']);
  const admins = directory.administrators;
  await admins.add({ login: 'hanna', role: 'host', passwordHash: '' });
  await admins.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash: '' });
  host = await api.token('hanna');
  dora = await api.token('dora');
  const send = async (subject: string, ...to: string[]) =>
    await sendBySmtp(api.smtpPort, { from: 'a@example.net', to, subject });
  await send('Own', 'anna@own.test');
  await send('By its other name', 'anna@other-name.test');
  for (let count = 0; count < 5; count++) await send(`Foreign ${count}`, 'anna@foreign.test');
  await send('Both', 'anna@own.test', 'anna@foreign.test');
  await send('Refused', 'nobody@own.test');
});
afterAll(async () => {
  await api.close();
});

const list = async (token: string, query: string): Promise<Answer> =>
  await api.ask('GET', `/trace?events=false&${query}`, { token });
const subjects = ({ body }: Answer): string[] => body.items.map(({ subject }: { subject?: string }) => subject);

test('the host sees all, page by page', async () => {
  const seen: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await list(host, `limit=3${after}`);
    seen.push(
      ...body.items.map(({ queueId, session }: { queueId: string | null; session: string }) => queueId ?? session),
    );
    if (body.next === undefined) break;
    after = `&after=${body.next}`;
  }
  expect(seen).toHaveLength(9);
  expect(new Set(seen).size).toBe(9);
  expect(subjects(await list(host, 'subject=foreign'))).toHaveLength(5);
  const refused = (await list(host, 'state=refused')).body.items[0];
  const whole = (await api.ask('GET', `/trace?session=${refused.session}`, { token: host })).body.items[0];
  expect(whole.events.length).toBeGreaterThan(1);
});

test('a domain administrator sees his own, and nothing of other recipients, sessions and lines', async () => {
  const answer = await list(dora, 'limit=50');
  expect(subjects(answer)).toEqual([undefined, 'Both', 'By its other name', 'Own']);
  expect(answer.text).not.toMatch(/foreign|Foreign|"session"|"client"|"text"/);
  const { session } = (await list(host, 'state=refused')).body.items[0];
  expect((await api.ask('GET', `/trace?session=${session}`, { token: dora })).body.items).toEqual([]);
});

test('and does not even learn whether there is more of what he looks for elsewhere', async () => {
  for (const query of ['text=anna@foreign.test', 'subject=Foreign', 'text=anna@missing.test', 'subject=none']) {
    const { body } = await list(dora, `limit=1&${query}`);
    expect([query, body.items.length > 0 || body.next === undefined, body.isCut]).toEqual([query, true, false]);
  }
  expect((await list(dora, 'limit=1&text=anna@missing.test')).text).toBe(
    (await list(dora, 'limit=1&subject=Foreign')).text,
  );
});

test('nor that a message of his went to somebody whom he does not see, or who brought it', async () => {
  const found = async (token: string, text: string): Promise<unknown[]> => {
    const whole = await api.ask('GET', `/trace?text=${encodeURIComponent(text)}`, { token });
    const brief = subjects(await list(token, `text=${encodeURIComponent(text)}`));
    expect([text, subjects(whole).sort()]).toEqual([text, brief.sort()]);
    return brief;
  };
  expect(await found(host, 'anna@foreign.test')).toContain('Both');
  expect(await found(host, '127.0.0.1')).toContain('Both');
  expect(await found(dora, 'anna@foreign.test')).toEqual([]);
  expect(await found(dora, '127.0.0.1')).toEqual([]);
  const { queueId, messageId } = (await list(host, 'subject=both')).body.items[0];
  for (const text of ['anna@own.test', '<ANNA@own.test>', queueId, messageId]) {
    expect([text, await found(dora, text)]).toEqual([text, expect.arrayContaining(['Both'])]);
  }
});

test('his pages reach each message once, by marks that cannot be read or made up', async () => {
  const seen: string[] = [];
  const marks: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await list(dora, `limit=1${after}`);
    seen.push(...subjects({ body } as Answer));
    if (body.next === undefined) break;
    marks.push(body.next);
    after = `&after=${body.next}`;
  }
  expect(seen).toEqual([undefined, 'Both', 'By its other name', 'Own']);
  expect(new Set(marks.map(({ length }) => length)).size).toBe(1);
  const { next } = (await list(host, 'limit=1')).body;
  for (const after of [next, '1-1', 'x', 'AAAA']) {
    expect([after, (await list(dora, `after=${after}`)).status]).toEqual([after, 422]);
  }
  expect((await list(host, 'after=x')).status).toBe(422);
});

test('neither where an address elsewhere leads, nor that one leads to his', async () => {
  await sendBySmtp(api.smtpPort, { from: 'anna@own.test', to: ['private@foreign.test'], subject: 'To a friend' });
  await sendBySmtp(api.smtpPort, { from: 'a@example.net', to: ['lead@foreign.test'], subject: 'By a lead' });
  const seen = async (token: string, subject: string): Promise<Answer> =>
    await vi.waitFor(async () => {
      const answer = await list(token, `subject=${subject}`);
      expect(answer.body.items[0]?.recipients.length ?? 0).toBeGreaterThan(0);
      return answer;
    });
  expect((await seen(host, 'friend')).text).toContain('hidden@elsewhere.example');
  expect((await list(dora, 'subject=friend')).text).not.toMatch(/foreign|hidden|elsewhere/);
  expect((await seen(host, 'lead')).text).toContain('lead@foreign.test');
  const { body, text } = await seen(dora, 'lead');
  expect(body.items[0].recipients[0].recipient).toBe('ben@own.test');
  expect(text).not.toContain('foreign');
});

test('what came before the domain was given its place here is not his', async () => {
  await api.directory.domains.add('gone.test');
  await api.directory.mailboxes.add({ address: 'old@gone.test', passwordHash: '{PLAIN}x' });
  await sendBySmtp(api.smtpPort, { from: 'a@example.net', to: ['old@gone.test'], subject: 'Somebody else' });
  await api.directory.domains.remove('gone.test', { recursive: true });
  await api.directory.domains.add('gone.test');
  await api.directory.administrators.set('dora', { domains: ['own.test', 'gone.test'] });
  expect(subjects(await list(host, 'text=old@gone.test'))).toEqual(['Somebody else']);
  expect((await list(dora, 'text=old@gone.test')).body.items).toEqual([]);
});

test('a domain administrator finds his mail by what became of it for him, whatever became of it elsewhere', async () => {
  await api.directory.domains.add('far.test', { class: 'relay', transport: 'smtp:[127.0.0.1]:9' });
  await sendBySmtp(api.smtpPort, {
    from: 'a@example.net',
    to: ['anna@own.test', 'b@far.test'],
    subject: 'Half',
  });
  await vi.waitFor(async () => expect(subjects(await list(host, 'state=deferred'))).toEqual(['Half']));
  expect(subjects(await list(dora, 'state=delivered'))).toContain('Half');
  expect(subjects(await list(dora, 'state=deferred'))).toEqual([]);
});
