// The change to TLS, after STARTTLS or at once on a wrapper-mode port, with Postfix's log lines. A handshake that
// fails ends the connection and nothing else; so does a client that shows no certificate where one is required.

import { hostReplies } from '../smtp/reply.ts';
import { printable } from '../smtp/command-line.ts';
import type { HandshakeLog, TlsDetails } from '../tls/server-tls.ts';
import type { Conversation } from './conversation.ts';
import type { SessionParts } from './parts.ts';

/** True when the session speaks TLS from here on; false when it is over. */
export async function beginTls(session: Conversation, server: NonNullable<SessionParts['tls']>): Promise<boolean> {
  const { wire, log, options, deadline, clientText } = session;
  if (options.tlsLogLevel >= 2) log.info(`setting up TLS connection from ${clientText}`);
  deadline.startHandshake(options.tlsTimeout);
  try {
    const tls = await wire.startTls(server.handshake(handshakeLog(session)));
    session.tls = tls;
    if (options.tlsLogLevel >= 1) logHandshake(session, tls);
  } catch (error) {
    if (session.isOver) return false;
    const message = error instanceof Error ? error.message : String(error);
    log.info(`SSL_accept error from ${clientText}: -1`);
    log.warning(`TLS library problem: ${printable(message)}`);
    session.lost();
    return false;
  } finally {
    deadline.stop();
  }
  return hasRequiredCertificate(session);
}

/** smtpd_client_new_tls_session_rate_limit: whether the client has made too many sessions before this one. */
export function hasTooManyTlsSessions({ options, isLimitException, parts, client }: Conversation): boolean {
  const limit = options.tlsSessionRateLimit;
  return limit > 0 && !isLimitException && parts.limits.counted(client.address, 'tlsSessions') > limit;
}

/** Counts the session that has begun; true where it was one too many and has been ended. */
export function exceedsTlsRate(session: Conversation): boolean {
  const { options, isLimitException, parts, client, clientText, log, tls } = session;
  if (options.tlsSessionRateLimit === 0 || isLimitException || tls?.isResumed) return false;
  const rate = parts.limits.count(client.address, 'tlsSessions');
  if (rate <= options.tlsSessionRateLimit) return false;
  log.warning(`New TLS session rate limit exceeded: ${rate} from ${clientText} for service ${parts.serviceName}`);
  session.sayLast(hostReplies.tooManyTlsSessions(options.hostname, clientText));
  return true;
}

function handshakeLog({ log, clientText }: Conversation): HandshakeLog {
  const shown = (name: string) => printable(name.slice(0, 255));
  return {
    unmatched: (name) => log.info(`TLS SNI ${shown(name)} from ${clientText} not matched, using default chain`),
    invalid: (name) => log.warning(`TLS SNI from ${clientText} is invalid: ${shown(name)}`),
    failed: (name, problem) => log.warning(`tls_server_sni_maps: ${shown(name)} map lookup problem: ${problem}`),
  };
}

function logHandshake({ log, clientText, options }: Conversation, tls: TlsDetails): void {
  const { certificate, serverName, protocol, cipher, bits } = tls;
  if (certificate !== undefined && options.tlsLogLevel >= 2) {
    const { commonName, issuerName, fingerprint, keyFingerprint } = certificate;
    log.info(
      `${clientText}: subject_CN=${printable(commonName)}, issuer=${printable(issuerName)}, ` +
        `fingerprint=${fingerprint}, pkey_fingerprint=${keyFingerprint}`,
    );
  }
  // That nobody whom we believe has issued it is the usual case: smtpd(8) says so only when it is to say much.
  const { problem } = certificate ?? {};
  if (problem !== undefined && options.tlsLogLevel >= (/^(?:self-signed|untrusted issuer)/.test(problem) ? 2 : 1)) {
    log.info(`certificate verification failed for ${clientText}: ${printable(problem)}`);
  }
  const who = certificate === undefined ? 'Anonymous' : certificate.isTrusted ? 'Trusted' : 'Untrusted';
  const name = serverName === undefined ? '' : ` to ${serverName}`;
  log.info(
    `${who} TLS connection established from ${clientText}${name}: ${protocol} with cipher ${cipher} (${bits}/${bits} bits)`,
  );
}

/** smtpd_tls_req_ccert. */
function hasRequiredCertificate(session: Conversation): boolean {
  const { options, tls, log, clientText } = session;
  if (!options.tlsRequiresCertificate || tls?.certificate?.isTrusted) return true;
  const why = tls?.certificate === undefined ? 'No client certificate presented' : 'Client certificate not trusted';
  log.info(`NOQUEUE: abort: TLS from ${clientText}: ${why}`);
  session.sayLast(hostReplies.certificateRequired(options.hostname, why));
  return false;
}
