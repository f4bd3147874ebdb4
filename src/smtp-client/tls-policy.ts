// What TLS towards one destination must be: smtp_tls_security_level and its kin, or a row of smtp_tls_policy_maps in their
// place (TLS_README, "Client TLS security levels"). Nothing is sent with less than is asked: a row or parameter that
// cannot be understood is a TlsPolicyError, and the mail waits.

import { type CipherLists, cipherList, parseVersions, type VersionRange } from './tls-versions.ts';

export type TlsLevel = 'none' | 'may' | 'encrypt' | 'fingerprint' | 'verify' | 'secure';

/** From nothing to everything, Postfix's order. `dane` and `dane-only` are names that are understood, and refused. */
const levels: readonly string[] = ['none', 'may', 'encrypt', 'fingerprint', 'dane', 'dane-only', 'verify', 'secure'];

export interface TlsPolicy extends VersionRange {
  readonly level: TlsLevel;
  /** In OpenSSL's notation. */
  readonly ciphers: string;
  /** At `verify` and `secure`: `hostname`, `nexthop`, `dot-nexthop`, names; at `fingerprint`: fingerprints. */
  readonly match: readonly string[];
  /** For SNI: '', `hostname`, `nexthop`, or a name. */
  readonly serverName: string;
  /** Files with the certificates that are believed instead of the usual authorities. */
  readonly anchors: readonly string[];
  /** Whether a connection under TLS may be kept for the next message. */
  readonly reusesConnection: boolean;
}

/** The smtp_tls_* or lmtp_tls_* parameters. */
export interface TlsParameters {
  readonly level: string;
  readonly protocols: string;
  readonly mandatoryProtocols: string;
  readonly ciphers: string;
  readonly mandatoryCiphers: string;
  readonly excluded: readonly string[];
  readonly mandatoryExcluded: readonly string[];
  readonly cipherLists: CipherLists;
  readonly verifyMatch: readonly string[];
  readonly secureMatch: readonly string[];
  readonly fingerprints: readonly string[];
  readonly serverName: string;
  readonly anchors: readonly string[];
  readonly reusesConnection: boolean;
  /** smtp_tls_wrappermode: TLS from the first octet. */
  readonly isWrapped: boolean;
  /** How the parameters begin, for messages. */
  readonly prefix: 'smtp' | 'lmtp';
}

export class TlsPolicyError extends Error {
  override name = 'TlsPolicyError';
  /** What the sender may read; `message` is for the log. */
  readonly reason: string;

  constructor(message: string, reason = 'client TLS configuration problem') {
    super(message);
    this.reason = reason;
  }
}

/** A row of smtp_tls_policy_maps. */
interface SitePolicy {
  level: string;
  protocols?: string;
  ciphers?: string;
  excluded?: string;
  serverName?: string;
  match: string[];
  anchors: string[];
  reusesConnection?: boolean;
}

/** `row` is what the table says of the destination, `where` names both for messages. Throws TlsPolicyError. */
export function tlsPolicy(parameters: TlsParameters, row?: string, where = ''): TlsPolicy {
  const site = row === undefined ? undefined : parseRow(row, where);
  const named = site?.level ?? parameters.level.toLowerCase();
  if (named === 'dane' || named === 'dane-only') {
    const text = `TLS security level "${named}" is not supported yet`;
    throw new TlsPolicyError(where === '' ? text : `${where}: ${text}`, text);
  }
  const level = named as TlsLevel;
  if (parameters.isWrapped && !isRequired(level)) {
    throw new TlsPolicyError(
      `${parameters.prefix}_tls_wrappermode requires "${parameters.prefix}_tls_security_level = encrypt" (or stronger)`,
    );
  }
  const match = site && site.match.length > 0 ? site.match : usualMatch(level, parameters);
  if (level === 'fingerprint' && match.length === 0) {
    throw new TlsPolicyError(
      `${where || 'TLS'}: configured at fingerprint security level, but with no fingerprints to match`,
    );
  }
  return {
    level,
    ...versions(level, site, parameters),
    ciphers: ciphers(level, site, parameters),
    match,
    serverName: serverName(site, parameters),
    anchors: !isVerified(level) ? [] : site && site.anchors.length > 0 ? site.anchors : parameters.anchors,
    reusesConnection: site?.reusesConnection ?? parameters.reusesConnection,
  };
}

/** No mail without TLS. */
export function isRequired(level: TlsLevel): boolean {
  return level !== 'none' && level !== 'may';
}

/** The certificate must be one that an authority vouches for. */
export function isVerified(level: TlsLevel): boolean {
  return level === 'verify' || level === 'secure';
}

function usualMatch(level: TlsLevel, parameters: TlsParameters): readonly string[] {
  if (level === 'verify') return parameters.verifyMatch;
  if (level === 'secure') return parameters.secureMatch;
  return level === 'fingerprint' ? parameters.fingerprints : [];
}

function versions(level: TlsLevel, site: SitePolicy | undefined, parameters: TlsParameters): VersionRange {
  const list = site?.protocols ?? (isRequired(level) ? parameters.mandatoryProtocols : parameters.protocols);
  const range = parseVersions(list);
  if (range) return range;
  throw new TlsPolicyError(`Invalid TLS protocol list "${list}", or one without TLSv1.2 and TLSv1.3`);
}

/**
 * Below `verify` weak keys and ciphers are better than none, as smtp(8) sees it; there OpenSSL's own limits hold, so that
 * a certificate with a key that can be broken proves nothing.
 */
function ciphers(level: TlsLevel, site: SitePolicy | undefined, parameters: TlsParameters): string {
  const grade = site?.ciphers ?? (isRequired(level) ? parameters.mandatoryCiphers : parameters.ciphers);
  const usual = [...parameters.excluded, ...(isRequired(level) ? parameters.mandatoryExcluded : [])];
  const excluded = site?.excluded === undefined ? usual : [site.excluded];
  const never = level === 'encrypt' ? ['eNULL'] : isRequired(level) ? ['aNULL'] : [];
  const list = cipherList(grade, parameters.cipherLists, [...excluded, ...never]);
  if (list === undefined)
    throw new TlsPolicyError(`invalid cipher grade "${grade}" or exclusion "${excluded.join(' ')}"`);
  return isVerified(level) ? list : `${list}:@SECLEVEL=0`;
}

function serverName(site: SitePolicy | undefined, parameters: TlsParameters): string {
  const name = site?.serverName ?? parameters.serverName;
  if (name === '' || isHostName(name)) return name;
  throw new TlsPolicyError(`"${parameters.prefix}_tls_servername = ${name}" specifies an invalid hostname`);
}

function parseRow(row: string, where: string): SitePolicy {
  const [level, ...attributes] = row.split(/[\s,]+/).filter((word) => word !== '');
  if (level === undefined) throw new TlsPolicyError(`${where}: invalid empty policy`);
  if (!levels.includes(level.toLowerCase())) throw new TlsPolicyError(`${where}: invalid security level "${level}"`);
  const site: SitePolicy = { level: level.toLowerCase(), match: [], anchors: [] };
  // Without TLS they mean nothing; smtp(8) warns and goes on.
  if (site.level === 'none') return site;
  for (const attribute of attributes) {
    const mistake = addAttribute(site, attribute);
    if (mistake !== undefined) throw new TlsPolicyError(`${where}: ${mistake}`);
  }
  return site;
}

/** Returns what is wrong with it, in Postfix's words. */
function addAttribute(site: SitePolicy, attribute: string): string | undefined {
  const equals = attribute.indexOf('=');
  if (equals < 0) return `malformed attribute/value pair "${attribute}": missing '=' after attribute name`;
  const name = attribute.slice(0, equals);
  const value = attribute.slice(equals + 1);
  const once = (field: 'ciphers' | 'protocols' | 'excluded' | 'serverName'): string | undefined => {
    if (site[field] !== undefined) return `attribute "${name}" is specified multiple times`;
    site[field] = value;
    return undefined;
  };
  const atLevels = (...allowed: string[]): string | undefined => {
    if (value === '') return `attribute "${name}" has empty value`;
    return allowed.includes(site.level) ? undefined : `attribute "${name}" invalid at security level "${site.level}"`;
  };
  switch (name.toLowerCase()) {
    case 'ciphers':
      return value === '' ? `attribute "${name}" has empty value` : once('ciphers');
    case 'protocols':
      return once('protocols');
    case 'exclude':
      return once('excluded');
    case 'servername':
      return isHostName(value) ? once('serverName') : `"${attribute}" specifies an invalid hostname`;
    case 'match': {
      const mistake = atLevels('fingerprint', 'verify', 'secure');
      // Fingerprints have colons of their own.
      site.match.push(...value.split(site.level === 'fingerprint' ? '|' : ':').filter((one) => one !== ''));
      return mistake;
    }
    case 'tafile':
      site.anchors.push(value);
      return atLevels('verify', 'secure');
    case 'connection_reuse':
      site.reusesConnection = value.toLowerCase() === 'yes';
      return /^(?:yes|no)$/i.test(value) ? undefined : `attribute "${name}" has bad value: "${value}"`;
    default:
      return `invalid attribute name: "${name}"`;
  }
}

function isHostName(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*$/i.test(text);
}

/** The keys of smtp_tls_policy_maps in order: a domain, then its parents with a dot; anything else as it is. */
export function policyKeys(destination: string): string[] {
  const keys = [destination];
  if (!isHostName(destination) || /^[\d.]+$/.test(destination)) return keys;
  for (let dot = destination.indexOf('.', 1); dot >= 0; dot = destination.indexOf('.', dot + 1)) {
    keys.push(destination.slice(dot));
  }
  return keys;
}
