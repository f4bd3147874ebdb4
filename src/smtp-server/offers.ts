// What this session may use at this moment; EHLO's list and the commands agree because both ask here.

import { type ChannelBinding, TlsChannelBinding } from '../auth/channel-binding.ts';
import { isAllowed } from '../auth/sasl-security.ts';
import type { SaslServer } from '../auth/sasl-server.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { OfferedParameters } from '../smtp/parameters.ts';
import type { Conversation } from './conversation.ts';

export function offersStartTls(session: Conversation): boolean {
  const { options, parts, tls } = session;
  return options.tlsLevel !== 'none' && !options.tlsWrapperMode && parts.tls !== undefined && tls === undefined;
}

/** Passwords in the clear are offered only where the administrator wants that (smtpd_tls_auth_only = no). */
export function offersAuthentication(session: Conversation): boolean {
  const { options, tls, rights } = session;
  return (
    options.saslEnabled &&
    !rights.isAuthHidden &&
    !isDiscarded(session, 'auth') &&
    (tls !== undefined || !options.tlsAuthOnly)
  );
}

/** As EHLO lists them; '' for none. */
export function offeredMechanisms(session: Conversation): Promise<string> {
  return listMechanisms(session, saslServer(session));
}

/** Who judges logins: another program where smtpd_sasl_type says so, else the mechanisms of our own. */
export function saslServer({ options, parts }: Conversation): SaslServer {
  const { saslServerPath } = options;
  return (saslServerPath === undefined ? undefined : parts.dovecotAuth?.(saslServerPath)) ?? parts.sasl;
}

/** What a login can be bound to; Dovecot's protocol has no word for it. */
export function channelOf({ options, wire }: Conversation): ChannelBinding | undefined {
  const { secureSocket } = wire;
  return secureSocket === undefined || options.saslServerPath !== undefined
    ? undefined
    : new TlsChannelBinding(secureSocket);
}

/** Throws TemporaryError where the server cannot be asked. */
export async function allowedMechanisms(session: Conversation, server: SaslServer): Promise<readonly string[]> {
  const { options, parts, tls } = session;
  const hasChannel = channelOf(session) !== undefined;
  const words = tls === undefined ? options.saslSecurity : options.saslTlsSecurity;
  const names: string[] = [];
  for (const mechanism of await server.mechanisms()) {
    if (mechanism.name.endsWith('-PLUS') && !hasChannel) continue;
    if (isAllowed(mechanism, words) && (await parts.policy.allowsMechanism(mechanism.name))) names.push(mechanism.name);
  }
  return names;
}

async function listMechanisms(session: Conversation, server: SaslServer): Promise<string> {
  const { log } = session;
  try {
    const names = await allowedMechanisms(session, server);
    if (names.length === 0) log.warning('no SASL authentication mechanisms');
    return names.join(' ');
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    // Mail still comes in; who wants to log in hears that it is not offered, and tries again.
    log.warning(error.message);
    return '';
  }
}

export function offersParameters(session: Conversation): OfferedParameters {
  return {
    smtputf8: session.options.smtputf8 && !isDiscarded(session, 'smtputf8'),
    dsn: !isDiscarded(session, 'dsn'),
    auth: session.options.saslEnabled,
    ...(session.rights.mayUseVerp && session.options.protocol === 'smtp' ? { verp: session.options.verp } : {}),
  };
}

/** Of this client, or of all. */
export function discardedKeywords({ rights, options }: Conversation): ReadonlySet<string> {
  return rights.discardedKeywords ?? options.discardedKeywords;
}

export function isDiscarded(session: Conversation, keyword: string): boolean {
  return discardedKeywords(session).has(keyword);
}
