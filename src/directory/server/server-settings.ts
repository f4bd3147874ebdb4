// `posthaste_directory = pgsql:FILE` or `mysql:FILE`: where the directory's server is and how it is reached. The file is written as
// those of pgsql_table(5) and mysql_table(5): `hosts` (tried in this order; the one that works is kept), `user`, `password`
// or `password_file`, `dbname`; `tls_level` is none, may, encrypt or verify in the words of smtp_tls_security_level, with
// `tls_CAfile`, `tls_cert_file`, `tls_key_file`. Without `tls_level` a socket and this machine need none, and other
// machines are verified.

import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { ServerAddress, ServerDialect, ServerTls } from '../../database/server/server-session.ts';
import { parseTableFile, TableSettings } from '../../tables/table-settings.ts';
import { readTlsFiles } from '../../tables/table-tls.ts';
import { DirectoryOpenError } from '../refusal.ts';

export type DirectoryPlace =
  | { readonly kind: 'sqlite' }
  | { readonly kind: 'server'; readonly dialect: ServerDialect; readonly file: string };

export interface DirectoryServer {
  readonly dialect: ServerDialect;
  /** `pgsql:/etc/posthaste/directory.cf`, for messages. */
  readonly name: string;
  readonly addresses: readonly ServerAddress[];
}

const known = new Set(
  'hosts user password password_file dbname tls_level tls_CAfile tls_CApath tls_cert_file tls_key_file'.split(' '),
);
const levels = ['none', 'may', 'encrypt', 'verify'] as const;

/** What posthaste_directory says; a relative FILE is looked for in `folder`. Throws DirectoryOpenError. */
export function parseDirectoryPlace(text: string, folder: string): DirectoryPlace {
  const value = text.trim();
  if (value === '' || value === 'sqlite' || value === 'sqlite:') return { kind: 'sqlite' };
  const match = /^(pgsql|mysql):(.+)$/.exec(value);
  if (match?.[2] === undefined) {
    throw new DirectoryOpenError(
      `posthaste_directory = ${value}: write "sqlite:", "pgsql:FILE" or "mysql:FILE"; FILE has the lines hosts, user, password and dbname`,
    );
  }
  return {
    kind: 'server',
    dialect: match[1] === 'pgsql' ? 'postgresql' : 'mysql',
    file: resolve(folder, match[2].trim()),
  };
}

/** Throws DirectoryOpenError. */
export function readDirectoryServer({ dialect, file }: Extract<DirectoryPlace, { kind: 'server' }>): DirectoryServer {
  const name = `${dialect === 'postgresql' ? 'pgsql' : 'mysql'}:${file}`;
  try {
    const map = parseTableFile(readSecret(file), file);
    const unknown = [...map.keys()].find((key) => !known.has(key));
    if (unknown !== undefined) {
      throw new DirectoryOpenError(`${file}: unknown parameter ${unknown}; there are ${[...known].join(', ')}`);
    }
    const lines = new TableSettings(name, (key) => map.get(key));
    const account = {
      user: lines.required('user'),
      password: readPassword(lines, file),
      database: lines.required('dbname'),
    };
    const hosts = lines.text('hosts', 'localhost').split(/[\s,]+/);
    const addresses = hosts
      .filter((host) => host !== '')
      .map((host) => parseHost(host, dialect, name))
      .map((place) => ({ dialect, ...place, ...account, tls: readTls(lines, isLocal(place)) }));
    return { dialect, name, addresses };
  } catch (error) {
    if (error instanceof DirectoryOpenError) throw error;
    throw new DirectoryOpenError((error as Error).message);
  }
}

/** Refused where everybody could read it: it opens all mailboxes. */
function readSecret(file: string): string {
  const text = readFileSync(file, 'utf8');
  if ((statSync(file).mode & 0o007) !== 0) {
    throw new DirectoryOpenError(`${file} can be read by everybody and has a password in it: chmod 640 ${file}`);
  }
  return text;
}

function readPassword(lines: TableSettings, file: string): string {
  const passwordFile = lines.text('password_file');
  if (passwordFile === '') return lines.text('password');
  return readSecret(resolve(dirname(file), passwordFile)).replace(/\r?\n$/, '');
}

interface HostPlace {
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
}

/** `host`, `host:port`, `[v6]:port`, `unix:/path`, a path; `inet:` is ornament. */
function parseHost(name: string, dialect: ServerDialect, settings: string): HostPlace {
  const preset = dialect === 'postgresql' ? 5432 : 3306;
  const socket = /^(?:unix:)?(\/.*)$/.exec(name)?.[1];
  if (socket !== undefined) {
    // PostgreSQL's may be given as its folder, or with the name that says the port.
    const port = dialect === 'postgresql' ? /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(socket) : null;
    if (port?.[2] !== undefined) return { name, socket: port[1] ?? '/', port: Number(port[2]) };
    return { name, socket, port: preset };
  }
  const text = name.startsWith('inet:') ? name.slice(5) : name;
  const colon = isIP(text) === 6 ? -1 : text.lastIndexOf(':');
  const host = (colon === -1 || text.endsWith(']') ? text : text.slice(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const port = colon === -1 || text.endsWith(']') ? preset : Number(text.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new DirectoryOpenError(`${settings}: hosts: bad port in ${name}`);
  }
  return { name, host, port };
}

function isLocal({ host, socket }: HostPlace): boolean {
  return socket !== undefined || host === 'localhost' || host === '::1' || (host ?? '').startsWith('127.');
}

function readTls(lines: TableSettings, isOnThisMachine: boolean): ServerTls {
  const text = lines.text('tls_level', isOnThisMachine ? 'none' : 'verify');
  const level = levels.find((one) => one === text);
  if (level === undefined) {
    throw new DirectoryOpenError(`${lines.table}: tls_level = ${text}: write one of ${levels.join(', ')}`);
  }
  const files = readTlsFiles(lines.table, {
    caFile: lines.text('tls_CAfile'),
    caFolder: lines.text('tls_CApath'),
    certificateFile: lines.text('tls_cert_file'),
    keyFile: lines.text('tls_key_file'),
    ciphers: '',
    verifyName: false,
  });
  const { ca, cert, key } = files ?? {};
  return { level, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
