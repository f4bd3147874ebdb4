// The question whether a token is good, and how it is asked over HTTP: with an end to time and size, because whoever
// answers may hang or talk for ever. Three outcomes: valid, invalid, and TemporaryError where nobody could say.

import { TemporaryError } from '../lib/temporary-error.ts';

export type TokenResult =
  | {
      readonly kind: 'valid';
      /** Whom the token stands for. */
      readonly login: string;
      /** Milliseconds since 1970; absent: it does not say. */
      readonly expires?: number;
    }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface TokenCheck {
  check(token: string): Promise<TokenResult>;
}

/** What a token must say of itself. */
export interface TokenRules {
  /** '' for any. */
  readonly issuer: string;
  /** One of these; empty for any. */
  readonly audiences: readonly string[];
  /** All of these. */
  readonly scopes: readonly string[];
  /** The claim that holds the login name. */
  readonly loginClaim: string;
}

/** Far more than an answer about a token, or a set of keys, takes. */
const maxAnswerBytes = 262_144;

/** GET or POST; the body of an answer as text. Throws TemporaryError for all that is no answer. */
export async function askHttp(
  url: string,
  timeoutMilliseconds: number,
  request: RequestInit = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const what = new URL(url).host;
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    // A redirection could lead the token anywhere.
    const response = await fetch(url, { ...request, signal, redirect: 'error' });
    return { status: response.status, body: await readBody(response) };
  } catch (error) {
    if (error instanceof TemporaryError) throw error;
    const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why = name === 'TimeoutError' ? 'timed out' : (cause?.code ?? cause?.message ?? message);
    throw new TemporaryError(`tokens cannot be checked: ${what}: ${why}`, { cause: error });
  }
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new TemporaryError('tokens cannot be checked: the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a token says of itself, judged; `claims` have been proved to come from the issuer. */
export function judgeClaims(claims: Readonly<Record<string, unknown>>, rules: TokenRules, now: number): TokenResult {
  const invalid = (reason: string): TokenResult => ({ kind: 'invalid', reason });
  const { iss, aud, exp, nbf } = claims;
  if (rules.issuer !== '' && iss !== undefined && iss !== rules.issuer) return invalid('token of another issuer');
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (rules.audiences.length > 0 && !rules.audiences.some((one) => audiences.includes(one))) {
    return invalid('token is not for us (audience)');
  }
  if (typeof exp === 'number' && exp * 1000 <= now) return invalid('token has expired');
  if (typeof nbf === 'number' && nbf * 1000 > now + clockToleranceMilliseconds)
    return invalid('token is not valid yet');
  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : [];
  const missing = rules.scopes.find((scope) => !scopes.includes(scope));
  if (missing !== undefined) return invalid(`token lacks the scope ${missing}`);
  const login = claims[rules.loginClaim];
  if (typeof login !== 'string' || login === '') return invalid(`token does not say ${rules.loginClaim}`);
  // Anybody can claim an address that nobody has confirmed (OpenID Connect Core §5.7).
  if (rules.loginClaim === 'email' && claims['email_verified'] === false) return invalid('address is not verified');
  return { kind: 'valid', login, ...(typeof exp === 'number' ? { expires: exp * 1000 } : {}) };
}

/** Clocks of two machines differ a little. */
export const clockToleranceMilliseconds = 30_000;
