import { describe, expect, test } from 'vitest';
import { formatOutcome, isAsExpected, type Outcome, parseExpectations } from './expectations.ts';

function outcome(...deliveries: readonly string[]): Outcome {
  return {
    reply: { code: 250, status: '2.1.5', text: 'Ok' },
    deliveries: deliveries.map((text) => {
      const [recipient = '', transport = '', nexthop = ''] = text.split(' | ');
      return { recipient, original: recipient, transport, nexthop };
    }),
  };
}

function holds(line: string, found: Outcome): boolean | string {
  const [parsed] = parseExpectations(line);
  if (parsed?.kind !== 'expectation') return parsed?.kind === 'mistake' ? parsed.reason : 'no expectation';
  return isAsExpected(parsed.outcome, found);
}

const refusal: Outcome = { reply: { code: 550, status: '5.1.1', text: 'User unknown in table' }, deliveries: [] };

describe('expectations', () => {
  test('a reply is compared as far as it is written', () => {
    for (const right of ['550', '550 5.1.1', '550 5.1.1 User unknown', '550 unknown']) {
      expect(holds(`a@b -> ${right}`, refusal), right).toBe(true);
    }
    for (const right of ['551', '550 5.1.2', '550 5.1.1 Relay', '250', 'a@b']) {
      expect(holds(`a@b -> ${right}`, refusal), right).toBe(false);
    }
  });

  test('final recipients in any order, each once; a trailing via holds for those before it', () => {
    const found = outcome('x@d | virtual | d', 'y@d | virtual | d', 'z@o | smtp | [hub]:25');
    expect(holds('a@d -> z@o via smtp:[hub]:25, X@D, y@d via virtual', found)).toBe(true);
    expect(holds('a@d -> x@d, y@d, z@o', found)).toBe(true);
    expect(holds('a@d -> x@d, y@d, z@o via smtp', found)).toBe(false);
    expect(holds('a@d -> x@d, y@d', found)).toBe(false);
    expect(holds('a@d -> x@d, x@d, z@o', found)).toBe(false);
    expect(holds('a@d -> x@d, y@d, z@o via smtp:[other]', found)).toBe(false);
  });

  test('circumstances and quotes', () => {
    const [line] = parseExpectations('"a -> b, c"@d from <> client 192.0.2.1 login ann -> 250');
    expect(line).toMatchObject({
      kind: 'expectation',
      address: '"a -> b, c"@d',
      circumstances: { from: '', client: '192.0.2.1', login: 'ann' },
    });
  });

  test('what is printed is read back as the same', () => {
    const cases = [
      outcome('x@d | virtual | d', 'y@d | virtual | d', '"a, b"@o | smtp | [hub]'),
      refusal,
      outcome('e@d | error | 5.1.1 no, sir'),
    ];
    for (const one of cases) expect(holds(`q@d -> ${formatOutcome(one)}`, one)).toBe(true);
  });

  test('mistakes are named, comments kept', () => {
    expect(holds('a@b c@d', refusal)).toMatch(/is -> missing/);
    expect(holds('a@b from -> 250', refusal)).toBe('from needs a value');
    expect(holds('-> 250', refusal)).toMatch(/no address/);
    expect(holds('a@b -> x y z', refusal)).toMatch(/via TRANSPORT/);
    expect(parseExpectations('# c\n\n')).toEqual([
      { kind: 'other', text: '# c' },
      { kind: 'other', text: '' },
    ]);
  });
});
