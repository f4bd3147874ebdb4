// A real Postfix whose smtpd runs in a chroot, where resolv.conf names a name server of ours: resolvers know no port but
// 53, so that one listens there, on an address of this machine that nobody else uses.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDnsServer } from './dns-server.ts';
import { noRealPostfix, RealPostfix } from './real-postfix.ts';

export interface NameServerAddress {
  readonly host: string;
  readonly port: 53;
}

/** Why there can be none here that asks this name server; undefined where it can run. */
export async function noChrootedPostfix(nameServer: NameServerAddress): Promise<string | undefined> {
  if (noRealPostfix !== undefined) return noRealPostfix;
  try {
    (await startDnsServer('', nameServer)).close();
    return undefined;
  } catch {
    return `needs port 53 of ${nameServer.host}`;
  }
}

/** `folder` as RealPostfix wants it. */
export function chrootedPostfix(folder: string, port: number, nameServer: NameServerAddress): RealPostfix {
  const postfix = new RealPostfix(folder, port);
  const etc = join(postfix.folder.spool, 'etc');
  mkdirSync(etc, { recursive: true });
  writeFileSync(join(etc, 'resolv.conf'), `nameserver ${nameServer.host}\noptions timeout:1 attempts:3\n`);
  writeFileSync(join(etc, 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(etc, 'nsswitch.conf'), 'hosts: files dns\n');
  copyFileSync('/etc/services', join(etc, 'services'));
  return postfix;
}

export function chrootedMasterCf(port: number): string {
  return `127.0.0.1:${port} inet n - y - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
flush unix n - n 1000? 0 flush
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;
}
