// What a configuration alone cannot tell: the answers of SQL, LDAP and socket tables, of policy services, and of the
// DNS. Each is an oracle with two answers that matter, "nothing" and "let them". An attempt is played with every oracle
// silent; where that ends in a refusal, again with one of those that were asked letting it pass, and so on. An answer
// that refuses opens no door, so it is never tried.

export interface Oracle {
  /** As `check_recipient_access mysql:/etc/postfix/x.cf`. */
  readonly what: string;
  /** What would have to hold, as a clause: `it answers OK`. */
  readonly condition: string;
}

/** The answers of one play of an attempt. */
export class Play {
  readonly #agreed: ReadonlySet<Oracle>;
  /** In the order in which they were first asked. */
  readonly asked = new Set<Oracle>();

  constructor(agreed: ReadonlySet<Oracle>) {
    this.#agreed = agreed;
  }

  get agreed(): ReadonlySet<Oracle> {
    return this.#agreed;
  }

  /** Does it let them? */
  ask(oracle: Oracle): boolean {
    this.asked.add(oracle);
    return this.#agreed.has(oracle);
  }
}

/** More than this is a configuration that nobody understands either. */
const maxPlays = 500;

/**
 * Plays with ever more oracles that agree, until `play` says that it came through; every smallest such set counts.
 * Returns false where there were too many to try all.
 */
export async function exploreOracles(play: (answers: Play) => Promise<boolean>): Promise<boolean> {
  const waiting: ReadonlySet<Oracle>[] = [new Set()];
  const successes: ReadonlySet<Oracle>[] = [];
  const seen = new Set<string>();
  const numbers = new Map<Oracle, number>();
  const numberOf = (oracle: Oracle): number => {
    const known = numbers.get(oracle);
    if (known !== undefined) return known;
    numbers.set(oracle, numbers.size);
    return numbers.size - 1;
  };
  for (let count = 0; ; count++) {
    const agreed = waiting.shift();
    if (agreed === undefined) return true;
    if (count >= maxPlays) return false;
    if (successes.some((smaller) => [...smaller].every((oracle) => agreed.has(oracle)))) continue;
    const answers = new Play(agreed);
    if (await play(answers)) {
      successes.push(agreed);
      continue;
    }
    for (const oracle of answers.asked) {
      if (agreed.has(oracle)) continue;
      const next = new Set([...agreed, oracle]);
      const key = [...next]
        .map(numberOf)
        .toSorted((a, b) => a - b)
        .join(' ');
      if (!seen.has(key)) waiting.push(next);
      seen.add(key);
    }
  }
}
