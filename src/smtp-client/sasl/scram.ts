// SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: the password never goes over the line, and
// the server proves that it knows it too.

import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { saslPrepared } from '../../lib/saslprep.ts';
import { type Credentials, type Exchange, SaslError } from './exchange.ts';

/** RFC 5802 §5.1, RFC 7677 §4: with fewer a listener could guess the password soon. */
const minIterations = 4096;
/** A server must not keep us computing. */
const maxIterations = 2_000_000;

export class Scram implements Exchange {
  readonly #hash: 'sha1' | 'sha256';
  readonly #login: string;
  readonly #password: string;
  readonly #nonce: string;
  #step: 'first' | 'final' | 'proof' | 'done' = 'first';
  #serverSignature: Buffer = Buffer.alloc(0);

  constructor(hash: 'sha1' | 'sha256', { login, password }: Credentials, nonce = randomBytes(24).toString('base64')) {
    this.#hash = hash;
    this.#login = prepared(login);
    this.#password = prepared(password);
    this.#nonce = nonce;
  }

  get isComplete(): boolean {
    return this.#step === 'done';
  }

  first(): Buffer {
    this.#step = 'final';
    return Buffer.from(`n,,${this.#bare()}`);
  }

  async next(challenge: Buffer): Promise<Buffer> {
    if (this.#step === 'first') return this.first();
    if (this.#step === 'final') return this.#clientFinal(challenge.toString('utf8'));
    if (this.#step === 'proof') this.#checkProof(challenge.toString('utf8'));
    return Buffer.alloc(0);
  }

  #bare(): string {
    return `n=${this.#login.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`;
  }

  async #clientFinal(message: string): Promise<Buffer> {
    const [, nonce = '', salt = '', count = ''] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=(\d{1,9})(?:,.*)?$/.exec(message) ?? [];
    const iterations = Number(count);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw new SaslError('bad challenge of the server');
    if (iterations < minIterations || iterations > maxIterations) {
      throw new SaslError(`the server asks for ${iterations} iterations`);
    }
    const size = this.#hash === 'sha1' ? 20 : 32;
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), iterations, size, this.#hash);
    const clientKey = this.#hmac(salted, 'Client Key');
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.#bare()},${message},${withoutProof}`;
    const signature = this.#hmac(storedKey, signed);
    const proof = clientKey.map((octet, index) => octet ^ (signature[index] ?? 0));
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), signed);
    this.#step = 'proof';
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  #checkProof(message: string): void {
    const refused = /^e=([\x20-\x2b\x2d-\x7e]{1,100})/.exec(message)?.[1];
    if (refused !== undefined) throw new SaslError(`the server says: ${refused}`);
    const shown = Buffer.from(/^v=([A-Za-z0-9+/]+={0,2})/.exec(message)?.[1] ?? '', 'base64');
    if (shown.length !== this.#serverSignature.length || !timingSafeEqual(shown, this.#serverSignature)) {
      throw new SaslError('the server does not know the password');
    }
    this.#step = 'done';
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}

const derive = promisify(pbkdf2);

/** RFC 4013; what it forbids is sent as it is. */
function prepared(text: string): string {
  return saslPrepared(text) ?? text;
}
