// A directory and the backends of posthaste_auth_backends over it, as the server puts them together; answers denials at
// once. Files of the backends are written into its folder.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noFailureDelay } from '../../src/auth/failure-delay.ts';
import { DelayGate } from '../../src/auth/login-gate.ts';
import type { AuthResult, Credentials } from '../../src/auth/types.ts';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import * as backends from '../../src/main/login-backends.ts';
import { Logins } from '../../src/main/logins.ts';
import { Settings } from '../../src/settings/settings.ts';

export const domain = 'example.com';

export class LoginRig {
  readonly folder: string;
  readonly log = new MemoryLog();
  directory!: Directory;
  readonly #opened: Logins[] = [];

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'logins-'));
    chmodSync(this.folder, 0o755);
  }

  /** With example.com and these mailboxes in the directory, whose passwords are `of the directory`. */
  static async open(mailboxes: readonly string[] = []): Promise<LoginRig> {
    const rig = new LoginRig();
    const file = join(rig.folder, 'directory.db');
    rig.directory = await Directory.open(file, { clock: systemClock, actor: 'test' });
    await rig.directory.domains.add(domain);
    const passwordHash = '{PLAIN}of the directory';
    for (const address of mailboxes) await rig.directory.mailboxes.add({ address, passwordHash });
    return rig;
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  logins(settings: Record<string, string>): Logins {
    const all = Settings.defaults(settings);
    const gate = new DelayGate(systemClock, noFailureDelay);
    const logins = new Logins(all, { directory: this.directory, log: this.log, clock: systemClock, gate, backends });
    this.#opened.push(logins);
    return logins;
  }

  async close(): Promise<void> {
    for (const logins of this.#opened) await logins.close();
    this.directory.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `name`, `name (no mailbox)`, `denied: reason`, `temporary: reason`. */
export async function logIn(
  logins: Logins,
  login: string,
  password: string,
  more: Partial<Credentials> = {},
): Promise<string> {
  let result: AuthResult;
  try {
    result = await logins.authenticator.authenticate({
      service: 'imap',
      remoteAddress: '192.0.2.1',
      login,
      password,
      ...more,
    });
  } catch (error) {
    if (error instanceof TemporaryError) return `temporary: ${error.message}`;
    throw error;
  }
  if (result.kind === 'denied') return `denied: ${result.reason}`;
  return result.mailboxId === undefined ? `${result.login} (no mailbox)` : result.login;
}

/** As openssl-passwd(1) makes it: `-6` is SHA512-CRYPT, `-1` MD5-CRYPT. */
export function crypted(password: string, kind: '-1' | '-5' | '-6' = '-6'): string {
  return execFileSync('openssl', ['passwd', kind, '-salt', 'saltsalt', password], { encoding: 'utf8' }).trim();
}
