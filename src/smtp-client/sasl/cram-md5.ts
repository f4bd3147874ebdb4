// CRAM-MD5 (RFC 2195): the password never goes over the line. Old, but what some servers offer besides PLAIN.

import { createHmac } from 'node:crypto';
import type { Credentials, Exchange } from './exchange.ts';

export class CramMd5 implements Exchange {
  readonly isComplete = true;
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  first(): undefined {
    return undefined;
  }

  next(challenge: Buffer): Buffer {
    const { login, password } = this.#credentials;
    return Buffer.from(`${login} ${createHmac('md5', password).update(challenge).digest('hex')}`);
  }
}
