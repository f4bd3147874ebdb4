// LOGIN (RFC 3501 §6.2.3), and what every way to log in shares: the question whether a password may be sent here at all,
// the delay after a wrong one, the limit of connections, the folders that a new mailbox gets.

import type { CommandArguments } from '../../imap/parse-command.ts';
import type { ProvenDenial } from '../../auth/types.ts';
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

/** Longer names are no mailbox's. */
const maxLoginLength = 320;

async function logIn(session: SessionContext, name: string, password: string, method: string): Promise<string> {
  const { authenticator, options } = session.server;
  const login = name.includes('@') || options.localDomain === '' ? name : `${name}@${options.localDomain}`;
  const { remoteAddress, localAddress, isTls: isSecured } = session;
  if (name.length > maxLoginLength) return refuseLogin(session, name, method, { reason: 'login too long' });
  const where = { service: 'imap', remoteAddress, localAddress, mechanism: method, isSecured } as const;
  const result = await authenticator.authenticate({ login, password, ...where });
  if (result.kind === 'denied') {
    const isTemporary = result.retryAfterSeconds !== undefined;
    return refuseLogin(session, name, method, { reason: result.reason, isTemporary, proven: result.proven });
  }
  return await enter(session, result, method);
}

interface LoginDenial {
  readonly reason: string;
  readonly isTemporary?: boolean;
  readonly proven?: ProvenDenial | undefined;
}

/** One answer for every reason, but for what passes by itself, and for whoever has the right password; the log says which. */
export function refuseLogin(
  session: SessionContext,
  name: string,
  method: string,
  { reason, isTemporary = false, proven }: LoginDenial,
): never {
  if (!/^(?:unknown user|password mismatch)$/.test(reason)) session.log.denied(name, method, reason);
  const isOver = session.authFailed(name, method);
  if (isOver) session.bye('Too many invalid authentication attempts.', 'Too many authentication failures');
  // RFC 5530 §3: UNAVAILABLE is what passes; a client that hears AUTHENTICATIONFAILED asks its user for a new password.
  if (isTemporary) throw new ImapRefusal('NO', 'UNAVAILABLE', 'Too many failed logins, try again later.');
  // RFC 5530 §3: EXPIRED is a password that is out of date, CONTACTADMIN what its owner cannot mend.
  if (proven?.mustChange !== undefined) throw new ImapRefusal('NO', 'EXPIRED', proven.told);
  if (proven !== undefined) throw new ImapRefusal('NO', 'CONTACTADMIN', proven.told);
  throw new ImapRefusal('NO', 'AUTHENTICATIONFAILED', 'Authentication failed.');
}

interface Entrant {
  readonly login: string;
  readonly mailboxId?: number;
}

/** The client is who it says. */
export async function enter(session: SessionContext, who: Entrant, method: string): Promise<string> {
  const { options, store } = session.server;
  const { mailboxId, login: name } = who;
  if (mailboxId === undefined) {
    // The password is that of another program's table; the mail is elsewhere (RFC 5530 §3).
    throw new ImapRefusal('NO', 'CONTACTADMIN', 'There is no mailbox for this login on this server.');
  }
  const maintenance = session.server.maintenance?.(mailboxId) ?? '';
  if (maintenance !== '') throw new ImapRefusal('NO', 'UNAVAILABLE', `Mailbox is in maintenance: ${maintenance}`);
  const user = { mailboxId, login: name };
  await store.ensureMailbox(mailboxId);
  if (!session.logIn(user, method)) {
    throw new ImapRefusal(
      'NO',
      'LIMIT',
      `Maximum number of connections from user+IP exceeded (${options.userConnectionLimit}).`,
    );
  }
  return `[CAPABILITY ${capabilityText(session)}] Logged in`;
}

function fromUtf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
