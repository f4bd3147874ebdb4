// Explanations over the API: their lines, what would be without a row, why not, the past, a domain's map; and what of it a domain
// administrator sees.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FlowNode } from '../../src/proof/flow/mail-flow.ts';
import type { MappedEdge } from '../../src/proof/flow/told-flow.ts';
import { ApiServer } from './api-server.ts';

let api: ApiServer;
let host: string;
let domain: string;

beforeAll(async () => {
  api = await ApiServer.start({
    smtpd_sender_restrictions: 'check_sender_access inline:{{spam.test=REJECT no thanks}}',
    smtpd_delay_reject: 'no',
    virtual_alias_maps: 'inline:{{here@own.test=anna@own.test}}, directory:virtual-aliases',
    transport_maps: 'directory:transports',
  });
  const { directory } = api;
  for (const name of ['own.test', 'foreign.test']) {
    await directory.domains.add(name);
    for (const user of ['anna', 'ben'])
      await directory.mailboxes.add({ address: `${user}@${name}`, passwordHash: '*' });
  }
  await directory.aliases.add('sales@own.test', ['anna@own.test', 'ben@foreign.test', 'out@far.test']);
  await directory.aliases.add('secret@foreign.test', ['anna@own.test', 'hidden@far.test']);
  await directory.aliases.add('far@own.test', ['secret@foreign.test']);
  await directory.aliases.add('ben@own.test', ['anna@own.test']);
  await directory.mailboxes.add({ address: 'carl@own.test', passwordHash: '*' });
  await directory.mailboxes.set('carl@own.test', { enabled: false });
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash: '*' });
  await directory.administrators.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash: '*' });
  host = await api.token('hanna');
  domain = await api.token('dora');
});
afterAll(async () => {
  await api.close();
});

interface Flow {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly MappedEdge[];
}

async function explained(query: string, token = host) {
  const { status, body } = await api.ask('GET', `/explain?${query}`, { token });
  expect([query, status]).toEqual([query, 200]);
  return body.items[0];
}

const titles = ({ nodes }: Flow) => nodes.map(({ title }) => title).toSorted();

describe('explain.show', () => {
  test('tells lines with the steps that decided', async () => {
    const { flow, steps } = await explained('address=sales@own.test');
    const leaving = flow.edges.find(({ leavesHost }: { leavesHost?: boolean }) => leavesHost);
    expect(leaving).toMatchObject({ from: 'address out@far.test', stage: 'delivery' });
    const alias = flow.edges.find(({ to }: { to: string }) => to === 'address ben@foreign.test');
    expect(steps[alias.decided]).toMatchObject({ table: 'directory:virtual-aliases', key: 'sales@own.test' });
  });

  test('a refusal at MAIL is a line from the door, with the restriction', async () => {
    const { flow, reply, steps } = await explained('address=anna@own.test&sender=x@spam.test');
    expect(reply.code).toBe(554);
    const edge = flow.edges.find(({ stage }: { stage: string }) => stage === 'reply');
    expect(edge.from).toBe('door');
    expect(steps[edge.decided].result).toMatch(/check_sender_access.*no thanks/);
  });

  test('says what would be without a row', async () => {
    const query = 'address=here@own.test&withoutKey=here@own.test&withoutTable=';
    const table = (await explained('address=here@own.test')).steps.find(
      ({ result }: { result: string }) => result === 'anna@own.test',
    );
    const { reply } = await explained(`${query}${encodeURIComponent(table.table)}`);
    expect([reply.code, reply.status]).toEqual([550, '5.1.1']);
  });

  test('answers by the directory as it was', async () => {
    const [{ revision }] = (await api.ask('GET', '/revisions?limit=1', { token: host })).body.items;
    await api.directory.aliases.set('ben@own.test', ['out@far.test']);
    const recipients = async (query: string) =>
      (await explained(`address=ben@own.test${query}`)).deliveries.map((one: { recipient: string }) => one.recipient);
    expect(await recipients('')).toEqual(['out@far.test']);
    expect(await recipients(`&at=${revision}`)).toEqual(['anna@own.test']);
    await api.directory.aliases.set('ben@own.test', ['anna@own.test']);
    const wrong = await api.ask('GET', '/explain?address=ben@own.test&at=yesterday', { token: host });
    expect([wrong.status, wrong.body.detail]).toEqual([
      422,
      expect.stringContaining('neither the number of a revision'),
    ]);
  });
});

describe('explain.why-not', () => {
  const ask = async (address: string, wanted: string, token = host) =>
    (await api.ask('GET', `/explain/why-not?address=${address}&wanted=${wanted}`, { token })).body;

  test.each([
    ['ben@own.test', 'ben@own.test', 'alias-first'],
    ['sales@own.test', 'ben@own.test', 'leads-elsewhere'],
    ['carl@own.test', 'carl@own.test', 'off'],
    ['sales@own.test', 'nobody@own.test', 'missing'],
    ['sales@own.test', 'x@nowhere.test', 'not-ours'],
    ['nobody@own.test', 'anna@own.test', 'refused'],
  ])('%s to %s: %s', async (address, wanted, kind) => {
    const answer = await ask(address, wanted);
    expect(answer.reaches).toBe(false);
    expect(answer.reasons.map((one: { kind: string }) => one.kind)).toContain(kind);
  });

  test('names who reaches it instead, within sight', async () => {
    expect((await ask('nobody@own.test', 'anna@own.test')).reachedBy.addresses.toSorted()).toEqual(
      expect.arrayContaining(['anna@own.test', 'ben@own.test', 'sales@own.test', 'secret@foreign.test']),
    );
    const own = JSON.stringify(await ask('nobody@own.test', 'anna@own.test', domain));
    expect(own).toContain('sales@own.test');
    expect(own).not.toContain('foreign');
    expect((await ask('anna@own.test', 'anna@own.test')).reaches).toBe(true);
  });

  test('a transport that takes the mail is the reason', async () => {
    await api.directory.transports.add('anna@own.test', 'smtp:[192.0.2.1]');
    const { reasons } = await ask('anna@own.test', 'anna@own.test');
    expect(reasons).toEqual([expect.objectContaining({ kind: 'transport', key: 'anna@own.test' })]);
    await api.directory.transports.remove('anna@own.test');
  });

  test('what stands before a catch-all is the reason', async () => {
    await api.directory.aliases.add('@own.test', ['anna@own.test']);
    await api.directory.aliases.add('own@own.test', ['ben@foreign.test']);
    const { reasons } = await ask('own@own.test', 'anna@own.test');
    expect(reasons[0]).toMatchObject({ kind: 'before-catch-all' });
    await api.directory.aliases.remove('@own.test');
  });
});

describe('domain.flow', () => {
  test('is the whole domain for the host, with what leads in', async () => {
    const { body } = await api.ask('GET', '/domains/own.test/flow', { token: host });
    expect(titles(body)).toEqual(expect.arrayContaining(['sales@own.test', 'secret@foreign.test', 'hidden@far.test']));
    expect(body.nodes.find(({ name }: FlowNode) => name === 'mailbox ben@own.test')).toMatchObject({
      state: 'unreached',
    });
    expect((await api.ask('GET', '/domains/nowhere.test/flow', { token: host })).status).toBe(404);
  });

  test('a domain administrator sees his own ways, and of others the name that his row has', async () => {
    const { body, text } = await api.ask('GET', '/domains/own.test/flow', { token: domain });
    expect(text).not.toContain('hidden@far.test');
    expect(body.nodes.find(({ title }: FlowNode) => title === 'secret@foreign.test')).toEqual({
      name: 'address secret@foreign.test',
      kind: 'elsewhere',
      title: 'secret@foreign.test',
    });
    expect(body.edges.some(({ from }: MappedEdge) => from === 'address secret@foreign.test')).toBe(false);
    expect(body.edges.some(({ leavesHost }: MappedEdge) => leavesHost)).toBe(true);
    const { flow } = await explained('address=far@own.test', domain);
    expect(JSON.stringify(flow)).not.toContain('hidden');
    expect(titles(flow)).toContain('secret@foreign.test');
  });

  test('the past is asked for by a time, and rows of others cannot be left out', async () => {
    const ask = async (query: string) =>
      (await api.ask('GET', `/explain?address=anna@own.test&${query}`, { token: domain })).status;
    expect(await ask('at=1')).toBe(403);
    expect(await ask(`at=${new Date(Date.now() + 60_000).toISOString()}`)).toBe(200);
    // The name may have been somebody else's before.
    expect(await ask('at=2026-01-01T00:00')).toBe(422);
    expect(await ask('withoutTable=directory:virtual-aliases&withoutKey=secret@foreign.test')).toBe(403);
  });
});
