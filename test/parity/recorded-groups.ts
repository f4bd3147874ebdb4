// The groups of test/routing/cases as a parity run asks them: there with the answers of a Postfix that was asked once,
// here without, since the real one is asked again.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParityCase, ParityGroup } from './parity-case.ts';

interface RecordedGroup extends Omit<ParityGroup, 'cases'> {
  readonly cases: readonly (Omit<ParityCase, 'recipients'> & {
    readonly recipients: readonly (readonly [address: string, reply: string])[];
  })[];
}

export function recordedGroups(): ParityGroup[] {
  const folder = join(import.meta.dirname, '../routing/cases');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RecordedGroup[])
    .map((group) => ({
      ...group,
      cases: group.cases.map(({ id, from, recipients, client, helo, login }) => ({
        id,
        from,
        recipients: recipients.map(([address]) => address),
        client,
        helo,
        login,
      })),
    }));
}
