// Greylisting (RFC 6647): the first mail from a sender's network, of a sender, to a recipient is put off; a real mail
// server tries again, and from then on the three pass at once. A network that has come back often enough passes whoever
// writes to whom. The network is the client's /24 or /64, because large senders try again from the machine next to the
// first one; of the sender's localpart what changes with each message (VERP, SRS, serial numbers) is taken out, as
// postgrey does. What is kept is bounded and survives a restart (defence-store.ts).

import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { KeptEntries } from './defence-store.ts';
import { senderNetwork } from './network.ts';

export interface GreylistTimes {
  /** How long the first try is put off. */
  readonly delayMilliseconds: number;
  /** Who comes back later than this begins anew. */
  readonly retryWindowMilliseconds: number;
  /** How long what has passed is remembered since it was last seen. */
  readonly maxAgeMilliseconds: number;
  /** So many different senders and recipients that came back let the network pass; 0: never. */
  readonly autoAllow: number;
}

/** A network, sender and recipient; times in milliseconds since 1970. */
export interface GreyTriplet {
  readonly first: number;
  readonly hasPassed: boolean;
}

export interface GreyNetwork {
  readonly passes: number;
  readonly counted: number;
}

export interface GreylistOptions {
  readonly clock: Clock;
  readonly triplets: KeptEntries<GreyTriplet>;
  readonly networks: KeptEntries<GreyNetwork>;
}

export interface GreylistQuestion {
  readonly address: string;
  /** External form; '' is the null sender. */
  readonly sender: string;
  readonly recipient: string;
}

export type GreylistAnswer = { readonly kind: 'pass' } | { readonly kind: 'wait'; readonly seconds: number };

const pass: GreylistAnswer = { kind: 'pass' };
/** What one network earns for coming back counts once in so long, as with postgrey. */
const hourMilliseconds = 3_600_000;
const dayMilliseconds = 86_400_000;

export class Greylist {
  readonly #options: GreylistOptions;

  constructor(options: GreylistOptions) {
    this.#options = options;
  }

  check({ address, sender, recipient }: GreylistQuestion, times: GreylistTimes): GreylistAnswer {
    const { triplets, networks } = this.#options;
    const now = this.#options.clock.now();
    const network = senderNetwork(address);
    const { autoAllow, maxAgeMilliseconds, delayMilliseconds } = times;
    const earned = autoAllow > 0 ? networks.get(network) : undefined;
    if (earned !== undefined && earned.passes >= autoAllow) {
      if (now - earned.counted > dayMilliseconds) {
        networks.put(network, { ...earned, counted: now }, now + maxAgeMilliseconds);
      }
      return pass;
    }
    const key = keyOf(network, sender, recipient);
    const known = triplets.get(key);
    const waited = known === undefined ? 0 : now - known.first;
    if (known === undefined || (!known.hasPassed && waited < delayMilliseconds)) {
      if (known === undefined) {
        triplets.put(key, { first: now, hasPassed: false }, now + times.retryWindowMilliseconds);
      }
      return { kind: 'wait', seconds: Math.max(1, Math.ceil((delayMilliseconds - waited) / 1000)) };
    }
    triplets.put(key, { first: known.first, hasPassed: true }, now + maxAgeMilliseconds);
    if (!known.hasPassed && autoAllow > 0) this.#earn(network, now, maxAgeMilliseconds);
    return pass;
  }

  #earn(network: string, now: number, maxAgeMilliseconds: number): void {
    const { passes, counted } = this.#options.networks.get(network) ?? { passes: 0, counted: Number.NEGATIVE_INFINITY };
    if (now - counted < hourMilliseconds) return;
    this.#options.networks.put(network, { passes: passes + 1, counted: now }, now + maxAgeMilliseconds);
  }
}

/** Of one length, however long what strangers write. */
function keyOf(network: string, sender: string, recipient: string): string {
  const text = [network, steadySender(sender), recipient.toLowerCase()].join('\0');
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}

/** Without extension, and with `#` for words that are numbers: a mailing list's sender differs with each message. */
function steadySender(sender: string): string {
  const at = sender.lastIndexOf('@');
  if (at < 0) return sender.toLowerCase();
  const localpart = sender.slice(0, at).toLowerCase();
  const plain = localpart.replace(/\+.*$/, '').replaceAll(/\b[0-9a-f]*[0-9][0-9a-f]*\b/g, '#');
  return `${plain === '' ? localpart : plain}@${sender.slice(at + 1).toLowerCase()}`;
}
