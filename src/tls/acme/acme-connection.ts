// Requests to an ACME server (RFC 8555 §6): over HTTPS alone, each with its own nonce, each bounded in time and size. What
// the server refuses becomes an AcmeError with its own words and the time that it asks to wait.

import { Agent, request } from 'node:https';
import type { Clock } from '../../lib/clock.ts';
import type { AccountKey } from './signatures.ts';

export interface AcmeResponse {
  readonly status: number;
  readonly location: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly text: string;
}

/** The server has refused, or could not be asked. */
export class AcmeError extends Error {
  override name = 'AcmeError';
  /** `rateLimited` and others (RFC 8555 §6.7), or our own `unreachable` and `settings`; '' for what is of one host. */
  readonly type: string;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, type = '', status = 0, retryAfterSeconds?: number) {
    super(message);
    this.type = type;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface AcmeConnectionOptions {
  /** PEM: the authorities that may vouch for the server, in place of the usual ones. */
  readonly authorities?: string | undefined;
  readonly userAgent: string;
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

const timeoutMilliseconds = 30_000;
/** The longest answer is a chain of certificates. */
const maxAnswerBytes = 512 * 1024;
/** Another request of ours may have used a nonce up in between (§6.5). */
const maxNonceAttempts = 5;

export class AcmeConnection {
  readonly #options: AcmeConnectionOptions;
  readonly #agent: Agent;
  #nonce: string | undefined;

  constructor(options: AcmeConnectionOptions) {
    this.#options = options;
    const { authorities } = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ...(authorities === undefined ? {} : { ca: authorities }),
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async get(url: string): Promise<AcmeResponse> {
    return checked(await this.#request('GET', url));
  }

  /** `payload` undefined is a POST-as-GET. */
  async post(
    url: string,
    newNonceUrl: string,
    who: { readonly key: AccountKey; readonly accountUrl: string | undefined },
    payload: object | undefined,
  ): Promise<AcmeResponse> {
    for (let attempt = 1; ; attempt++) {
      const nonce = await this.#takeNonce(newNonceUrl);
      const body = JSON.stringify(who.key.sign(url, nonce, who.accountUrl, payload));
      try {
        return checked(await this.#request('POST', url, body));
      } catch (error) {
        const isStale = error instanceof AcmeError && error.type === 'badNonce';
        if (!isStale || attempt === maxNonceAttempts) throw error;
      }
    }
  }

  async #takeNonce(newNonceUrl: string): Promise<string> {
    if (this.#nonce === undefined) await this.#request('HEAD', newNonceUrl);
    const nonce = this.#nonce;
    this.#nonce = undefined;
    if (nonce === undefined) throw new AcmeError(`${newNonceUrl}: the server gives no nonce`, 'unreachable');
    return nonce;
  }

  #request(method: 'GET' | 'HEAD' | 'POST', url: string, body?: string): Promise<AcmeResponse> {
    if (!/^https:\/\//i.test(url)) return Promise.reject(new AcmeError(`${url}: not an https:// address`, 'settings'));
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(timeoutMilliseconds)]);
    const headers = {
      'user-agent': this.#options.userAgent,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new AcmeError(`${new URL(url).host}: ${error.message}`, 'unreachable'));
      const sent = request(url, { method, headers, agent: this.#agent, signal }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > maxAnswerBytes) response.destroy(new Error('the answer is too long'));
        });
        response.on('error', fail);
        response.on('end', () => {
          const nonce = response.headers['replay-nonce'];
          if (typeof nonce === 'string' && /^[\w-]+$/.test(nonce)) this.#nonce = nonce;
          const { location } = response.headers;
          const retryAfterSeconds = this.#readRetryAfter(response.headers['retry-after']);
          resolve({ status: response.statusCode ?? 0, location, retryAfterSeconds, text });
        });
      });
      sent.on('error', fail);
      sent.end(body);
    });
  }

  /** Seconds, or a date (RFC 9110 §10.2.3). */
  #readRetryAfter(value: string | undefined): number | undefined {
    if (value === undefined) return undefined;
    if (/^\d{1,9}$/.test(value)) return Number(value);
    const date = Date.parse(value);
    return Number.isNaN(date) ? undefined : Math.max(0, (date - this.#options.clock.now()) / 1000);
  }
}

function checked(response: AcmeResponse): AcmeResponse {
  const { status, text, retryAfterSeconds } = response;
  if (status >= 200 && status < 300) return response;
  const problem = parseJson(text);
  const type = typeof problem['type'] === 'string' ? problem['type'].replace(/^urn:ietf:params:acme:error:/, '') : '';
  throw new AcmeError(`${type || `HTTP status ${status}`}${describeProblem(problem)}`, type, status, retryAfterSeconds);
}

const maxProblemLength = 500;

/** `: what is wrong`, from a problem document (RFC 7807), for one line of a log. */
export function describeProblem(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null) return '';
  const { detail } = problem as { detail?: unknown };
  if (typeof detail !== 'string') return '';
  return `: ${detail.slice(0, maxProblemLength).replace(/[^ -~]+/g, ' ')}`;
}

/** An empty object for what is no JSON object. */
export function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
