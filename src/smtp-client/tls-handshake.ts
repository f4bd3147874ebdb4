// The handshake with a server, on a connection that is already there: STARTTLS (RFC 3207) or from the first octet
// (RFC 8314). Whoever calls decides what the result is worth (tls-check.ts).

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

/** Rejects with what went wrong, for the log; the connection is of no use any more then. */
export function shakeHands(plain: Socket, handshake: Handshake): Promise<TLSSocket> {
  const { context, policy, names, sessions, sessionName, timeoutMilliseconds } = handshake;
  // Errors may come more than once, and after the outcome is settled.
  plain.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const session = sessions.take(sessionName);
    const name = nameToSend(policy, names);
    const secure = connect({
      socket: plain,
      secureContext: context,
      rejectUnauthorized: false,
      // Which names are right is the policy's to say.
      checkServerIdentity: () => undefined,
      ...(name === '' ? {} : { servername: name }),
      ...(session ? { session } : {}),
    });
    secure.on('error', () => undefined);
    secure.on('session', (fresh) => sessions.keep(sessionName, fresh));
    const timer = setTimeout(() => fail(new Error('timed out')), timeoutMilliseconds);
    const settle = () => {
      clearTimeout(timer);
      secure.removeListener('error', fail);
      secure.removeListener('close', onClose);
    };
    const fail = (error: Error) => {
      settle();
      plain.destroy();
      reject(error);
    };
    const onClose = () => fail(new Error('lost connection'));
    secure.once('error', fail);
    secure.once('close', onClose);
    secure.once('secureConnect', () => {
      settle();
      // TLS 1.2 gives no new session with a resumed one; TLS 1.3 does.
      if (session && secure.getProtocol() !== 'TLSv1.3') sessions.keep(sessionName, session);
      resolve(secure);
    });
  });
}

/** Without a wish none is sent, as with smtp(8): some servers refuse names that they do not know. */
function nameToSend({ serverName }: TlsPolicy, { host, nexthop }: PeerNames): string {
  const word = serverName.toLowerCase();
  const name = word === 'hostname' ? host : word === 'nexthop' ? nexthop : serverName;
  return isIP(name) === 0 ? name : '';
}
