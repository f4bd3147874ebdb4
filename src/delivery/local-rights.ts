// With whose rights local(8) delivers: those of the account that asked for it; for what nobody but root asked for, those
// of default_privs. Programs and named files never have root's (local(8), DELIVERY RIGHTS).

import type { LookupResult } from '../tables/table.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The entry of passwd(5) or group(5). Throws TemporaryError. */
export type FindAccount = (database: 'passwd' | 'group', name: string) => Promise<LookupResult>;

/** Undefined where there is none. Throws TemporaryError. */
export async function findAccount(find: FindAccount, name: string): Promise<Account | undefined> {
  const entry = await find('passwd', name);
  if (entry.kind !== 'found') return undefined;
  const [, , uid, gid, , home = '', shell = ''] = entry.value.split(':');
  return { name, uid: Number(uid), gid: Number(gid), home, shell };
}

/** Without ids: the server's own user. */
export interface OwnerIds {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Root's own mailbox. */
  readonly isRoots?: boolean;
}

interface RightsOptions {
  readonly find: FindAccount;
  /** The server was started as root. */
  readonly isRoot: boolean;
  readonly defaultPrivileges: string;
}

/** Of a command or a named file; a mistake in words where there are none. Throws TemporaryError. */
export async function rightsOf(
  account: Account | undefined,
  { find, isRoot, defaultPrivileges }: RightsOptions,
): Promise<OwnerIds | string> {
  if (!isRoot) return ownRights(account);
  if (account !== undefined && account.uid > 0 && account.gid > 0) return { uid: account.uid, gid: account.gid };
  const usual = await findAccount(find, defaultPrivileges);
  if (usual === undefined) return `default_privs: there is no user ${defaultPrivileges}`;
  if (!(usual.uid > 0 && usual.gid > 0)) return `default_privs: ${defaultPrivileges} is privileged`;
  const uid = account !== undefined && account.uid > 0 ? account.uid : usual.uid;
  return { uid, gid: account !== undefined && account.gid > 0 ? account.gid : usual.gid };
}

/**
 * Without root everything is done by one user, who does nothing for others: whoever may write a .forward would
 * else command the server.
 */
export function ownRights(account: Account | undefined): OwnerIds | string {
  if (account === undefined || account.uid === process.getuid?.()) return { uid: undefined, gid: undefined };
  return `mail of user ${account.name}: only a server that was started as root can deliver it`;
}
