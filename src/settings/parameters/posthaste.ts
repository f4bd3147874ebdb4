// Our own parameters: what Postfix has no word for. They stand in main.cf, or in posthaste.cf beside it, which wins.
// One line each; a listener's default is empty, which means off (the first start writes those that it switches on).

import { flag, integer, list, text, time } from './declare.ts';

// biome-ignore format: one line a parameter
export const posthasteParameters = {
  posthaste_data_directory: text('/var/lib/posthaste', 'supported', 'Where the directory, the mail and the queue are kept.'),
  posthaste_user: text('', 'supported', 'The user to become after the ports are bound, when started as root.'),
  posthaste_imap_listen: list('', 'supported', 'IMAP listeners, as `127.0.0.1:143 [::1]:143`; TLS by STARTTLS.'),
  posthaste_imaps_listen: list('', 'supported', 'IMAP listeners with TLS from the first byte.'),
  posthaste_pop3_listen: list('', 'unsupported', 'POP3 listeners.'),
  posthaste_pop3s_listen: list('', 'unsupported', 'POP3 listeners with TLS from the first byte.'),
  posthaste_lmtp_listen: list('', 'supported', 'LMTP listeners, for other mail servers that deliver into our mailboxes.'),
  posthaste_sieve_listen: list('', 'unsupported', 'ManageSieve listeners.'),
  posthaste_http_listen: list('', 'unsupported', 'HTTP listeners of the administration pages and the webmail.'),
  posthaste_https_listen: list('', 'unsupported', 'HTTP listeners with TLS.'),
  posthaste_inline_limit: integer('81920', 'supported', 'Messages up to this many bytes are kept in the database, larger ones as files.'),
  posthaste_store_synchronous: text('FULL', 'supported', 'How SQLite waits for the disk; anything but FULL can lose mail in a power cut.', ['FULL', 'NORMAL']),
  posthaste_quota_full_tempfail: flag('no', 'supported', 'Whether mail for a full mailbox is put off with 452 instead of refused with 552.'),
  posthaste_address_verify_recheck: flag('yes', 'supported', 'Whether a refusal that address verification remembers is asked again before it is repeated, so that an address which was added is accepted at once.'),
  posthaste_log_format: text('maillog', 'supported', 'Log lines in the form of a mail log (`maillog`) or one JSON object each (`json`).', ['maillog', 'json']),
  posthaste_log_target: text('stdout', 'supported', 'Where the log goes when maillog_file is empty: `stdout` or `syslog`.', ['stdout', 'syslog']),
  posthaste_disable_plaintext_auth: flag('yes', 'supported', 'Whether IMAP takes passwords only under TLS or from this host.'),
  posthaste_auth_failure_delay: time('2s', 'supported', 'How long the answer to a wrong password waits; with each further one twice as long, up to 15 seconds.'),
  posthaste_auth_backends: list('directory', 'supported', 'Where passwords are checked, in this order: `directory`, `sql:FILE`, `ldap:FILE` with Dovecot\'s own files, `passwd-file:FILE`; see docs/password-backends.md.'),
  posthaste_auth_listen: list('', 'supported', 'Where other servers (Postfix, Dovecot) may ask about logins over the Dovecot auth protocol: `unix:/path` or `inet:host:port`; in braces with `mode=`, `user=`, `group=`.'),
  posthaste_auth_userdb_listen: list('', 'supported', 'Where a Dovecot may ask which accounts there are (its auth-userdb socket), as in posthaste_auth_listen.'),
  posthaste_auth_userdb_fields: list('', 'supported', 'What it is told of each mailbox of the directory, as `uid=vmail gid=vmail home=/home/vmail/%d/%n`.'),
  posthaste_auth_login_fields: list('', 'supported', 'What a Dovecot is told with each login but SMTP\'s, as `proxy=y host=127.0.0.1 port=2143`.'),
  posthaste_imap_connection_limit: integer('5000', 'supported', 'The most IMAP connections.'),
  posthaste_imap_client_connection_limit: integer('200', 'supported', 'The most IMAP connections of one client address.'),
  posthaste_imap_user_connection_limit: integer('50', 'supported', 'The most IMAP connections of one user from one address.'),
  posthaste_imap_login_timeout: time('60s', 'supported', 'How long an IMAP client may take to log in.'),
  posthaste_imap_idle_timeout: time('1800s', 'supported', 'How long an IMAP client may be silent; at least 30 minutes by RFC 3501 §5.4.'),
  posthaste_imap_max_line_length: integer('65536', 'supported', 'The longest IMAP command line, in bytes.'),
  posthaste_metrics_listen: list('', 'supported', 'Where Prometheus may ask for metrics (`GET /metrics`), as `127.0.0.1:9154`; a port alone is that of 127.0.0.1. An address that others can reach needs posthaste_metrics_token_file.'),
  posthaste_metrics_token_file: text('', 'supported', 'A file with the token that whoever asks for metrics must show (`Authorization: Bearer`); at least 16 characters.'),
  posthaste_trace_days: integer('14', 'supported', 'How many days `posthaste trace` looks back; 0 keeps nothing.'),
  posthaste_trace_size_limit: integer('2000000000', 'supported', 'How many bytes of trace are kept at most, the newest; 16 MiB are some 100,000 events.'),
};
