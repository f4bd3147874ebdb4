// A server for the tests of its defence, driven as its users would: swaks and curl from many loopback addresses, and the
// administrator's commands.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillDirectory } from '../harness/fill-directory.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';

const command = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));

export interface Output {
  readonly status: number;
  readonly text: string;
}

/** What the real clients need. */
export const noClients: string | undefined = ['swaks', 'curl'].every((name) => spawnSync('which', [name]).status === 0)
  ? undefined
  : 'needs swaks and curl';

export class DefendedServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'defence-'));
  process!: PosthasteProcess;

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<DefendedServer> {
    const server = new DefendedServer();
    server.process = await PosthasteProcess.create({
      folder: server.folder,
      settings: {
        mynetworks: '127.9.9.9',
        smtpd_sasl_auth_enable: 'yes',
        smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
        smtpd_peername_lookup: 'no',
        posthaste_disable_plaintext_auth: 'no',
        posthaste_auth_failure_delay: '0',
        transport_maps: 'inline:{ { far.test = discard:thrown away } }',
        ...settings,
      },
    });
    const mailboxes = ['anna@example.com', 'bob@example.com', 'carl@example.com', 'dora@example.org'];
    await fillDirectory(server.process, {
      mailboxes,
      aliases: { 'sales@example.com': 'anna@example.com' },
      password: 'right',
    });
    await server.process.start();
    return server;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The administrator's command. */
  posthaste(...args: string[]): Promise<Output> {
    return run(command, ['-c', this.process.configFolder, ...args]);
  }

  /** swaks: gives its status and the whole transcript. */
  swaks(from: string, ...args: string[]): Promise<Output> {
    const common = ['--server', `127.0.0.1:${this.process.smtpPort}`, '--local-interface', from, '--helo', 'c.example'];
    return run('swaks', [...common, '--from', 's@client.example', ...args]);
  }

  smtpLogin(from: string, user: string, password: string): Promise<Output> {
    return this.swaks(
      from,
      '--auth',
      'PLAIN',
      '--auth-user',
      user,
      '--auth-password',
      password,
      '--quit-after',
      'AUTH',
    );
  }

  /** curl lists the folders. */
  imapLogin(from: string, user: string, password: string): Promise<Output> {
    const url = `imap://127.0.0.1:${this.process.imapPort}/`;
    return run('curl', ['-sS', '-v', '--interface', from, '-u', `${user}:${password}`, url]);
  }
}

export function run(program: string, args: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? 1);
      resolve({ status, text: `${stdout}${stderr}` });
    });
  });
}
