// A certificate signing request (PKCS #10, RFC 2986) for one host name, as an ACME order is finalized with.

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { bitString, explicit, integer, objectIdentifier, sequence, set } from '../der.ts';
import { alternativeNames, ecdsaWithSha256 } from '../x509.ts';

/** DER. `key` is an EC P-256 key in PEM. */
export function certificateRequest(host: string, key: string): Buffer {
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  // extensionRequest (RFC 2985 §5.4.2). The subject stays empty: the name stands in subjectAltName (RFC 8555 §7.4).
  const attributes = sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(sequence(alternativeNames([host]))));
  const toBeSigned = sequence(integer(Buffer.from([0])), sequence(), publicKey, explicit(0, attributes));
  return sequence(toBeSigned, ecdsaWithSha256, bitString(sign('sha256', toBeSigned, privateKey)));
}
