// Mail to be moved: an mbox of a given number of messages with flags and keywords, as Dovecot reads it.

import { Random } from '../harness/random.ts';

const keywords = ['$Forwarded', 'NonJunk', '$Label1', 'work'];

export function sampleMbox(count: number, seed = 1): string {
  const random = new Random(seed);
  const messages = Array.from({ length: count }, (_, index) => sampleMessage(random, index));
  return messages.join('');
}

function sampleMessage(random: Random, index: number): string {
  const named = keywords.filter(() => random.chance(25)).join(' ');
  const lines = Array.from(
    { length: 3 + random.below(60) },
    (_, line) => `Line ${line} of message ${index}, and so on.`,
  );
  return [
    `From a@far.test Thu Jan  ${1 + (index % 9)} 10:00:00 2026`,
    'From: a@far.test',
    `Subject: message ${index}`,
    `Message-Id: <${index}@far.test>`,
    `Status: ${random.pick(['RO', 'O', ''])}`,
    `X-Status: ${random.pick(['', 'A', 'F', 'AF', 'D', 'T'])}`,
    `X-Keywords: ${named}`,
    '',
    ...lines,
    '',
    '',
  ].join('\n');
}
