// A client of SCRAM for tests (RFC 5802), with channel binding and with every word open to be got wrong.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

export interface ScramClientOptions {
  readonly hash: 'sha1' | 'sha256';
  readonly login: string;
  readonly password: string;
  /** The GS2 header: `n,,`, `y,,`, `p=tls-exporter,,`. */
  readonly header?: string;
  /** What the client believes the channel's data to be. */
  readonly channelData?: Buffer;
  readonly nonce?: string;
}

export class ScramClient {
  readonly #options: ScramClientOptions;
  readonly #header: string;
  readonly #bare: string;
  readonly hash: 'sha1' | 'sha256';
  signature = '';

  constructor(options: ScramClientOptions) {
    this.#options = options;
    this.hash = options.hash;
    this.#header = options.header ?? 'n,,';
    const name = options.login.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${options.nonce ?? randomBytes(18).toString('base64')}`;
  }

  first(): string {
    return `${this.#header}${this.#bare}`;
  }

  final(serverFirst: string): string {
    const { hash, password, channelData } = this.#options;
    const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
    const size = hash === 'sha1' ? 20 : 32;
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), size, hash);
    const clientKey = createHmac(hash, salted).update('Client Key').digest();
    const storedKey = createHash(hash).update(clientKey).digest();
    const binding = Buffer.concat([Buffer.from(this.#header), channelData ?? Buffer.alloc(0)]).toString('base64');
    const withoutProof = `c=${binding},r=${nonce}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = createHmac(hash, storedKey).update(message).digest();
    const proof = Buffer.from(clientKey.map((octet, index) => octet ^ (signature[index] ?? 0)));
    const serverKey = createHmac(hash, salted).update('Server Key').digest();
    this.signature = createHmac(hash, serverKey).update(message).digest('base64');
    return `${withoutProof},p=${proof.toString('base64')}`;
  }
}
