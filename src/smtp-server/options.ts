// The parameters of one SMTP or LMTP service, read once when its listener opens (or on reload), under Postfix's
// names and with its meanings (postconf(5)). What is fixed here and not there says why.

import { unknownSecurityOption } from '../auth/sasl-security.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { type FilterOptions, readFilterOptions } from './filters.ts';

/** A service's settings, its own `-o` overrides applied. */
export type SettingsSource = Pick<Settings, 'text' | 'flag' | 'integer' | 'seconds' | 'list' | 'origin'>;

export type ServiceProtocol = 'smtp' | 'lmtp';

/** none: STARTTLS is not offered; may: offered; encrypt: nothing but NOOP, EHLO, STARTTLS and QUIT without it. */
export type TlsLevel = 'none' | 'may' | 'encrypt';

export interface ServiceOptions {
  readonly protocol: ServiceProtocol;
  /** `postfix/smtpd`, or with syslog_name of the service's own `postfix/submission/smtpd`. */
  readonly program: string;
  readonly cleanupProgram: string;
  readonly hostname: string;
  readonly mailName: string;
  readonly banner: string;

  readonly heloRequired: boolean;
  readonly vrfyDisabled: boolean;
  readonly discardedKeywords: ReadonlySet<string>;
  readonly noopCommands: ReadonlySet<string>;
  readonly forbiddenCommands: ReadonlySet<string>;
  readonly smtputf8: boolean;
  /** VERP delimiters: those that hold where XVERP names none, and which characters may be some. */
  readonly verp: { readonly usual: string; readonly allowed: string };
  /** An address beyond ASCII needs SMTPUTF8 on MAIL; Postfix's default accepts it without. */
  readonly strictSmtputf8: boolean;
  /** strict_rfc821_envelopes. */
  readonly strictEnvelopes: boolean;
  readonly softBounce: boolean;
  /** A full mailbox is 452, not 552 (posthaste_quota_full_tempfail). */
  readonly isFullTemporary: boolean;
  readonly portLogging: boolean;
  readonly nameLookup: boolean;
  /** A load balancer tells who the client is (smtpd_upstream_proxy_protocol). */
  readonly isBehindProxy: boolean;
  readonly proxyTimeout: number;
  /** What a bare LF in a message leads to. Postfix's `no`, where it ends a line, does not exist here. */
  readonly bareLineFeed: 'reject' | 'normalize';
  readonly bareLineFeedCode: number;
  readonly forbidUnauthorizedPipelining: boolean;

  readonly tlsLevel: TlsLevel;
  readonly tlsWrapperMode: boolean;
  readonly tlsAuthOnly: boolean;
  readonly tlsReceivedHeader: boolean;
  /** Clients without a certificate that is trusted are sent away (smtpd_tls_req_ccert). */
  readonly tlsRequiresCertificate: boolean;
  readonly tlsLogLevel: number;
  readonly tlsTimeout: number;

  readonly saslEnabled: boolean;
  /** Where smtpd_sasl_type = dovecot asks; absent: the directory judges. */
  readonly saslServerPath: string | undefined;
  readonly saslService: string;
  /** Joined to login names that have no domain. */
  readonly saslLocalDomain: string;
  readonly saslSecurity: readonly string[];
  readonly saslTlsSecurity: readonly string[];
  readonly saslBrokenClients: boolean;
  readonly saslHeader: boolean;
  readonly saslResponseLimit: number;

  readonly lineLengthLimit: number;
  readonly headerSizeLimit: number;
  readonly messageSizeLimit: number;
  readonly recipientLimit: number;
  readonly recipientOvershootLimit: number;
  readonly softErrorLimit: number;
  readonly hardErrorLimit: number;
  readonly junkCommandLimit: number;
  readonly hopcountLimit: number;
  readonly minFree: number;
  /** Milliseconds, as all times here. */
  readonly errorSleep: number;
  readonly timeout: number;
  /** Octets a second below which a client that keeps sending is still cut off (smtpd_min_data_rate). */
  readonly minDataRate: number;

  readonly connectionCountLimit: number;
  readonly connectionRateLimit: number;
  readonly messageRateLimit: number;
  readonly recipientRateLimit: number;
  readonly authRateLimit: number;
  readonly tlsSessionRateLimit: number;
  readonly rateUnit: number;

  readonly droppedHeaders: ReadonlySet<string>;
  readonly alwaysAddMissingHeaders: boolean;
  readonly localHeaderClients: readonly string[];
  /** undisclosed_recipients_header: a whole field, or ''. */
  readonly undisclosedHeader: string;
  /** content_filter: `transport:nexthop`, or ''. */
  readonly contentFilter: string;
  /** smtpd_milters; undefined: none. */
  readonly filters: FilterOptions | undefined;
}

export function readServiceOptions(settings: SettingsSource, protocol: ServiceProtocol): ServiceOptions {
  const syslogName = settings.text('syslog_name');
  const wrapper = settings.flag('smtpd_tls_wrappermode');
  return {
    protocol,
    // Log readers know programs by their last part: received mail comes from a smtpd, whatever it spoke.
    program: `${syslogName}/${protocol === 'smtp' ? '' : 'lmtp/'}smtpd`,
    // cleanup is another program: a service's own syslog_name (postfix/submission) does not name it.
    cleanupProgram: `${syslogName.replace(/\/.*/, '')}/cleanup`,
    hostname: settings.text('myhostname'),
    mailName: settings.text('mail_name'),
    banner: settings.text('smtpd_banner'),

    heloRequired: settings.flag('smtpd_helo_required'),
    vrfyDisabled: settings.flag('disable_vrfy_command'),
    discardedKeywords: lowerCaseSet(settings.list('smtpd_discard_ehlo_keywords')),
    noopCommands: upperCaseSet(settings.list('smtpd_noop_commands')),
    // Its regexp: element is the test for what cannot be a verb, which the session does by itself.
    forbiddenCommands: upperCaseSet(settings.list('smtpd_forbidden_commands').filter((word) => !word.includes(':'))),
    verp: { usual: settings.text('default_verp_delimiters'), allowed: settings.text('verp_delimiter_filter') },
    smtputf8: settings.flag('smtputf8_enable'),
    strictSmtputf8: settings.flag('smtputf8_enable') && settings.flag('strict_smtputf8'),
    strictEnvelopes: settings.flag('strict_rfc821_envelopes'),
    softBounce: settings.flag('soft_bounce'),
    isFullTemporary: settings.flag('posthaste_quota_full_tempfail'),
    portLogging: settings.flag('smtpd_client_port_logging'),
    nameLookup: settings.flag('smtpd_peername_lookup'),
    isBehindProxy: proxyProtocol(settings),
    proxyTimeout: settings.seconds('smtpd_upstream_proxy_timeout') * 1000,
    bareLineFeed: /^(?:yes|normalize)$/i.test(settings.text('smtpd_forbid_bare_newline')) ? 'normalize' : 'reject',
    bareLineFeedCode: settings.integer('smtpd_forbid_bare_newline_reject_code'),
    forbidUnauthorizedPipelining: settings.flag('smtpd_forbid_unauth_pipelining'),
    ...tlsOptions(settings, wrapper),
    ...limits(settings),
    saslEnabled: protocol === 'smtp' && settings.flag('smtpd_sasl_auth_enable'),
    saslServerPath: dovecotPath(settings),
    saslService: settings.text('smtpd_sasl_service'),
    saslLocalDomain: settings.text('smtpd_sasl_local_domain'),
    saslSecurity: securityOptions(settings, 'smtpd_sasl_security_options'),
    saslTlsSecurity: securityOptions(settings, 'smtpd_sasl_tls_security_options'),
    saslBrokenClients: settings.flag('broken_sasl_auth_clients'),
    saslHeader: settings.flag('smtpd_sasl_authenticated_header'),
    saslResponseLimit: settings.integer('smtpd_sasl_response_limit'),
    droppedHeaders: lowerCaseSet(settings.list('message_drop_headers')),
    alwaysAddMissingHeaders: settings.flag('always_add_missing_headers'),
    localHeaderClients: settings.list('local_header_rewrite_clients').map((word) => word.toLowerCase()),
    undisclosedHeader: settings.text('undisclosed_recipients_header'),
    contentFilter: settings.text('content_filter'),
    filters: readFilterOptions(settings),
  };
}

/** LMTP has no balancer in front of it. */
function proxyProtocol(settings: SettingsSource): boolean {
  const name = 'smtpd_upstream_proxy_protocol';
  const word = settings.text(name);
  if (word === '' || word === 'haproxy') return word !== '';
  throw new SettingsError(`${name}: unknown protocol ${word}: haproxy is the only one`, name);
}

function tlsOptions(settings: SettingsSource, tlsWrapperMode: boolean) {
  const level = tlsLevel(settings, tlsWrapperMode);
  return {
    tlsLevel: level,
    // Whoever may come without TLS may come without a certificate (tls-options.ts).
    tlsRequiresCertificate: level === 'encrypt' && settings.flag('smtpd_tls_req_ccert'),
    tlsWrapperMode,
    tlsAuthOnly: settings.flag('smtpd_tls_auth_only'),
    tlsReceivedHeader: settings.flag('smtpd_tls_received_header'),
    tlsLogLevel: Number.parseInt(settings.text('smtpd_tls_loglevel'), 10) || 0,
    tlsTimeout: settings.seconds('smtpd_starttls_timeout') * 1000,
  };
}

/** `inet:host:port`, or a socket's path, within queue_directory where it is relative: Postfix runs there. */
function dovecotPath(settings: SettingsSource): string | undefined {
  if (settings.text('smtpd_sasl_type').toLowerCase() !== 'dovecot') return undefined;
  const path = settings.text('smtpd_sasl_path').replace(/^unix:/i, '');
  return /^inet:/i.test(path) || path.startsWith('/') ? path : `${settings.text('queue_directory')}/${path}`;
}

function securityOptions(
  settings: SettingsSource,
  name: 'smtpd_sasl_security_options' | 'smtpd_sasl_tls_security_options',
): readonly string[] {
  const words = settings.list(name);
  const unknown = unknownSecurityOption(words);
  if (unknown !== undefined) throw new SettingsError(`${name}: unknown option ${unknown}`, name);
  return words;
}

/** smtpd_tls_security_level, or the two old switches that it replaced. */
export function tlsLevel(settings: SettingsSource, isWrapper: boolean): TlsLevel {
  const level = settings.text('smtpd_tls_security_level').toLowerCase();
  if (isWrapper) return 'encrypt';
  if (level === 'none') return 'none';
  if (level === 'may') return 'may';
  // A level that is not known means encrypt, as in Postfix: the stricter reading.
  if (level !== '') return 'encrypt';
  if (settings.flag('smtpd_enforce_tls')) return 'encrypt';
  return settings.flag('smtpd_use_tls') ? 'may' : 'none';
}

function limits(settings: SettingsSource) {
  return {
    lineLengthLimit: settings.integer('line_length_limit'),
    headerSizeLimit: settings.integer('header_size_limit'),
    messageSizeLimit: settings.integer('message_size_limit'),
    recipientLimit: settings.integer('smtpd_recipient_limit'),
    recipientOvershootLimit: settings.integer('smtpd_recipient_overshoot_limit'),
    softErrorLimit: settings.integer('smtpd_soft_error_limit'),
    hardErrorLimit: settings.integer('smtpd_hard_error_limit'),
    junkCommandLimit: settings.integer('smtpd_junk_command_limit'),
    hopcountLimit: settings.integer('hopcount_limit'),
    minFree: settings.integer('queue_minfree'),
    errorSleep: settings.seconds('smtpd_error_sleep_time') * 1000,
    timeout: settings.seconds('smtpd_timeout') * 1000,
    minDataRate: settings.integer('smtpd_min_data_rate'),
    connectionCountLimit: settings.integer('smtpd_client_connection_count_limit'),
    connectionRateLimit: settings.integer('smtpd_client_connection_rate_limit'),
    messageRateLimit: settings.integer('smtpd_client_message_rate_limit'),
    recipientRateLimit: settings.integer('smtpd_client_recipient_rate_limit'),
    authRateLimit: settings.integer('smtpd_client_auth_rate_limit'),
    tlsSessionRateLimit: settings.integer('smtpd_client_new_tls_session_rate_limit'),
    rateUnit: settings.seconds('anvil_rate_time_unit') * 1000,
  };
}

const lowerCaseSet = (words: readonly string[]) => new Set(words.map((word) => word.toLowerCase()));
const upperCaseSet = (words: readonly string[]) => new Set(words.map((word) => word.toUpperCase()));
