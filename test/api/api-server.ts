// A started server with the API on loopback, in this process, on a folder of its own; and requests to it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Directory } from '../../src/directory/directory.ts';
import { Directory as OpenedDirectory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Server } from '../../src/main/server.ts';
import { loadConfiguration } from '../../src/settings/configuration.ts';
import { findFreePorts } from '../harness/free-ports.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test reads of an answer is what it expects there.
  readonly body: any;
}

export interface Asked {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiServer {
  readonly folder: string;
  readonly port: number;
  readonly smtpPort: number;
  /** A second hand on the same file, as the command line has it. */
  readonly directory: Directory;
  readonly #server: Server;

  private constructor(folder: string, ports: readonly number[], directory: Directory, server: Server) {
    this.folder = folder;
    [this.port, this.smtpPort] = ports as [number, number];
    this.directory = directory;
    this.#server = server;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), 'posthaste-api-'));
    const ports = await findFreePorts(2);
    writeFileSync(join(folder, 'main.cf'), mainCf(folder, ports[0] as number, settings));
    writeFileSync(
      join(folder, 'master.cf'),
      `127.0.0.1:${ports[1]} inet n - n - - smtpd\nmailstore unix - - n - - mailstore\nsmtp unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\n`,
    );
    const broken = (error: Error): void => {
      throw error;
    };
    const server = await Server.start(await loadConfiguration(folder), broken);
    const file = join(folder, 'data', 'directory.db');
    const directory = await OpenedDirectory.open(file, { clock: systemClock, actor: 'test' });
    return new ApiServer(folder, ports, directory, server);
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  /** `path` below /api/v1. */
  async ask(method: string, path: string, { token, body, headers = {} }: Asked = {}): Promise<Answer> {
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  /** A token of an administrator of this name. */
  async token(login: string, scopes: readonly string[] = ['*'], expires = 0): Promise<string> {
    const admin = this.directory.lookups.identities.adminByLogin(login);
    const mailbox = this.directory.mailboxByAddress(login);
    const owner = admin ? { kind: 'admin', id: admin.id } : { kind: 'mailbox', id: mailbox?.id ?? 0 };
    const name = `${scopes.join(' ').slice(0, 40)} ${Math.random().toString(36).slice(2)}`;
    const made = await this.directory.tokens.add({
      owner: owner as { kind: 'admin'; id: number },
      name,
      scopes,
      expires,
    });
    return made.secret;
  }

  async close(): Promise<void> {
    this.directory.close();
    await this.#server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function mainCf(folder: string, port: number, settings: Readonly<Record<string, string>>): string {
  const lines = {
    compatibility_level: '3.6',
    posthaste_data_directory: join(folder, 'data'),
    maillog_file: join(folder, 'log'),
    myhostname: 'mail.host.test',
    mydestination: 'mail.host.test',
    virtual_mailbox_domains: 'directory:mailbox-domains',
    virtual_mailbox_maps: 'directory:mailboxes',
    virtual_transport: 'mailstore',
    virtual_alias_domains: 'directory:alias-domains',
    virtual_alias_maps: 'directory:virtual-aliases',
    relay_domains: 'directory:relay-domains',
    alias_maps: '',
    local_recipient_maps: '$virtual_alias_maps',
    local_transport: 'error:5.1.1 nobody is here',
    recipient_delimiter: '+',
    mynetworks: '127.0.0.0/8',
    posthaste_http_listen: `127.0.0.1:${port}`,
    posthaste_http_rate_limit: '0',
    posthaste_auth_failure_delay: '0s',
    ...settings,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
