// What an authority connects to when it looks whether a host is ours: a small HTTP server (http-01, RFC 8555 §8.3, on
// port 80 of the Internet) and a small TLS server (tls-alpn-01, RFC 8737, on port 443). Both know nothing but the
// challenges of this moment, and give strangers little time and little room.

import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type SecureContext } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { createChallengeCertificate } from '../self-signed.ts';
import type { ChallengeResponder } from './order-certificate.ts';

export interface ChallengeAddress {
  readonly host: string;
  readonly port: number;
}

const patienceMilliseconds = 5_000;
const maxConnections = 100;
const alpnProtocol = 'acme-tls/1';
const challengePath = '/.well-known/acme-challenge/';

abstract class ChallengeListener {
  readonly #servers: Server[] = [];

  protected abstract createServer(): Server;

  /** Resolves with the port that it listens on. */
  async listen({ host, port }: ChallengeAddress): Promise<number> {
    const server = this.createServer();
    server.maxConnections = maxConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, ipv6Only: host === '::' }, () => {
        server.off('error', reject);
        server.on('error', () => undefined);
        resolve();
      });
    });
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      (server as Partial<HttpServer>).closeAllConnections?.();
    }
  }
}

export class HttpChallengeListener extends ChallengeListener implements ChallengeResponder {
  readonly type = 'http-01';
  readonly #answers = new Map<string, string>();

  async offer(_host: string, token: string, keyAuthorization: string): Promise<() => void> {
    this.#answers.set(token, keyAuthorization);
    return () => this.#answers.delete(token);
  }

  protected createServer(): Server {
    const options = {
      requestTimeout: patienceMilliseconds,
      headersTimeout: patienceMilliseconds,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8_192,
      keepAlive: false,
    };
    const server = createHttpServer(options, ({ method, url = '' }, response) => {
      const token = url.startsWith(challengePath) ? url.slice(challengePath.length) : '';
      const answer = method === 'GET' || method === 'HEAD' ? this.#answers.get(token) : undefined;
      response.writeHead(answer === undefined ? 404 : 200, {
        'content-type': answer === undefined ? 'text/plain' : 'application/octet-stream',
        connection: 'close',
      });
      response.end(answer ?? 'There is nothing here.\n');
    });
    server.setTimeout(patienceMilliseconds);
    return server;
  }
}

export class TlsChallengeListener extends ChallengeListener implements ChallengeResponder {
  readonly type = 'tls-alpn-01';
  readonly #clock: Clock;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  async offer(host: string, _token: string, keyAuthorization: string): Promise<() => void> {
    const { key, certificate } = await createChallengeCertificate(host, keyAuthorization, this.#clock.now());
    this.#contexts.set(host, createSecureContext({ key, cert: certificate, minVersion: 'TLSv1.2' }));
    return () => this.#contexts.delete(host);
  }

  protected createServer(): Server {
    const server = createTlsServer({
      ALPNProtocols: [alpnProtocol],
      handshakeTimeout: patienceMilliseconds,
      minVersion: 'TLSv1.2',
      SNICallback: (name, done) => {
        const context = this.#contexts.get(name.toLowerCase());
        if (context === undefined) done(new Error('no challenge for this name'));
        else done(null, context);
      },
    });
    // The handshake was the answer (RFC 8737 §3).
    server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      socket.end();
      setTimeout(() => socket.destroy(), patienceMilliseconds).unref();
    });
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }
}
