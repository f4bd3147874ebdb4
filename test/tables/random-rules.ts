// Random pcre:, regexp: and cidr: tables: rules that hold, rules that are wrong in each way that we know, nested ifs,
// comments and continued lines. Used by rules-postmap.ts.

import type { Random } from '../harness/random.ts';
import { type PatternType, randomFlags, randomKey, randomPattern } from './random-patterns.ts';

export type RuleType = PatternType | 'cidr';

export interface RandomRules {
  readonly type: RuleType;
  readonly text: string;
  readonly keys: readonly string[];
}

const results = [
  'r',
  'two words',
  '$1',
  '${1}x',
  '$(1)@b',
  '$$',
  'a$$b',
  '$1x',
  '$',
  '$0',
  '$2-$1',
  '${1',
  'DUNNO',
  '',
  '$9',
];

export function randomRules(random: Random, type: RuleType): RandomRules {
  const lines: string[] = [];
  for (let count = random.between(3, 14); count > 0; count--) {
    lines.push(...decorate(random, type === 'cidr' ? networkLine(random) : patternLine(random, type)));
  }
  const keys = Array.from({ length: 12 }, () => (type === 'cidr' ? randomAddress(random) : randomKey(random)));
  return { type, text: `${lines.join('\n')}${random.chance(90) ? '\n' : ''}`, keys };
}

function patternLine(random: Random, type: PatternType): string {
  const delimiter = random.pick(['/', '/', '/', '!', '~', ',', '"', '|']);
  const escaped = randomPattern(random, type).replaceAll(delimiter, `\\${delimiter}`);
  const pattern = `${delimiter}${escaped}${random.chance(97) ? delimiter : ''}${randomFlags(random, type)}`;
  const not = random.pick(['', '', '', '!', '! ', '!!']);
  const dice = random.below(100);
  if (dice < 12) return `${random.pick(['if', 'IF', 'if '])} ${not}${pattern}`;
  if (dice < 24) return random.pick(['endif', 'ENDIF', 'endif extra', 'endif']);
  if (dice < 27) return random.pick(['foo', 'iff /a/', 'endiff', '!', '/', '/a', '//', '/a/q x', 'if', '/\\/ x']);
  const second = type === 'regexp' && random.chance(8) ? `!/${randomPattern(random, type).replaceAll('/', '')}/` : '';
  return `${not}${pattern}${second}${random.pick([' ', '\t', '  '])}${random.pick(results)}`;
}

/** Some lines are broken in two, or have a comment or blanks around them. */
function decorate(random: Random, line: string): string[] {
  const dice = random.below(100);
  const space = line.indexOf(' ');
  if (dice < 8 && space > 0) return [line.slice(0, space), random.pick(['# c', '', ' # c']), ` ${line.slice(space)}`];
  if (dice < 12) return ['# comment', line];
  if (dice < 14) return ['', ' ', line];
  return [random.chance(5) ? `${line}  \r` : line];
}

function networkLine(random: Random): string {
  const not = random.pick(['', '', '', '', '!', '! ', '!!']);
  const dice = random.below(100);
  if (dice < 12) return `${random.pick(['if ', 'IF', 'if  '])}${not || ' '}${randomNetwork(random)}`;
  if (dice < 22) return random.pick(['endif', 'ENDIF', 'endif extra']);
  if (dice < 28)
    return random.pick([
      'foo x',
      '10.0.0.0',
      '10.0.0.1/8 x',
      '1.2.3.4/33 x',
      '[1.2.3.4 x',
      '[1.2.3.4]x y',
      '01.2.3.4 x',
    ]);
  return `${not}${randomNetwork(random)} ${random.pick(['r', 'two words', '$1', 'DUNNO', ''])}${random.below(9)}`;
}

function randomNetwork(random: Random): string {
  const length = random.pick([0, 8, 9, 16, 24, 30, 31, 32]);
  if (random.chance(70)) {
    const kept = randomNumber(random) & (length === 0 ? 0 : (-1 << (32 - length)) >>> 0);
    const quad = [24, 16, 8, 0].map((shift) => (kept >>> shift) & 255).join('.');
    return random.pick([`${quad}/${length}`, `${quad}/${length}`, `[${quad}]/${length}`, `[${quad}/${length}]`, quad]);
  }
  return random.pick([
    '2001:db8::/32',
    '2001:db8::1',
    '[2001:db8::]/48',
    '::/0',
    '2001:db8:1::/48',
    '::ffff:10.0.0.0/104',
    '2001:db8::1/64',
  ]);
}

/** Few distinct bits, so that networks hold addresses. */
function randomNumber(random: Random): number {
  return [10, 10, 192][random.below(3)]! * 2 ** 24 + random.below(3) * 65_536 + random.below(2) * 256 + random.below(5);
}

function randomAddress(random: Random): string {
  if (random.chance(25))
    return random.pick(['2001:db8::1', '2001:DB8:1::9', '::1', '::ffff:10.1.0.1', 'fe80::1', '2001:db8::ffff']);
  if (random.chance(5)) return random.pick(['foo', '10.0.0', '10.0.0.01', '1.2.3.4.5', '2001:db8::1::']);
  const number = randomNumber(random);
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
