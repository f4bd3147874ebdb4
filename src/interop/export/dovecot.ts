// `posthaste export dovecot`: the view of the mailboxes, quota2 and the account in the database, and Dovecot's files.

import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ServerRefusal, type ServerSession } from '../../database/server/server-session.ts';
import { openSqlite } from '../../database/sqlite.ts';
import type { DirectoryServer } from '../../directory/server/server-settings.ts';
import { makeFolders } from '../../lib/make-folders.ts';
import { type Configuration, dataDirectoryOf } from '../../settings/configuration.ts';
import { accountHosts, type Grant, isAccountName, makeAccount } from './accounts.ts';
import { ServerTarget } from './database-target.ts';
import { dialects, type Driver } from './dialect.ts';
import type { Drift } from './drift.ts';
import { dovecotFiles, serverConnect } from './dovecot-files.ts';
import { dovecotViews, quotaTable } from './dovecot-views.ts';
import {
  type ExportedFile,
  exportMark,
  ExportRefused,
  findUser,
  findUserGroup,
  readExisting,
  writeExport,
} from './export-files.ts';
import { directoryViews } from './all-views.ts';
import { asAdmin, type ExportPlace, findPlace, openTarget, sqliteFiles } from './place.ts';
import { certificateOf } from './postfix-files.ts';

export interface DovecotOptions {
  readonly driver?: Driver;
  readonly destdir: string;
  readonly account: string;
  readonly newPassword: boolean;
  readonly mailFolder: string;
  readonly mailUser: string;
  readonly admin?: DirectoryServer;
  readonly maker: string;
}

export interface DovecotResult {
  readonly driver: Driver;
  readonly files: readonly string[];
  readonly changed: readonly string[];
}

const sqlName = 'dovecot-sql.conf.ext';

/** Throws ExportRefused, DirectoryOpenError, ServerUnavailable, ServerRefusal. */
export async function exportDovecot(configuration: Configuration, options: DovecotOptions): Promise<DovecotResult> {
  if (!isAccountName(options.account)) {
    throw new ExportRefused(`"${options.account}" is no name for an account: small letters, digits and "_"`);
  }
  const place = findPlace(configuration, options.driver);
  const password = (options.newPassword ? undefined : keptDovecotPassword(options.destdir)) ?? newPassword();
  const files = dovecotTexts(configuration, place, options, password);
  const target = await openTarget(place);
  try {
    await target.makeViews(directoryViews(target.dialect));
    if (place.driver !== 'sqlite' && target instanceof ServerTarget) {
      await target.session.query(quotaTable(target.dialect, target.session.collation));
      const account = { name: options.account, password, hosts: accountHosts(place.server.addresses) };
      await asAdmin(target, options.admin, async (session) => {
        await makeAccount(session, account, dovecotGrants(place.driver));
      });
    } else makeQuotaFile(quotaDatabase(configuration));
  } finally {
    target.close();
  }
  const changed = await writeExport(options.destdir, files, undefined);
  return { driver: place.driver, files: files.map(({ name }) => name), changed };
}

export function dovecotGrants(driver: Driver): Grant[] {
  return [
    ...dovecotViews(dialects[driver]).map(({ name }) => ({ right: 'SELECT', on: name })),
    { right: 'SELECT, INSERT, UPDATE, DELETE', on: 'quota2' },
  ];
}

/** The files as they are to be. */
export function dovecotTexts(
  configuration: Configuration,
  place: ExportPlace,
  { destdir, account, mailFolder, mailUser, maker }: DovecotOptions,
  password: string,
): ExportedFile[] {
  const { settings } = configuration;
  const quotaFile = quotaDatabase(configuration);
  const connect =
    place.driver === 'sqlite' ? place.file : serverConnect(place.server.addresses, { name: account, password });
  return dovecotFiles({
    dialect: dialects[place.driver],
    connect,
    quotaConnect: place.driver === 'sqlite' ? quotaFile : connect,
    destdir,
    maker,
    mailFolder,
    mailUser,
    mailGroup: findUserGroup(mailUser) ?? mailUser,
    queueDirectory: settings.text('queue_directory'),
    postmaster: `postmaster@${settings.text('myhostname')}`,
    recipientDelimiter: settings.text('recipient_delimiter'),
    certificate: certificateOf(configuration),
    hasSieve: existsSync('/usr/lib/dovecot/modules/lib90_sieve_plugin.so'),
    hasPop3: existsSync('/usr/lib/dovecot/pop3'),
  });
}

export function keptDovecotPassword(destdir: string): string | undefined {
  const text = readExisting(destdir, sqlName) ?? '';
  return text.includes(exportMark) ? / password=(\S+)$/m.exec(text)?.[1] : undefined;
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Beside directory.db and not in it: Dovecot writes there with every delivery. */
export function quotaDatabase(configuration: Configuration): string {
  return join(dataDirectoryOf(configuration), 'dovecot', 'quota.db');
}

/** Is `quota2` there, and may Dovecot write it? On a server its rights tell that. */
export async function quotaDrift(where: ServerSession | string, mend: string): Promise<Drift[]> {
  const sql = 'SELECT username, bytes, messages FROM quota2 WHERE 1 = 0';
  const missing = { what: 'the table quota2 is missing or has other columns: Dovecot counts there', mend };
  try {
    if (typeof where !== 'string') {
      await where.query(sql);
      return [];
    }
    const connection = openSqlite(where, { readonly: true, busyTimeout: 10_000 });
    try {
      connection.prepare(sql);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (typeof where !== 'string' && !(error instanceof ServerRefusal)) throw error;
    return [missing];
  }
  const owner = findUser('dovecot');
  return owner === undefined
    ? []
    : [dirname(where), ...sqliteFiles(where)]
        .filter((one) => statSync(one).uid !== owner.uid)
        .map((one) => ({ what: `Dovecot cannot write ${one}`, mend: `chown dovecot ${one}` }));
}

/** Made at the first export; Dovecot's dict process (user dovecot) writes it. */
function makeQuotaFile(file: string): void {
  const folder = dirname(file);
  makeFolders(folder, 0o750);
  const connection = openSqlite(file, { busyTimeout: 10_000 });
  connection.exec(quotaTable(dialects.sqlite, ''));
  connection.close();
  const owner = findUser('dovecot');
  if (owner === undefined) return;
  for (const one of [folder, ...sqliteFiles(file)]) chownSync(one, owner.uid, owner.gid);
}
