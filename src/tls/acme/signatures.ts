// How an ACME client signs what it sends (RFC 8555 §6.2; RFC 7515), with an EC P-256 key, and shows the account at the
// authority's own customer administration that its account belongs to (§7.3.4).

import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

interface SignedRequest {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** Of an external account: what the authority gives its customers. */
export interface ExternalAccount {
  readonly keyId: string;
  /** base64url. */
  readonly macKey: string;
}

const encode = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');
const encodeJson = (value: object): string => encode(JSON.stringify(value));

export class AccountKey {
  readonly #key: KeyObject;
  /** The public half (RFC 7517), members in the order that its thumbprint needs (RFC 7638 §3). */
  readonly jwk: { readonly crv: string; readonly kty: string; readonly x: string; readonly y: string };

  /** PKCS #8, PEM. */
  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    const { crv = '', kty = '', x = '', y = '' } = createPublicKey(this.#key).export({ format: 'jwk' });
    this.jwk = { crv, kty, x, y };
  }

  /** What a challenge is answered with (RFC 8555 §8.1). */
  keyAuthorization(token: string): string {
    return `${token}.${createHash('sha256').update(JSON.stringify(this.jwk)).digest('base64url')}`;
  }

  /** `accountUrl` is absent before there is an account; a payload of undefined is a POST-as-GET (§6.3). */
  sign(url: string, nonce: string, accountUrl: string | undefined, payload: object | undefined): SignedRequest {
    const who = accountUrl === undefined ? { jwk: this.jwk } : { kid: accountUrl };
    const header = encodeJson({ alg: 'ES256', ...who, nonce, url });
    const body = payload === undefined ? '' : encodeJson(payload);
    const signature = sign('sha256', Buffer.from(`${header}.${body}`), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return { protected: header, payload: body, signature: encode(signature) };
  }

  /** For newAccount at `url`. */
  bind({ keyId, macKey }: ExternalAccount, url: string): SignedRequest {
    const header = encodeJson({ alg: 'HS256', kid: keyId, url });
    const body = encodeJson(this.jwk);
    const mac = createHmac('sha256', Buffer.from(macKey, 'base64url')).update(`${header}.${body}`).digest();
    return { protected: header, payload: body, signature: encode(mac) };
  }
}
