// dovecot-sql.conf.ext: which database, how it is reached (`connect` in libpq's words, whatever the driver), and
// the three queries. Checked when it is read; a mistake stops the start.

import { SettingsError } from '../../settings/settings-error.ts';
import { openMysqlServer } from '../../tables/sql/mysql-table.ts';
import { openPgsqlServer } from '../../tables/sql/pgsql-table.ts';
import type { SqlServerContext } from '../../tables/sql/shared-pools.ts';
import { openSqliteServer } from '../../tables/sql/sqlite-table.ts';
import type { SqlServer } from '../../tables/sql/sql-table.ts';
import { TableError } from '../../tables/table-error.ts';
import { TableSettings } from '../../tables/table-settings.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import type { VerifyStored } from './pass-fields.ts';
import { SqlBackend } from './sql-backend.ts';
import { parseTemplate, type VariableTemplate } from './variables.ts';

/** update_query changes what is stored, and is never asked here. */
const known = new Set(
  (
    'driver connect default_pass_scheme password_query user_query iterate_query update_query ' +
    'userdb_warning_disable'
  ).split(' '),
);

/** Throws SettingsError. */
export function openSqlBackend(path: string, context: SqlServerContext, verify: VerifyStored): SqlBackend {
  const file = readConfigFile(path, known);
  const query = (name: string): VariableTemplate | undefined =>
    file.text(name) === '' ? undefined : parseTemplate(file.text(name), `${path}: ${name}`);
  const passwordQuery = query('password_query') ?? parseTemplate(usualPasswordQuery, path);
  return new SqlBackend({
    name: `sql:${path}`,
    server: openServer(file, context),
    passwordQuery,
    userQuery: query('user_query'),
    iterateQuery: query('iterate_query'),
    defaultScheme: file.text('default_pass_scheme') || 'MD5',
    verify,
  });
}

/** Dovecot's own default. */
const usualPasswordQuery = "SELECT username, domain, password FROM users WHERE username = '%n' AND domain = '%d'";

function openServer(file: ConfigFile, context: SqlServerContext): SqlServer {
  const driver = file.text('driver');
  const connect = file.text('connect');
  try {
    if (driver === 'sqlite') return openSqliteServer(settingsOf(file, { dbpath: sqlitePath(connect) }), context);
    if (driver === 'mysql') return openMysql(file, parseConnect(connect, file), context);
    if (driver === 'pgsql') return openPgsql(file, parseConnect(connect, file), context);
  } catch (error) {
    if (error instanceof TableError) throw new SettingsError(error.message);
    throw error;
  }
  throw new SettingsError(`${file.path}: driver = ${driver || '(nothing)'}: must be mysql, pgsql or sqlite`);
}

/** Options may follow the path, as `journal_mode=wal`. */
function sqlitePath(connect: string): string {
  return connect.split(/\s+/)[0] ?? '';
}

function settingsOf({ path }: ConfigFile, values: Readonly<Record<string, string | undefined>>): TableSettings {
  return new TableSettings(`sql:${path}`, (name) => values[name]);
}

interface Connect {
  readonly hosts: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** `host=a host=b user=x password='y z'`: quotes and backslashes as libpq has them. */
function parseConnect(connect: string, { path }: ConfigFile): Connect {
  const hosts: string[] = [];
  const options = new Map<string, string>();
  const pattern = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))/gy;
  let end = 0;
  for (const match of connect.matchAll(pattern)) {
    end = match.index + match[0].length;
    const name = (match[1] ?? '').toLowerCase();
    const value = (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/g, '$1');
    if (name === 'host' || name === 'hostaddr') hosts.push(value);
    else options.set(name, value);
  }
  // What follows is not shown: it may be a password.
  if (connect.slice(end).trim() !== '')
    throw new SettingsError(`${path}: connect: must be words of the form name=value`);
  return { hosts, options };
}

const mysqlOptions = new Set(
  (
    'port user password pass dbname charset connect_timeout read_timeout write_timeout ssl_ca ssl_ca_path ' +
    'ssl_cert ssl_key ssl_cipher ssl_verify_server_cert option_file option_group client_flags'
  ).split(' '),
);

function openMysql(file: ConfigFile, { hosts, options }: Connect, context: SqlServerContext): SqlServer {
  refuseUnknown(file, options, mysqlOptions);
  const port = options.get('port');
  const named = hosts.map((host) => {
    if (host.startsWith('/')) return `unix:${host}`;
    return port === undefined ? host : `inet:${host.includes(':') ? `[${host}]` : host}:${port}`;
  });
  const settings = settingsOf(file, {
    hosts: named.join(' '),
    user: options.get('user'),
    password: options.get('password') ?? options.get('pass'),
    dbname: options.get('dbname'),
    charset: options.get('charset'),
    option_file: options.get('option_file'),
    option_group: options.get('option_group') ?? (options.has('option_file') ? 'client' : ''),
    tls_CAfile: options.get('ssl_ca'),
    tls_CApath: options.get('ssl_ca_path'),
    tls_cert_file: options.get('ssl_cert'),
    tls_key_file: options.get('ssl_key'),
    tls_ciphers: options.get('ssl_cipher'),
    tls_verify_cert: options.get('ssl_verify_server_cert') === 'yes' ? 'yes' : undefined,
  });
  return openMysqlServer(settings, withTimes(context, options));
}

const pgsqlOptions = new Set(
  (
    'port user password pass dbname connect_timeout maxconns application_name client_encoding sslmode ' +
    'sslrootcert sslcert sslkey read_timeout'
  ).split(' '),
);

function openPgsql(file: ConfigFile, { hosts, options }: Connect, context: SqlServerContext): SqlServer {
  refuseUnknown(file, options, pgsqlOptions);
  const given = hosts.length === 0 ? ['/var/run/postgresql'] : hosts;
  // What libpq does by itself, the plain form does too: TLS where the server has it, and never on a socket.
  const isUsual = /^(prefer|allow|)$/.test(options.get('sslmode') ?? '');
  const isPlain = isUsual && !['sslrootcert', 'sslcert', 'sslkey'].some((name) => options.has(name));
  const port = options.get('port');
  const settings = settingsOf(file, {
    hosts: given
      .map((host) => {
        if (host.startsWith('/')) return port === undefined ? host : pgsqlUri(host, options);
        if (!isPlain) return pgsqlUri(host, options);
        return `inet:${host.includes(':') ? `[${host}]` : host}:${port ?? '5432'}`;
      })
      .join(' '),
    user: options.get('user'),
    password: options.get('password') ?? options.get('pass'),
    dbname: options.get('dbname') ?? options.get('user'),
    encoding: 'UTF8',
  });
  return openPgsqlServer(settings, withTimes(context, options));
}

function pgsqlUri(host: string, options: ReadonlyMap<string, string>): string {
  const query = new URLSearchParams({ host, port: options.get('port') ?? '5432' });
  const user = options.get('user');
  const password = options.get('password') ?? options.get('pass');
  if (user !== undefined) query.set('user', user);
  if (password !== undefined) query.set('password', password);
  for (const name of ['sslmode', 'sslrootcert', 'sslcert', 'sslkey']) {
    const value = options.get(name);
    if (value !== undefined && !host.startsWith('/')) query.set(name, value);
  }
  return `postgresql:///${encodeURIComponent(options.get('dbname') ?? user ?? '')}?${query.toString()}`;
}

function refuseUnknown({ path }: ConfigFile, options: ReadonlyMap<string, string>, allowed: ReadonlySet<string>): void {
  for (const name of options.keys()) {
    if (!allowed.has(name)) throw new SettingsError(`${path}: connect: ${name} is not supported`);
  }
}

function withTimes(context: SqlServerContext, options: ReadonlyMap<string, string>): SqlServerContext {
  const seconds = (name: string, preset: number): number => {
    const value = Number(options.get(name) ?? '');
    return Number.isInteger(value) && value > 0 && value <= 600 ? value * 1000 : preset;
  };
  const connections = Number(options.get('maxconns') ?? '');
  const { limits } = context;
  return {
    ...context,
    limits: {
      ...limits,
      connectMilliseconds: seconds('connect_timeout', limits.connectMilliseconds),
      queryMilliseconds: seconds('read_timeout', limits.queryMilliseconds),
      maxConnections: Number.isInteger(connections) && connections > 0 ? connections : limits.maxConnections,
    },
  };
}
