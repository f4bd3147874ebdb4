// AUTH PLAIN (RFC 4616) and LOGIN (RFC 4954 with the de-facto challenges). The password goes to the authenticator
// and nowhere else; the client hears one text for every way of being wrong, the log says which.

import { TemporaryError } from '../../lib/temporary-error.ts';
import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import { isDiscarded } from '../offers.ts';
import type { CommandResult } from '../command.ts';
import type { Session } from '../session.ts';

const usernameChallenge = reply(334, '', 'VXNlcm5hbWU6');
const passwordChallenge = reply(334, '', 'UGFzc3dvcmQ6');
const emptyChallenge = reply(334, '', '');
/** Longer names are no mailbox's, and go into the log. */
const maxLoginLength = 320;
/** Longer passwords would only make the hash functions work. */
const maxPasswordLength = 1024;

export function auth(session: Session, rest: string): CommandResult | Promise<CommandResult> {
  const { options, parts } = session;
  if (session.helo === '') return replies.sendHelo;
  if (!options.saslEnabled || isDiscarded(session, 'auth')) return replies.authNotEnabled;
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (options.tlsAuthOnly && session.tls === undefined) return replies.encryptionRequired;
  if (session.login !== undefined) return replies.alreadyAuthenticated;
  if (options.authRateLimit > 0 && !session.isLimitException) {
    const rate = parts.limits.count(session.client.address, 'auth');
    if (rate > options.authRateLimit) {
      session.log.warning(`AUTH command rate limit exceeded: ${rate} from ${session.clientText} for service smtpd`);
      return reply(450, '4.7.1', `Error: too many AUTH commands from ${session.clientText}`);
    }
  }
  const words = rest === '' ? [] : rest.split(/[ \t]+/);
  if (words.length < 1 || words.length > 2) return replies.authSyntax;
  const mechanism = (words[0] as string).toUpperCase();
  const initial = words[1];
  if (mechanism === 'PLAIN') {
    return initial === undefined
      ? challenge(session, mechanism, emptyChallenge, (response) => plain(session, response))
      : plain(session, initial);
  }
  if (mechanism === 'LOGIN') {
    const withName = (response: string) => loginName(session, response);
    return initial === undefined ? challenge(session, mechanism, usernameChallenge, withName) : withName(initial);
  }
  const name = printable(mechanism).slice(0, 100);
  return fail(session, name, '', 'Invalid authentication mechanism', 'Invalid authentication mechanism');
}

function challenge(
  session: Session,
  mechanism: string,
  challengeReply: SmtpReply,
  next: (response: string) => CommandResult | Promise<CommandResult>,
): SmtpReply {
  session.readLine((line) => {
    if (line === '*') {
      session.log.warning(`${session.clientText}: SASL ${mechanism} authentication aborted`);
      return replies.authAborted;
    }
    return next(line);
  });
  return challengeReply;
}

/** authzid NUL authcid NUL password. Acting for somebody else is not offered. */
function plain(session: Session, response: string): SmtpReply | Promise<SmtpReply> {
  const decoded = decodeBase64(response);
  if (decoded === undefined) return badBase64(session, 'PLAIN');
  const [authorization = '', login = '', password = '', ...rest] = decoded.split('\0');
  if (login === '' || password === '' || rest.length > 0) return fail(session, 'PLAIN', login, 'invalid response');
  if (authorization !== '' && authorization.toLowerCase() !== login.toLowerCase()) {
    return fail(session, 'PLAIN', login, 'authorization identity differs from the login');
  }
  return authenticate(session, 'PLAIN', login, password);
}

function loginName(session: Session, response: string): CommandResult | Promise<CommandResult> {
  const login = decodeBase64(response);
  if (login === undefined) return badBase64(session, 'LOGIN');
  return challenge(session, 'LOGIN', passwordChallenge, (line) => {
    const password = decodeBase64(line);
    if (password === undefined) return badBase64(session, 'LOGIN');
    if (login === '' || password === '') return fail(session, 'LOGIN', login, 'invalid response');
    return authenticate(session, 'LOGIN', login, password);
  });
}

async function authenticate(session: Session, mechanism: string, login: string, password: string): Promise<SmtpReply> {
  if (login.length > maxLoginLength || password.length > maxPasswordLength) {
    return fail(session, mechanism, login, 'login or password too long');
  }
  try {
    const result = await session.parts.authenticator.authenticate({
      login,
      password,
      service: 'smtp',
      remoteAddress: session.client.address,
    });
    if (result.kind === 'denied') return fail(session, mechanism, login, result.reason);
    session.login = result.login;
    session.saslMethod = mechanism;
    return replies.authenticated;
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    logFailure(session, mechanism, login, error.message);
    return reply(454, '4.7.0', 'Temporary authentication failure: try again later');
  }
}

function badBase64(session: Session, mechanism: string): SmtpReply {
  return fail(session, mechanism, '', 'Invalid base64 data', 'Invalid base64 data');
}

function fail(session: Session, mechanism: string, login: string, reason: string, told?: string): SmtpReply {
  logFailure(session, mechanism, login, reason);
  return reply(535, '5.7.8', `Error: authentication failed: ${told ?? 'authentication failure'}`);
}

/** fail2ban's postfix filter reads this line. */
function logFailure(session: Session, mechanism: string, login: string, reason: string): void {
  const name = login === '' ? '(unavailable)' : printable(login).slice(0, 100);
  session.log.warning(
    `${session.clientText}: SASL ${mechanism} authentication failed: ${printable(reason)}, sasl_username=${name}`,
  );
}

/** `=` alone is the empty response (RFC 4954 §4). */
function decodeBase64(text: string): string | undefined {
  if (text === '=' || text === '') return '';
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('utf8');
}
