// What a reload cannot change: sockets, and what the parts that live as long as the server were opened with.

import type { Settings } from '../settings/settings.ts';
import type { PlannedListener } from './listeners.ts';

/** Read once, at the start. */
const readAtStart = [
  'posthaste_data_directory',
  'posthaste_directory',
  'posthaste_inline_limit',
  'posthaste_store_synchronous',
  'posthaste_user',
  'posthaste_log_format',
  'posthaste_log_target',
  'maillog_file',
  'syslog_facility',
  'syslog_name',
  'myhostname',
  'mail_name',
  'recipient_delimiter',
  'owner_request_special',
  'double_bounce_sender',
  'enable_original_recipient',
  'minimal_backoff_time',
  'maximal_backoff_time',
  'maximal_queue_lifetime',
  'bounce_queue_lifetime',
  'delay_warning_time',
  'address_verify_map',
  'address_verify_cache_cleanup_interval',
  'qmgr_message_active_limit',
  'queue_run_delay',
  'soft_bounce',
  'defer_transports',
  'message_drop_headers',
  'message_size_limit',
  'posthaste_disable_plaintext_auth',
  'posthaste_imap_client_connection_limit',
  'posthaste_imap_connection_limit',
  'posthaste_imap_max_line_length',
  'posthaste_imap_user_connection_limit',
  'posthaste_imap_idle_timeout',
  'posthaste_imap_upstream_proxy_protocol',
  'posthaste_http_client_connection_limit',
  'posthaste_http_rate_limit',
  'posthaste_imap_login_timeout',
  'posthaste_auth_failure_delay',
  'posthaste_auth_listen',
  'posthaste_auth_userdb_listen',
  'posthaste_auth_login_fields',
  'posthaste_sasl_mechanisms',
  'posthaste_oauth_introspection_url',
  'posthaste_oauth_jwks_url',
  'posthaste_oauth_issuer',
  'posthaste_oauth_audience',
  'posthaste_oauth_scope',
  'posthaste_oauth_login_claim',
  'posthaste_oauth_client_id',
  'posthaste_oauth_client_secret_file',
  'posthaste_oauth_timeout',
  'posthaste_oauth_cache_time',
  'posthaste_acme_directory',
  'posthaste_acme_hosts',
  'posthaste_acme_terms_agreed',
  'posthaste_acme_contact',
  'posthaste_acme_http_listen',
  'posthaste_acme_tls_listen',
  'posthaste_acme_external_account_file',
  'posthaste_acme_ca_file',
  'posthaste_acme_profile',
  'posthaste_auth_address_limit',
  'posthaste_auth_network_limit',
  'posthaste_auth_account_limit',
  'posthaste_auth_limit_period',
  'posthaste_auth_lockout_time',
  'posthaste_metrics_listen',
  'posthaste_metrics_token_file',
  'posthaste_trace_days',
  'posthaste_trace_size_limit',
  'posthaste_trace_subjects',
] as const;

const listening = /^posthaste_\w+_listen$|^inet_(?:interfaces|protocols)$/;

/** Whether a new value of it counts only after a restart. */
export function isReadAtStart(name: string): boolean {
  return listening.test(name) || (readAtStart as readonly string[]).includes(name);
}

/** Sentences for the administrator; `before` is what the server was started with. */
export function needsRestart(
  before: { readonly listeners: readonly PlannedListener[]; readonly settings: Settings },
  after: { readonly listeners: readonly PlannedListener[]; readonly settings: Settings },
): string[] {
  const name = ({ label, host, port }: PlannedListener) => `${label} on ${host}:${port}`;
  const old = new Set(before.listeners.map(name));
  const now = new Set(after.listeners.map(name));
  const valueOf = (settings: Settings, parameter: string) => settings.expanded(parameter);
  // While no authority is asked for certificates, nothing else about that counts, though it may follow the host name.
  const getsCertificates = before.settings.text('posthaste_acme_directory') !== '';
  const isIdle = (parameter: string) =>
    !getsCertificates && parameter.startsWith('posthaste_acme_') && parameter !== 'posthaste_acme_directory';
  const changed = readAtStart.filter(
    (parameter) => !isIdle(parameter) && valueOf(before.settings, parameter) !== valueOf(after.settings, parameter),
  );
  return [
    ...[...now].filter((listener) => !old.has(listener)).map((listener) => `${listener} needs a restart to be opened`),
    ...[...old].filter((listener) => !now.has(listener)).map((listener) => `${listener} needs a restart to be closed`),
    ...changed.map((parameter) => `${parameter} has changed: that needs a restart`),
  ];
}
