// AUTH PLAIN (RFC 4616) and LOGIN (RFC 4954 with the de-facto challenges). The password goes to the authenticator
// and nowhere else; the client hears one text for every way of being wrong, the log says which.

import { decodeLogin, decodePlain, loginPasswordPrompt, loginUsernamePrompt } from '../../auth/sasl.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import { dovecotServer, isDiscarded } from '../offers.ts';
import { authenticateByDovecot } from './auth-dovecot.ts';
import type { CommandResult, Conversation } from '../conversation.ts';

const usernameChallenge = reply(334, '', loginUsernamePrompt);
const passwordChallenge = reply(334, '', loginPasswordPrompt);
const emptyChallenge = reply(334, '', '');
/** Longer names are no mailbox's, and go into the log. */
const maxLoginLength = 320;
/** Longer passwords would only make the hash functions work. */
const maxPasswordLength = 1024;

export function auth(session: Conversation, rest: string): CommandResult | Promise<CommandResult> {
  const { options, parts } = session;
  if (session.helo === '' && options.heloRequired) return replies.sendHelo;
  if (!options.saslEnabled || session.rights.isAuthHidden || isDiscarded(session, 'auth'))
    return replies.authNotEnabled;
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
  const server = dovecotServer(session);
  if (server !== undefined) return authenticateByDovecot(session, server, words[0] as string, initial);
  if (mechanism === 'PLAIN') {
    return initial === undefined
      ? challenge(session, mechanism, emptyChallenge, (response) => plain(session, response, false))
      : plain(session, initial, true);
  }
  if (mechanism === 'LOGIN') {
    const withName = (response: string) => loginName(session, response, initial !== undefined);
    return initial === undefined ? challenge(session, mechanism, usernameChallenge, withName) : withName(initial);
  }
  const name = printable(mechanism).slice(0, 100);
  return fail(session, name, '', 'Invalid authentication mechanism', 'Invalid authentication mechanism');
}

function challenge(
  session: Conversation,
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

/** Acting for somebody else is not offered. */
function plain(session: Conversation, response: string, isInitial: boolean): SmtpReply | Promise<SmtpReply> {
  const words = decodePlain(response);
  if (words === undefined) return notUnderstood(session, 'PLAIN', response, isInitial);
  const { authzid, login, password } = words;
  if (authzid !== '' && authzid.toLowerCase() !== login.toLowerCase()) {
    return fail(session, 'PLAIN', login, 'authorization identity differs from the login');
  }
  return authenticate(session, 'PLAIN', login, password);
}

function loginName(
  session: Conversation,
  response: string,
  isInitial: boolean,
): CommandResult | Promise<CommandResult> {
  const login = decodeLogin(response);
  if (login === undefined) return notUnderstood(session, 'LOGIN', response, isInitial);
  return challenge(session, 'LOGIN', passwordChallenge, (line) => {
    const password = decodeLogin(line);
    return password === undefined
      ? notUnderstood(session, 'LOGIN', line, false)
      : authenticate(session, 'LOGIN', login, password);
  });
}

async function authenticate(
  session: Conversation,
  mechanism: string,
  login: string,
  password: string,
): Promise<SmtpReply> {
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
    if (result.kind === 'denied' && result.retryAfterSeconds !== undefined) {
      logFailure(session, mechanism, login, result.reason);
      return reply(454, '4.7.0', 'Temporary authentication failure: too many failed logins, try again later');
    }
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

function notUnderstood(session: Conversation, mechanism: string, response: string, isInitial: boolean): SmtpReply {
  const isBase64 = response === '=' || (response.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(response));
  if (isBase64) return fail(session, mechanism, '', 'invalid response');
  const text = `Invalid base64 data in ${isInitial ? 'initial' : 'continued'} response`;
  return fail(session, mechanism, '', text, text);
}

function fail(session: Conversation, mechanism: string, login: string, reason: string, told?: string): SmtpReply {
  logFailure(session, mechanism, login, reason);
  return reply(535, '5.7.8', `Error: authentication failed: ${told ?? 'authentication failure'}`);
}

/** fail2ban's postfix filter reads this line. */
function logFailure(session: Conversation, mechanism: string, login: string, reason: string): void {
  const name = login === '' ? '(unavailable)' : printable(login).slice(0, 100);
  session.log.warning(
    `${session.clientText}: SASL ${mechanism} authentication failed: ${printable(reason)}, sasl_username=${name}`,
  );
}
