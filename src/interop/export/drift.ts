// Has anything moved away from what we would export now? The files, the views and accounts in the database, and what the
// Postfix and the Dovecot that use the folder say of themselves (`postconf -n`, `doveconf -n`). Each difference with its mend.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../settings/configuration.ts';
import { directoryViews } from './all-views.ts';
import { accountDrift, type WantedAccount } from './account-drift.ts';
import { accountHosts } from './accounts.ts';
import { ServerTarget } from './database-target.ts';
import {
  dovecotGrants,
  type DovecotOptions,
  dovecotTexts,
  keptDovecotPassword,
  quotaDatabase,
  quotaDrift,
} from './dovecot.ts';
import { type ExportedFile, findGroup, readExisting } from './export-files.ts';
import type { ExportEntry } from './export-record.ts';
import { type ExportPlace, findPlace, openTarget, unreadableBy } from './place.ts';
import { postfixFacts, type PostfixOptions } from './postfix.ts';
import { postfixFiles } from './postfix-files.ts';
import { keptPassword, mapTexts, readerGrants } from './postfix-maps.ts';

export interface Drift {
  readonly what: string;
  readonly mend: string;
}

export type DriftOptions = PostfixOptions & DovecotOptions;

/** Throws ExportRefused, DirectoryOpenError, ServerUnavailable, ServerRefusal. */
export async function findDrift(
  configuration: Configuration,
  { kind }: ExportEntry,
  options: DriftOptions,
): Promise<Drift[]> {
  const again = `posthaste export ${kind} --destdir ${options.destdir}`;
  const place = findPlace(configuration, undefined);
  const files = wantedFiles(configuration, kind, place, options);
  const drifts = [...fileDrift(options.destdir, files, again)];
  const target = await openTarget(place, true);
  try {
    const amiss = await target.viewsAmiss(directoryViews(target.dialect));
    for (const name of amiss) drifts.push({ what: `the view ${name} is missing or was changed`, mend: again });
    const session = target instanceof ServerTarget ? target.session : undefined;
    const [address] = place.driver === 'sqlite' ? [] : place.server.addresses;
    if (session !== undefined && place.driver !== 'sqlite' && address !== undefined) {
      drifts.push(...(await accountDrift(session, address, wantedAccount(place, kind, options, again))));
    }
    if (kind === 'dovecot') drifts.push(...(await quotaDrift(session ?? quotaDatabase(configuration), again)));
  } finally {
    target.close();
  }
  if (place.driver === 'sqlite' && kind !== 'dovecot') {
    const gid = findGroup(options.group);
    const mends = gid === undefined ? [] : unreadableBy(place.file, gid);
    for (const mend of mends) drifts.push({ what: `Postfix cannot read ${place.file}`, mend });
  }
  if (kind === 'postfix') drifts.push(...postconfDrift(options.destdir, files));
  if (kind === 'dovecot') drifts.push(...doveconfDrift(options.destdir));
  return drifts;
}

function wantedFiles(
  configuration: Configuration,
  kind: ExportEntry['kind'],
  place: ExportPlace,
  options: DriftOptions,
): ExportedFile[] {
  if (kind === 'dovecot') {
    return dovecotTexts(configuration, place, options, keptDovecotPassword(options.destdir) ?? '(none)');
  }
  const password = keptPassword(options.destdir, place.driver) ?? '(none)';
  const maps = mapTexts(configuration, place, options, password);
  return kind === 'postfix-maps'
    ? maps
    : [...postfixFiles(postfixFacts(configuration, options, place.driver)), ...maps];
}

function* fileDrift(destdir: string, files: readonly ExportedFile[], again: string): Iterable<Drift> {
  for (const { name, text, mode } of files) {
    const file = join(destdir, name);
    const found = readExisting(destdir, name);
    if (found === undefined) yield { what: `${file} is missing`, mend: again };
    else if (found !== text) yield { what: `${file} differs from what would be written now`, mend: again };
    if (found === undefined) continue;
    const actual = statSync(file).mode & 0o777;
    if ((actual & ~mode) !== 0) {
      yield { what: `${file} has mode ${actual.toString(8)}`, mend: `chmod ${mode.toString(8)} ${file}` };
    }
  }
}

/** Of each program its own: as whom it logs in, and with what. */
function wantedAccount(
  { driver, server }: Exclude<ExportPlace, { driver: 'sqlite' }>,
  kind: ExportEntry['kind'],
  options: DriftOptions,
  again: string,
): WantedAccount {
  const common = { hosts: driver === 'mysql' ? accountHosts(server.addresses) : [''], again };
  const { destdir, account, reader } = options;
  if (kind === 'dovecot') {
    return { ...common, name: account, grants: dovecotGrants(driver), password: keptDovecotPassword(destdir) };
  }
  const password = keptPassword(destdir, driver);
  return { ...common, name: reader, grants: readerGrants(driver), password };
}

/** What Postfix makes of the folder: a parameter that it reads otherwise than it is written there. */
function postconfDrift(destdir: string, files: readonly ExportedFile[]): Drift[] {
  const wanted = files.find(({ name }) => name === 'main.cf')?.text ?? '';
  const { status, stdout, stderr } = spawnSync('postconf', ['-c', destdir, '-n'], { encoding: 'utf8' });
  if (status === null) return [];
  const complaint = stderr.trim().split('\n')[0] ?? '';
  if (status !== 0 || complaint !== '') return [{ what: `postconf -n: ${complaint}`, mend: 'change our main.cf' }];
  const values = new Map(pairs(stdout));
  return pairs(wanted)
    .filter(([name, value]) => values.has(name) && squeeze(values.get(name) ?? '') !== squeeze(value))
    .map(([name, value]) => ({
      what: `Postfix has ${name} = ${values.get(name)}, not ${value}`,
      mend: `posthaste export postfix --destdir ${destdir}, then postfix reload`,
    }));
}

function pairs(text: string): [string, string][] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\w+) = ?(.*)$/.exec(line);
    return match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as [string, string]];
  });
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Does Dovecot take it, and has dovecot-local.conf taken anything of it away? */
function doveconfDrift(destdir: string): Drift[] {
  const file = join(destdir, 'dovecot.conf');
  if (!existsSync(file)) return [];
  const { status, stdout, stderr } = spawnSync('doveconf', ['-n', '-c', file], { encoding: 'utf8' });
  if (status === null) return [];
  const complaint = stderr.trim().split('\n')[0] ?? '';
  if (status !== 0 || complaint !== '') {
    return [{ what: `doveconf -n: ${complaint}`, mend: `change ${join(destdir, 'dovecot-local.conf')}` }];
  }
  const needed = [
    `args = ${destdir}/dovecot-sql.conf.ext`,
    'quota_clone_dict = proxy::quota2',
    'quota = count:User quota',
  ];
  return needed
    .filter((line) => !stdout.includes(line))
    .map((line) => ({
      what: `Dovecot does not have "${line}"`,
      mend: `look in ${join(destdir, 'dovecot-local.conf')}`,
    }));
}
