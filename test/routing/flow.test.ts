// The picture of an explanation is the explanation: for generated directories the lines that mail takes end exactly where the
// deliveries are, everything is reached from the door, and a whole domain's map says of each address the same.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import { explainOne } from '../../src/cli/explainer.ts';
import type { Explanation } from '../../src/cli/explanation-tree.ts';
import { Directory } from '../../src/directory/directory.ts';
import { directoryTableOpener } from '../../src/directory/tables.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { domainFlow } from '../../src/proof/flow/domain-flow.ts';
import { type FlowFacts, MailFlow } from '../../src/proof/flow/mail-flow.ts';
import { explainedFlow } from '../../src/proof/flow/told-flow.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';

const settings = Settings.defaults({
  compatibility_level: '3.6',
  myhostname: 'mx.h.test',
  mydestination: 'localhost',
  local_recipient_maps: '',
  recipient_delimiter: '+',
  virtual_transport: 'mailstore',
  virtual_mailbox_domains: 'directory:mailbox-domains',
  virtual_alias_domains: 'directory:alias-domains',
  virtual_alias_maps:
    'inline:{{one@a.test=two@a.test},{two@a.test=one@a.test},{root@localhost=u1@a.test}}, directory:virtual-aliases',
  virtual_mailbox_maps: 'directory:mailboxes',
  relay_domains: 'directory:relay-domains',
  relay_recipient_maps: 'directory:relay-recipients',
  transport_maps: 'directory:transports',
  recipient_bcc_maps: 'directory:recipient-bcc',
  canonical_maps: 'inline:{{old@a.test=u2@a.test}}',
});

const domains = ['a.test', 'b.test', 'only.test', 'relay.test'];
const names = ['u0', 'u1', 'u2', 'u3', 'x0', 'x1', 'x2', 'x3', 'x4', 'team', 'old', 'one', 'nobody'];

/** A generator of its own, so that a failure can be made again (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

interface Opened {
  readonly directory: Directory;
  readonly routing: Routing;
  readonly facts: FlowFacts;
}

const scratch = mkdtempSync(join(tmpdir(), 'flow-'));
const opened: Opened[] = [];

async function open(seed: number): Promise<Opened> {
  const directory = await Directory.open(join(scratch, `${seed}.db`), { clock: systemClock, actor: 'test' });
  await fill(directory, random(seed));
  const routing = openRouting({
    settings,
    log: new MemoryLog(),
    isWatching: false,
    openers: { directory: directoryTableOpener(directory) },
    revisionSources: [directory],
  });
  const facts: FlowFacts = {
    command: (transport) => transport,
    mailbox: (recipient) => {
      const mailbox = directory.mailboxByAddress(recipient);
      if (mailbox === undefined) return undefined;
      return { address: mailbox.address, answers: false, ...(mailbox.enabled ? {} : { state: 'off' as const }) };
    },
    members: () => ({ some: [], count: 0 }),
  };
  const made = { directory, routing, facts };
  opened.push(made);
  return made;
}

/** What the directory refuses (circles, what is taken) is left out. */
async function fill(directory: Directory, pick: (below: number) => number): Promise<void> {
  const one = <T>(list: readonly T[]): T => list[pick(list.length)] as T;
  const anywhere = () => `${one(names)}@${one([...domains, 'far.test', 'away.test'])}`;
  const tried = async (work: () => Promise<unknown>) => await work().catch(() => undefined);
  await directory.domains.add('a.test');
  await directory.domains.add('b.test');
  await directory.domains.add('only.test', { class: 'alias' } as never);
  await directory.domains.add('relay.test', { class: 'relay' } as never);
  await directory.aliasDomains.add('also.test', one(['a.test', 'b.test']));
  for (const domain of ['a.test', 'b.test']) {
    for (const name of ['u0', 'u1', 'u2', 'u3']) {
      if (pick(5) > 0) await directory.mailboxes.add({ address: `${name}@${domain}`, passwordHash: '*' });
      if (pick(7) === 0) await tried(() => directory.mailboxes.set(`${name}@${domain}`, { enabled: false }));
    }
    await tried(() =>
      directory.lists.add({ address: `team@${domain}`, owners: [`u0@${domain}`], members: [anywhere()] }),
    );
  }
  for (let count = 0; count < 14; count++) {
    const targets = Array.from({ length: 1 + pick(3) }, anywhere);
    await tried(() => directory.aliases.add(`${one(names)}@${one(domains)}`, targets));
  }
  if (pick(2) === 0) await tried(() => directory.aliases.add(`@${one(domains)}`, [anywhere()]));
  await tried(() => directory.mailboxes.set('u1@a.test', { forward: { mode: 'both', to: [anywhere()] } } as never));
  await tried(() => directory.transports.add(anywhere(), 'smtp:[192.0.2.1]'));
  await tried(() => directory.bccs.add('recipient', 'u2@a.test', anywhere()));
}

beforeAll(async () => {
  for (let seed = 1; seed <= 8; seed++) await open(seed);
});
afterAll(() => {
  for (const { directory, routing } of opened) {
    routing.close();
    directory.close();
  }
  rmSync(scratch, { recursive: true });
});

function flowOf(explained: Explanation, facts: FlowFacts): MailFlow {
  const { recipient, reply, steps, edges = [] } = explained;
  const flow = new MailFlow(facts);
  flow.addRecipient({ recipient, reply, steps, edges });
  return flow;
}

/** Made from the delivery alone. */
function endOf({ recipient, transport, nexthop }: Delivery, directory: Directory): string {
  if (transport === 'mailstore')
    return `mailbox ${directory.mailboxByAddress(recipient)?.address ?? recipient.toLowerCase()}`;
  if (transport === 'posthaste-list') return `list ${recipient.toLowerCase()}`;
  if (transport === 'error') return `refused error:${nexthop} ${nexthop}`;
  return `outside ${transport}:${nexthop} ${transport}:${nexthop}`;
}

function reachedFrom(edges: readonly { readonly from: string; readonly to: string }[], start: string): Set<string> {
  const reached = new Set([start]);
  for (let size = 0; size !== reached.size; ) {
    size = reached.size;
    for (const { from, to } of edges) if (reached.has(from)) reached.add(to);
  }
  return reached;
}

describe('the picture of an explanation', () => {
  test('ends where the deliveries are, for generated directories', async () => {
    const outcomes = { accepted: 0, refused: 0, deliveries: 0 };
    for (const { directory, routing, facts } of opened) {
      const policy = routing.policy(settings);
      for (const domain of [...domains, 'also.test']) {
        for (const name of [...names, 'u0+x', 'x1+y']) {
          const address = `${name}@${domain}`;
          const explained = await explainOne(policy, address, {});
          const { nodes, edges } = flowOf(explained, facts);
          const isAccepted = explained.reply.code < 300;
          const ends = edges.filter(({ stage, isUntaken }) => stage === 'delivery' && !isUntaken).map(({ to }) => to);
          const wanted = isAccepted ? explained.deliveries.map((one) => endOf(one, directory)) : [];
          expect([address, [...new Set(ends)].toSorted()]).toEqual([address, [...new Set(wanted)].toSorted()]);
          expect(reachedFrom(edges, 'door'), address).toEqual(new Set(nodes.map((node) => node.name)));
          if (!isAccepted) expect(edges.some(({ stage }) => stage === 'reply' || stage === 'virtual-alias')).toBe(true);
          outcomes[isAccepted ? 'accepted' : 'refused']++;
          outcomes.deliveries += wanted.length;
        }
      }
    }
    // The generator makes what the test is about.
    expect(outcomes.accepted).toBeGreaterThan(150);
    expect(outcomes.refused).toBeGreaterThan(100);
    expect(outcomes.deliveries).toBeGreaterThan(outcomes.accepted);
  });

  test('says of each line which row decided, and which questions were asked', async () => {
    const [{ directory, routing, facts }] = opened as [Opened];
    const policy = routing.policy(settings);
    await directory.aliases.add('chain@a.test', ['u9@b.test', 'out@far.test']);
    await directory.aliases.add('u9@b.test', ['u0@b.test']).catch(() => undefined);
    const explained = await explainOne(policy, 'chain@a.test', {});
    const { edges } = explainedFlow(flowOf(explained, facts), explained.steps);
    const first = edges.find(({ to }) => to === 'address u9@b.test');
    expect(explained.steps[first?.decided ?? -1]).toMatchObject({ key: 'chain@a.test', stage: 'virtual-alias' });
    expect(explained.steps[first?.decided ?? -1]?.source).toMatch(/^directory:aliases row \d+$/);
    for (const { asked, decided } of edges) if (decided !== undefined) expect(asked).toContain(decided);
    expect(edges.find(({ leavesHost }) => leavesHost)).toMatchObject({
      from: 'address out@far.test',
      stage: 'delivery',
    });
  });

  test('shows a circle, rewriting, and what could not be found out', async () => {
    const [{ routing, facts }] = opened as [Opened];
    const policy = routing.policy(settings);
    const circle = flowOf(await explainOne(policy, 'one@a.test', {}), facts);
    const lines = circle.edges.map(({ from, to, stage }) => `${from} ${to} ${stage}`);
    expect(lines).toContain('address one@a.test address two@a.test virtual-alias');
    expect(lines).toContain('address two@a.test address one@a.test virtual-alias');
    expect(circle.nodes.find(({ state }) => state === 'loop')).toMatchObject({ kind: 'deferred', title: '451 4.6.0' });
    const rewritten = flowOf(await explainOne(policy, 'old@a.test', {}), facts);
    expect(rewritten.edges[1]).toMatchObject({
      stage: 'canonical',
      to: 'address u2@a.test',
      decided: { key: 'old@a.test' },
    });
  });

  test('answers what would be without a row', async () => {
    const [{ routing }] = opened as [Opened];
    const policy = routing.policy(settings);
    const { steps } = await explainOne(policy, 'one@a.test', {});
    const named = steps.find(({ key, stage }) => key === 'two@a.test' && stage === 'virtual-alias');
    expect(named?.result).toBe('one@a.test');
    const without = { table: named?.table ?? '', key: 'two@a.test' };
    const explained = await explainOne(policy, 'one@a.test', { without });
    expect(explained.reply.status).not.toBe('4.6.0');
    expect(explained.steps.some(({ result }) => result === 'not found: left out')).toBe(true);
  });
});

describe('the map of a domain', () => {
  test('leads each address where its own explanation does', async () => {
    for (const { directory, routing, facts } of opened.slice(0, 4)) {
      const parts = { directory, router: routing.router, facts, pause: async () => undefined };
      for (const domain of ['a.test', 'b.test', 'only.test']) {
        const map = await domainFlow(parts, domain, 1000);
        if (map === undefined) throw new Error(`${domain} is hosted`);
        const { standing } = await directory.reverse.standingIn(domain, 1000);
        const taken = map.edges.filter(({ isUntaken }) => !isUntaken);
        for (const localpart of new Set(standing.map((one) => one.localpart).filter((one) => one !== ''))) {
          const address = `${localpart}@${domain}`;
          const resolved = await routing.router.resolve(address, {});
          const refused = resolved.unlisted !== undefined || resolved.failure !== undefined;
          const wanted = new Set(refused ? [] : resolved.deliveries.map((one) => endOf(one, directory)));
          if (map.plain.includes(address)) {
            expect([...wanted]).toEqual([`mailbox ${address}`]);
            continue;
          }
          if (refused) continue;
          const reached = reachedFrom(taken, `address ${address}`);
          for (const end of wanted) expect([address, reached.has(end)]).toEqual([address, true]);
        }
      }
    }
  });

  test('marks what is hidden, missing and switched off, and is cut with a word', async () => {
    const { directory, routing, facts } = await open(99);
    await directory.domains.add('m.test');
    for (const user of ['anna', 'bert', 'carl'])
      await directory.mailboxes.add({ address: `${user}@m.test`, passwordHash: '*' });
    await directory.mailboxes.set('carl@m.test', { enabled: false });
    await directory.aliases.add('anna@m.test', ['bert@m.test']);
    await directory.aliases.add('lost@m.test', ['gone@m.test']);
    await directory.aliases.add('quiet@m.test', ['bert@m.test'], { active: false });
    await directory.aliases.add('far@m.test', ['x@far.test']);
    const parts = { directory, router: routing.router, facts, pause: async () => undefined };
    const map = await domainFlow(parts, 'm.test', 1000);
    const states = Object.fromEntries(map?.nodes.flatMap(({ name, state }) => (state ? [[name, state]] : [])) ?? []);
    expect(states).toMatchObject({
      'mailbox anna@m.test': 'unreached',
      'mailbox gone@m.test': 'missing',
      'address quiet@m.test': 'off',
      'mailbox carl@m.test': 'off',
    });
    expect(map?.edges.find(({ stage }) => stage === 'shadowed')).toMatchObject({ isUntaken: true });
    expect(map?.edges.filter(({ leavesHost }) => leavesHost)).toHaveLength(1);
    expect(map?.isCut).toBe(false);
    expect(await domainFlow(parts, 'm.test', 3)).toMatchObject({ isCut: true, rows: 3 });
    expect(await domainFlow(parts, 'nowhere.test', 3)).toBeUndefined();
  });
});
