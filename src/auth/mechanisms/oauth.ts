// OAUTHBEARER (RFC 7628) and XOAUTH2, Google's form of it: the client shows a token that somebody else has given it. A
// token that is no good is answered with a challenge that says so in JSON; the client's answer to that ends the exchange
// (RFC 7628 §3.2.3).

import type { SaslStep } from '../sasl-server.ts';
import { toText } from '../sasl.ts';
import {
  attempt,
  challenge,
  denied,
  malformed,
  maxLoginLength,
  type Mechanism,
  withDomain,
  outcome,
} from './exchange.ts';

interface Shown {
  /** '' where the client leaves it to the token. */
  readonly login: string;
  readonly token: string;
}

/** RFC 6750 §2.1. */
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

export const oauthBearer: Mechanism = oauth(readOauthBearer, (details) => ({ status: 'invalid_token', ...details }));

export const xoauth2: Mechanism = oauth(readXoauth2, ({ scope }) => ({
  status: '401',
  schemes: 'bearer',
  ...(scope === undefined ? {} : { scope }),
}));

function oauth(
  read: (message: string) => Shown | undefined,
  failure: (details: { readonly scope?: string }) => object,
): Mechanism {
  return {
    // A token is as good as a password for whoever reads it.
    properties: new Set(['plaintext']),
    start: (parts, request) => async (message) => {
      const shown = read(toText(message) ?? '');
      if (shown === undefined) return malformed();
      if (shown.login.length > maxLoginLength) return denied('login too long', shown.login);
      const { tokens } = parts;
      if (tokens === undefined) throw new Error('tokens are offered without anybody to ask about them');
      const login = shown.login === '' ? '' : withDomain(shown.login, request);
      const { protocol: service, clientAddress: remoteAddress } = request;
      const result = await attempt(parts, request, login, () =>
        tokens.logIn(shown.token, login, { service, remoteAddress }),
      );
      if (result.kind === 'authenticated') return result;
      const end = async (): Promise<SaslStep> => outcome(result, shown.login);
      return challenge(JSON.stringify(failure(tokens.details)), end);
    },
  };
}

/** `n,a=USER,` ^A `host=...` ^A `port=...` ^A `auth=Bearer TOKEN` ^A ^A (RFC 7628 §3.1). */
function readOauthBearer(message: string): Shown | undefined {
  const match = /^[ny],(?:a=([^,\u0001]*))?,\u0001((?:[A-Za-z]+=[^\u0001]*\u0001)+)\u0001$/.exec(message);
  const token = tokenOf(match?.[2] ?? '');
  const name = match?.[1] ?? '';
  if (match === null || token === undefined || /=(?!2C|3D)/.test(name)) return undefined;
  return { login: name.replaceAll('=2C', ',').replaceAll('=3D', '='), token };
}

/** `user=USER` ^A `auth=Bearer TOKEN` ^A ^A. */
function readXoauth2(message: string): Shown | undefined {
  const match = /^user=([^\u0001\0]+)\u0001((?:[A-Za-z]+=[^\u0001]*\u0001)+)\u0001$/.exec(message);
  const token = tokenOf(match?.[2] ?? '');
  return match === null || token === undefined ? undefined : { login: match[1] ?? '', token };
}

function tokenOf(pairs: string): string | undefined {
  const word = pairs.split('\u0001').find((pair) => /^auth=/i.test(pair));
  return word === undefined ? undefined : bearer.exec(word.slice('auth='.length))?.[1];
}
