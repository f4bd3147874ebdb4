// The listener that Prometheus asks: GET /metrics over plain HTTP, and nothing else. Bounded in connections, header and
// time; several who ask at once get one page. With a token, whoever does not show it (Authorization: Bearer, RFC 6750 §2.1)
// hears 401 and nothing of the server.

import { createHash, timingSafeEqual } from 'node:crypto';
import type http from 'node:http';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  page(): Promise<string>;
}

const maxConnections = 32;
const patienceMilliseconds = 5000;

export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #server: http.Server;
  #page: Promise<string> | undefined;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    // Not by import: that would also load the WebSocket and fetch that the module names, five megabytes.
    this.#server = process.getBuiltinModule('node:http').createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: patienceMilliseconds,
        requestTimeout: patienceMilliseconds,
        keepAliveTimeout: 1,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = maxConnections;
    // A client that does not read its answer.
    this.#server.setTimeout(2 * patienceMilliseconds);
  }

  /** Resolves with the port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      const { host, port } = this.#options;
      this.#server.listen({ host, port, ipv6Only: host === '::' }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => undefined);
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    request.resume();
    response.setHeader('Connection', 'close');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (!this.#isAllowed(request.headers.authorization)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      end(response, 401, 'a token is needed\n');
    } else if (request.url !== '/metrics') end(response, 404, 'there is only /metrics\n');
    else if (request.method !== 'GET') {
      response.setHeader('Allow', 'GET');
      end(response, 405, 'only GET\n');
    } else {
      try {
        this.#page ??= this.#options.page().finally(() => {
          this.#page = undefined;
        });
        const page = await this.#page;
        end(response, 200, page, 'text/plain; version=0.0.4; charset=utf-8');
      } catch {
        end(response, 503, 'not now\n');
      }
    }
  }

  #isAllowed(given = ''): boolean {
    const { token } = this.#options;
    return token === undefined || timingSafeEqual(digest(given), digest(`Bearer ${token}`));
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function end(response: http.ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.end(text);
}
