// Makes configurations and cases from a seed: the same seed, the same groups, on every machine.

import { Random } from '../harness/random.ts';
import { makeMessage } from './generate/messages.ts';
import { addRestrictions } from './generate/restrictions.ts';
import { addBends, addClasses, addRewriting, addRoutes } from './generate/settings.ts';
import { noTables, tableTypes, type TableType } from './generate/tables.ts';
import { anyAddress, makeWorld, writtenAddress, type World } from './generate/world.ts';
import type { ParityCase, ParityGroup } from './parity-case.ts';

/** What a group is mostly about: routes alone, access control, or rewriting with delivered headers. */
const themes = ['routes', 'routes', 'access', 'rewriting'] as const;

export function generateGroup(
  seed: number,
  casesPerGroup: number,
  types: readonly TableType[] = tableTypes,
): ParityGroup {
  const random = new Random(seed);
  const world = makeWorld(random);
  const theme = random.pick(themes);
  const files = noTables(types);
  const main: Record<string, string> = {};
  addClasses(random, world, files, main);
  if (theme !== 'access' || random.chance(30)) addRoutes(random, world, files, main);
  if (theme === 'access') addRestrictions(random, world, files, main);
  if (theme === 'rewriting') addRewriting(random, world, files, main);
  addBends(random, main);
  const cases = Array.from({ length: casesPerGroup }, (_, index) => makeCase(random, world, theme, index));
  const { tables, sqlite, indexed, served } = files;
  return {
    name: `seed ${seed} (${theme})`,
    main,
    tables,
    sqlite,
    indexed,
    served,
    capture: theme === 'rewriting',
    cases,
  };
}

const clients = [
  'itself',
  'itself',
  ['peer.test', '203.0.113.5'],
  ['unknown', '203.0.113.9'],
  ['sub.peer.test', '198.51.100.7'],
] as const;

function makeCase(random: Random, world: World, theme: (typeof themes)[number], index: number): ParityCase {
  const count = random.chance(70) ? 1 : random.between(2, 4);
  const client = theme === 'routes' && random.chance(60) ? 'itself' : random.pick(clients);
  const login = random.chance(15) ? random.pick(['ann', 'bob', 'ann@box.test']) : undefined;
  return {
    id: String(index),
    from: sender(random, world),
    recipients: Array.from({ length: count }, () => writtenAddress(random, world)),
    client: client === 'itself' ? undefined : client,
    helo: random.chance(80) ? undefined : random.pick(['client.test', 'bare', '[203.0.113.5]', 'other.test']),
    login,
    data: theme === 'rewriting' ? makeMessage(random, world) : undefined,
  };
}

function sender(random: Random, world: World): string {
  if (random.chance(50)) return 's@sender.test';
  if (random.chance(15)) return '';
  if (random.chance(75)) return anyAddress(random, world);
  return writtenAddress(random, world);
}
