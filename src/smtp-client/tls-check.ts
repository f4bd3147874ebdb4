// Whether the certificate that a server has shown is what the policy asks for, and the log lines about it, in Postfix's
// words. An authority's word (PKIX, RFC 5280) is OpenSSL's to check; which name or fingerprint is right is decided here
// (RFC 6125; TLS_README).

import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import type { Secured } from './tls-handshake.ts';
import { isRequired, isVerified, type TlsPolicy } from './tls-policy.ts';

export interface PeerNames {
  /** The host that we talk to, as MX records or the next hop name it. */
  readonly host: string;
  /** The next hop's domain, without brackets and port. */
  readonly nexthop: string;
}

export interface CertificateRules {
  /** smtp_tls_fingerprint_digest. */
  readonly digest: string;
}

export interface PeerCheck {
  readonly isTrusted: boolean;
  readonly isMatched: boolean;
  /** `Verified`, `Trusted`, `Untrusted`, `Anonymous`. */
  readonly word: string;
  /** Why the certificate is not believed, for the log; undefined where it is, or where there is none. */
  readonly problem: string | undefined;
}

export function checkPeer(secured: Secured, policy: TlsPolicy, names: PeerNames, rules: CertificateRules): PeerCheck {
  const { socket, certificate } = secured;
  if (certificate === undefined) return { isTrusted: false, isMatched: false, word: 'Anonymous', problem: undefined };
  if (policy.level === 'fingerprint') {
    const isMatched = hasFingerprint(certificate, policy.match, rules.digest);
    const problem = isMatched ? undefined : 'no matching fingerprint';
    return { isTrusted: isMatched, isMatched, word: isMatched ? 'Verified' : 'Untrusted', problem };
  }
  if (!socket.authorized) {
    const problem = describeDistrust(String(socket.authorizationError ?? ''), certificate);
    return { isTrusted: false, isMatched: false, word: 'Untrusted', problem };
  }
  if (!isVerified(policy.level)) return { isTrusted: true, isMatched: false, word: 'Trusted', problem: undefined };
  const isMatched = matchesName(certificate, policy.match, names);
  // To OpenSSL, and so to smtp(8), a wrong name makes the whole certificate a wrong one.
  return isMatched
    ? { isTrusted: true, isMatched, word: 'Verified', problem: undefined }
    : { isTrusted: false, isMatched, word: 'Untrusted', problem: 'num=62:hostname mismatch' };
}

/** May mail go over this connection? */
export function isGoodEnough(policy: TlsPolicy, check: PeerCheck): boolean {
  if (policy.level === 'fingerprint') return check.isMatched;
  return !isVerified(policy.level) || (check.isTrusted && check.isMatched);
}

/** Of the certificate or of its public key: what stands in the list (TLS_README, "Certificate fingerprint verification"). */
function hasFingerprint(certificate: X509Certificate, wanted: readonly string[], digest: string): boolean {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const shown = [certificate.raw, key].map((bytes) => createHash(digest).update(bytes).digest('hex'));
  return wanted.some((text) => shown.includes(text.replaceAll(':', '').toLowerCase()));
}

function matchesName(certificate: X509Certificate, patterns: readonly string[], { host, nexthop }: PeerNames): boolean {
  const usual = new Map([
    ['hostname', host],
    ['nexthop', nexthop],
    ['dot-nexthop', `.${nexthop}`],
  ]);
  return patterns.some((pattern) => {
    const name = usual.get(pattern.toLowerCase()) ?? pattern;
    if (name === '' || name === '.') return false;
    // A name with a dot in front stands for every name below it, to X509_check_host(3) too. A `*` stands for one label
    // (RFC 6125 §6.4.3): so does smtp(8) of Postfix 3.7, whatever tls_wildcard_matches_multiple_labels says.
    return certificate.checkHost(name, { partialWildcards: false, subject: 'default' }) !== undefined;
  });
}

function describeDistrust(code: string, certificate: X509Certificate): string {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'self-signed certificate';
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `untrusted issuer ${printable(
        certificate.issuer
          .split('\n')
          .map((part) => `/${part}`)
          .join(''),
      )}`;
    case 'CERT_NOT_YET_VALID':
      return 'certificate not yet valid';
    case 'CERT_HAS_EXPIRED':
      return 'certificate has expired';
    case 'INVALID_PURPOSE':
      return 'not designated for use as a server certificate';
    default:
      return printable(code.toLowerCase().replaceAll('_', ' '));
  }
}

/** What a stranger's certificate says goes into a log line. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 300);
}

export function describeProblem({ problem }: PeerCheck, relay: string): string {
  const isChain = /^(?:self-signed|untrusted issuer|not designated)/.test(problem ?? '');
  return `${isChain ? '' : 'server '}certificate verification failed for ${relay}: ${problem}`;
}

/**
 * `Untrusted TLS connection established to host[ip]:25: TLSv1.3 with cipher ... (256/256 bits) key-exchange ...`. Node
 * does not tell which digest the server signed with.
 */
export function summary({ socket, certificate }: Secured, { word }: PeerCheck, relay: string): string {
  const { name } = socket.getCipher();
  const version = socket.getProtocol() ?? 'TLS';
  const text = `${word} TLS connection established to ${relay}: ${version} with cipher ${name} (${cipherBits(name)} bits)`;
  if (version !== 'TLSv1.3') return text;
  const exchange = keyExchange(socket.getEphemeralKeyInfo());
  const signature =
    certificate && !socket.isSessionReused() ? ` server-signature ${signatureOf(certificate.publicKey)}` : '';
  return `${text}${exchange}${signature}`;
}

/** Used and algorithm's, as OpenSSL counts them. */
function cipherBits(name: string): string {
  if (/3DES|DES-CBC3/.test(name)) return '112/168';
  return /256|CHACHA20/.test(name.replace(/-?SHA\d*$|_SHA\d+$/, '')) ? '256/256' : '128/128';
}

function keyExchange(info: object | null): string {
  const name = info !== null && 'name' in info && typeof info.name === 'string' ? info.name : '';
  if (name === '') return '';
  return ` key-exchange ${name.startsWith('X') ? name : `ECDHE (${name})`}`;
}

function signatureOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === 'ec') return `ECDSA (${details?.namedCurve ?? ''})`;
  return type === 'rsa' ? `RSA-PSS (${details?.modulusLength ?? 0} bits)` : String(type).toUpperCase();
}

/** Is the certificate's problem worth a line? Where it decides, always; else where somebody asked (loglevel 1, TLS_README). */
export function isWorthNoting(policy: TlsPolicy, check: PeerCheck, logLevel: number): boolean {
  if (check.problem === undefined) return false;
  return isVerified(policy.level) || policy.level === 'fingerprint' || (isRequired(policy.level) && logLevel >= 2);
}
