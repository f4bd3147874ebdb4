// Every SMTP reply that the server gives by itself, with code, enhanced status code (RFC 3463) and text exactly
// as Postfix's smtpd(8) writes them: logs, monitoring and people match on these words. What depends on tables
// (access, unknown users) is worded by the access and routing folders.

/** One reply; an empty status leaves the enhanced code out. Lines of a multi-line reply are separated by `\n`. */
export interface SmtpReply {
  readonly code: number;
  readonly status: string;
  readonly text: string;
}

/** A command's failure that becomes a reply in one place: the session. The cause goes to the log. */
export class SmtpError extends Error {
  override name = 'SmtpError';
  readonly reply: SmtpReply;

  constructor(reply: SmtpReply, options?: ErrorOptions) {
    super(`${reply.code} ${reply.status} ${reply.text}`, options);
    this.reply = reply;
  }
}

/** `250 2.1.0 Ok`, as it stands in a log line. */
export function replyText(reply: SmtpReply): string {
  return reply.status === '' ? `${reply.code} ${reply.text}` : `${reply.code} ${reply.status} ${reply.text}`;
}

/** The same without the code. */
export function statusText({ status, text }: SmtpReply): string {
  return status === '' ? text : `${status} ${text}`;
}

/** The octets on the wire (RFC 5321 §4.2.1), all but the last line with a hyphen after the code. */
export function formatReply(reply: SmtpReply): string {
  if (!reply.text.includes('\n')) return `${replyText(reply)}\r\n`;
  const lines = reply.text.split('\n');
  const status = reply.status === '' ? '' : `${reply.status} `;
  const last = lines.length - 1;
  return lines.map((line, index) => `${reply.code}${index === last ? ' ' : '-'}${status}${line}\r\n`).join('');
}

export function reply(code: number, status: string, text: string): SmtpReply {
  return { code, status, text };
}

/** 4xx and 5xx. */
export function isRefusal(answer: SmtpReply): boolean {
  return answer.code >= 400;
}

/** Postfix hangs up after these two codes, whatever the text. */
export function endsSession(answer: SmtpReply): boolean {
  return answer.code === 421 || answer.code === 521;
}

/** soft_bounce: every 5xx as 4xx, so that mail comes back while an administrator tries things out. */
export function softened(answer: SmtpReply): SmtpReply {
  if (answer.code < 500) return answer;
  return { code: answer.code - 100, status: answer.status.replace(/^5/, '4'), text: answer.text };
}

export const replies = {
  ok: reply(250, '2.0.0', 'Ok'),
  senderOk: reply(250, '2.1.0', 'Ok'),
  recipientOk: reply(250, '2.1.5', 'Ok'),
  bye: reply(221, '2.0.0', 'Bye'),
  startData: reply(354, '', 'End data with <CR><LF>.<CR><LF>'),
  readyForTls: reply(220, '2.0.0', 'Ready to start TLS'),
  authenticated: reply(235, '2.7.0', 'Authentication successful'),
  iCanBreakRulesToo: reply(221, '2.7.0', 'Error: I can break rules, too. Goodbye.'),

  badSyntax: reply(500, '5.5.2', 'Error: bad syntax'),
  lineTooLong: reply(500, '5.5.2', 'Error: line too long'),
  badUtf8: reply(500, '5.5.2', 'Error: bad UTF-8 syntax'),
  unknownCommand: reply(500, '5.5.2', 'Error: command not recognized'),
  notImplemented: reply(502, '5.5.1', 'Error: command not implemented'),
  vrfyDisabled: reply(502, '5.5.1', 'VRFY command is disabled'),

  heloSyntax: reply(501, '', 'Syntax: HELO hostname'),
  ehloSyntax: reply(501, '', 'Syntax: EHLO hostname'),
  lhloSyntax: reply(501, '', 'Syntax: LHLO hostname'),
  mailSyntax: reply(501, '5.5.4', 'Syntax: MAIL FROM:<address>'),
  rcptSyntax: reply(501, '5.5.4', 'Syntax: RCPT TO:<address>'),
  dataSyntax: reply(501, '5.5.4', 'Syntax: DATA'),
  rsetSyntax: reply(501, '5.5.4', 'Syntax: RSET'),
  vrfySyntax: reply(501, '5.5.4', 'Syntax: VRFY address'),
  vrfyUtf8Syntax: reply(501, '5.5.4', 'Syntax: VRFY address [SMTPUTF8]'),
  etrnSyntax: reply(500, '', 'Syntax: ETRN domain'),
  starttlsSyntax: reply(501, '5.5.4', 'Syntax: STARTTLS'),
  authSyntax: reply(501, '5.5.4', 'Syntax: AUTH mechanism'),
  bdatSyntax: reply(521, '5.5.4', 'Syntax: BDAT count [LAST]'),
  badSender: reply(501, '5.1.7', 'Bad sender address syntax'),
  badRecipient: reply(501, '5.1.3', 'Bad recipient address syntax'),
  badSize: reply(501, '5.5.4', 'Bad message size syntax'),
  badRet: reply(501, '5.5.4', 'Bad RET parameter syntax'),
  badEnvid: reply(501, '5.5.4', 'Bad ENVID parameter syntax'),
  badNotify: reply(501, '5.5.4', 'Error: Bad NOTIFY parameter syntax'),
  badOrcpt: reply(501, '5.5.4', 'Error: Bad ORCPT parameter syntax'),
  badAuthParameter: reply(501, '5.5.4', 'Error: Bad AUTH parameter syntax'),
  authParameterDisabled: reply(503, '5.5.4', 'Error: authentication disabled'),
  needSmtpUtf8: reply(553, '5.6.7', 'Must declare SMTPUTF8 to send unicode address'),
  dsnDisabled: reply(501, '5.7.1', 'DSN support is disabled'),

  sendHelo: reply(503, '5.5.1', 'Error: send HELO/EHLO first'),
  nestedMail: reply(503, '5.5.1', 'Error: nested MAIL command'),
  needMail: reply(503, '5.5.1', 'Error: need MAIL command'),
  needRcpt: reply(503, '5.5.1', 'Error: need RCPT command'),
  noValidRecipients: reply(554, '5.5.1', 'Error: no valid recipients'),
  rcptAfterBdat: reply(503, '5.5.1', 'Error: RCPT after BDAT'),
  dataAfterBdat: reply(503, '5.5.1', 'Error: DATA after BDAT'),
  transactionInProgress: reply(503, '5.5.1', 'Error: MAIL transaction in progress'),
  authNotEnabled: reply(503, '5.5.1', 'Error: authentication not enabled'),
  alreadyAuthenticated: reply(503, '5.5.1', 'Error: already authenticated'),
  tlsAlreadyActive: reply(554, '5.5.1', 'Error: TLS already active'),
  tlsUnavailable: reply(454, '4.7.0', 'TLS not available due to local problem'),
  mustStartTls: reply(530, '5.7.0', 'Must issue a STARTTLS command first'),
  encryptionRequired: reply(504, '5.5.4', 'Encryption required for requested authentication mechanism'),
  authAborted: reply(501, '5.7.0', 'Authentication aborted'),
  saslResponseTooLong: reply(500, '5.5.6', 'SASL response limit exceeded'),

  tooManyRecipients: reply(452, '4.5.3', 'Error: too many recipients'),
  sizeOverflow: reply(552, '5.3.4', 'Message size exceeds file system imposed limit'),
  sizeExceedsLimit: reply(552, '5.3.4', 'Message size exceeds fixed limit'),
  noSpace: reply(452, '4.3.1', 'Insufficient system storage'),
  mailboxFull: reply(552, '5.2.2', 'Error: mailbox is full'),
  mailboxFullForNow: reply(452, '4.2.2', 'Error: mailbox is full'),
  messageTooBig: reply(552, '5.3.4', 'Error: message file too big'),
  tooManyHops: reply(554, '5.4.0', 'Error: too many hops'),
  queueFileWriteError: reply(451, '4.3.0', 'Error: queue file write error'),
  temporaryLookupFailure: reply(451, '4.3.0', 'Temporary lookup failure'),
  nullBdat: reply(551, '5.7.1', 'Null BDAT request'),
  chunkTooBig: reply(552, '5.3.4', 'Chunk exceeds message size limit'),
  protocolSynchronization: reply(554, '5.5.0', 'Error: SMTP protocol synchronization'),
} as const satisfies Record<string, SmtpReply>;

/** Replies that name this host, as Postfix's do. */
export const hostReplies = {
  tooManyTlsSessions: (host: string, client: string) =>
    reply(421, '4.7.0', `${host} Error: too many new TLS sessions from ${client}`),
  tooManyErrors: (host: string) => reply(421, '4.7.0', `${host} Error: too many errors`),
  timeout: (host: string) => reply(421, '4.4.2', `${host} Error: timeout exceeded`),
  tooManyConnections: (host: string, address: string) =>
    reply(421, '4.7.0', `${host} Error: too many connections from ${address}`),
  certificateRequired: (host: string, why: string) => reply(421, '4.7.1', `${host} Error: ${why}`),
  shuttingDown: (host: string) => reply(421, '4.3.2', `${host} Service shutting down and closing transmission channel`),
  serverError: (host: string) => reply(421, '4.3.0', `${host} Server local error`),
  bareLineFeed: (host: string, code: number) =>
    reply(code, code >= 500 ? '5.5.2' : '4.5.2', `${host} Error: bare <LF> received`),
};
