// The LMTP client with a real Dovecot: by a socket of the machine and by TCP, an outcome for each recipient, and many
// messages through one connection. Runs where Dovecot's LMTP server is installed (Debian: dovecot-lmtpd) and we are root.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { ConnectionCache } from '../../src/smtp-client/connection-cache.ts';
import { deliver } from '../../src/smtp-client/deliver.ts';
import type { Session } from '../../src/smtp-client/session.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { testOptions } from './client-options.ts';
import { envelope } from './scripted-server.ts';

const canRun = existsSync('/usr/sbin/dovecot') && existsSync('/usr/lib/dovecot/lmtp') && process.getuid?.() === 0;

// Skipped where Dovecot (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRun)('LMTP to Dovecot (package dovecot-lmtpd)', () => {
  let folder: string;
  let dovecot: ChildProcess;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/dovecot-lmtp-');
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'mail'), { mode: 0o777 });
    chmodSync(join(folder, 'mail'), 0o777);
    [port = 0] = await findFreePorts(1);
    writeFileSync(
      join(folder, 'users'),
      'ann@x.example:::::::\neve@x.example:::::::\nfull@x.example:::::::userdb_quota_rule=*:bytes=10\n',
    );
    writeFileSync(join(folder, 'dovecot.conf'), configuration(folder, port));
    dovecot = spawn('/usr/sbin/dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], { stdio: 'ignore' });
    for (let tries = 0; !existsSync(join(folder, 'run/lmtp')); tries++) {
      if (tries === 500) throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
      await sleep(20);
    }
  }, 30_000);
  afterAll(async () => {
    dovecot.kill('SIGTERM');
    await once(dovecot, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });

  const second = 1000;
  const options = testOptions({
    protocol: 'lmtp',
    timeouts: {
      ...testOptions().timeouts,
      helo: 10 * second,
      mail: 10 * second,
      dataDone: 10 * second,
      rcpt: 10 * second,
    },
  });

  function stored(user: string): string[] {
    const place = join(folder, 'mail', user, 'new');
    return existsSync(place) ? readdirSync(place).map((name) => readFileSync(join(place, name), 'utf8')) : [];
  }

  test('each recipient has its own answer', async () => {
    const recipients = ['ann@x.example', 'nobody@x.example', 'full@x.example', 'eve@x.example'];
    const { outcomes } = await deliver(`unix:${folder}/run/lmtp`, envelope(recipients), options);
    expect(outcomes.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'delivered 2.0.0',
      'bounced 5.1.1',
      'bounced 5.2.2',
      'delivered 2.0.0',
    ]);
    expect(outcomes[0]?.reason).toMatch(/^250 2\.0\.0 <ann@x\.example> \S+ Saved$/);
    expect(outcomes[0]?.relay).toBe(`client.example[${folder}/run/lmtp]`);
    expect(stored('ann@x.example')[0]).toContain('.dot\n');
  });

  test('a connection takes many messages, by socket and by TCP', async () => {
    const rules = {
      onDemand: true,
      idleMilliseconds: 5000,
      reuseCount: 0,
      reuseMilliseconds: 300_000,
      isAlwaysKept: () => false,
    };
    const cache = new ConnectionCache<Session>(rules, systemClock);
    const before = stored('eve@x.example').length;
    for (const nexthop of [`unix:${folder}/run/lmtp`, `inet:127.0.0.1:${port}`]) {
      const uses: (number | undefined)[] = [];
      for (let count = 0; count < 6; count++) {
        const recipients = count === 3 ? ['nobody@x.example'] : ['eve@x.example', 'nobody@x.example'];
        const { outcomes } = await deliver(nexthop, envelope(recipients), options, undefined, undefined, cache);
        expect(outcomes.map(({ kind }) => kind)).toEqual(count === 3 ? ['bounced'] : ['delivered', 'bounced']);
        uses.push(outcomes[0]?.connectionUse);
      }
      expect(uses).toEqual([undefined, undefined, 2, 3, 4, 5]);
    }
    expect(stored('eve@x.example').length).toBe(before + 10);
    await cache.close();
  });
});

function configuration(folder: string, port: number): string {
  return `
protocols = lmtp
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
instance_name = posthaste-lmtp-test-${port}
listen = 127.0.0.1
ssl = no
mail_location = maildir:${folder}/mail/%u
first_valid_uid = 1
mail_plugins = quota
plugin {
  quota = maildir:User quota
}
userdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
  override_fields = uid=nobody gid=nogroup home=${folder}/mail/%u
}
passdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    port = ${port}
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`;
}
