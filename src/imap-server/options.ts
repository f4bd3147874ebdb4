// The settings that the IMAP server uses, read once when it starts.

import { SettingsError } from '../settings/settings-error.ts';

/** What is asked of settings/settings.ts; kept apart so that tests can give plain values. */
export interface SettingsSource {
  text(name: string): string;
  flag(name: string): boolean;
  integer(name: string): number;
  seconds(name: string): number;
  text(name: string): string;
}

export interface ImapOptions {
  /** Refuse passwords on connections that are neither encrypted nor from this host (Dovecot's disable_plaintext_auth). */
  readonly disablePlaintextAuth: boolean;
  /** Joined to login names that have no domain. */
  readonly localDomain: string;
  /** Octets of an APPEND; 0 for no limit. */
  readonly messageSizeLimit: number;
  /** Octets of a command line: long UID lists of real clients fit (RFC 7162 §4 recommends at least 8,192). */
  readonly maxLineLength: number;
  readonly connectionLimit: number;
  readonly clientConnectionLimit: number;
  /** Connections of one user from one address (Dovecot's mail_max_userip_connections). */
  readonly userConnectionLimit: number;
  readonly loginTimeoutMilliseconds: number;
  /** At least 30 minutes (RFC 3501 §5.4). */
  readonly idleTimeoutMilliseconds: number;
  /** A client that takes no output for so long is cut off. */
  readonly writeTimeoutMilliseconds: number;
  /** A load balancer tells who the client is, within so many milliseconds; 0: nobody does. */
  readonly proxyTimeoutMilliseconds: number;
  readonly maxAuthAttempts: number;
  readonly maxFolders: number;
}

export const defaultImapOptions: ImapOptions = {
  disablePlaintextAuth: true,
  localDomain: '',
  messageSizeLimit: 10_240_000,
  maxLineLength: 65_536,
  connectionLimit: 5_000,
  clientConnectionLimit: 200,
  userConnectionLimit: 50,
  loginTimeoutMilliseconds: 60_000,
  idleTimeoutMilliseconds: 30 * 60_000,
  writeTimeoutMilliseconds: 5 * 60_000,
  proxyTimeoutMilliseconds: 0,
  maxAuthAttempts: 5,
  maxFolders: 10_000,
};

export function readImapOptions(settings: SettingsSource): ImapOptions {
  return {
    ...defaultImapOptions,
    disablePlaintextAuth: settings.flag('posthaste_disable_plaintext_auth'),
    localDomain: settings.text('smtpd_sasl_local_domain'),
    messageSizeLimit: settings.integer('message_size_limit'),
    maxLineLength: settings.integer('posthaste_imap_max_line_length'),
    connectionLimit: settings.integer('posthaste_imap_connection_limit'),
    clientConnectionLimit: settings.integer('posthaste_imap_client_connection_limit'),
    userConnectionLimit: settings.integer('posthaste_imap_user_connection_limit'),
    loginTimeoutMilliseconds: settings.seconds('posthaste_imap_login_timeout') * 1000,
    idleTimeoutMilliseconds: settings.seconds('posthaste_imap_idle_timeout') * 1000,
    proxyTimeoutMilliseconds: proxyTimeout(settings),
  };
}

function proxyTimeout(settings: SettingsSource): number {
  const name = 'posthaste_imap_upstream_proxy_protocol';
  const word = settings.text(name);
  if (word !== '' && word !== 'haproxy') {
    throw new SettingsError(`${name}: unknown protocol ${word}: haproxy is the only one`, name);
  }
  return word === '' ? 0 : settings.seconds('smtpd_upstream_proxy_timeout') * 1000;
}
