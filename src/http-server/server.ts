// The HTTP server: the API below /api/v1, made from the operations (src/admin), and the page that uses it. Plain HTTP is served on loopback only;
// beyond, it leads to HTTPS. It runs on the thread that speaks the mail protocols: nothing here computes for long, lists
// are paged, and everything that a stranger controls has an end (connections, heads, bodies, times, requests a minute).

import { createServer, type IncomingMessage, type Server as NodeHttpServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance } from 'fastify';
import type { ProgramLog } from '../lib/log.ts';
import type { ServerHandshake } from '../tls/server-tls.ts';
import type { LiveEvents } from '../admin/live-events.ts';
import { addApiRoutes, apiPath, type ApiParts } from './api-routes.ts';
import { EventStreams } from './event-stream.ts';
import { identifyRequest } from './identify-request.ts';
import { isLoopback, rateKey } from './client-address.ts';
import { addPageFiles, isForPage, sendPage } from './page.ts';
import { answerProblem, sendProblem } from './problem-reply.ts';
import { redirectToHttps } from './redirect.ts';
import { addSecurityHeaders } from './security-headers.ts';

export interface HttpServerParts extends ApiParts {
  readonly log: ProgramLog;
  readonly live: LiveEvents;
  readonly beatMilliseconds?: number;
  /** Of one administrator, user or address; 0: no limit. */
  readonly requestsPerMinute: number;
  /** A request's head must have arrived within. */
  readonly headMilliseconds?: number;
}

export interface HttpServeOptions {
  readonly host: string;
  /** HTTPS. */
  readonly handshake?: (() => ServerHandshake) | undefined;
  /** Where plain HTTP from beyond loopback is sent to. */
  readonly httpsPort: () => number | undefined;
}

const maxBodyBytes = 4 * 1024 * 1024;
const handshakeMilliseconds = 10_000;
const headMilliseconds = 10_000;
const requestMilliseconds = 30_000;
const checkMilliseconds = 5000;
/** Longer than most proxies keep theirs (60 s), so that we are not the ones to close. */
const idleMilliseconds = 65_000;
const maxRateKeys = 20_000;

export class HttpServer {
  readonly #app: FastifyInstance;
  readonly #log: ProgramLog;
  readonly #headMilliseconds: number;
  readonly #servers: NodeHttpServer[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(app: FastifyInstance, { log, headMilliseconds: given }: HttpServerParts) {
    this.#app = app;
    this.#log = log;
    this.#headMilliseconds = given ?? headMilliseconds;
  }

  static async open(parts: HttpServerParts): Promise<HttpServer> {
    const app = fastify({
      logger: false,
      bodyLimit: maxBodyBytes,
      requestTimeout: requestMilliseconds,
      routerOptions: { maxParamLength: 400, caseSensitive: true },
      exposeHeadRoutes: false,
    });
    // What an operation takes is read by its own schema (admin/check-input.ts).
    app.setValidatorCompiler(() => () => true);
    app.setErrorHandler((error, _request, reply) => answerProblem(error, reply, parts.log));
    app.setNotFoundHandler((request, reply) =>
      isForPage(request)
        ? sendPage(reply)
        : sendProblem(reply, {
            status: 404,
            kind: 'no-such-route',
            detail: `there is no ${request.method} ${request.url.slice(0, 200)}`,
          }),
    );
    await addSecurityHeaders(app);
    await app.register(cookie);
    takeForms(app);
    identifyRequest(app, parts);
    if (parts.requestsPerMinute > 0) {
      await app.register(rateLimit, {
        max: parts.requestsPerMinute,
        timeWindow: 60_000,
        cache: maxRateKeys,
        // Who it is, is known by then, and nothing of a body is read.
        hook: 'onRequest',
        // By its route: `/%61pi/v1/account` leads to the same as `/api/v1/account`.
        allowList: ({ url, routeOptions }) => !(routeOptions.url ?? url).startsWith(`${apiPath}/`),
        keyGenerator: rateKey,
        errorResponseBuilder: (_request, { ttl }) =>
          Object.assign(new Error('too many requests'), { statusCode: 429, retryAfterSeconds: Math.ceil(ttl / 1000) }),
      });
    }
    await addPageFiles(app);
    addApiRoutes(app, parts);
    new EventStreams(parts).addRoute(app, apiPath);
    await app.ready();
    return new HttpServer(app, parts);
  }

  /** Takes the connections of one listener, which nothing has been read from yet. */
  serve({ host, handshake, httpsPort }: HttpServeOptions): (socket: Socket) => void {
    const serve =
      handshake === undefined
        ? this.#plain(host, httpsPort)
        : (request: IncomingMessage, response: ServerResponse) => this.#app.routing(request, response);
    const http = createServer(
      {
        headersTimeout: this.#headMilliseconds,
        requestTimeout: requestMilliseconds,
        keepAliveTimeout: idleMilliseconds,
        connectionsCheckingInterval: Math.min(checkMilliseconds, this.#headMilliseconds),
        maxHeaderSize: 16_384,
      },
      serve,
    );
    // Its connections come from elsewhere, so that it never listens itself: only then does Node look for those who keep it waiting.
    http.emit('listening');
    this.#servers.push(http);
    return (socket) => this.#accept(socket, http, handshake);
  }

  #plain(host: string, httpsPort: () => number | undefined) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      const local = request.socket.localAddress ?? '';
      if (isLoopback(host) || (isLoopback(local) && isLoopback(request.socket.remoteAddress ?? ''))) {
        this.#app.routing(request, response);
      } else redirectToHttps(request, response, httpsPort());
    };
  }

  #accept(socket: Socket, http: NodeHttpServer, handshake: (() => ServerHandshake) | undefined): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (handshake === undefined) {
      http.emit('connection', socket);
      socket.resume();
      return;
    }
    let secured: TLSSocket;
    try {
      secured = new TLSSocket(socket, handshake().socketOptions);
    } catch (error) {
      this.#log.warning(`TLS: ${(error as Error).message}`);
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), handshakeMilliseconds);
    secured.on('error', () => socket.destroy());
    secured.on('close', () => clearTimeout(timer));
    secured.once('secure', () => {
      clearTimeout(timer);
      http.emit('connection', secured);
    });
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    await this.#app.close();
    // What runs now has its moment; who holds a connection open does not hold the server.
    for (const socket of this.#sockets) socket.destroySoon();
  }
}

/** Webmail programs send the one request of theirs as a form; all else is JSON, which no page of another site can send. */
function takeForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) => {
    if (request.url === `${apiPath}/self/password`) done(null, Object.fromEntries(new URLSearchParams(String(body))));
    else done(Object.assign(new Error('a form is not taken here'), { statusCode: 415 }));
  });
}
