// Judges tokens that are signed JWTs (RFC 7519, RFC 9068) by the issuer's public keys, its JSON Web Key Set, which is
// fetched and kept for a while: no question for each login, but a token that was taken back is good until it ends.

import type { JWTVerifyGetKey } from 'jose';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import {
  askHttp,
  clockToleranceMilliseconds,
  judgeClaims,
  type TokenCheck,
  type TokenResult,
  type TokenRules,
} from './token-check.ts';

export interface SignatureOptions {
  readonly url: string;
  readonly rules: TokenRules;
  readonly timeoutMilliseconds: number;
  readonly clock: Clock;
}

/** Asymmetric ones only: a symmetric key in a public key set would let anybody sign. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** A key that is not known may be new; made-up ones must not make us ask without end. */
const cooldownMilliseconds = 30_000;
const keptMilliseconds = 600_000;

type Jose = typeof import('jose');

export class TokenSignature implements TokenCheck {
  readonly #options: SignatureOptions;
  /** Loaded only where tokens are checked so: it takes 14 MB. */
  readonly #loaded: Promise<{ readonly jose: Jose; readonly keys: JWTVerifyGetKey }>;

  constructor(options: SignatureOptions) {
    this.#options = options;
    this.#loaded = import('jose').then((jose) => ({ jose, keys: this.#keySet(jose) }));
  }

  #keySet({ createRemoteJWKSet, customFetch }: Jose): JWTVerifyGetKey {
    const { url, timeoutMilliseconds } = this.#options;
    return createRemoteJWKSet(new URL(url), {
      timeoutDuration: timeoutMilliseconds,
      cooldownDuration: cooldownMilliseconds,
      cacheMaxAge: keptMilliseconds,
      [customFetch]: async (where: string) => {
        const { status, body } = await askHttp(where, timeoutMilliseconds, {
          headers: { accept: 'application/json, application/jwk-set+json' },
        });
        return new Response(body, { status });
      },
    });
  }

  async check(token: string): Promise<TokenResult> {
    const { rules, clock } = this.#options;
    const { jose, keys } = await this.#loaded;
    try {
      const { payload } = await jose.jwtVerify(token, keys, {
        algorithms,
        ...(rules.issuer === '' ? {} : { issuer: rules.issuer }),
        ...(rules.audiences.length === 0 ? {} : { audience: [...rules.audiences] }),
        requiredClaims: ['exp'],
        clockTolerance: clockToleranceMilliseconds / 1000,
        currentDate: new Date(clock.now()),
      });
      return judgeClaims(payload, rules, clock.now() - clockToleranceMilliseconds);
    } catch (error) {
      const reason = refusal(error, jose);
      if (reason !== undefined) return { kind: 'invalid', reason };
      if (error instanceof TemporaryError) throw error;
      const { message } = error as Error;
      throw new TemporaryError(`tokens cannot be checked: ${message}`, { cause: error });
    }
  }
}

/** What is wrong with the token; undefined where it is not the token's fault. */
function refusal(error: unknown, { errors }: Jose): string | undefined {
  if (error instanceof errors.JWTExpired) return 'token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `token is not for us (${error.claim}: ${error.reason})`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature of the token is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'token is signed with a key that the issuer does not have';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token is signed in a way that is not allowed';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'that is no signed token';
  if (error instanceof errors.JOSENotSupported) return 'token is signed in a way that is not supported';
  return undefined;
}
