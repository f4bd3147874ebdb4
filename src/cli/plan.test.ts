// Plans of realistic changes, each compared with what the change then really does: every address of the directory, with an
// extension and without, unknown users and other domains are asked of the real directory before and after.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryView } from '../directory/directory-view.ts';
import { isSameOutcome, outcomeOf } from '../proof/plan/outcomes.ts';
import type { FlagKind, OutcomeChange, Plan, PlannedOutcome } from '../proof/plan/types.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { writeFirstConfiguration } from '../settings/first-start.ts';
import type { CommandContext } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { explainOne, openForExplaining, serviceSettings } from './explainer.ts';
import { formatPlan } from './plan-lines.ts';
import { planChange } from './planner.ts';

let folder: string;
let context: CommandContext;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plan-'));
  const etc = join(folder, 'etc');
  await writeFirstConfiguration(etc, { dataDirectory: folder, loopback: true, hostname: 'mx.host.example' });
  context = { configDirectory: etc, json: false, print: () => undefined, warn: () => undefined };
  await change((directory) => directory.whole('tester', fill));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function change<T>(work: (directory: Directory) => Promise<T>): Promise<T> {
  return await withDirectory(context, false, async ({ directory }) => await work(directory));
}

async function fill(directory: DirectoryView): Promise<void> {
  const { domains, mailboxes, aliases, aliasDomains, lists } = directory;
  for (const name of ['example.com', 'other.example', 'caught.example']) await domains.add(name);
  await domains.add('names.example', { class: 'alias' });
  await domains.add('plain.example', { class: 'alias' });
  await domains.add('relayed.example', { class: 'relay', transport: 'relay:[192.0.2.9]' });
  for (const address of ['anna', 'bert', 'carl']
    .map((name) => `${name}@example.com`)
    .concat('dora@other.example', 'emil@caught.example')) {
    await mailboxes.add({ address, passwordHash: '{PLAIN}x' });
  }
  await aliasDomains.add('example.org', 'example.com');
  await aliases.add('sales@example.com', ['anna@example.com', 'bert@example.com']);
  await aliases.add('info@names.example', ['sales@example.com']);
  await aliases.add('boss@names.example', ['anna@example.com']);
  await aliases.add('ghost@names.example', ['nosuch@other.example']);
  await aliases.add('carl+news@example.com', ['dora@other.example']);
  await aliases.add('@caught.example', ['emil@caught.example']);
  await aliases.add('@names.example', ['@other.example']);
  await aliases.add('info@plain.example', ['anna@example.com']);
  await lists.add({
    address: 'news@example.com',
    owners: ['anna@example.com'],
    members: ['anna@example.com', 'x@far.test'],
  });
}

const names = [
  'anna',
  'bert',
  'carl',
  'dora',
  'emil',
  'sales',
  'info',
  'boss',
  'ghost',
  'news',
  'owner-news',
  'nosuch',
  'postmaster',
];
const hosted = [
  'example.com',
  'example.org',
  'other.example',
  'caught.example',
  'names.example',
  'plain.example',
  'relayed.example',
  'new.example',
];

function universe(): string[] {
  const everywhere = [...hosted, 'far.test', 'sub.example.com', 'sub.relayed.example'];
  const addresses = everywhere.flatMap((domain) =>
    names.flatMap((name) => [`${name}@${domain}`, `${name}+odd@${domain}`, `${name}+news@${domain}`]),
  );
  return [...addresses, 'postmaster', 'abuse'];
}

async function outcomes(): Promise<Map<string, PlannedOutcome>> {
  const configuration = await loadConfiguration(context.configDirectory);
  const opened = await openForExplaining(configuration, context);
  try {
    const policy = opened.routing.policy(serviceSettings(configuration, undefined));
    await opened.routing.tables.ready();
    const side = {
      directory: opened.directory as Directory,
      ask: (address: string) => explainOne(policy, address, {}),
    };
    const found = new Map<string, PlannedOutcome>();
    for (const address of universe()) found.set(address, await outcomeOf(side, address));
    return found;
  } finally {
    opened.close();
  }
}

/** The plan's word on an address: itself, else its class. */
function predicted(plan: Plan, address: string, isNamed: ReadonlySet<string>): OutcomeChange | undefined {
  const [, localpart = '', extension = '', domain = ''] = /^([^+@]*)(\+[^@]*)?@(.*)$/.exec(address) ?? [];
  const own = plan.changes.find(({ subject }) => subject.kind === 'address' && subject.address === address);
  if (own !== undefined || !address.includes('@')) return own;
  if (isNamed.has(address)) return undefined;
  const bare = `${localpart}@${domain}`;
  if (isNamed.has(bare)) {
    return plan.changes.find(({ subject, withExtensions }) =>
      subject.kind === 'extensions'
        ? subject.of === bare
        : withExtensions && subject.kind === 'address' && subject.address === bare && extension !== '',
    );
  }
  return plan.changes.find(({ subject }) => subject.kind === 'others' && subject.domain === domain);
}

/** Addresses that something stands at, alias domains included. */
async function named(): Promise<Set<string>> {
  return await change(async (directory) => {
    const found = new Set<string>();
    for (const domain of hosted) {
      const target = directory.lookups.domain(domain)?.target?.name ?? domain;
      const { localparts } = await directory.reverse.localpartsOf(target, 1000);
      for (const localpart of localparts) if (localpart !== '') found.add(`${localpart}@${domain}`);
      // Names of the other domain are no unknown ones here.
      if (domain === 'other.example') for (const one of localparts) found.add(`${one}@names.example`);
    }
    return found;
  });
}

interface Scenario {
  readonly name: string;
  readonly change: (directory: Directory) => Promise<unknown>;
  readonly flags: readonly FlagKind[];
  /** Lines that the plan is to have. */
  readonly says: readonly RegExp[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a catch-all is added',
    change: ({ aliases }) => aliases.add('@other.example', ['dora@other.example']),
    flags: ['catch-all-widened'],
    // An alias to nobody, and a catch-all that leads there, now have somebody.
    says: [
      /every other local part of other\.example/,
      /ghost@names\.example/,
      /every other local part of names\.example/,
    ],
  },
  {
    name: "an alias's target moves outside",
    change: ({ aliases }) => aliases.set('sales@example.com', ['anna@example.com', 'far@elsewhere.test']),
    flags: ['leaves-host'],
    says: [
      /LEAVES THE HOST: .*sales@example\.com.*to far@elsewhere\.test by smtp/,
      /sales@example\.org/,
      /info@names\.example/,
    ],
  },
  {
    name: "a domain's class changes",
    change: ({ domains }) => domains.set('plain.example', { class: 'relay' }),
    flags: ['leaves-host', 'catch-all-widened'],
    says: [/every other local part of plain\.example/],
  },
  {
    name: 'a mailbox is switched off',
    change: ({ mailboxes }) => mailboxes.set('bert@example.com', { enabled: false }),
    // An alias that leads to others too goes on taking mail for it.
    flags: ['refused', 'bounces', 'mailbox-unreachable'],
    says: [/UNREACHABLE: bert@example\.com/, /REFUSED: bert@example\.com/],
  },
  {
    name: 'an alias domain is added',
    change: ({ aliasDomains }) => aliasDomains.add('new.example', 'caught.example'),
    flags: ['catch-all-widened'],
    says: [/every other local part of new\.example/],
  },
  {
    name: 'a mailbox with a catch-all behind it is removed',
    change: ({ mailboxes }) => mailboxes.remove('emil@caught.example'),
    flags: ['bounces'],
    says: [/emil@caught\.example/, /every other local part of caught\.example/],
  },
  {
    name: "a domain's transport changes",
    change: ({ domains }) => domains.set('relayed.example', { transport: 'smtp:[198.51.100.1]' }),
    flags: [],
    says: [/then: .*smtp:\[198\.51\.100\.1\]/, /every other local part of relayed\.example/],
  },
  {
    name: 'a member of a list is removed',
    change: ({ lists }) => lists.removeMembers('news@example.com', ['x@far.test']),
    flags: [],
    says: [/members of news@example\.com: - x@far\.test/, /no address goes another way/],
  },
  {
    name: 'a domain goes into maintenance',
    change: ({ domains }) => domains.set('other.example', { maintenance: 'moving' }),
    flags: ['deferred'],
    says: [/PUT OFF: dora@other\.example/, /In maintenance: moving/],
  },
  {
    name: 'an alias for one extension is removed',
    change: ({ aliases }) => aliases.remove('carl+news@example.com'),
    flags: [],
    says: [/carl\+news@example\.com/, /carl\+news@example\.org/],
  },
  {
    name: 'a mailbox is forwarded outside',
    change: ({ mailboxes }) => mailboxes.set('anna@example.com', { forward: { mode: 'forward', to: ['a@far.test'] } }),
    flags: ['leaves-host', 'mailbox-unreachable'],
    says: [/boss@names\.example/, /UNREACHABLE: anna@example\.com/],
  },
  {
    name: 'an alias takes the place of a mailbox',
    change: ({ aliases }) => aliases.add('carl@example.com', ['dora@other.example']),
    flags: ['mailbox-unreachable'],
    says: [/carl@example\.com/],
  },
  {
    name: 'a domain is removed with all that is in it',
    change: ({ domains }) => domains.remove('example.com', { recursive: true }),
    // What an alias elsewhere led to is somebody else's now.
    flags: ['leaves-host', 'refused'],
    says: [/every other local part of example\.org/],
  },
  {
    name: 'a relay domain is added',
    change: ({ domains }) => domains.add('new.example', { class: 'relay' }),
    flags: ['leaves-host', 'catch-all-widened'],
    says: [/every other local part of new\.example/],
  },
  {
    name: 'a name changes and nothing else',
    change: ({ mailboxes }) => mailboxes.set('anna@example.com', { name: 'Anna', quotaBytes: 9 }),
    flags: [],
    says: [/no address goes another way/],
  },
  {
    name: 'several changes at once',
    change: async ({ aliases, mailboxes }) => {
      await aliases.add('team@example.com', ['bert@example.com', 'carl@example.com']);
      await aliases.edit('sales@example.com', ['team@example.com'], ['anna@example.com']);
      await mailboxes.remove('dora@other.example');
    },
    flags: ['bounces', 'refused'],
    says: [/team@example\.com/, /info@names\.example/, /carl\+news@example\.com/],
  },
];

describe('a plan says what the change then does', () => {
  it.each(scenarios)('$name', async (scenario) => {
    const before = await outcomes();
    const namedBefore = await named();
    const plan = await planChange(context, { traceDays: 0 }, ({ directory }) => scenario.change(directory));
    const lines = formatPlan(plan).join('\n');
    // Nothing has changed yet.
    expect(await outcomes()).toEqual(before);
    for (const pattern of scenario.says) expect(lines).toMatch(pattern);
    expect([...new Set(plan.flags.map(({ kind }) => kind))].toSorted()).toEqual(scenario.flags.toSorted());
    await change(scenario.change);
    const after = await outcomes();
    const isNamed = new Set([...namedBefore, ...(await named())]);
    for (const [address, now] of after) {
      const was = before.get(address) as PlannedOutcome;
      const said = predicted(plan, address, isNamed);
      const label = { address, before: was, after: now };
      expect({ ...label, changes: said !== undefined }).toEqual({ ...label, changes: !isSameOutcome(was, now) });
      if (said?.subject.kind !== 'address' || said.subject.address !== address) continue;
      expect({ before: said.before, after: said.after }).toEqual({ before: was, after: now });
    }
  });
});
