// The parameters of an ldap: table (ldap_table(5)), read once and checked. What Postfix only warns of is a warning
// here too; what stops Postfix (a bad number, `bind = maybe`) is a TableError.
//
// We always speak LDAP version 3: servers of today refuse version 2, which Postfix's default asks for. `bind = sasl`
// is refused. `tls_random_file`, `debuglevel` and the cache parameters mean nothing here.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { ProgramLog } from '../../lib/log.ts';
import { splitList } from '../../lib/split-list.ts';
import { TableError } from '../table-error.ts';
import type { TableSettings } from '../table-settings.ts';
import type { LdapConnectionOptions } from './ldap-connection.ts';
import type { SearchLimits } from './ldap-messages.ts';
import { type LdapAddress, type LdapScope, parseServer } from './ldap-url.ts';

/** Which attributes of an entry are values, in the order of precedence. */
export interface ResultAttributes {
  readonly terminal: readonly string[];
  readonly leaf: readonly string[];
  readonly ordinary: readonly string[];
  readonly special: readonly string[];
}

export interface LdapSettings {
  readonly servers: readonly LdapAddress[];
  readonly connection: LdapConnectionOptions;
  readonly searchBase: string;
  readonly queryFilter: string;
  readonly resultFormat: string;
  readonly scope: LdapScope;
  readonly attributes: ResultAttributes;
  readonly limits: SearchLimits;
  readonly recursionLimit: number;
  /** 0 is none. */
  readonly expansionLimit: number;
  readonly chaseReferrals: boolean;
}

const dereferences = ['never', 'search', 'find', 'always'] as const;

/** Throws TableError. */
export function readLdapSettings(settings: TableSettings, log: ProgramLog): LdapSettings {
  const { table } = settings;
  const warn = (text: string): void => log.warning(`table ${table}: ${text}`);
  const timeout = settings.integer('timeout', 10, 1);
  const expansionLimit = settings.integer('expansion_limit', 0);
  const version = settings.integer('version', 3, 2);
  if (version > 3) warn(`unknown version ${version}, using 3`);
  for (const name of ['cache', 'cache_expiry', 'cache_size']) {
    if (settings.optional(name) !== undefined) warn(`ignoring ${name}`);
  }
  return {
    servers: readServers(settings, warn),
    connection: {
      timeoutMilliseconds: timeout * 1000,
      startTls: settings.flag('start_tls', false),
      tls: readTls(settings, warn),
      bind: readBind(settings),
    },
    searchBase: settings.text('search_base'),
    queryFilter: settings.text('query_filter', '(mailacceptinggeneralid=%s)'),
    resultFormat: settings.optional('result_format') ?? settings.text('result_filter', '%s'),
    scope: readScope(settings, warn),
    attributes: {
      terminal: splitList(settings.text('terminal_result_attribute')),
      leaf: splitList(settings.text('leaf_result_attribute')),
      ordinary: splitList(settings.text('result_attribute', 'maildrop')),
      special: splitList(settings.text('special_result_attribute')),
    },
    limits: {
      dereference: readDereference(settings, warn),
      sizeLimit: settings.integer('size_limit', expansionLimit),
      timeLimitSeconds: timeout,
    },
    recursionLimit: settings.integer('recursion_limit', 1000, 1),
    expansionLimit,
    chaseReferrals: settings.flag('chase_referrals', false),
  };
}

function readServers(settings: TableSettings, warn: (text: string) => void): LdapAddress[] {
  const port = settings.integer('server_port', 389);
  const servers: LdapAddress[] = [];
  for (const text of splitList(settings.text('server_host', 'localhost'))) {
    const server = parseServer(text, port);
    if (server === undefined) warn(`error parsing URL ${text}: skipping`);
    else servers.push(server);
  }
  if (servers.length === 0) throw new TableError(`${settings.table}: server_host names no server`);
  return servers;
}

function readBind(settings: TableSettings): LdapConnectionOptions['bind'] {
  const how = settings.text('bind', 'yes').toLowerCase();
  if (how === 'no' || how === 'none') return undefined;
  if (how === 'sasl') throw new TableError(`${settings.table}: bind = sasl is not supported; use simple or none`);
  if (how !== 'yes' && how !== 'simple') {
    throw new TableError(`${settings.table}: unsupported parameter value: bind = ${how}`);
  }
  return { dn: settings.text('bind_dn'), password: settings.text('bind_pw') };
}

function readScope(settings: TableSettings, warn: (text: string) => void): LdapScope {
  const text = settings.text('scope', 'sub').toLowerCase();
  if (text === 'base' || text === 'one' || text === 'sub') return text;
  warn(`unrecognized value ${text} specified for scope; using sub`);
  return 'sub';
}

function readDereference(settings: TableSettings, warn: (text: string) => void): SearchLimits['dereference'] {
  const value = settings.integer('dereference', 0);
  const how = dereferences[value];
  if (how === undefined) warn(`unrecognized value ${value} specified for dereference; using 0`);
  return how ?? 'never';
}

function readTls(settings: TableSettings, warn: (text: string) => void): ConnectionOptions {
  const usesTls = settings.flag('start_tls', false) || /ldaps:/i.test(settings.text('server_host'));
  const mustVerify = settings.flag('tls_require_cert', false);
  if (!usesTls) return {};
  const authorities = readAuthorities(settings);
  const certificate = settings.text('tls_cert');
  const key = settings.text('tls_key');
  return {
    rejectUnauthorized: mustVerify,
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...(certificate === '' ? {} : { cert: readPem(settings, 'tls_cert', certificate) }),
    ...(key === '' ? {} : { key: readPem(settings, 'tls_key', key) }),
    ...readCiphers(settings.text('tls_cipher_suite'), warn),
  };
}

/** The file takes precedence over the folder. */
function readAuthorities(settings: TableSettings): string[] {
  const file = settings.text('tls_ca_cert_file');
  if (file !== '') return [readPem(settings, 'tls_ca_cert_file', file)];
  const folder = settings.text('tls_ca_cert_dir');
  if (folder === '') return [];
  // Names are hashes with a number, or what c_rehash(1) has made them from.
  const names = readdirSync(folder).filter((name) => /\.(?:[0-9]+|pem|crt|cer)$/i.test(name));
  return names.map((name) => readPem(settings, 'tls_ca_cert_dir', join(folder, name)));
}

function readPem(settings: TableSettings, parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TableError(`${settings.table}: ${parameter}: ${(error as Error).message}`);
  }
}

/** In OpenSSL's notation; Debian's OpenLDAP takes GnuTLS's, which means nothing here. */
function readCiphers(ciphers: string, warn: (text: string) => void): ConnectionOptions {
  if (ciphers === '') return {};
  try {
    createSecureContext({ ciphers });
    return { ciphers };
  } catch {
    warn('tls_cipher_suite is no cipher list of OpenSSL; the usual ciphers are used');
    return {};
  }
}
