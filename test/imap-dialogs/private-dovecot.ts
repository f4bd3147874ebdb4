// A Dovecot of our own on a loopback port, with its own folder and configuration, to compare answers with.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dovecotFile = '/usr/sbin/dovecot';

/** Installed, and startable: its login processes need another user, so root is needed. */
export function canRunDovecot(): boolean {
  return existsSync(dovecotFile) && existsSync('/usr/lib/dovecot/imap') && process.getuid?.() === 0;
}

export class PrivateDovecot {
  readonly port: number;
  /** Where mail servers ask whether a login is right. */
  readonly authSocket: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port;
    this.authSocket = join(folder, 'run', 'smtp-auth');
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * Any user may log in with the password `secret`; `mechanisms` are those of its authSocket. `more` is what stands
   * behind the configuration and so before it.
   */
  static async start(mechanisms = 'plain', more = ''): Promise<PrivateDovecot> {
    const folder = await mkdtemp(join(tmpdir(), 'dovecot-'));
    const port = await freePort();
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'mail'));
    const nobody = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
    await chown(join(folder, 'mail'), nobody, nobody);
    const file = join(folder, 'dovecot.conf');
    await writeFile(file, configuration(folder, port, mechanisms) + more);
    const child = spawn(dovecotFile, ['-F', '-c', file], { stdio: 'ignore' });
    return new PrivateDovecot(port, folder, child);
  }

  /** A folder a user. */
  get mailFolder(): string {
    return join(this.#folder, 'mail');
  }

  /** For its programs that are started by others. */
  get configFile(): string {
    return join(this.#folder, 'dovecot.conf');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function configuration(folder: string, port: number, mechanisms: string): string {
  return `
protocols = imap
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
instance_name = posthaste-test-${port}
ssl = no
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = ${mechanisms}
mail_location = maildir:${folder}/mail/%u
first_valid_uid = 1
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${folder}/mail/%u
}
service auth {
  unix_listener smtp-auth {
    mode = 0666
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
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
