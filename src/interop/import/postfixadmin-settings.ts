// What PostfixAdmin's own configuration says that its database does not: how to reach it, how its tables are called, how
// passwords without a scheme were made, and what its quotas count in.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SqlDialect } from '../../tables/sql/sql-quoting.ts';
import { ImportError } from './import-source.ts';
import { readPhpSettings } from './php-settings.ts';
import type { BareHashes } from './row-values.ts';

export interface PostfixAdminSettings {
  /** What stands before each table's name. */
  readonly prefix: string;
  /** Bytes in what its pages call a megabyte. */
  readonly quotaMultiplier: number;
  /** `transport` of a domain is used. */
  readonly hasTransports: boolean;
  /** '' where vacations are off. */
  readonly vacationDomain: string;
  readonly bareHashes: BareHashes;
}

export const usualSettings: PostfixAdminSettings = {
  prefix: '',
  quotaMultiplier: 1_024_000,
  hasTransports: false,
  vacationDomain: '',
  bareHashes: 'crypt',
};

export interface PostfixAdminConfiguration {
  readonly settings: PostfixAdminSettings;
  readonly dialect: SqlDialect;
  readonly account: ReadonlyMap<string, string>;
}

/** config.inc.php, and config.local.php beside it, which wins. */
export function readPostfixAdminConfiguration(file: string): PostfixAdminConfiguration {
  const local = join(dirname(file), 'config.local.php');
  const all = new Map([...readPhpSettings(file), ...(existsSync(local) ? readPhpSettings(local) : [])]);
  const get = (name: string, preset = ''): string => all.get(`CONF.${name}`) ?? preset;
  const isYes = (name: string): boolean => /^(?:yes|true|1)$/i.test(get(name));
  const encrypt = get('encrypt', 'md5crypt').toLowerCase();
  const settings: PostfixAdminSettings = {
    prefix: get('database_prefix'),
    quotaMultiplier: Number(get('quota_multiplier')) || usualSettings.quotaMultiplier,
    hasTransports: isYes('transport'),
    vacationDomain: isYes('vacation') ? get('vacation_domain') : '',
    bareHashes: encrypt === 'md5' ? 'md5' : encrypt === 'cleartext' ? 'plain' : 'crypt',
  };
  return { settings, ...accountOf(file, get) };
}

function accountOf(
  file: string,
  get: (name: string, preset?: string) => string,
): Pick<PostfixAdminConfiguration, 'dialect' | 'account'> {
  const type = get('database_type').toLowerCase();
  if (type === 'sqlite') return { dialect: 'sqlite', account: new Map([['dbpath', get('database_name')]]) };
  const dialect = type === 'pgsql' ? 'pgsql' : type === 'mysql' || type === 'mysqli' ? 'mysql' : undefined;
  if (dialect === undefined) {
    throw new ImportError(`${file} sets no database_type that is known here (mysql, mysqli, pgsql, sqlite)`);
  }
  const [socket, port, host] = [get('database_socket'), get('database_port'), get('database_host', 'localhost')];
  const hosts = socket === '' ? `${host}${port === '' || host === 'localhost' ? '' : `:${port}`}` : `unix:${socket}`;
  const account = new Map([
    ['hosts', hosts],
    ['user', get('database_user')],
    ['password', get('database_password')],
    ['dbname', get('database_name')],
  ]);
  if (get('database_ssl_ca') !== '') account.set('tls_CAfile', get('database_ssl_ca'));
  return { dialect, account };
}
