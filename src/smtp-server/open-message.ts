// Begins a message: a place in the store, our Received: field, and what is to happen when its header has passed.

import { formatMailDate, formatReceived, withProtocol } from '../message/received.ts';
import { printable } from '../smtp/command-line.ts';
import type { HeaderSummary } from './header-filter.ts';
import { plainAddress } from './plain-address.ts';
import { MessageReceiver } from './message-receiver.ts';
import type { Conversation } from './conversation.ts';
import type { Transaction } from './transaction.ts';

export async function openMessage(session: Conversation, transaction: Transaction): Promise<MessageReceiver> {
  // No new message while the store cannot keep up with those it has.
  if (session.parts.store.isCongested) await session.parts.store.whenUncongested();
  const isLocal = session.options.alwaysAddMissingHeaders || (await isLocalHeaderClient(session));
  return new MessageReceiver({
    service: session.options,
    writer: session.parts.store.contentWriter(),
    received: receivedField(session, transaction),
    onHeaderEnd: (seen) => endHeader(session, transaction, seen, isLocal),
  });
}

function receivedField(session: Conversation, transaction: Transaction): string {
  const { options, client, tls, login } = session;
  const [only] = transaction.recipients;
  return formatReceived({
    helo: session.helo,
    clientName: client.name,
    clientAddress: client.address,
    ...(options.tlsReceivedHeader && tls !== undefined ? { tls } : {}),
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

/** Logs the Message-ID and gives the fields to add: as cleanup(8), only for clients of our own. */
function endHeader(session: Conversation, transaction: Transaction, seen: HeaderSummary, isLocal: boolean): string {
  const { options, parts } = session;
  const queueId = transaction.queueId as string;
  const { fields } = seen;
  const resent = [...fields].some((name) => name.startsWith('resent-')) ? 'resent-' : '';
  const prefix = resent === '' ? '' : 'Resent-';
  let messageId = printable(seen.messageId);
  let added = '';
  if (isLocal) {
    const date = new Date(transaction.arrival);
    if (!fields.has(`${resent}message-id`)) {
      const digits = date.toISOString().replace(/\D/g, '').slice(0, 14);
      const made = `<${digits}.${queueId}@${options.hostname}>`;
      if (resent === '') messageId = made;
      added += `${prefix}Message-Id: ${made}\r\n`;
    }
    if (!fields.has(`${resent}date`)) added += `${prefix}Date: ${formatMailDate(transaction.arrival)}\r\n`;
    if (!fields.has(`${resent}from`)) {
      const sender = transaction.sender === '' ? 'MAILER-DAEMON (Mail Delivery System)' : printable(transaction.sender);
      added += `${prefix}From: ${sender}\r\n`;
    }
  }
  parts.log.write(options.cleanupProgram, 'info', `${queueId}: message-id=${messageId === '' ? '<>' : messageId}`);
  return added;
}

/** local_header_rewrite_clients, as far as its words need no table. */
async function isLocalHeaderClient(session: Conversation): Promise<boolean> {
  const { client, login, parts, options } = session;
  for (const word of options.localHeaderClients) {
    if (word === 'permit_inet_interfaces' && isOwnAddress(session)) return true;
    if (word === 'permit_sasl_authenticated' && login !== undefined) return true;
    if (word === 'permit_mynetworks' && ((await parts.isMyNetwork?.(client.address)) ?? false)) return true;
  }
  return false;
}

/** Who connects from an address that is ours connects from this machine. */
function isOwnAddress({ client: { address }, wire }: Conversation): boolean {
  return address.startsWith('127.') || address === '::1' || address === plainAddress(wire.localAddress);
}
