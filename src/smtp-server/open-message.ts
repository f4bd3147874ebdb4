// Begins a message: a place in the store, our Received: field, and what is to happen when its header has passed.

import { formatMailDate, formatReceived, withProtocol } from '../message/received.ts';
import { subjectNote } from '../message/subject-note.ts';
import { printable } from '../smtp/command-line.ts';
import type { HeaderSummary } from './header-filter.ts';
import { plainAddress } from './plain-address.ts';
import { MessageReceiver, type MessageReceiverOptions } from './message-receiver.ts';
import type { TlsDetails } from '../tls/server-tls.ts';
import type { Conversation } from './conversation.ts';
import type { Transaction } from './transaction.ts';

export async function openMessage(session: Conversation, transaction: Transaction): Promise<MessageReceiver> {
  // No new message while the store cannot keep up with those it has.
  if (session.parts.store.isCongested) await session.parts.store.whenUncongested();
  const isLocal = await isLocalHeaderClient(session);
  const { policy } = session.parts;
  const rewriter = policy.fieldRewriter?.(isLocal ? 'local' : 'remote');
  const addsFields = isLocal || rewriter !== undefined || session.options.alwaysAddMissingHeaders;
  const sender = addsFields ? ((await policy.envelopeSender?.(transaction.sender)) ?? transaction.sender) : undefined;
  return new MessageReceiver({
    service: session.options,
    writer: session.parts.store.contentWriter(),
    // Fields that an access table has ordered (PREPEND) go above our own.
    received:
      transaction.actions.prepended.map((field) => `${field}\r\n`).join('') + receivedField(session, transaction),
    beginCheck: beginCheck(session, transaction),
    onHeaderEnd: (seen) => endHeader(session, transaction, seen, sender),
    rewriter,
  });
}

/** header_checks and body_checks, with the words of cleanup(8) for the log. */
function beginCheck(session: Conversation, transaction: Transaction): MessageReceiverOptions['beginCheck'] {
  const { contentChecks } = session.parts.policy;
  if (contentChecks === undefined || contentChecks.isEmpty) return undefined;
  const { log } = session.parts;
  const { cleanupProgram } = session.options;
  const [first] = transaction.recipients;
  const helo = session.helo === '' ? '' : ` helo=<${session.helo}>`;
  const logged = `from ${session.clientText}; from=<${transaction.sender}> to=<${first?.original ?? ''}> proto=${session.protocol}${helo}`;
  return (emit) =>
    contentChecks.begin({
      actions: transaction.actions,
      logged,
      queueId: transaction.queueId as string,
      info: (text) => log.write(cleanupProgram, 'info', text),
      warn: (text) => log.write(cleanupProgram, 'warning', text),
      emit,
    });
}

function receivedField(session: Conversation, transaction: Transaction): string {
  const { options, client, tls, login } = session;
  const [only] = transaction.recipients;
  return formatReceived({
    helo: session.helo,
    clientName: client.name,
    clientAddress: client.address,
    ...(options.tlsReceivedHeader && tls !== undefined ? { tls: receivedTls(tls) } : {}),
    ...(options.saslHeader && login !== undefined ? { authenticatedSender: printable(login) } : {}),
    host: options.hostname,
    mailName: options.mailName,
    protocol: withProtocol({
      base: session.protocol,
      tls: tls !== undefined,
      authenticated: login !== undefined,
      smtputf8: transaction.parameters.smtputf8,
    }),
    queueId: transaction.queueId as string,
    ...(transaction.recipients.length === 1 && only !== undefined ? { recipient: printable(only.original) } : {}),
    date: formatMailDate(transaction.arrival),
  });
}

function receivedTls({ protocol, cipher, bits, asksCertificate, certificate }: TlsDetails) {
  return { protocol, cipher, bits, ...(asksCertificate ? { certificate: certificate ?? ('none' as const) } : {}) };
}

/**
 * Logs the Message-ID and gives the fields to add: as cleanup(8), only where it rewrites headers. `sender` is who stands
 * in a From field that is missing; undefined where nothing is added.
 */
function endHeader(
  session: Conversation,
  transaction: Transaction,
  seen: HeaderSummary,
  sender: string | undefined,
): string {
  const { options, parts } = session;
  const queueId = transaction.queueId as string;
  const { fields } = seen;
  const resent = [...fields].some((name) => name.startsWith('resent-')) ? 'resent-' : '';
  const prefix = resent === '' ? '' : 'Resent-';
  let messageId = printable(seen.messageId);
  let added = '';
  if (sender !== undefined) {
    if (!fields.has(`${resent}message-id`)) {
      // Queue ids are unique over time (enable_long_queue_ids): cleanup(8) puts no date before such a one.
      const made = `<${queueId}@${options.hostname}>`;
      if (resent === '') messageId = made;
      added += `${prefix}Message-Id: ${made}\r\n`;
    }
    if (!fields.has(`${resent}date`)) added += `${prefix}Date: ${formatMailDate(transaction.arrival)}\r\n`;
    if (!fields.has(`${resent}from`)) {
      const author = sender === '' ? 'MAILER-DAEMON' : printable(sender);
      added += `${prefix}From: ${author}\r\n`;
    }
  }
  if (options.undisclosedHeader !== '' && !visibleRecipients.some((name) => fields.has(name))) {
    added += `${options.undisclosedHeader}\r\n`;
  }
  parts.log.write(options.cleanupProgram, 'info', `${queueId}: message-id=${messageId === '' ? '<>' : messageId}`);
  if (seen.subject !== '') parts.log.note?.(options.cleanupProgram, `${queueId}: ${subjectNote(seen.subject)}`);
  return added;
}

const visibleRecipients = ['to', 'cc', 'resent-to', 'resent-cc'];

/** local_header_rewrite_clients. May throw TemporaryError. */
async function isLocalHeaderClient(session: Conversation): Promise<boolean> {
  const { client, login, parts, options } = session;
  for (const word of options.localHeaderClients) {
    if (word === 'permit_inet_interfaces' && isOwnAddress(session)) return true;
    if (word === 'permit_sasl_authenticated' && login !== undefined) return true;
    if (word === 'permit_mynetworks' && ((await parts.isMyNetwork?.(client.address)) ?? false)) return true;
    if (word === 'check_address_map' && ((await parts.policy.isHeaderClient?.(client.address)) ?? false)) return true;
  }
  return false;
}

/** Who connects from an address that is ours connects from this machine, whomever it names with XCLIENT. */
function isOwnAddress({ wire }: Conversation): boolean {
  const address = plainAddress(wire.remoteAddress);
  return address.startsWith('127.') || address === '::1' || address === plainAddress(wire.localAddress);
}
