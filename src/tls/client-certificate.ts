// The certificate that a client shows: who it says that it is, whether an authority vouches for that, and the fingerprints
// by which tables know it (Postfix TLS_README, "Server access control").

import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

export interface ClientCertificate {
  /** Common names, of the issuer else its organization; '' where there is none. As given: whoever prints them cleans them. */
  readonly commonName: string;
  readonly issuerName: string;
  /** `AA:BB:...`, of the certificate and of its public key (smtpd_tls_fingerprint_digest). */
  readonly fingerprint: string;
  readonly keyFingerprint: string;
  /** An authority that is believed has issued it, it is of today, and for clients. */
  readonly isTrusted: boolean;
  /** Why not, in OpenSSL's or our words. */
  readonly problem?: string;
}

export interface ClientCertificateOptions {
  readonly digest: string;
  /** How many issuers may stand above it (smtpd_tls_ccert_verifydepth). */
  readonly verifyDepth: number;
}

/** Neither the authority counts nor, as Postfix sets OpenSSL's limit one higher, the issuer just below it. */
const depthMargin = 2;

/** Undefined where it has shown none. */
export function clientCertificate(
  socket: TLSSocket,
  { digest, verifyDepth }: ClientCertificateOptions,
): ClientCertificate | undefined {
  const shown = socket.getPeerCertificate(true);
  // An empty object, for a client without one.
  const raw: Buffer | undefined = shown?.raw;
  if (raw === undefined) return undefined;
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  const issuerName = firstOf(shown.issuer?.CN) || firstOf(shown.issuer?.O);
  const isTooDeep = issuersOf(shown) > verifyDepth + depthMargin;
  const problem =
    verificationProblem(socket, issuerName) ??
    (isTooDeep ? `certificate chain longer than limit(${verifyDepth + 1})` : undefined);
  return {
    commonName: firstOf(shown.subject?.CN),
    issuerName,
    fingerprint: fingerprint(raw, digest),
    keyFingerprint: fingerprint(key, digest),
    isTrusted: problem === undefined,
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * What OpenSSL thinks of it. Node tells that only of sockets that its own listener has accepted; the method below is what
 * it asks there. Where it should be gone one day nobody is trusted.
 */
function verificationProblem(socket: TLSSocket, issuer: string): string | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { verifyError?: () => NodeJS.ErrnoException | null } };
  if (typeof handle?.verifyError !== 'function') return 'the certificate cannot be verified';
  const error = handle.verifyError();
  if (!error) return undefined;
  if (/^UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/.test(error.code ?? '')) return `untrusted issuer ${issuer}`;
  // Node adds advice of its own behind a semicolon.
  return error.message.replace(/;.*/s, '');
}

function issuersOf(certificate: DetailedPeerCertificate): number {
  let count = 0;
  for (let one = certificate; one.issuerCertificate && one.issuerCertificate !== one; one = one.issuerCertificate)
    count++;
  return count;
}

function firstOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function fingerprint(octets: Buffer, digest: string): string {
  return createHash(digest)
    .update(octets)
    .digest('hex')
    .toUpperCase()
    .replace(/..(?!$)/g, '$&:');
}
