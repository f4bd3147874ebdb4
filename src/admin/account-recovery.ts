// The way back for mailbox owners who have forgotten their password, as far as it needs the running server: who may ask how
// often, the letters, and that nobody who asks can tell whether an address exists. The answer is given before anything is
// looked up, and the look-up begins a random moment later, so that no other answer's time tells of it either. The link names
// the page by the server's own settings, never by what the request calls the host: that a stranger chooses.

import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { networksOf } from '../defence/network.ts';
import { FailureCounts } from '../defence/failure-counts.ts';
import { makeSecret, secretDigest } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import { recoveryMinutes } from '../directory/recovery.ts';
import type { Clock } from '../lib/clock.ts';
import type { Letter } from '../queue/own-letters.ts';
import { codeLetter, linkLetter } from './recovery-letters.ts';

export interface AccountRecoveryParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly send: (letter: Letter) => Promise<void>;
  /** Where people reach the page: `https://mail.example.com`. */
  readonly pageOrigin: () => string;
  readonly hostname: () => string;
  readonly warn: (text: string) => void;
}

const hourMilliseconds = 3_600_000;
/** Of one address (IPv6: one /64) within an hour. */
const maxAskedPerHour = 10;
const maxCodesPerHour = 5;
/** Under way at once. */
const maxWaiting = 100;
const maxDelayMilliseconds = 1500;
/** 10 of 32 characters are 50 bits; five tries. */
const codeAlphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
const codeLength = 10;

export class AccountRecovery {
  readonly #parts: AccountRecoveryParts;
  readonly #asked: FailureCounts;
  readonly #codes: FailureCounts;
  #waiting = 0;

  constructor(parts: AccountRecoveryParts) {
    this.#parts = parts;
    const counts = (limit: number): FailureCounts =>
      // One more than is let through: that one is refused before it is counted.
      new FailureCounts({ clock: parts.clock, limit: limit + 1, periodMilliseconds: hourMilliseconds });
    this.#asked = counts(maxAskedPerHour);
    this.#codes = counts(maxCodesPerHour);
  }

  /** False: this client has asked too often, or too many ask at once. What becomes of it nobody is told. */
  ask(address: string, client: string): boolean {
    if (this.#waiting >= maxWaiting || !isLeft(this.#asked, networksOf(client).narrow, maxAskedPerHour)) return false;
    this.#waiting++;
    void wait(randomInt(maxDelayMilliseconds), undefined, { ref: false })
      .then(() => this.#sendLink(address))
      .catch((error: unknown) =>
        this.#parts.warn(`no link to a new password could be sent: ${(error as Error).message}`),
      )
      .finally(() => this.#waiting--);
    return true;
  }

  async #sendLink(given: string): Promise<void> {
    const { directory, pageOrigin, hostname, send } = this.#parts;
    await directory.fresh();
    const mailbox = directory.mailboxByAddress(given.trim());
    if (!mailbox?.enabled) return;
    const { recoveryAddress } = (await directory.mailboxes.show(mailbox.address)) ?? {};
    if (recoveryAddress === undefined) return;
    const secret = makeSecret('phl_');
    const link = { mailbox: mailbox.id, address: recoveryAddress };
    if (!(await directory.as('recovery').recovery.addLink(link, secretDigest(secret)))) return;
    // Behind the #, which browsers tell no server.
    const url = `${pageOrigin()}/forgotten#${secret}`;
    await send(
      linkLetter({ to: recoveryAddress, mailbox: mailbox.address, hostname: hostname(), url, recoveryMinutes }),
    );
  }

  /** The code for a recovery address; undefined: too many were asked for. */
  newCode(mailbox: number): string | undefined {
    if (!isLeft(this.#codes, String(mailbox), maxCodesPerHour)) return undefined;
    const characters = Array.from({ length: codeLength }, () => codeAlphabet.charAt(randomInt(codeAlphabet.length)));
    return characters.join('').replace(/(.{5})(?=.)/g, '$1-');
  }

  async sendCode(mailbox: string, to: string, code: string): Promise<void> {
    const hostname = this.#parts.hostname();
    await this.#parts.send(codeLetter({ to, mailbox, hostname, code, recoveryMinutes }));
  }

  /** To everybody concerned; one that cannot be told is no reason not to tell the others. */
  async tell(addresses: readonly (string | undefined)[], letter: Omit<Letter, 'to'>): Promise<void> {
    for (const to of new Set(addresses)) {
      if (to === undefined || to === '') continue;
      await this.#parts.send({ ...letter, to }).catch((error: unknown) => {
        this.#parts.warn(`a notice about an account could not be sent: ${(error as Error).message}`);
      });
    }
  }
}

/** As it is typed: blanks, dashes and capitals mean nothing. */
export function codeDigest(mailbox: number, code: string): string {
  return secretDigest(`${mailbox} ${code.toLowerCase().replaceAll(/[\s-]/g, '')}`);
}

function isLeft(counts: FailureCounts, key: string, limit: number): boolean {
  if (counts.value(key) > limit - 0.5) return false;
  counts.add(key);
  return true;
}
