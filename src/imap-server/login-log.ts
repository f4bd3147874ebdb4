// The lines that Dovecot 2.3 writes about logins and their ends, word for word, because fail2ban's filter,
// logwatch and people's own greps read them. Nothing that a client sent stands in them unchecked.

import type { ProgramLog } from '../lib/log.ts';

export interface LoginPeer {
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Unique for the connection: ties the login line to the line at the end. */
  readonly sessionId: string;
}

/** What a session has fetched: header sections, and everything else of messages. */
export interface FetchCounters {
  headerCount: number;
  headerOctets: number;
  bodyCount: number;
  bodyOctets: number;
}

export interface SessionTraffic extends Readonly<FetchCounters> {
  readonly received: number;
  readonly sent: number;
  readonly deleted: number;
  readonly expunged: number;
}

export class LoginLog {
  readonly #log: ProgramLog;
  readonly #peer: LoginPeer;

  constructor(log: ProgramLog, peer: LoginPeer) {
    this.#log = log;
    this.#peer = peer;
  }

  loggedIn(user: string, method: string, isTls: boolean): void {
    const tls = isTls ? ' TLS,' : '';
    this.#log.info(
      `imap-login: Info: Login: user=<${safe(user)}>, method=${safe(method)}, ${this.#addresses()}, mpid=${process.pid},${tls} session=<${this.#peer.sessionId}>`,
    );
  }

  /** The end of a connection that never logged in; `why` as `no auth attempts in 3 secs`. */
  notLoggedIn(reason: string, why: string, user: string, method: string | undefined, isTls: boolean): void {
    const how = method === undefined ? '' : ` method=${safe(method)},`;
    const tls = isTls ? ' TLS,' : '';
    const colon = reason === '' ? '' : `: ${safe(reason)}`;
    this.#log.info(
      `imap-login: Info: Disconnected${colon} (${why}): user=<${safe(user)}>,${how} ${this.#addresses()},${tls} session=<${this.#peer.sessionId}>`,
    );
  }

  /** Why a login was refused, where it is more than a wrong name or password: a line as Dovecot's auth process writes. */
  denied(user: string, method: string, reason: string): void {
    const { remoteAddress, sessionId } = this.#peer;
    this.#log.info(`auth: Info: ${safe(method)}(${safe(user)},${remoteAddress},<${sessionId}>): ${safe(reason)}`);
  }

  /** The end of a connection that had logged in. */
  ended(user: string, reason: string, traffic: SessionTraffic): void {
    this.#log.info(
      `imap(${safe(user)})<${process.pid}><${this.#peer.sessionId}>: Info: ${safe(reason)} in=${traffic.received} out=${traffic.sent} ` +
        `deleted=${traffic.deleted} expunged=${traffic.expunged} trashed=0 ` +
        `hdr_count=${traffic.headerCount} hdr_bytes=${traffic.headerOctets} body_count=${traffic.bodyCount} body_bytes=${traffic.bodyOctets}`,
    );
  }

  /** A connection whose TLS never came to be. */
  handshakeFailed(reason: string): void {
    this.#log.info(
      `imap-login: Info: Disconnected (no auth attempts in 0 secs): user=<>, ${this.#addresses()}, TLS handshaking: ${safe(reason)}, session=<${this.#peer.sessionId}>`,
    );
  }

  /** Something is wrong on our side. */
  error(user: string, text: string): void {
    this.#log.error(`imap(${safe(user)})<${process.pid}><${this.#peer.sessionId}>: ${safe(text)}`);
  }

  #addresses(): string {
    return `rip=${this.#peer.remoteAddress}, lip=${this.#peer.localAddress}`;
  }
}

const maxLoggedLength = 256;

/** What a stranger typed must not look like another field or line. */
function safe(text: string): string {
  return text.slice(0, maxLoggedLength).replaceAll(/[^\x20-\x7e]|[<>,]/g, '?');
}
