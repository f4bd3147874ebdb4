// Generated messages: headers with addresses in every place, in the forms that programs really write.

import type { Random } from '../../harness/random.ts';
import { anyAddress, anyUser, writtenAddress, type World } from './world.ts';

const recipientHeaders = ['To', 'Cc', 'Bcc', 'Resent-To', 'Apparently-To', 'Errors-To'] as const;
const senderHeaders = [
  'Sender',
  'Reply-To',
  'Resent-From',
  'Resent-Sender',
  'Return-Receipt-To',
  'Return-Path',
] as const;
const otherHeaders = [
  'Subject: t',
  'X-Loop: a@b',
  'Content-Length: 1',
  'MIME-Version: 1.0',
  'Date: Sat, 21 Nov 2026 12:00:00 +0000',
  'Message-Id: <1@x.test>',
  'Received: from a by b; Sat, 21 Nov 2026 11:00:00 +0000',
] as const;

export function makeMessage(random: Random, world: World): string {
  const lines: string[] = [];
  if (random.chance(85)) lines.push(`From: ${headerAddresses(random, world)}`);
  for (const name of recipientHeaders)
    if (random.chance(name === 'To' ? 80 : 25)) lines.push(`${name}: ${headerAddresses(random, world)}`);
  for (const name of senderHeaders) if (random.chance(18)) lines.push(`${name}: ${headerAddresses(random, world)}`);
  for (const line of otherHeaders) if (random.chance(40)) lines.push(line);
  return `${lines.join('\n')}\n\n${random.pick(['body', 'From here\n.dot\n\nend', ''])}`;
}

function headerAddresses(random: Random, world: World): string {
  const count = random.chance(75) ? 1 : random.between(2, 4);
  return Array.from({ length: count }, () => oneAddress(random, world)).join(random.pick([', ', ',', ',\n\t']));
}

function oneAddress(random: Random, world: World): string {
  const address = random.chance(80) ? anyAddress(random, world) : writtenAddress(random, world);
  return random.pick<() => string>([
    () => address,
    () => address,
    () => `<${address}>`,
    () => `Some One <${address}>`,
    () => `"Some, One" <${address}>`,
    () => `${address} (Some One)`,
    () => `=?utf-8?q?J=C3=BCrgen?= <${address}>`,
    () => anyUser(random),
    () => `${anyUser(random)}@host`,
    () => `Friends: ${address}, ${anyAddress(random, world)};`,
    () => 'undisclosed-recipients:;',
    () => '<>',
  ])();
}
