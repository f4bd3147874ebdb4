// Asks the authorization server itself about a token (RFC 7662): for tokens that say nothing to others, and where a token
// that was taken back must count at once.

import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { askHttp, judgeClaims, type TokenCheck, type TokenResult, type TokenRules } from './token-check.ts';

export interface IntrospectionOptions {
  readonly url: string;
  /** How we prove who we are (RFC 7662 §2.1); '' for none. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly rules: TokenRules;
  readonly timeoutMilliseconds: number;
  readonly clock: Clock;
}

export class TokenIntrospection implements TokenCheck {
  readonly #options: IntrospectionOptions;

  constructor(options: IntrospectionOptions) {
    this.#options = options;
  }

  async check(token: string): Promise<TokenResult> {
    const { url, clientId, clientSecret, rules, timeoutMilliseconds, clock } = this.#options;
    // RFC 6749 §2.3.1: both are form-encoded before they become Basic credentials.
    const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const { status, body } = await askHttp(url, timeoutMilliseconds, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        ...(clientId === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    // Also 401 and 403: they say that it is we who are not known there.
    if (status !== 200) throw new TemporaryError(`tokens cannot be checked: introspection answered HTTP ${status}`);
    const claims = parseObject(body);
    if (claims === undefined || typeof claims['active'] !== 'boolean') {
      throw new TemporaryError('tokens cannot be checked: introspection did not answer with JSON that says "active"');
    }
    if (!claims['active']) return { kind: 'invalid', reason: 'token is not active' };
    return judgeClaims(claims, rules, clock.now());
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
