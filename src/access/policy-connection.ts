// The way to one policy server: `name=value` lines and an empty line each way, over connections that are kept for the
// next request (smtpd_policy_service_max_idle, _max_ttl, _request_limit) and tried again on a new one when they fail
// (_try_limit, _retry_delay). A connection serves one request at a time, so a busy server has several. What the
// server may send is bounded, and so is the number of its connections: further requests wait their turn.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PolicyEndpoint {
  /** Without `inet:` or `unix:`, for the log. */
  readonly name: string;
  readonly connect: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Milliseconds, as all times here. */
  readonly timeout: number;
  readonly maxIdle: number;
  readonly maxAge: number;
  readonly retryDelay: number;
  /** 0: no limit. */
  readonly requestLimit: number;
  readonly tryLimit: number;
}

/** No answer after all tries; each problem is a line for the log. */
export class PolicyServiceError extends Error {
  override name = 'PolicyServiceError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.at(-1) ?? 'no answer');
    this.problems = problems;
  }
}

/** default_process_limit: as many smtpd processes would each have one. */
const maxConnections = 100;
const maxAnswerLength = 65_536;

interface Connection {
  readonly socket: Socket;
  requests: number;
  /** Cleared by a request: ends a connection that nobody has used for max_idle. */
  idle: NodeJS.Timeout | undefined;
  /** Its max_ttl is over. */
  isOld: boolean;
}

export class PolicyConnections {
  readonly #endpoint: PolicyEndpoint;
  readonly #idle: Connection[] = [];
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #isClosed = false;

  constructor(endpoint: PolicyEndpoint) {
    this.#endpoint = endpoint;
  }

  /** The answer's action. Throws PolicyServiceError. */
  async ask(request: string): Promise<string> {
    while (this.#active >= maxConnections) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active++;
    try {
      return await this.#ask(request);
    } finally {
      this.#active--;
      this.#waiting.shift()?.();
    }
  }

  async #ask(request: string): Promise<string> {
    const { name, tryLimit, retryDelay } = this.#endpoint;
    const problems: string[] = [];
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        const { message, cause } = error as Error;
        if (typeof cause === 'string') problems.push(cause);
        if (attempt >= tryLimit) {
          throw new PolicyServiceError([...problems, `problem talking to server ${name}: ${message}`]);
        }
      }
      await sleep(retryDelay);
    }
  }

  async #attempt(request: string): Promise<string> {
    const connection = this.#idle.pop() ?? (await this.#open());
    clearTimeout(connection.idle);
    try {
      const answer = await exchange(connection.socket, request, this.#endpoint.timeout);
      const action = answer.get('action');
      if (action === undefined) {
        const cause = `missing attribute action in input from ${this.#endpoint.name}`;
        throw new Error('Application error', { cause });
      }
      this.#release(connection);
      return action;
    } catch (error) {
      connection.socket.destroy();
      throw error;
    }
  }

  #open(): Promise<Connection> {
    const { connect: where, timeout, maxAge } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const socket = connect({ ...where, timeout });
      const failed = (error: Error): void => {
        socket.destroy();
        const reason = reasonOf(error);
        reject(new Error(reason, { cause: `connect to ${this.#endpoint.name}: ${reason}` }));
      };
      socket.once('error', failed);
      socket.once('timeout', () => failed(new Error('Connection timed out')));
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        socket.removeAllListeners('timeout');
        socket.setTimeout(0);
        const connection: Connection = { socket, requests: 0, idle: undefined, isOld: false };
        const old = setTimeout(() => {
          connection.isOld = true;
        }, maxAge);
        old.unref();
        // An idle connection that the server closes is of no use any more, and no trouble.
        const gone = (): void => {
          clearTimeout(old);
          const index = this.#idle.indexOf(connection);
          if (index !== -1) this.#idle.splice(index, 1);
          socket.destroy();
        };
        socket.on('error', gone);
        socket.on('end', gone);
        socket.on('close', gone);
        resolve(connection);
      });
    });
  }

  #release(connection: Connection): void {
    const { requestLimit, maxIdle } = this.#endpoint;
    connection.requests++;
    const isUsedUp = requestLimit > 0 && connection.requests >= requestLimit;
    if (isUsedUp || connection.isOld || connection.socket.destroyed || this.#isClosed) {
      connection.socket.destroy();
      return;
    }
    // An idle connection must not keep a program from ending.
    connection.socket.unref();
    connection.idle = setTimeout(() => connection.socket.destroy(), maxIdle);
    connection.idle.unref();
    this.#idle.push(connection);
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket } of this.#idle.splice(0)) socket.destroy();
  }
}

function exchange(socket: Socket, request: string, timeout: number): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve, reject) => {
    let received = '';
    const done = (outcome: () => void): void => {
      clearTimeout(timer);
      socket.off('data', take);
      socket.off('error', failed);
      socket.off('close', closed);
      outcome();
    };
    const failed = (error: Error): void => done(() => reject(new Error(reasonOf(error))));
    const closed = (): void => done(() => reject(new Error('Application error')));
    const timer = setTimeout(() => done(() => reject(new Error('Connection timed out'))), timeout);
    const take = (chunk: string): void => {
      received += chunk;
      const end = received.startsWith('\n') ? 0 : received.indexOf('\n\n');
      if (end === -1 && received.length <= maxAnswerLength) return;
      if (end === -1) failed(new Error('the answer has no end'));
      else done(() => resolve(parseAttributes(received.slice(0, end))));
    };
    socket.ref();
    socket.setEncoding('utf8');
    socket.on('data', take);
    socket.on('error', failed);
    socket.on('close', closed);
    socket.write(request);
  });
}

function parseAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) attributes.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  return attributes;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  ECONNRESET: 'Connection reset by peer',
  EPIPE: 'Connection reset by peer',
};

function reasonOf(error: NodeJS.ErrnoException): string {
  return reasons[error.code ?? ''] ?? error.message;
}
