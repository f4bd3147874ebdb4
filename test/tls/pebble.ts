// Debian's pebble, an ACME server for tests (RFC 8555), on loopback, and a front before it that adds what this version of
// pebble has not (renewal information, RFC 9773), counts requests, and can be in trouble.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { request } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDnsServer } from '../harness/dns-server.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { isListening } from '../harness/posthaste-process.ts';
import type { Certificates } from '../queue/certificates.ts';

/** Why there can be none here; undefined where it can run. */
export const noPebble: string | undefined = existsSync('/usr/bin/pebble') ? undefined : 'needs pebble (package pebble)';

export const externalAccount = {
  keyId: 'kid-1',
  macKey: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
};

export interface PebbleOptions {
  readonly certificates: Certificates;
  /** Where pebble looks for answers. */
  readonly httpPort: number;
  readonly tlsPort: number;
  readonly hosts: readonly string[];
  readonly needsExternalAccount?: boolean;
  /** Seconds that certificates are valid. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class Pebble {
  readonly #port: number;
  readonly #process: ChildProcess;
  readonly #dns: { close(): void };
  readonly #front: Server;
  readonly #ca: string;
  /** Method and path of what has come. */
  readonly requests: string[] = [];
  /** What was asked for in orders that it took. */
  readonly orders: Record<string, unknown>[] = [];
  /** Answers in place of pebble's; false leaves it to pebble. */
  trouble: (path: string, response: ServerResponse) => boolean = () => false;
  /** What renewalInfo says; undefined: pebble has none. */
  renewalWindow: { start: Date; end: Date } | undefined;

  static async start(options: PebbleOptions): Promise<Pebble> {
    const { certificates, httpPort, tlsPort, hosts, needsExternalAccount = false } = options;
    const [port = 0, management = 0] = await findFreePorts(2);
    const dns = await startDnsServer(hosts.map((host) => `${host} A 127.0.0.1`).join('\n'));
    const config = join(certificates.folder, 'pebble.json');
    const pebble = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: certificates.path('good'),
      privateKey: certificates.path('good'),
      httpPort,
      tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: needsExternalAccount,
      externalAccountMACKeys: { [externalAccount.keyId]: externalAccount.macKey },
    };
    writeFileSync(config, JSON.stringify({ pebble }));
    const child = spawn('/usr/bin/pebble', ['-config', config, '-dnsserver', `127.0.0.1:${dns.port}`, '-strict'], {
      stdio: 'ignore',
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10', ...options.environment },
    });
    for (let turn = 0; turn < 500 && !(await isListening(port)); turn++) await sleep(10);
    const made = new Pebble(port, child, dns, certificates);
    await new Promise<void>((resolve) => made.#front.listen(0, '127.0.0.1', resolve));
    return made;
  }

  private constructor(port: number, child: ChildProcess, dns: { close(): void }, certificates: Certificates) {
    this.#port = port;
    this.#process = child;
    this.#dns = dns;
    this.#ca = certificates.pem('ca');
    this.#front = createServer({ key: certificates.pem('good'), cert: certificates.pem('good') }, (...exchange) => {
      void this.#serve(...exchange);
    });
  }

  get directory(): string {
    return `https://localhost:${(this.#front.address() as AddressInfo).port}/dir`;
  }

  /** How often a path that begins so was asked. */
  count(path: string): number {
    return this.requests.filter((one) => one.startsWith(path)).length;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '';
    let body = '';
    for await (const chunk of incoming) body += chunk;
    this.requests.push(`${incoming.method} ${path}`);
    if (this.trouble(path, response)) return;
    if (path.startsWith('/renewal/') && this.renewalWindow !== undefined) {
      response.setHeader('retry-after', '60');
      response.end(JSON.stringify({ suggestedWindow: this.renewalWindow }));
      return;
    }
    this.#forward(incoming, body, response);
  }

  #forward(incoming: IncomingMessage, body: string, response: ServerResponse): void {
    const { method = 'GET', url: path = '', headers } = incoming;
    // pebble makes its addresses from the Host field: all requests come through here.
    const target = { host: 'localhost', port: this.#port, method, path, headers, ca: this.#ca };
    const forwarded = request(target, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => {
        const { 'content-length': _, ...fields } = answer.headers;
        response.writeHead(answer.statusCode ?? 500, fields);
        if (path === '/order-plz' && answer.statusCode === 201) this.orders.push(payloadOf(body));
        const isDirectory = path === '/dir' && this.renewalWindow !== undefined;
        response.end(isDirectory ? this.#withRenewalInfo(text) : text);
      });
    });
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  }

  #withRenewalInfo(directory: string): string {
    return JSON.stringify({ ...JSON.parse(directory), renewalInfo: this.directory.replace('/dir', '/renewal') });
  }

  async stop(): Promise<void> {
    this.#process.kill();
    this.#dns.close();
    this.#front.closeAllConnections();
    await new Promise((resolve) => this.#front.close(resolve));
  }
}

function payloadOf(body: string): Record<string, unknown> {
  const { payload } = JSON.parse(body) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
