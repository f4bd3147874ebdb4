// What this session may use at this moment; EHLO's list and the commands agree because both ask here.

import type { OfferedParameters } from '../smtp/parameters.ts';
import type { Conversation } from './conversation.ts';

export function offersStartTls(session: Conversation): boolean {
  const { options, parts, tls } = session;
  return options.tlsLevel !== 'none' && !options.tlsWrapperMode && parts.tls !== undefined && tls === undefined;
}

/** Passwords in the clear are offered only where the administrator wants that (smtpd_tls_auth_only = no). */
export function offersAuthentication(session: Conversation): boolean {
  const { options, tls } = session;
  return options.saslEnabled && !isDiscarded(session, 'auth') && (tls !== undefined || !options.tlsAuthOnly);
}

export function offersParameters(session: Conversation): OfferedParameters {
  return {
    smtputf8: session.options.smtputf8 && !isDiscarded(session, 'smtputf8'),
    dsn: !isDiscarded(session, 'dsn'),
    auth: session.options.saslEnabled,
  };
}

export function isDiscarded(session: Conversation, keyword: string): boolean {
  return session.options.discardedKeywords.has(keyword);
}
