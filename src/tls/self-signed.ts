// Certificates that sign themselves: that of a first start (EC P-256, for ten years, naming this host and localhost), and
// those that answer a challenge of an authority.
// Mail servers use TLS with each other without checking names (opportunistic TLS, RFC 7435), so that the first is
// enough to encrypt; mail clients ask their user once.

import { createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { bitString, explicit, integer, objectIdentifier, octetString, sequence, time } from './der.ts';
import { alternativeNames, commonName, ecdsaWithSha256, extension, newKey, toPem } from './x509.ts';

const days = 24 * 60 * 60 * 1000;
const lifetimeDays = 3652;
/** Clocks of clients are often a little behind. */
const backdateDays = 1;

export interface KeyAndCertificate {
  /** PKCS #8, PEM. */
  readonly key: string;
  readonly certificate: string;
}

/** `now` in milliseconds since 1970; `host` becomes the common name. */
export async function createSelfSigned(host: string, now: number): Promise<KeyAndCertificate> {
  return await selfSign(host, now, (publicKey) => [
    alternativeNames([host, 'localhost', '127.0.0.1', '::1']),
    extension('2.5.29.14', false, octetString(createHash('sha1').update(publicKey).digest())),
    // Not a certificate authority, but some clients let a user trust only what may sign itself: cA stays false,
    // which is what they accept for servers.
    extension('2.5.29.19', true, sequence()),
    // digitalSignature
    extension('2.5.29.15', true, Buffer.from([0x03, 0x02, 0x07, 0x80])),
    // serverAuth
    extension('2.5.29.37', false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
  ]);
}

/** For a tls-alpn-01 challenge: acmeIdentifier holds the digest of the key authorization (RFC 8737 §3). */
export async function createChallengeCertificate(
  host: string,
  keyAuthorization: string,
  now: number,
): Promise<KeyAndCertificate> {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  return await selfSign(host, now, () => [
    alternativeNames([host]),
    extension('1.3.6.1.5.5.7.1.31', true, octetString(digest)),
  ]);
}

async function selfSign(host: string, now: number, extensions: (key: Buffer) => Buffer[]): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await newKey();
  const name = commonName(host);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    name,
    sequence(time(new Date(now - backdateDays * days)), time(new Date(now + lifetimeDays * days))),
    name,
    publicKey,
    explicit(3, sequence(...extensions(publicKey))),
  );
  const signature = sign('sha256', toBeSigned, createPrivateKey(privateKey));
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
  return { key: privateKey, certificate: toPem('CERTIFICATE', certificate) };
}
