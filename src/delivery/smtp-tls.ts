// The smtp_tls_* and lmtp_tls_* parameters as the SMTP client's rules of TLS. Mistakes that hold for every destination are
// told at the start; what they concern waits (4.7.5) rather than go with less than was asked.

import { getHashes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { ClientTables } from '../routing/client-tables.ts';
import type { Settings } from '../settings/settings.ts';
import type { ClientTls } from '../smtp-client/security.ts';
import { policyKeys, tlsPolicy, TlsPolicyError, type TlsParameters } from '../smtp-client/tls-policy.ts';
import { TlsSessions } from '../smtp-client/tls-sessions.ts';
import { ClientContexts } from '../tls/client-contexts.ts';
import type { TlsLog } from '../tls/watched-files.ts';

export interface TlsRules {
  readonly tls: ClientTls;
  /** What an administrator should know at the start. */
  readonly problem: string | undefined;
}

export function clientTls(
  protocol: 'smtp' | 'lmtp',
  settings: Settings,
  tables: ClientTables,
  surroundings: { readonly clock: Clock; readonly log: TlsLog },
): TlsRules {
  const parameters = readParameters(protocol, settings);
  const { clock, log } = surroundings;
  const isUsed = tables.hasPolicies || parameters.level !== 'none';
  const contexts = isUsed ? new ClientContexts(readFiles(protocol, settings), clock, log) : undefined;
  const digest = settings.text(`${protocol}_tls_fingerprint_digest`).toLowerCase();
  const tls: ClientTls = {
    policy: async (destination) => {
      const found = tables.hasPolicies ? await tables.policy(policyKeys(destination)) : undefined;
      const where = found ? `${protocol}_tls_policy_maps, next-hop destination "${found.key}"` : '';
      return tlsPolicy(parameters, found?.row, where);
    },
    context: ({ ciphers, minVersion, maxVersion, anchors }) => {
      if (contexts === undefined) throw new Error('not configured');
      return contexts.context({ ciphers, minVersion, maxVersion, anchors });
    },
    generation: () => contexts?.generation ?? '',
    sessions: new TlsSessions(clock, settings.seconds(`${protocol}_tls_session_cache_timeout`) * 1000),
    digest,
    isWrapped: parameters.isWrapped,
    logLevel: Number.parseInt(settings.text(`${protocol}_tls_loglevel`), 10) || 0,
    notesOffers: settings.flag(`${protocol}_tls_note_starttls_offer`),
  };
  const problem = contexts?.problem === undefined ? undefined : `no TLS: ${contexts.problem}`;
  return { tls, problem: problem ?? mistake(parameters, digest) };
}

/** Of the parameters, whatever the destination. */
function mistake(parameters: TlsParameters, digest: string): string | undefined {
  if (!getHashes().includes(digest) && !getHashes().includes(digest.toUpperCase())) {
    return `${parameters.prefix}_tls_fingerprint_digest = ${digest} is no digest`;
  }
  try {
    tlsPolicy(parameters);
    return undefined;
  } catch (error) {
    if (!(error instanceof TlsPolicyError)) throw error;
    return `${parameters.prefix}_tls_security_level = ${parameters.level}: ${error.message}; its mail waits`;
  }
}

function readParameters(protocol: 'smtp' | 'lmtp', settings: Settings): TlsParameters {
  return {
    level: tlsLevel(protocol, settings),
    protocols: settings.text(`${protocol}_tls_protocols`),
    mandatoryProtocols: settings.text(`${protocol}_tls_mandatory_protocols`),
    ciphers: settings.text(`${protocol}_tls_ciphers`),
    mandatoryCiphers: settings.text(`${protocol}_tls_mandatory_ciphers`),
    excluded: settings.list(`${protocol}_tls_exclude_ciphers`),
    mandatoryExcluded: settings.list(`${protocol}_tls_mandatory_exclude_ciphers`),
    cipherLists: {
      high: settings.text('tls_high_cipherlist'),
      medium: settings.text('tls_medium_cipherlist'),
      low: settings.text('tls_low_cipherlist'),
      export: settings.text('tls_export_cipherlist'),
      null: settings.text('tls_null_cipherlist'),
    },
    verifyMatch: matchList(settings.list(`${protocol}_tls_verify_cert_match`)),
    secureMatch: matchList(settings.list(`${protocol}_tls_secure_cert_match`)),
    fingerprints: settings.list(`${protocol}_tls_fingerprint_cert_match`),
    serverName: settings.text(`${protocol}_tls_servername`),
    anchors: settings
      .text(`${protocol}_tls_trust_anchor_file`)
      .split(/[\s,]+/)
      .filter((file) => file !== ''),
    reusesConnection: settings.flag(`${protocol}_tls_connection_reuse`),
    isWrapped: settings.flag(`${protocol}_tls_wrappermode`),
    prefix: protocol,
  };
}

/** Colons part names too (postconf(5)). */
function matchList(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(':')).filter((word) => word !== '');
}

/** The level, with the old smtp_enforce_tls, smtp_tls_enforce_peername and smtp_use_tls behind it. */
function tlsLevel(protocol: 'smtp' | 'lmtp', settings: Settings): string {
  const level = settings.text(`${protocol}_tls_security_level`).toLowerCase();
  if (level !== '') return level;
  if (settings.flag(`${protocol}_enforce_tls`)) {
    return settings.flag(`${protocol}_tls_enforce_peername`) ? 'verify' : 'encrypt';
  }
  return settings.flag(`${protocol}_use_tls`) ? 'may' : 'none';
}

function readFiles(protocol: 'smtp' | 'lmtp', settings: Settings): ConstructorParameters<typeof ClientContexts>[0] {
  const pairs = [
    [settings.text(`${protocol}_tls_cert_file`), settings.text(`${protocol}_tls_key_file`)],
    [settings.text(`${protocol}_tls_eccert_file`), settings.text(`${protocol}_tls_eckey_file`)],
  ] as const;
  return {
    pairs: pairs.filter(([certificate]) => certificate !== ''),
    chainFiles: settings.list(`${protocol}_tls_chain_files`),
    caFile: settings.text(`${protocol}_tls_CAfile`),
    caPath: settings.text(`${protocol}_tls_CApath`),
    appendsSystem: settings.flag('tls_append_default_CA'),
  };
}
