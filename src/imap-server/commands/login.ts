// LOGIN (RFC 3501 §6.2.3), and what every way to log in shares: the question whether a password may be sent here at all,
// the delay after a wrong one, the limit of connections, the folders that a new mailbox gets.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { capabilityText } from '../capabilities.ts';
import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';

export function login(session: SessionContext, { user, password }: CommandArguments<'LOGIN'>): Promise<string> {
  requirePasswordAllowed(session);
  // Octets to text: user names and passwords are UTF-8 (RFC 6855 §5 says so for later versions; clients do it now).
  return logIn(session, fromUtf8(user), fromUtf8(password), 'PLAIN');
}

export function requirePasswordAllowed(session: SessionContext): void {
  if (session.mayUsePassword) return;
  session.output.line(
    '* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. ' +
      'If anyone was listening, the password was exposed.',
  );
  throw new ImapRefusal(
    'NO',
    'PRIVACYREQUIRED',
    'Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
  );
}

export async function logIn(session: SessionContext, name: string, password: string, method: string): Promise<string> {
  const { authenticator, options, store } = session.server;
  const result = await authenticator.authenticate({
    login: name,
    password,
    service: 'imap',
    remoteAddress: session.remoteAddress,
  });
  if (result.kind === 'denied') {
    const isOver = session.authFailed(name, method);
    if (isOver) session.bye('Too many invalid authentication attempts.', 'Too many authentication failures');
    // RFC 5530 §3: UNAVAILABLE is what passes; a client that hears AUTHENTICATIONFAILED asks its user for a new password.
    if (result.retryAfterSeconds !== undefined) {
      throw new ImapRefusal('NO', 'UNAVAILABLE', 'Too many failed logins, try again later.');
    }
    throw new ImapRefusal('NO', 'AUTHENTICATIONFAILED', 'Authentication failed.');
  }
  const reason = session.server.maintenance?.(result.mailboxId) ?? '';
  if (reason !== '') throw new ImapRefusal('NO', 'UNAVAILABLE', `Mailbox is in maintenance: ${reason}`);
  await store.ensureMailbox(result.mailboxId);
  if (!session.logIn({ mailboxId: result.mailboxId, login: result.login }, method)) {
    throw new ImapRefusal(
      'NO',
      'LIMIT',
      `Maximum number of connections from user+IP exceeded (${options.userConnectionLimit}).`,
    );
  }
  return `[CAPABILITY ${capabilityText(session)}] Logged in`;
}

export function fromUtf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
