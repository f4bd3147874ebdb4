// The values of macros that milters are told during a session, under the names and with the values of Postfix's smtpd(8)
// (MILTER_README). What is not known at a moment has no value: the filter is not told of it.

import { printable } from '../smtp/command-line.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';

/** What the command at hand is about. */
export interface MacroContext {
  readonly sender?: string;
  readonly recipient?: string | undefined;
  readonly queueId?: string | undefined;
  /** Of a recipient that is refused already. */
  readonly refusal?: SmtpReply | undefined;
}

export const noMacroContext: MacroContext = {};

const resolveWords = { found: 'OK', forged: 'FORGED', unsure: 'TEMP', none: 'FAIL' } as const;

/** May throw TemporaryError. */
export function sessionMacro(
  session: Conversation,
  context: MacroContext,
  name: string,
): string | undefined | Promise<string | undefined> {
  if (name.startsWith('{mail_')) return context.sender === undefined ? undefined : mailMacro(session, context, name);
  if (name.startsWith('{rcpt_')) return context.recipient === undefined ? undefined : rcptMacro(session, context, name);
  const { client, login, saslMethod, tls } = session;
  switch (name) {
    case '{_}': {
      const forged = client.name.toLowerCase() === client.reverseName.toLowerCase() ? '' : ' (may be forged)';
      return `${client.reverseName} [${client.address}]${forged}`;
    }
    case '{client_addr}':
      return client.address.includes(':') ? `IPv6:${client.address}` : client.address;
    case '{client_connections}':
      return `${session.parts.limits.open(client.address)}`;
    case '{client_name}':
      return client.name;
    case '{client_port}':
      return `${client.port ?? 0}`;
    case '{client_ptr}':
      return client.reverseName;
    case '{client_resolve}':
      return resolveWords[client.nameStatus];
    case '{daemon_addr}':
      return client.serverAddress.includes(':') ? `IPv6:${client.serverAddress}` : client.serverAddress;
    case '{daemon_port}':
      return `${client.serverPort ?? 0}`;
    case '{i}':
      return context.queueId;
    case '{auth_type}':
      return saslMethod;
    case '{auth_authen}':
      return login;
    case '{tls_version}':
      return tls?.protocol;
    case '{cipher}':
      return tls?.cipher;
    case '{cipher_bits}':
      return tls === undefined ? undefined : `${tls.bits}`;
    case '{cert_subject}':
      return tls?.certificate?.isTrusted ? printable(tls.certificate.commonName) : undefined;
    case '{cert_issuer}':
      return tls?.certificate?.isTrusted ? printable(tls.certificate.issuerName) : undefined;
    default:
      return undefined;
  }
}

async function mailMacro(
  session: Conversation,
  { sender = '' }: MacroContext,
  name: string,
): Promise<string | undefined> {
  if (name === '{mail_addr}') return sender;
  // Where mail to the null sender goes (empty_address_recipient).
  return await route(session, sender === '' ? 'MAILER-DAEMON' : sender, '', name.slice(6, -1));
}

async function rcptMacro(
  session: Conversation,
  { sender = '', recipient = '', refusal }: MacroContext,
  name: string,
): Promise<string | undefined> {
  if (refusal !== undefined) {
    // As Sendmail has it, and filters that want refused recipients know it.
    if (name === '{rcpt_mailer}') return 'error';
    return name === '{rcpt_host}' ? refusal.status : refusal.text.replace(/^<[^>]*>: /, '');
  }
  return name === '{rcpt_addr}' ? recipient : await route(session, recipient, sender, name.slice(6, -1));
}

/** Where mail for the address goes, aliases not looked up. */
async function route(
  session: Conversation,
  address: string,
  sender: string,
  what: string,
): Promise<string | undefined> {
  const [first] = await session.parts.policy.routeOrdered(address, sender, 'redirect');
  if (what === 'mailer') return first?.transport;
  return what === 'host' ? first?.nexthop : undefined;
}
