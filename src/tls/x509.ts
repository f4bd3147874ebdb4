// The parts that certificates and requests for them are put together from (RFC 5280 §4; RFC 2986), and the few that are
// read from certificates where node:crypto does not tell them.

import { generateKeyPair } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import { boolean, implicit, objectIdentifier, octetString, sequence, set, utf8String } from './der.ts';

/** The common name's upper bound (RFC 5280 appendix A.1, ub-common-name). */
const maxCommonName = 64;

export const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

export interface NewKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

/** EC P-256: every client can verify it, and signing takes a tenth of what RSA does. */
export async function newKey(): Promise<NewKey> {
  return await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** A name with the common name alone; a host that is too long is left to the alternative names. */
export function commonName(host: string): Buffer {
  return sequence(
    set(sequence(objectIdentifier('2.5.4.3'), utf8String(host.length <= maxCommonName ? host : 'localhost'))),
  );
}

export function extension(identifier: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [boolean(true)] : [];
  return sequence(objectIdentifier(identifier), ...critical, octetString(value));
}

/** subjectAltName, of host names and addresses. */
export function alternativeNames(names: readonly string[]): Buffer {
  return extension('2.5.29.17', false, sequence(...[...new Set(names)].map(alternativeName)));
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

export function toPem(label: string, octets: Buffer): string {
  const lines = octets.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

/** Values within values, one level; what is not DER ends the list. */
function readValues(octets: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 0; at + 2 <= octets.length; ) {
    const tag = octets[at] as number;
    let length = octets[at + 1] as number;
    at += 2;
    if (length > 0x80) {
      const count = length & 0x7f;
      if (count > 4 || at + count > octets.length) return values;
      length = octets.readUIntBE(at, count);
      at += count;
    }
    if (at + length > octets.length) return values;
    values.push({ tag, content: octets.subarray(at, at + length) });
    at += length;
  }
  return values;
}

/** The keyIdentifier of authorityKeyIdentifier (RFC 5280 §4.2.1.1) and the serial number, of a certificate in DER. */
export function readIssue(
  certificate: Buffer,
): { readonly keyIdentifier: Buffer; readonly serial: Buffer } | undefined {
  const [outer] = readValues(certificate);
  const [toBeSigned] = readValues(outer?.content ?? Buffer.alloc(0));
  const fields = readValues(toBeSigned?.content ?? Buffer.alloc(0));
  const serial = fields.find(({ tag }) => tag === 0x02)?.content;
  const [extensions] = readValues(fields.find(({ tag }) => tag === 0xa3)?.content ?? Buffer.alloc(0));
  const wanted = objectIdentifier('2.5.29.35').subarray(2);
  for (const { content } of readValues(extensions?.content ?? Buffer.alloc(0))) {
    const [identifier, ...rest] = readValues(content);
    if (identifier === undefined || !identifier.content.equals(wanted)) continue;
    const [inner] = readValues(rest.at(-1)?.content ?? Buffer.alloc(0));
    const keyIdentifier = readValues(inner?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === 0x80)?.content;
    if (keyIdentifier !== undefined && serial !== undefined) return { keyIdentifier, serial };
  }
  return undefined;
}
