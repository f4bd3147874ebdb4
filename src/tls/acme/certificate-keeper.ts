// Keeps a certificate for each host name that the administrator lists: asks an ACME server for those that are missing, and
// again when the authority says (RFC 9773) or two thirds of their time are over. One host after another.
//
// An authority is never hammered. Before an attempt its number and the earliest time of the next one are on disk, so that
// not even a server that is killed and started in a loop asks more often; after a failure the wait is a quarter of an
// hour, and twice as long each time, up to a day, or as long as the authority says. Where the authority itself is in
// trouble or says that it is too much, all hosts wait.

import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { type Chain, openChains } from '../chains.ts';
import type { TlsLog, WatchedFiles } from '../watched-files.ts';
import { AcmeClient } from './acme-client.ts';
import { AcmeConnection, AcmeError } from './acme-connection.ts';
import { type CertificateFiles, type HostState } from './certificate-files.ts';
import { type ChallengeResponder, orderCertificate } from './order-certificate.ts';
import { drawRenewal, usualRenewal } from './renewal-time.ts';
import type { ExternalAccount } from './signatures.ts';

export interface KeeperOptions {
  /** In lower case. */
  readonly hosts: readonly string[];
  /** The authority's directory (RFC 8555 §7.1.1). */
  readonly directoryUrl: string;
  readonly contact: readonly string[];
  readonly agreesToTerms: boolean;
  readonly external: ExternalAccount | undefined;
  readonly profile: string;
  /** PEM: who vouches for the directory's own certificate, in place of the usual authorities. */
  readonly authorities: string | undefined;
  readonly responders: readonly ChallengeResponder[];
  readonly files: CertificateFiles;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: TlsLog;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const firstRetry = 15 * minute;
/** Until the end of an attempt is known; a crash is no reason to wait long with what was begun. */
const crashRetry = minute;
const usualCheck = 6 * hour;
/** The longest that an authority's wish to wait is followed. */
const maxWait = 7 * day;

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #chains = new Map<string, WatchedFiles<readonly Chain[]>>();
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** One attempt at a time, whoever asks. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Reads the certificates that are there. */
  async open(): Promise<void> {
    await this.#options.files.prepare();
    for (const host of this.#options.hosts) await this.#load(host);
  }

  get hosts(): readonly string[] {
    return this.#options.hosts;
  }

  get isEmpty(): boolean {
    return this.#chains.size === 0;
  }

  chains(host: string): readonly Chain[] | undefined {
    return this.#chains.get(host)?.current();
  }

  start(): void {
    this.#schedule(0);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
  }

  /** A new certificate now, whatever the plan was. Rejects with what is wrong. */
  async renew(host: string): Promise<void> {
    if (!this.#options.hosts.includes(host)) throw new AcmeError(`${host} is not in posthaste_acme_hosts`);
    await this.#exclusively(async () => {
      const problem = await this.#attempt(host);
      if (problem !== undefined) throw problem;
    });
  }

  #schedule(milliseconds: number): void {
    if (this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#exclusively(() => this.#turn()).then(
        (next) => this.#schedule(next),
        (error: Error) => {
          this.#options.log.warning(`certificates: ${error.message}`);
          this.#schedule(hour);
        },
      );
    }, milliseconds);
    this.#timer.unref();
  }

  #exclusively<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#running.then(run, run);
    this.#running = result.catch(() => undefined);
    return result;
  }

  /** Does what is due; how long until something may be again. */
  async #turn(): Promise<number> {
    const { hosts, clock, files, directoryUrl } = this.#options;
    let next = clock.now() + hour;
    for (const host of hosts) {
      if (this.#ending.signal.aborted) break;
      const { until } = await files.pause(directoryUrl);
      if (until > clock.now()) return Math.min(hour, until - clock.now());
      const due = await this.#dueTime(host);
      if (due <= clock.now()) await this.#attempt(host);
      else await this.#askWhenDue(host);
      next = Math.min(next, Math.max(await this.#dueTime(host), clock.now() + 1_000));
    }
    return Math.max(1_000, next - clock.now());
  }

  async #dueTime(host: string): Promise<number> {
    const { attempts, notBefore, renewAt, directory } = await this.#options.files.state(host);
    // What another authority has said does not bind this one.
    if (directory !== undefined && directory !== this.#options.directoryUrl) return 0;
    const isOurs = this.#chains.has(host) && directory !== undefined;
    // Without an entry of its own the certificate's times count: the state may have been lost.
    const planned = isOurs && attempts === 0 ? (renewAt ?? usualRenewal(this.#certificate(host))) : 0;
    return Math.max(notBefore, planned);
  }

  #certificate(host: string): X509Certificate {
    return new X509Certificate(this.#chains.get(host)?.current()[0]?.certificates ?? '');
  }

  /** Undefined where it went well. */
  async #attempt(host: string): Promise<Error | undefined> {
    const { files, clock, directoryUrl, log } = this.#options;
    const before = await files.state(host);
    const isSameServer = before.directory === directoryUrl;
    const attempts = (isSameServer ? before.attempts : 0) + 1;
    let state: HostState = {
      attempts,
      notBefore: clock.now() + growing(crashRetry, attempts),
      directory: directoryUrl,
      order: isSameServer ? before.order : undefined,
      problem: before.problem,
    };
    const save = async (change: Partial<HostState>) => {
      state = { ...state, ...change };
      await files.saveState(host, state);
    };
    await save({});
    try {
      await this.#obtain(host, state.order, (order) => save({ order }));
      await this.#load(host);
      await save({ attempts: 0, notBefore: 0, problem: undefined });
      await files.savePause(directoryUrl, { until: 0, failures: 0 });
      const certificate = this.#certificate(host);
      await this.#planRenewal(host, certificate);
      log.info(`${host}: got a certificate of ${issuerOf(certificate)}, valid until ${certificate.validTo}`);
      return undefined;
    } catch (error) {
      if (this.#ending.signal.aborted) return error as Error;
      return await this.#failed(host, error as Error, attempts, save);
    }
  }

  async #failed(
    host: string,
    error: Error,
    attempts: number,
    save: (change: Partial<HostState>) => Promise<void>,
  ): Promise<Error> {
    const { clock, files, directoryUrl, log } = this.#options;
    const now = clock.now();
    const asked = error instanceof AcmeError ? Math.min(maxWait, (error.retryAfterSeconds ?? 0) * 1000) : 0;
    const wait = Math.max(growing(firstRetry, attempts), asked);
    await save({ problem: error.message, notBefore: now + wait });
    log.warning(`${host}: no new certificate: ${error.message}; next attempt in ${Math.ceil(wait / minute)} minutes`);
    if (error instanceof AcmeError && error.type === 'accountDoesNotExist') {
      // It has forgotten us: the next attempt asks for the account again.
      const { key } = await files.account(directoryUrl);
      await files.saveAccount(directoryUrl, { key });
    }
    if (error instanceof AcmeError && isOfServer(error)) {
      const { failures } = await files.pause(directoryUrl);
      const until = now + Math.max(growing(firstRetry, failures + 1), asked);
      await files.savePause(directoryUrl, { until, failures: failures + 1 });
    }
    return error;
  }

  async #obtain(
    host: string,
    orderUrl: string | undefined,
    keepOrder: (url: string | undefined) => Promise<void>,
  ): Promise<void> {
    const { files, responders, profile } = this.#options;
    await this.#withClient(async (client) => {
      const wait = async (seconds: number) => {
        await sleep(seconds * 1000, undefined, { signal: this.#ending.signal });
      };
      await orderCertificate(host, { client, files, responders, profile, orderUrl, keepOrder, wait });
    });
  }

  async #withClient<Result>(use: (client: AcmeClient) => Promise<Result>): Promise<Result> {
    const { directoryUrl, authorities, userAgent, clock, files, contact, agreesToTerms, external } = this.#options;
    const connection = new AcmeConnection({ authorities, userAgent, clock, signal: this.#ending.signal });
    try {
      const account = await files.account(directoryUrl);
      const client = new AcmeClient(connection, directoryUrl, account.key, account.url);
      if (account.url === undefined) {
        const url = await client.register({ contact, agreesToTerms, external });
        await files.saveAccount(directoryUrl, { ...account, url, contact });
      } else if (JSON.stringify(account.contact ?? []) !== JSON.stringify(contact)) {
        await client.changeContact(contact);
        await files.saveAccount(directoryUrl, { ...account, contact });
      }
      return await use(client);
    } finally {
      connection.close();
    }
  }

  /** Asks the authority again whether it wants an earlier time: it may have to revoke what it has issued. */
  async #askWhenDue(host: string): Promise<void> {
    const { files, clock } = this.#options;
    const { attempts, checkAt = 0 } = await files.state(host);
    if (attempts > 0 || checkAt > clock.now()) return;
    await this.#planRenewal(host, this.#certificate(host));
  }

  async #planRenewal(host: string, certificate: X509Certificate): Promise<void> {
    const { files, clock, directoryUrl, log } = this.#options;
    const state = await files.state(host);
    const now = clock.now();
    const plan: HostState = { ...state, directory: directoryUrl, renewAt: state.renewAt, checkAt: now + usualCheck };
    try {
      const info = await this.#withClient((client) => client.renewalInfo(certificate));
      if (info === undefined) {
        await files.saveState(host, {
          ...plan,
          renewAt: usualRenewal(certificate),
          window: undefined,
          checkAt: now + day,
        });
        return;
      }
      const { start, end, retryAfterSeconds = usualCheck / 1000 } = info;
      const isSame = state.window?.start === start && state.window.end === end && state.renewAt !== undefined;
      const renewAt = isSame ? state.renewAt : drawRenewal({ start, end });
      const wait = Math.min(day, Math.max(minute, retryAfterSeconds * 1000));
      await files.saveState(host, { ...plan, renewAt, window: { start, end }, checkAt: now + wait });
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      log.warning(`${host}: cannot find out when to renew: ${(error as Error).message}`);
      await files.saveState(host, { ...plan, renewAt: state.renewAt ?? usualRenewal(certificate) });
    }
  }

  async #load(host: string): Promise<void> {
    const { files, clock, log } = this.#options;
    const known = this.#chains.get(host);
    if (known !== undefined) return await known.reload();
    if ((await files.installed(host)) === undefined) return;
    try {
      this.#chains.set(host, await openChains([[files.chainFile(host)]], { clock, log }));
    } catch (error) {
      log.warning(`cannot use the certificate of ${host}, asking for another: ${(error as Error).message}`);
    }
  }
}

/** Twice as long each time, up to a day. */
function growing(first: number, attempts: number): number {
  return Math.min(day, first * 2 ** Math.min(20, attempts - 1));
}

/** Trouble of the authority, or with us as a whole: other hosts would fare no better. */
const ofServer: ReadonlySet<string> = new Set([
  'unreachable',
  'settings',
  'rateLimited',
  'serverInternal',
  'accountDoesNotExist',
  'userActionRequired',
  'externalAccountRequired',
  'unauthorized',
]);

function isOfServer({ type, status }: AcmeError): boolean {
  return ofServer.has(type) || status >= 500;
}

function issuerOf(certificate: X509Certificate): string {
  return certificate.issuer.replace(/\n/g, ', ');
}
