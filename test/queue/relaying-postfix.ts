// A real Postfix that sends everything on to one next server, to compare what it makes of mail on the way.

import { mkdtempSync, rmSync } from 'node:fs';
import { findFreePorts } from '../harness/free-ports.ts';
import { RealPostfix } from '../harness/real-postfix.ts';

export interface Relay {
  readonly port: number;
  readLog(): string;
  stop(): void;
}

export async function startRelay(nextPort: number, more: Readonly<Record<string, string>> = {}): Promise<Relay> {
  const folder = mkdtempSync('/tmp/relay-');
  const [port = 0] = await findFreePorts(1);
  const postfix = new RealPostfix(folder, port);
  const settings = {
    ...postfix.settings,
    compatibility_level: '3.6',
    myhostname: 'mx.example',
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    mynetworks: '127.0.0.0/8',
    local_header_rewrite_clients: '',
    relayhost: `[127.0.0.1]:${nextPort}`,
    ...more,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  await postfix.start(lines.join(''), masterCf(port));
  return {
    port,
    readLog: () => postfix.readLog(),
    stop: () => {
      postfix.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** master.cf of a Postfix that takes mail on a port, and sends on, refuses, discards and reports. */
export function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;
}
