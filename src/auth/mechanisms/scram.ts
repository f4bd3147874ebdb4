// SCRAM-SHA-1, SCRAM-SHA-256 and the two with channel binding (RFC 5802, RFC 7677): the client proves that it knows the
// password, and we that we know its keys. Nobody can tell from the exchange whether an account exists: one that does not
// has a salt and fails at the proof (directory-secrets.ts).

import { randomBytes } from 'node:crypto';
import { isScramProof, type ScramHash, serverSignature } from '../scram-keys.ts';
import { type ClientFinal, type ClientFirst, parseClientFinal, parseClientFirst } from '../scram-words.ts';
import type { SaslRequest, SaslStep } from '../sasl-server.ts';
import type { AuthResult } from '../types.ts';
import { saslPrepared } from '../../lib/saslprep.ts';
import { isSame } from '../unix-crypt.ts';
import {
  attempt,
  challenge,
  denied,
  malformed,
  maxLoginLength,
  type Mechanism,
  type MechanismParts,
  outcome,
  withDomain,
} from './exchange.ts';

const nonceBytes = 18;

export function scram(hash: ScramHash, isBound: boolean): Mechanism {
  return {
    properties: new Set(['mutual-auth']),
    start: (parts, request) => async (message) => {
      const first = parseClientFirst(message);
      if (first === undefined) return malformed();
      const login = withDomain(saslPrepared(first.login) ?? first.login, request);
      if (login.length > maxLoginLength) return denied('login too long', first.login);
      if (first.authzid !== '' && first.authzid.toLowerCase() !== first.login.toLowerCase()) {
        return denied('authorization identity differs from the login', first.login);
      }
      const bound = bindingData(first, isBound, request);
      if (!Buffer.isBuffer(bound)) return denied(bound.reason, first.login);
      return await new ScramExchange(parts, request, hash, { first, login, bound }).firstReply();
    },
  };
}

/** What `c=` must repeat (RFC 5802 §6): the header, and with channel binding what both ends know of the channel. */
function bindingData(
  { binding, bindingType, gs2Header }: ClientFirst,
  isBound: boolean,
  { channel, isBindingOffered = false }: SaslRequest,
): Buffer | { readonly reason: string } {
  const header = Buffer.from(gs2Header);
  if (isBound) {
    if (binding !== 'p') return { reason: 'channel binding was asked for and is not used' };
    const data = channel?.data(bindingType);
    return data === undefined
      ? { reason: `channel binding ${bindingType} is not supported on this connection` }
      : Buffer.concat([header, data]);
  }
  if (binding === 'p') return { reason: 'channel binding needs a mechanism whose name ends with -PLUS' };
  if (binding === 'y' && isBindingOffered) {
    return { reason: 'the client has not seen that channel binding is offered: somebody may have changed the list' };
  }
  return header;
}

interface Opening {
  readonly first: ClientFirst;
  readonly login: string;
  readonly bound: Buffer;
}

class ScramExchange {
  readonly #parts: MechanismParts;
  readonly #request: SaslRequest;
  readonly #hash: ScramHash;
  readonly #opening: Opening;

  constructor(parts: MechanismParts, request: SaslRequest, hash: ScramHash, opening: Opening) {
    this.#parts = parts;
    this.#request = request;
    this.#hash = hash;
    this.#opening = opening;
  }

  async firstReply(): Promise<SaslStep> {
    const nonce = `${this.#opening.first.nonce}${randomBytes(nonceBytes).toString('base64')}`;
    const { salt, iterations } = await this.#account();
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
    return challenge(serverFirst, (message) => this.#finish(message, nonce, serverFirst));
  }

  async #account() {
    const { secrets } = this.#parts;
    if (secrets === undefined) throw new Error('SCRAM is offered without keys');
    await secrets.fresh();
    const { protocol: service, clientAddress: remoteAddress } = this.#request;
    return secrets.scram(this.#opening.login, this.#hash, { service, remoteAddress });
  }

  async #finish(message: Buffer, nonce: string, serverFirst: string): Promise<SaslStep> {
    const { first, login, bound } = this.#opening;
    const final = parseClientFinal(message);
    if (final === undefined || final.nonce !== nonce) return malformed();
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`;
    let signature = '';
    const result = await attempt(this.#parts, this.#request, login, async () => {
      if (!isSame(final.channelBinding, bound)) {
        return { kind: 'denied', reason: 'channel binding differs: somebody may be in the middle' };
      }
      const judged = await this.#judge(final, authMessage, serverFirst);
      signature = judged.signature;
      return judged.result;
    });
    if (result.kind === 'denied') return outcome(result, first.login);
    return challenge(`v=${signature}`, async (rest) => (rest.length === 0 ? result : malformed()));
  }

  /** The keys are read again: those of a password that was changed during the exchange are void. */
  async #judge(
    final: ClientFinal,
    authMessage: string,
    serverFirst: string,
  ): Promise<{ result: AuthResult; signature: string }> {
    const { salt, iterations, candidates, reason } = await this.#account();
    const isSameAsBefore = serverFirst.endsWith(`,s=${salt.toString('base64')},i=${iterations}`);
    const fits = isSameAsBefore
      ? candidates.find(({ storedKey }) => isScramProof(this.#hash, storedKey, authMessage, final.proof))
      : undefined;
    if (fits === undefined) return { result: { kind: 'denied', reason }, signature: '' };
    return { result: fits.grant(), signature: serverSignature(this.#hash, fits.serverKey, authMessage) };
  }
}
