// The certificate of a first start: self-signed, EC P-256, for ten years, naming this host and localhost.
// Mail servers use TLS with each other without checking names (opportunistic TLS, RFC 7435), so that this is
// enough to encrypt; mail clients ask their user once.

import { createHash, createPrivateKey, generateKeyPair, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import { bitString, boolean, explicit, implicit, integer, objectIdentifier, octetString, sequence } from './der.ts';
import { set, time, utf8String } from './der.ts';

const days = 24 * 60 * 60 * 1000;
const lifetimeDays = 3652;
/** Clocks of clients are often a little behind. */
const backdateDays = 1;
/** The common name's upper bound (RFC 5280 appendix A.1, ub-common-name). */
const maxCommonName = 64;

export interface KeyAndCertificate {
  /** PKCS #8, PEM. */
  readonly key: string;
  readonly certificate: string;
}

/** `now` in milliseconds since 1970; `host` becomes the common name. */
export async function createSelfSigned(host: string, now: number): Promise<KeyAndCertificate> {
  const pair = await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const publicKey = pair.publicKey;
  const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const name = sequence(
    set(sequence(objectIdentifier('2.5.4.3'), utf8String(host.length <= maxCommonName ? host : 'localhost'))),
  );
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
    explicit(3, sequence(...extensions(host, publicKey))),
  );
  const signature = sign('sha256', toBeSigned, createPrivateKey(pair.privateKey));
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
  return { key: pair.privateKey, certificate: toPem(certificate) };
}

function extensions(host: string, publicKey: Buffer): Buffer[] {
  const names = [...new Set([host, 'localhost', '127.0.0.1', '::1'])].map(alternativeName);
  const keyIdentifier = createHash('sha1').update(publicKey).digest();
  return [
    extension('2.5.29.17', false, sequence(...names)),
    extension('2.5.29.14', false, octetString(keyIdentifier)),
    // Not a certificate authority, but some clients let a user trust only what may sign itself: cA stays false,
    // which is what they accept for servers.
    extension('2.5.29.19', true, sequence()),
    // digitalSignature
    extension('2.5.29.15', true, Buffer.from([0x03, 0x02, 0x07, 0x80])),
    // serverAuth
    extension('2.5.29.37', false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
  ];
}

function extension(identifier: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [boolean(true)] : [];
  return sequence(objectIdentifier(identifier), ...critical, octetString(value));
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return implicit(7, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return implicit(7, ipv6Octets(name));
  return implicit(2, Buffer.from(name, 'ascii'));
}

function ipv6Octets(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = groups(tail);
  const octets = Buffer.alloc(16);
  before.forEach((group, index) => octets.writeUInt16BE(group, index * 2));
  after.forEach((group, index) => octets.writeUInt16BE(group, 16 - (after.length - index) * 2));
  return octets;
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
