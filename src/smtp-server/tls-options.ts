// What TLS a service offers, from smtpd_tls_* and tls_* under Postfix's names and with its meanings (postconf(5),
// TLS_README). IMAP offers what main.cf says of services that require TLS: its users send passwords.
// Anonymous ciphers, those without encryption, RC4, DES and export ciphers are not offered whatever the lists say: TLS 1.2
// is the oldest version here, and who speaks that has better ones.

import { constants, getHashes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { SettingsError } from '../settings/settings-error.ts';
import { cipherList, parseVersions } from '../smtp-client/tls-versions.ts';
import type { TlsOffer } from '../tls/server-tls.ts';
import type { SettingsSource } from './options.ts';

/** Plain values: two services with the same ones share everything. */
export interface TlsSettings {
  readonly offer: TlsOffer;
  /** Groups of files, each a key with its chain; none: the server has a certificate of its own. */
  readonly chains: readonly (readonly string[])[];
  /** Clients are asked for a certificate. */
  readonly clients:
    | {
        readonly caFile: string;
        readonly caPath: string;
        readonly appendsSystem: boolean;
        readonly digest: string;
        readonly verifyDepth: number;
      }
    | undefined;
}

/** `isMandatory`: nothing is said without TLS. Throws SettingsError. */
export function readTlsSettings(settings: SettingsSource, isMandatory: boolean): TlsSettings {
  return {
    offer: {
      ...readVersions(settings, isMandatory ? 'smtpd_tls_mandatory_protocols' : 'smtpd_tls_protocols'),
      ciphers: readCiphers(settings, isMandatory),
      curves: readCurves(settings),
      prefersOwnOrder: settings.flag('tls_preempt_cipherlist'),
      dhParameters: readDhParameters(settings),
      secureOptions: readOptions(settings),
      sessionSeconds: settings.seconds('smtpd_tls_session_cache_timeout'),
    },
    chains: chainFiles(settings),
    clients: readClients(settings, isMandatory),
  };
}

const isSet = (file: string): boolean => file !== '' && file.toLowerCase() !== 'none';

function chainFiles(settings: SettingsSource): string[][] {
  const chains = settings.list('smtpd_tls_chain_files').filter(isSet);
  if (chains.length > 0) return [chains];
  const pairs = [
    [settings.text('smtpd_tls_key_file'), settings.text('smtpd_tls_cert_file')],
    [settings.text('smtpd_tls_eckey_file'), settings.text('smtpd_tls_eccert_file')],
  ] as const;
  return pairs
    .filter(([, certificate]) => isSet(certificate))
    .map(([key, certificate]) => (isSet(key) && key !== certificate ? [key, certificate] : [certificate]));
}

type VersionsParameter = 'smtpd_tls_protocols' | 'smtpd_tls_mandatory_protocols';

function readVersions(settings: SettingsSource, parameter: VersionsParameter) {
  const list = settings.list(parameter).join(' ');
  const range = parseVersions(list);
  if (range !== undefined) return range;
  throw new SettingsError(
    `${parameter}: "${list}" is no list of protocols, or one without TLSv1.2 and TLSv1.3`,
    parameter,
  );
}

const neverOffered = ['aNULL', 'eNULL', 'EXPORT', 'LOW', 'RC4', 'DES', '3DES', 'MD5'];

function readCiphers(settings: SettingsSource, isMandatory: boolean): string {
  const parameter = isMandatory ? 'smtpd_tls_mandatory_ciphers' : 'smtpd_tls_ciphers';
  const excluded = [
    ...settings.list('smtpd_tls_exclude_ciphers'),
    ...(isMandatory ? settings.list('smtpd_tls_mandatory_exclude_ciphers') : []),
  ];
  const grades = {
    high: settings.text('tls_high_cipherlist'),
    medium: settings.text('tls_medium_cipherlist'),
    low: settings.text('tls_low_cipherlist'),
    export: settings.text('tls_export_cipherlist'),
    null: settings.text('tls_null_cipherlist'),
  };
  const grade = settings.text(parameter);
  const list = cipherList(grade, grades, [...excluded, ...neverOffered]);
  if (list !== undefined && isUsable({ ciphers: list })) return list;
  const what = `the cipher grade "${grade}"${excluded.length === 0 ? '' : ` without ${excluded.join(' ')}`}`;
  throw new SettingsError(`${parameter}: ${what} is none, or leaves no cipher that may be offered`, parameter);
}

/** Names that OpenSSL does not know are left out, as Postfix does (which looks at smtpd_tls_eecdh_grade no more, either). */
function readCurves(settings: SettingsSource): string {
  const wanted = settings.list('tls_eecdh_auto_curves');
  const known = wanted.filter((name) => isUsable({ ecdhCurve: name }));
  if (known.length > 0) return known.join(':');
  const text = `tls_eecdh_auto_curves: OpenSSL knows no curve in "${wanted.join(' ')}"`;
  throw new SettingsError(text, 'tls_eecdh_auto_curves');
}

function isUsable(options: { readonly ciphers: string } | { readonly ecdhCurve: string }): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

/**
 * Without a file no DHE is offered, where Postfix has parameters built in: whoever asks for it makes the server compute
 * much and computes little (CVE-2002-20001), and clients of TLS 1.2 have ECDHE.
 */
function readDhParameters(settings: SettingsSource): string {
  const file = settings.text('smtpd_tls_dh1024_param_file');
  if (!isSet(file)) return '';
  if (file.toLowerCase() === 'auto') return 'auto';
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    const text = `smtpd_tls_dh1024_param_file: ${(error as Error).message}`;
    throw new SettingsError(text, 'smtpd_tls_dh1024_param_file');
  }
}

const optionNames: Readonly<Record<string, number>> = {
  no_ticket: constants.SSL_OP_NO_TICKET,
  no_compression: constants.SSL_OP_NO_COMPRESSION,
  no_renegotiation: constants.SSL_OP_NO_RENEGOTIATION,
  no_encrypt_then_mac: constants.SSL_OP_NO_ENCRYPT_THEN_MAC,
  no_session_resumption_on_renegotiation: constants.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
  prioritize_chacha: constants.SSL_OP_PRIORITIZE_CHACHA,
};

function readOptions(settings: SettingsSource): number {
  let options = 0;
  for (const word of settings.list('tls_ssl_options')) {
    const option = /^0x[0-9a-f]{1,8}$/i.test(word) ? Number(word) : optionNames[word.toLowerCase()];
    if (option === undefined) {
      const known = Object.keys(optionNames).join(', ').toUpperCase();
      throw new SettingsError(
        `tls_ssl_options: ${word} is none of ${known}, and no number 0x\u2026`,
        'tls_ssl_options',
      );
    }
    options |= option;
  }
  return options;
}

/** To require what may be left out by coming without TLS would be no use: smtpd_tls_req_ccert is then ignored. */
function readClients(settings: SettingsSource, isMandatory: boolean): TlsSettings['clients'] {
  const isRequired = isMandatory && settings.flag('smtpd_tls_req_ccert');
  if (!isRequired && !settings.flag('smtpd_tls_ask_ccert')) return undefined;
  const digest = settings.text('smtpd_tls_fingerprint_digest').toLowerCase();
  if (!getHashes().includes(digest)) {
    const text = `smtpd_tls_fingerprint_digest: OpenSSL knows no digest ${digest}`;
    throw new SettingsError(text, 'smtpd_tls_fingerprint_digest');
  }
  return {
    caFile: settings.text('smtpd_tls_CAfile'),
    caPath: settings.text('smtpd_tls_CApath'),
    appendsSystem: settings.flag('tls_append_default_CA'),
    digest,
    verifyDepth: settings.integer('smtpd_tls_ccert_verifydepth'),
  };
}
