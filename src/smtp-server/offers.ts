// What this session may use at this moment; EHLO's list and the commands agree because both ask here.

import type { DovecotAuth } from '../auth/dovecot-auth.ts';
import { isAllowed } from '../auth/sasl-security.ts';
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
export function offeredMechanisms(session: Conversation): string | Promise<string> {
  const server = dovecotServer(session);
  return server === undefined ? 'PLAIN LOGIN' : listMechanisms(session, server);
}

/** Who judges logins in place of the directory (smtpd_sasl_type = dovecot). */
export function dovecotServer({ options, parts }: Conversation): DovecotAuth | undefined {
  return options.saslServerPath === undefined ? undefined : parts.dovecotAuth?.(options.saslServerPath);
}

/** Throws TemporaryError where the server cannot be asked. */
export async function allowedMechanisms(session: Conversation, server: DovecotAuth): Promise<readonly string[]> {
  const { options, parts, tls } = session;
  const words = tls === undefined ? options.saslSecurity : options.saslTlsSecurity;
  const names: string[] = [];
  for (const mechanism of await server.mechanisms()) {
    if (isAllowed(mechanism, words) && (await parts.policy.allowsMechanism(mechanism.name))) names.push(mechanism.name);
  }
  return names;
}

async function listMechanisms(session: Conversation, server: DovecotAuth): Promise<string> {
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
