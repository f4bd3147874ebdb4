// The mechanisms that send the secret itself: PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), XOAUTH2 (of large
// providers: the password is an access token that something else keeps fresh).

import type { Credentials, Exchange } from './exchange.ts';

export class Plain implements Exchange {
  readonly isComplete = true;
  readonly #message: Buffer;

  constructor({ login, password }: Credentials) {
    this.#message = Buffer.from(`\0${login}\0${password}`);
  }

  first(): Buffer {
    return this.#message;
  }

  next(): Buffer {
    return this.#message;
  }
}

/** The name, then the password, whatever the server asks with. */
export class Login implements Exchange {
  readonly isComplete = true;
  readonly #answers: string[];

  constructor({ login, password }: Credentials) {
    this.#answers = [login, password];
  }

  first(): undefined {
    return undefined;
  }

  next(): Buffer {
    return Buffer.from(this.#answers.shift() ?? '');
  }
}

export class XOAuth2 implements Exchange {
  readonly isComplete = true;
  readonly #message: Buffer;
  #isSent = false;

  constructor({ login, password }: Credentials) {
    this.#message = Buffer.from(`user=${login}\x01auth=Bearer ${password}\x01\x01`);
  }

  first(): Buffer {
    this.#isSent = true;
    return this.#message;
  }

  /** A refusal comes as a challenge that tells why; it is answered with nothing, and the real refusal follows. */
  next(challenge: Buffer): Buffer {
    if (this.#isSent && challenge.length > 0) return Buffer.alloc(0);
    return this.first();
  }
}
