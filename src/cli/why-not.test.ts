import { expect, test } from 'vitest';
import type { Delivery, TraceStep } from '../routing/types.ts';
import { whyNot } from '../proof/why-not.ts';
import { formatWhyNot } from './why-not.ts';

const ok = { code: 250, status: '2.1.5', text: 'Ok' };
const table = 'hash:/etc/postfix/virtual';

function explanation(steps: readonly TraceStep[], recipients: readonly string[], reply = ok) {
  const deliveries: Delivery[] = recipients.map((recipient) => ({
    recipient,
    original: 'sales@m.test',
    transport: 'mailstore',
    nexthop: 'm.test',
  }));
  const common = { recipient: 'sales@m.test', class: 'virtual-mailbox', replyStage: 'rcpt' } as const;
  return { ...common, reply, deliveries, steps };
}

const alias = { stage: 'virtual-alias', table, key: 'sales@m.test', result: 'anna@m.test', source: `${table}:4` };

test('names the row that leads elsewhere, and where a row would be found first', () => {
  const missed = { stage: 'virtual-alias', table, key: 'sales+x@m.test', result: 'not found' };
  const lines = formatWhyNot('sales+x@m.test', whyNot('bert@m.test', explanation([missed, alias], ['anna@m.test'])));
  expect(lines).toEqual([
    'sales+x@m.test does not reach bert@m.test',
    '├─ it goes to anna@m.test by mailstore',
    `├─ decided by virtual-alias: ${table} sales@m.test → anna@m.test  [${table}:4]`,
    `├─ a row sales+x@m.test in ${table} that names bert@m.test would be found first`,
    `└─ or bert@m.test added to the row sales@m.test of ${table}`,
  ]);
});

test('an extension is the mailbox, another name that begins alike is not', () => {
  expect(whyNot('anna@m.test', explanation([alias], ['Anna+news@m.test'])).reaches).toBe(true);
  expect(whyNot('ann@m.test', explanation([alias], ['anna@m.test'])).reaches).toBe(false);
});

test('a refusal is the reason, and a silent table is said', () => {
  const refusal = { code: 451, status: '4.3.0', text: '<sales@m.test>: Temporary lookup failure' };
  const failed = { stage: 'virtual-alias', table: 'mysql:/x.cf', key: 'sales@m.test', result: 'error: gone' };
  const lines = formatWhyNot('sales@m.test', whyNot('anna@m.test', explanation([failed], [], refusal)));
  expect(lines[1]).toContain('451 4.3.0');
  expect(lines.at(-1)).toContain('could not be asked');
});
