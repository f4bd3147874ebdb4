// Passkeys (WebAuthn): what a browser is asked to sign, and whether it has. A challenge is good once, for some minutes, for
// what it was made for. The key stays on the user's device, which has to know that it is the user (PIN, finger).

import { randomUUID } from 'node:crypto';
import { isoBase64URL } from '@simplewebauthn/server/helpers';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { Owner } from '../directory/api-tokens.ts';
import type { KnownPasskey, NewPasskey } from '../directory/second-factors.ts';
import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';
import { fail } from './problem.ts';

/** The page that asks: `https://mail.example.com:8443`. */
export interface Site {
  readonly origin: string;
}

/** COSE's EdDSA, ES256 and RS256: what devices have (WebAuthn §5.8.5). */
const algorithms = [-8, -7, -257];
const challengeMilliseconds = 5 * 60_000;
/** Strangers can ask for them. */
const maxChallenges = 10_000;
/** Who sets up the host has no number yet: the passkey is made before its owner is, so that both come into being at once. */
export const firstAdministrator = { kind: 'first', id: 0 } as const;

export class Passkeys {
  readonly #clock: Clock;
  /** What for, and until when. */
  readonly #challenges = new RecentMap<string, { readonly use: string; readonly end: number }>(maxChallenges);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async registration(
    owner: Owner | typeof firstAdministrator,
    login: string,
    present: readonly string[],
    site: Site,
  ): Promise<object> {
    const handle = owner.kind === 'first' ? randomUUID() : `${owner.kind} ${owner.id}`;
    const options = await generateRegistrationOptions({
      rpName: 'Posthaste',
      supportedAlgorithmIDs: algorithms,
      rpID: hostOf(site),
      userName: login,
      userID: new TextEncoder().encode(handle),
      excludeCredentials: present.map((id) => ({ id })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    this.#keep(options.challenge, `register ${owner.kind} ${owner.id}`);
    return options;
  }

  /** Throws ProblemError. */
  async register(
    owner: Owner | typeof firstAdministrator,
    name: string,
    response: unknown,
    site: Site,
  ): Promise<NewPasskey> {
    const use = `register ${owner.kind} ${owner.id}`;
    const verified = await checked(async () =>
      verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: (challenge) => this.#take(challenge, use),
        expectedOrigin: site.origin,
        expectedRPID: hostOf(site),
        supportedAlgorithmIDs: algorithms,
      }),
    );
    if (!verified.verified) failWrong();
    const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
    return { name, credential: id, publicKey: isoBase64URL.fromBuffer(publicKey), counter, transports };
  }

  async authentication(site: Site): Promise<object> {
    const options = await generateAuthenticationOptions({ rpID: hostOf(site), userVerification: 'required' });
    this.#keep(options.challenge, 'log in');
    return options;
  }

  /** Gives the counter of the device afterwards. Throws ProblemError. */
  async authenticate(passkey: KnownPasskey, response: unknown, site: Site): Promise<number> {
    const { credential, publicKey, counter } = passkey;
    const verified = await checked(async () =>
      verifyAuthenticationResponse({
        response: response as AuthenticationResponseJSON,
        expectedChallenge: (challenge) => this.#take(challenge, 'log in'),
        expectedOrigin: site.origin,
        expectedRPID: hostOf(site),
        credential: { id: credential, publicKey: isoBase64URL.toBuffer(publicKey), counter },
      }),
    );
    if (!verified.verified) failWrong();
    return verified.authenticationInfo.newCounter;
  }

  #keep(challenge: string, use: string): void {
    this.#challenges.set(challenge, { use, end: this.#clock.now() + challengeMilliseconds });
  }

  #take(challenge: string, use: string): boolean {
    const known = this.#challenges.get(challenge);
    this.#challenges.delete(challenge);
    return known?.use === use && known.end > this.#clock.now();
  }
}

function hostOf({ origin }: Site): string {
  return new URL(origin).hostname;
}

/** The library throws at everything that is wrong with what a stranger has sent. */
async function checked<Result>(check: () => Promise<Result>): Promise<Result> {
  try {
    return await check();
  } catch {
    return failWrong();
  }
}

function failWrong(): never {
  fail(401, 'denied', 'this passkey was not accepted', { mend: 'begin again: what was to be signed is good once' });
}
