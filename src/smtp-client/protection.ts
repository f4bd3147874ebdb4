// How a session gets its protection: STARTTLS or TLS from the first octet as the policy asks, the look at the server's
// certificate, and the login. Outcomes and texts are those of smtp(8).

import { TemporaryError } from '../lib/temporary-error.ts';
import { type Connection, ConnectionError } from './connection.ts';
import type { ServerReply } from './reply.ts';
import { type AuthDialogue, logIn } from './sasl/login.ts';
import type { ClientTls, Security } from './security.ts';
import { checkPeer, describeProblem, isGoodEnough, isWorthNoting, type PeerCheck, summary } from './tls-check.ts';
import { type Secured, shakeHands } from './tls-handshake.ts';
import { isRequired } from './tls-policy.ts';
import { ClientFailure, type ClientOptions } from './types.ts';

export interface Peer {
  /** Host name and address as `host[ip]`. */
  readonly label: string;
  readonly name: string;
  /** An IP address; the path of a unix-domain socket. */
  readonly address: string;
  /** For the log: `host[ip]:port`. */
  readonly relay: string;
}

/** What a session lends for this. */
export interface SessionParts {
  readonly peer: Peer;
  readonly connection: Connection;
  readonly security: Security;
  readonly options: ClientOptions;
  /** EHLO keywords and their parameters. */
  readonly features: ReadonlyMap<string, string>;
  command(line: string, timeout: number, stage: string): Promise<ServerReply>;
}

export type TlsAnswer =
  /** What the server offers in clear, or without more protection, will do. */
  | { readonly kind: 'plain' }
  /** EHLO must be said again (RFC 3207 §4.2). */
  | { readonly kind: 'secured'; readonly check: PeerCheck };

/** After EHLO. */
export async function askForTls(parts: SessionParts): Promise<TlsAnswer> {
  const { peer, security, options, features } = parts;
  const { level } = security.policy;
  const isOffered = features.has('STARTTLS');
  if (isOffered && level === 'none' && options.tls.notesOffers) options.note?.(`Host offered STARTTLS: [${peer.name}]`);
  if (level === 'none') return { kind: 'plain' };
  if (!isOffered) {
    if (!isRequired(level)) return { kind: 'plain' };
    throw deferred(peer, '4.7.4', `TLS is required, but was not offered by host ${peer.label}`);
  }
  // Files that cannot be read are known before the server is asked: a wish is done without, an order is not.
  const context = contextFor(parts);
  if (context === undefined && !isRequired(level)) return { kind: 'plain' };
  if (context === undefined) throw deferred(peer, '4.7.5', 'TLS is required, but our TLS engine is unavailable');
  const reply = await parts.command('STARTTLS', options.timeouts.startTls, 'receiving the STARTTLS response');
  if (reply.code >= 200 && reply.code < 300) return { kind: 'secured', check: await startTls(parts) };
  if (!isRequired(level)) return { kind: 'plain' };
  const reason = `TLS is required, but host ${peer.label} refused to start TLS: ${reply.text}`;
  const status = `4${reply.status.slice(1)}`;
  throw new ClientFailure({ ...deferred(peer, status, reason).outcome, remoteMta: peer.name, diagnostic: reply.text });
}

function contextFor({ options, security, peer }: SessionParts): ReturnType<ClientTls['context']> | undefined {
  try {
    return options.tls.context(security.policy);
  } catch (error) {
    options.warn?.(`${peer.relay}: TLS is unavailable: ${(error as Error).message}`);
    return undefined;
  }
}

/** The handshake, and what the certificate is worth. */
export async function startTls(parts: SessionParts): Promise<PeerCheck> {
  const { peer, connection, security, options } = parts;
  const { policy, nexthop } = security;
  const { tls } = options;
  const context = contextFor(parts);
  if (context === undefined) throw deferred(peer, '4.7.5', 'TLS is required, but our TLS engine is unavailable');
  const names = { host: peer.name, nexthop };
  const sessionName = [peer.name, peer.relay, security.key, tls.generation()].join(' ');
  const handshake = {
    context,
    policy,
    names,
    sessions: tls.sessions,
    sessionName,
    timeoutMilliseconds: options.timeouts.startTls,
  };
  if (tls.logLevel >= 2) options.note?.(`setting up TLS connection to ${peer.relay}`);
  let secured: Secured;
  try {
    secured = await connection.startTls((plain) => shakeHands(plain, handshake));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    options.note?.(`SSL_connect error to ${peer.relay}: ${error.message}`);
    throw deferred(peer, '4.7.5', 'Cannot start TLS: handshake failure', true);
  }
  const check = checkPeer(secured, policy, names, tls);
  if (isWorthNoting(policy, check, tls.logLevel)) {
    options.note?.(describeProblem(check, peer.relay));
  }
  if (tls.logLevel >= 1) options.note?.(summary(secured, check, peer.relay));
  if (!isGoodEnough(policy, check)) throw deferred(peer, '4.7.5', 'Server certificate not verified');
  return check;
}

/** `check`: of the connection, where it is under TLS. */
export async function authenticate(parts: SessionParts, check: PeerCheck | undefined, stage: string): Promise<void> {
  const { peer, security, options, features } = parts;
  const offer = features.get('AUTH');
  // Without an offer or a login for this server both talk to each other like strangers (smtp(8)).
  if (options.sasl === undefined || security.credentials === undefined || offer === undefined) return;
  const dialogue: AuthDialogue = {
    label: peer.label,
    // The stage is what errors say: never the command, which has the password in it.
    command: (line) => parts.command(line, options.timeouts.helo, stage),
    warn: (text) => options.warn?.(text),
  };
  const protection = check === undefined ? 'none' : check.isMatched ? 'verified' : 'tls';
  const result = await logIn(dialogue, offer, security.credentials, protection, options.sasl).catch(
    (error: unknown) => {
      throw error instanceof TemporaryError ? localError(peer, error, options) : error;
    },
  );
  if (result.kind === 'done') return;
  const { status, reason, diagnostic } = result;
  throw new ClientFailure({
    kind: status.startsWith('5') ? 'bounced' : 'deferred',
    status,
    reason,
    relay: peer.relay,
    ...(diagnostic === undefined ? {} : { remoteMta: peer.name, diagnostic }),
  });
}

/** A table that cannot be asked. */
export function localError(peer: Peer, error: TemporaryError, options: ClientOptions): ClientFailure {
  options.warn?.(error.message);
  return deferred(peer, '4.3.0', `local data error while talking to ${peer.label}`);
}

function deferred({ relay }: Peer, status: string, reason: string, isTls = false): ClientFailure {
  return new ClientFailure({ kind: 'deferred', status, reason, relay }, { isTls });
}
