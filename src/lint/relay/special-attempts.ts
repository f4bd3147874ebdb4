// Attempts with words that rows of access tables ask for: all of them with each other where there are few; where there are
// many, one change of a plain attempt at a time, then two of different kinds.

import type { Client } from '../../routing/types.ts';
import { type Attempt, elsewhere, someone, victim, withHelo } from './attempts.ts';
import type { Candidates, Network } from './candidates.ts';

type Change = (attempt: Attempt) => Attempt;

export interface SpecialAttempts {
  readonly attempts: Iterable<Attempt>;
  /** Every word with every other. */
  readonly isComplete: boolean;
}

/** Beyond this the tables are too large to be multiplied. */
const maxAttempts = 4000;

/** `clients` are anybody. */
export function specialAttempts(
  candidates: Candidates,
  clients: readonly Client[],
  helos: readonly (string | undefined)[],
): SpecialAttempts {
  const [base = {}] = clients;
  const sender = `${someone}@${elsewhere}`;
  const plain = withHelo(
    { client: base, clientNote: '', sender, recipient: `${victim}@${elsewhere}`, isNarrow: false },
    helos[0],
  );
  const kinds: readonly (readonly Change[])[] = [
    [...new Set([...candidates.senders, ''])].map((other) => (attempt) => ({ ...attempt, sender: other })),
    [...new Set([...candidates.helos, ...helos.slice(1)])].map((helo) => (attempt) => withHelo(attempt, helo)),
    candidates.recipients.map(({ address, isNarrow }) => (attempt) => ({ ...attempt, recipient: address, isNarrow })),
    [...clients.slice(1).map(asAnybody), ...candidates.clients.map(asNetwork)],
  ];
  const product = kinds.reduce((size, kind) => size * (kind.length + 1), 1);
  if (product <= maxAttempts) return { attempts: multiplied(plain, kinds), isComplete: true };
  return { attempts: pairs(plain, kinds), isComplete: false };
}

/** Another of those whom no row has. */
function asAnybody(client: Client): Change {
  return (attempt) => withHelo({ ...attempt, client }, attempt.client.helo);
}

function asNetwork({ address, name, text, isSure }: Network): Change {
  const named: Partial<Client> =
    name === undefined ? {} : { name, nameStatus: 'found', reverseName: name, reverseNameStatus: 'found' };
  const condition = isSure ? {} : { condition: `not all of ${text} is the administrator's own` };
  return (attempt) => ({
    ...attempt,
    client: { ...attempt.client, address, ...named },
    clientNote: `a client in ${text}`,
    ...condition,
  });
}

function* multiplied(attempt: Attempt, [kind, ...others]: readonly (readonly Change[])[]): Generator<Attempt> {
  if (kind === undefined) {
    yield attempt;
    return;
  }
  yield* multiplied(attempt, others);
  for (const change of kind) yield* multiplied(change(attempt), others);
}

function* pairs(plain: Attempt, kinds: readonly (readonly Change[])[]): Generator<Attempt> {
  for (const kind of kinds) for (const change of kind) yield change(plain);
  let count = 0;
  for (const [index, kind] of kinds.entries()) {
    for (const one of kind) {
      for (const other of kinds.slice(index + 1).flat()) {
        if (++count > maxAttempts) return;
        yield other(one(plain));
      }
    }
  }
}
