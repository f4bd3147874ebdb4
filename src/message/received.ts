// The trace header that a server puts before every message it accepts (RFC 5321 §4.4), laid out as Postfix does,
// because people and programs read hop times and clients from it.

/** Everything that a Received: header tells; all text has been made printable by the caller. */
export interface ReceivedFields {
  /** As the client named itself; '' when it did not. */
  readonly helo: string;
  readonly clientName: string;
  readonly clientAddress: string;
  /** Present when TLS details are wanted (smtpd_tls_received_header). */
  readonly tls?: {
    readonly protocol: string;
    readonly cipher: string;
    readonly bits: number;
    /** What is known of a client's certificate; absent where none is asked for. */
    readonly certificate?: ReceivedCertificate | 'none';
  };
  /** Present when smtpd_sasl_authenticated_header is on and the client logged in. */
  readonly authenticatedSender?: string;
  readonly host: string;
  readonly mailName: string;
  /** `ESMTPSA` and the like (RFC 3848). */
  readonly protocol: string;
  readonly queueId: string;
  /** Present when the message has exactly one recipient: with more, it would tell them of each other. */
  readonly recipient?: string;
  /** As formatMailDate gives it. */
  readonly date: string;
}

interface ReceivedCertificate {
  readonly commonName: string;
  readonly issuerName: string;
  readonly isTrusted: boolean;
}

export function formatReceived(fields: ReceivedFields): string {
  const address = fields.clientAddress.includes(':') ? `IPv6:${fields.clientAddress}` : fields.clientAddress;
  let header = `Received: from ${fields.helo === '' ? 'unknown' : fields.helo} (${fields.clientName} [${address}])\r\n`;
  if (fields.tls !== undefined) {
    const { protocol, cipher, bits } = fields.tls;
    header += `\t(using ${protocol} with cipher ${cipher} (${bits}/${bits} bits))\r\n\t(${describeCertificate(fields.tls.certificate)})\r\n`;
  }
  if (fields.authenticatedSender !== undefined) header += `\t(Authenticated sender: ${fields.authenticatedSender})\r\n`;
  header += `\tby ${fields.host} (${fields.mailName}) with ${fields.protocol} id ${fields.queueId}`;
  return fields.recipient === undefined
    ? `${header};\r\n\t${fields.date}\r\n`
    : `${header}\r\n\tfor <${fields.recipient}>; ${fields.date}\r\n`;
}

function describeCertificate(certificate: ReceivedCertificate | 'none' | undefined): string {
  if (certificate === undefined) return 'No client certificate requested';
  if (certificate === 'none') return 'Client did not present a certificate';
  const { commonName, issuerName, isTrusted } = certificate;
  const verdict = isTrusted ? 'verified OK' : 'not verified';
  return `Client CN "${commentText(commonName)}", Issuer "${commentText(issuerName)}" (${verdict})`;
}

/** A comment must end where we end it (RFC 5322 §3.2.2), whatever a certificate says: parentheses come in pairs. */
function commentText(text: string): string {
  let depth = 0;
  const clean = text.slice(0, maxCommentLength).replace(/[^ -~]|[\\()]/g, (character) => {
    if (character === '(') depth++;
    else if (character === ')' && depth > 0) depth--;
    else return '?';
    return character;
  });
  return clean + ')'.repeat(depth);
}

const maxCommentLength = 256;

/** The `with` keyword (RFC 3848, RFC 6531 §4.3). */
export function withProtocol(options: {
  readonly base: 'SMTP' | 'ESMTP' | 'LMTP';
  readonly tls: boolean;
  readonly authenticated: boolean;
  readonly smtputf8: boolean;
}): string {
  const secure = `${options.tls ? 'S' : ''}${options.authenticated ? 'A' : ''}`;
  if (options.base === 'SMTP') return secure === '' ? 'SMTP' : `ESMTP${secure}`;
  const base = options.smtputf8 ? `UTF8${options.base === 'ESMTP' ? 'SMTP' : 'LMTP'}` : options.base;
  return base + secure;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const pad = (value: number) => (value < 10 ? `0${value}` : `${value}`);

/** `Sat, 21 Nov 2026 11:42:00 +0000 (UTC)`: the date-time of RFC 5322 §3.3 in the machine's time zone. */
export function formatMailDate(milliseconds: number): string {
  const date = new Date(milliseconds);
  const offset = -date.getTimezoneOffset();
  const size = Math.abs(offset);
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
  const day = `${days[date.getDay()]}, ${date.getDate()} ${months[date.getMonth()]} ${date.getFullYear()}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${time} ${zone}${offset === 0 ? ' (UTC)' : ''}`;
}
