// The handshake with a server, on a connection that is already there: STARTTLS (RFC 3207) or from the first octet
// (RFC 8314). Whoever calls decides what the result is worth (tls-check.ts).

import { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { PeerNames } from './tls-check.ts';
import type { TlsPolicy } from './tls-policy.ts';
import type { TlsSessions } from './tls-sessions.ts';

export interface Handshake {
  readonly context: SecureContext;
  readonly policy: TlsPolicy;
  readonly names: PeerNames;
  readonly sessions: TlsSessions;
  /** Of the session: policy, server, and files that were trusted. */
  readonly sessionName: string;
  readonly timeoutMilliseconds: number;
}

export interface Secured {
  readonly socket: TLSSocket;
  /** The server's; undefined where the cipher is an anonymous one. */
  readonly certificate: X509Certificate | undefined;
}

/** Rejects with what went wrong, for the log; the connection is of no use any more then. */
export function shakeHands(plain: Socket, handshake: Handshake): Promise<Secured> {
  const { context, policy, names, sessions, sessionName, timeoutMilliseconds } = handshake;
  // Errors may come more than once, and after the outcome is settled.
  plain.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const kept = sessions.take(sessionName);
    const name = nameToSend(policy, names);
    const socket = connect({
      socket: plain,
      secureContext: context,
      rejectUnauthorized: false,
      // Which names are right is the policy's to say.
      checkServerIdentity: () => undefined,
      ...(name === '' ? {} : { servername: name }),
      ...(kept ? { session: kept.session } : {}),
    });
    socket.on('error', () => undefined);
    let fresh: Buffer | undefined;
    let keep: ((session: Buffer) => void) | undefined;
    // Before the handshake is over in TLS 1.2, after it in TLS 1.3.
    socket.on('session', (session) => {
      if (keep) keep(session);
      else fresh = session;
    });
    const timer = setTimeout(() => fail(new Error('timed out')), timeoutMilliseconds);
    const settle = () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      socket.removeListener('close', onClose);
    };
    const fail = (error: Error) => {
      settle();
      plain.destroy();
      reject(new Error(describe(error)));
    };
    const onClose = () => fail(new Error('lost connection'));
    socket.once('error', fail);
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      settle();
      // `raw` is not there without a certificate. (getPeerX509Certificate can be asked only once in Node 24.)
      const shown: Buffer | undefined = socket.isSessionReused() ? kept?.certificate : socket.getPeerCertificate().raw;
      keep = (session) => sessions.keep(sessionName, { session, certificate: shown });
      // TLS 1.2 gives no new session with a resumed one.
      const session = fresh ?? (socket.getProtocol() === 'TLSv1.3' ? undefined : kept?.session);
      if (session) keep(session);
      resolve({ socket, certificate: shown && new X509Certificate(shown) });
    });
  });
}

/** OpenSSL's own words: the rest of its message are addresses and lines of its source. */
function describe(error: Error & { reason?: string }): string {
  return error.reason ?? error.message;
}

/** Without a wish none is sent, as with smtp(8): some servers refuse names that they do not know. */
function nameToSend({ serverName }: TlsPolicy, { host, nexthop }: PeerNames): string {
  const word = serverName.toLowerCase();
  const name = word === 'hostname' ? host : word === 'nexthop' ? nexthop : serverName;
  return isIP(name) === 0 ? name : '';
}
