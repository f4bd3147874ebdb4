// Whether the certificate that a server has shown is what the policy asks for, and the log lines about it, in Postfix's
// words. An authority's word (PKIX, RFC 5280) is OpenSSL's to check; which name or fingerprint is right is decided here
// (RFC 6125; TLS_README).

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
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
  /** tls_wildcard_matches_multiple_labels. */
  readonly multiLabelWildcards: boolean;
}

export interface PeerCheck {
  readonly isTrusted: boolean;
  readonly isMatched: boolean;
  /** `Verified`, `Trusted`, `Untrusted`, `Anonymous`. */
  readonly word: string;
  /** Why the certificate is not believed, for the log; undefined where it is, or where there is none. */
  readonly problem: string | undefined;
}

export function checkPeer(socket: TLSSocket, policy: TlsPolicy, names: PeerNames, rules: CertificateRules): PeerCheck {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { isTrusted: false, isMatched: false, word: 'Anonymous', problem: undefined };
  if (policy.level === 'fingerprint') {
    const isMatched = hasFingerprint(certificate, policy.match, rules.digest);
    return { isTrusted: isMatched, isMatched, word: isMatched ? 'Verified' : 'Untrusted', problem: undefined };
  }
  const isTrusted = socket.authorized;
  const isNamed = isVerified(policy.level) && matchesName(certificate, policy.match, names, rules);
  const isMatched = isTrusted && isNamed;
  return {
    isTrusted,
    isMatched,
    word: isMatched ? 'Verified' : isTrusted ? 'Trusted' : 'Untrusted',
    problem: isTrusted
      ? isVerified(policy.level) && !isNamed
        ? 'num=62:hostname mismatch'
        : undefined
      : describeDistrust(String(socket.authorizationError ?? ''), certificate),
  };
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

function matchesName(
  certificate: X509Certificate,
  patterns: readonly string[],
  { host, nexthop }: PeerNames,
  { multiLabelWildcards }: CertificateRules,
): boolean {
  return patterns.some((pattern) => {
    const word = pattern.toLowerCase();
    // A name with a dot in front stands for every name below it, to X509_check_host(3) too.
    const name =
      word === 'hostname' ? host : word === 'nexthop' ? nexthop : word === 'dot-nexthop' ? `.${nexthop}` : pattern;
    if (name === '' || name === '.' || name.includes('\0')) return false;
    return (
      certificate.checkHost(name, { multiLabelWildcards, partialWildcards: false, subject: 'default' }) !== undefined
    );
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

/**
 * `Untrusted TLS connection established to host[ip]:25: TLSv1.3 with cipher … (256/256 bits) key-exchange …`. Node does not
 * tell which digest the server signed with.
 */
export function summary(socket: TLSSocket, check: PeerCheck, relay: string): string {
  const { name } = socket.getCipher();
  const bits = cipherBits(name);
  const version = socket.getProtocol() ?? 'TLS';
  const words = [`${check.word} TLS connection established to ${relay}: ${version} with cipher ${name} (${bits} bits)`];
  const exchange = keyExchange(socket);
  if (exchange !== '') words.push(`key-exchange ${exchange}`);
  const signature = socket.getPeerX509Certificate()?.publicKey;
  if (signature) words.push(`server-signature ${signatureOf(signature, version)}`);
  return words.join(' ');
}

/** Used and algorithm's, as OpenSSL counts them. */
function cipherBits(name: string): string {
  if (/3DES|DES-CBC3/.test(name)) return '112/168';
  return /256|CHACHA20/.test(name.replace(/-?SHA\d*$|_SHA\d+$/, '')) ? '256/256' : '128/128';
}

function keyExchange(socket: TLSSocket): string {
  const info = socket.getEphemeralKeyInfo();
  if (info === null || !('type' in info)) return '';
  if (info.type === 'DH') return `DHE (${info.size} bits)`;
  const name = 'name' in info && info.name ? info.name : '';
  if (/^X\d+$/.test(name)) return name;
  return name === '' ? '' : `ECDHE (${curveNames[name] ?? name})`;
}

const curveNames: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

function signatureOf(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: X509Certificate['publicKey'],
  version: string,
): string {
  if (type === 'ec') return `ECDSA (${curveNames[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''})`;
  if (type === 'rsa') return `${version === 'TLSv1.3' ? 'RSA-PSS' : 'RSA'} (${details?.modulusLength ?? 0} bits)`;
  return String(type).toUpperCase();
}

/** Is the certificate's problem worth a line? Where it decides, always; else where somebody asked (loglevel 1, TLS_README). */
export function isWorthNoting(policy: TlsPolicy, check: PeerCheck, logLevel: number): boolean {
  if (check.problem === undefined) return false;
  return isVerified(policy.level) || (isRequired(policy.level) && logLevel >= 2);
}
