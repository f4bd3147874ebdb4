// `posthaste export postfix`: main.cf and master.cf, with the map files that they name.

import { type Configuration, dataDirectoryOf } from '../../settings/configuration.ts';
import { findPlace } from './place.ts';
import { ExportRefused, findUser, writeExport } from './export-files.ts';
import { exportPostfixMaps, type MapsOptions, type MapsResult } from './postfix-maps.ts';
import { type Delivery, postfixFiles, type PostfixFacts } from './postfix-files.ts';
import { statSync } from 'node:fs';

export interface PostfixOptions extends MapsOptions {
  readonly delivery: Delivery;
  readonly mailFolder: string;
  readonly mailUser: string;
  readonly program: string;
}

/** Throws ExportRefused, DirectoryOpenError, ServerUnavailable, ServerRefusal. */
export async function exportPostfix(configuration: Configuration, options: PostfixOptions): Promise<MapsResult> {
  const { driver } = findPlace(configuration, options.driver);
  // Made first: what cannot be said is refused before anything is written.
  const files = postfixFiles(postfixFacts(configuration, options, driver));
  const maps = await exportPostfixMaps(configuration, options);
  const changed = await writeExport(options.destdir, files, undefined);
  const login = configuration.settings.text('smtpd_sasl_type') === 'directory' && options.delivery !== 'dovecot';
  const socket = `${configuration.settings.text('queue_directory')}/private/auth`;
  const isServed = configuration.settings.text('posthaste_auth_listen').includes(socket);
  const remark = `logins are asked at ${socket}: let it be served by posthaste_auth_listen = { unix:${socket}, mode=0660, user=postfix, group=postfix }, or by Dovecot`;
  return {
    ...maps,
    files: [...files.map(({ name }) => name), ...maps.files],
    changed: [...changed, ...maps.changed],
    remarks: [...maps.remarks, ...(login && !isServed ? [remark] : [])],
  };
}

export function postfixFacts(
  configuration: Configuration,
  { destdir, delivery, mailFolder, mailUser, program, maker }: PostfixOptions,
  driver: MapsResult['driver'],
): PostfixFacts {
  const owner = delivery === 'virtual' ? findUser(mailUser) : undefined;
  if (delivery === 'virtual' && owner === undefined) {
    throw new ExportRefused(
      `there is no user ${mailUser} here whose the Maildirs could be: run this as root after adduser`,
    );
  }
  return {
    configuration,
    driver,
    mapFolder: destdir,
    delivery,
    mailFolder,
    mailUid: owner?.uid ?? 0,
    mailGid: owner?.gid ?? 0,
    program,
    programUser: ownerOf(dataDirectoryOf(configuration)),
    maker,
  };
}

/** pipe(8) runs nothing as root; the maildrop is open to everybody. */
function ownerOf(folder: string): string {
  const { uid } = statSync(folder);
  return uid === 0 ? 'nobody' : String(uid);
}
