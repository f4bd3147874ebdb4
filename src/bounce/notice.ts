// Composes delivery status notifications (RFC 3464, in a multipart/report of RFC 6522), laid out as Postfix's bounce(8)
// does: the text for people, the report for programs, and the message or its header. Whom a notice goes to, and when,
// is the queue's affair; a notice itself has the null sender, so it can never cause another one (RFC 5321 §4.5.5).

import { formatMailDate } from '../message/received.ts';
import { decodeUtf8Xtext, decodeXtext } from '../smtp/xtext.ts';
import type { NoticeKind } from './wishes.ts';

export interface NoticeRecipient {
  readonly recipient: string;
  readonly original: string;
  /** ORCPT as on the wire (xtext), or ''. */
  readonly orcpt: string;
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
  readonly status: string;
  readonly reason: string;
  /** The server that answered, and its reply. */
  readonly remoteMta?: string;
  readonly diagnostic?: string;
}

export interface Notice {
  readonly kind: NoticeKind;
  /** The postmaster's copy: without the text for people. */
  readonly isPostmasterCopy?: boolean;
  /** Header and text, as bounce(5) templates give them; the text is latin1. */
  readonly template: {
    readonly charset: string;
    readonly from: string;
    readonly subject: string;
    readonly postmasterSubject: string;
    readonly text: readonly string[];
  };
  /** Whom it goes to. */
  readonly to: string;
  /** The notice's own queue id. */
  readonly queueId: string;
  readonly messageId: string;
  readonly now: number;
  readonly hostname: string;
  /** What an address without a domain in the template's From gets. */
  readonly myorigin: string;
  /** mail_name. */
  readonly mailName: string;
  /** maximal_queue_lifetime. */
  readonly lifetimeSeconds: number;
  /** The Message-ID of the message, where the notice is to stand in its thread (enable_threaded_bounces); or ''. */
  readonly threadId?: string;
  /** The message that this is about. */
  readonly about: {
    readonly queueId: string;
    /** '' for the null sender. */
    readonly sender: string;
    readonly arrival: number;
    /** As on the wire (xtext), or ''. */
    readonly envid: string;
    readonly smtputf8: boolean;
  };
  readonly recipients: readonly NoticeRecipient[];
  /** The message as it was accepted, or only its header. */
  readonly returned: { readonly headersOnly: boolean; readonly content: Uint8Array };
}

export function composeNotice(notice: Notice): Buffer {
  const boundary = `${notice.about.queueId}.${Math.floor(notice.now / 1000)}/${notice.hostname}`;
  const before = [...header(notice, boundary), '', 'This is a MIME-encapsulated message.', ''];
  const text = [...(notice.isPostmasterCopy ? [] : notice.template.text), ''];
  const after = [
    ...recipientLines(notice),
    ...report(notice, boundary),
    ...returnedHeader(notice, boundary),
    `Return-Path: <${senderShown(notice)}>`,
    '',
  ];
  const { content } = notice.returned;
  const lineEnd = content.length === 0 || content[content.length - 1] === 10 ? '' : '\r\n';
  return Buffer.concat([
    Buffer.from([...before, ...explanation(notice, boundary), ''].join('\r\n')),
    Buffer.from(text.map((line) => `${line}\r\n`).join(''), 'latin1'),
    Buffer.from(after.join('\r\n')),
    content,
    Buffer.from(`${lineEnd}\r\n--${boundary}--\r\n`),
  ]);
}

function header(notice: Notice, boundary: string): string[] {
  const { isPostmasterCopy: isCopy, template, threadId = '' } = notice;
  const date = formatMailDate(notice.now);
  return [
    `Received: by ${notice.hostname} (${notice.mailName})`,
    `\tid ${notice.queueId}; ${date}`,
    `Date: ${date}`,
    `From: ${withDomain(template.from, notice.myorigin)}`,
    `Subject: ${isCopy ? template.postmasterSubject : template.subject}`,
    `To: ${notice.to}`,
    ...(threadId === '' ? [] : [`References: ${threadId}`, `In-Reply-To: ${threadId}`]),
    `Auto-Submitted: auto-${isCopy ? 'generated' : 'replied'}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    `\tboundary="${boundary}"`,
    ...encoding(notice),
    `Message-Id: ${notice.messageId}`,
  ];
}

/** Text that is ASCII alone needs no word about it. */
function encoding({ template }: Notice): string[] {
  return template.charset.toLowerCase() === 'us-ascii' ? [] : ['Content-Transfer-Encoding: 8bit'];
}

/** The address in `Name <MAILER-DAEMON>` or `MAILER-DAEMON (Name)` gets its domain, as any local sender's. */
function withDomain(from: string, domain: string): string {
  const address = /<([^<>@]+)>/.exec(from) ?? /^([^\s<>@()"]+)(?=\s*(?:\(|$))/.exec(from);
  const local = address?.[1];
  return address === null || local === undefined
    ? from
    : from.replace(address[0], () => address[0].replace(local, () => `${local}@${domain}`));
}

/** People and programs want an address; the null sender's reports would go nowhere else. */
function senderShown({ about, hostname }: Notice): string {
  return about.sender === '' ? `MAILER-DAEMON@${hostname}` : about.sender;
}

function explanation(notice: Notice, boundary: string): string[] {
  return [
    `--${boundary}`,
    'Content-Description: Notification',
    `Content-Type: text/plain; charset=${notice.template.charset}`,
    ...encoding(notice),
    '',
  ];
}

function recipientLines({ recipients }: Notice): string[] {
  return recipients.flatMap(({ recipient, original, reason }) => {
    const origin = original === '' || sameAddress(original, recipient) ? '' : ` (expanded from <${original}>)`;
    return [...wrap(`<${recipient}>${origin}: ${reason}`), ''];
  });
}

function report(notice: Notice, boundary: string): string[] {
  const { about } = notice;
  const lines = [
    `--${boundary}`,
    'Content-Description: Delivery report',
    `Content-Type: message/${about.smtputf8 ? 'global-' : ''}delivery-status`,
    ...(about.smtputf8 ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    `Reporting-MTA: dns; ${notice.hostname}`,
    ...(about.envid === '' ? [] : [`Original-Envelope-Id: ${oneLine(decodeXtext(about.envid) ?? about.envid)}`]),
    `X-${notice.mailName}-Queue-ID: ${about.queueId}`,
    `X-${notice.mailName}-Sender: ${addressType(about.sender)}; ${senderShown(notice)}`,
    `Arrival-Date: ${formatMailDate(about.arrival)}`,
    '',
  ];
  for (const recipient of notice.recipients) lines.push(...recipientReport(notice, recipient), '');
  return lines;
}

function recipientReport(notice: Notice, recipient: NoticeRecipient): string[] {
  const lines = [`Final-Recipient: ${addressType(recipient.recipient)}; ${recipient.recipient}`];
  const original = originalRecipient(recipient, notice.about.smtputf8);
  if (original !== '') lines.push(`Original-Recipient: ${original}`);
  lines.push(`Action: ${recipient.action}`, `Status: ${recipient.status}`);
  if (recipient.remoteMta !== undefined) lines.push(`Remote-MTA: dns; ${recipient.remoteMta}`);
  const [type, text] =
    recipient.diagnostic === undefined ? [`X-${notice.mailName}`, recipient.reason] : ['smtp', recipient.diagnostic];
  lines.push(...wrap(`Diagnostic-Code: ${type}; ${text}`));
  if (notice.kind === 'delay') {
    const until = notice.about.arrival + notice.lifetimeSeconds * 1000;
    lines.push(`Will-Retry-Until: ${formatMailDate(until)}`);
  }
  return lines;
}

/** ORCPT as the client gave it, else the address that it gave (RFC 3464 §2.3.1). */
function originalRecipient({ orcpt, original }: NoticeRecipient, isUtf8: boolean): string {
  if (orcpt === '') return original === '' ? '' : `${addressType(original)};${original}`;
  const separator = orcpt.indexOf(';') + 1;
  const encoded = orcpt.slice(separator);
  const isUtf8Address = orcpt.slice(0, separator).toLowerCase() === 'utf-8;';
  // In a report that is ASCII the escaped form stays (RFC 6533 §3).
  const decoded = isUtf8Address ? (isUtf8 ? decodeUtf8Xtext(encoded) : encoded) : decodeXtext(encoded);
  return oneLine(`${orcpt.slice(0, separator)}${decoded ?? encoded}`);
}

function returnedHeader(notice: Notice, boundary: string): string[] {
  const { headersOnly } = notice.returned;
  const what = notice.kind === 'success' ? 'Message' : 'Undelivered Message';
  const full = notice.about.smtputf8 ? 'message/global' : 'message/rfc822';
  const headers = notice.about.smtputf8 ? 'message/global-headers' : 'text/rfc822-headers';
  return [
    `--${boundary}`,
    `Content-Description: ${what}${headersOnly ? ' Headers' : ''}`,
    `Content-Type: ${headersOnly ? headers : full}`,
    ...encoding(notice),
    '',
  ];
}

const lineLength = 79;
const indent = '    ';

/** Breaks at blanks; lines that go on are indented, which also folds a header field. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/[ \t]+/)) {
    if (line !== '' && line.length + 1 + word.length > lineLength) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** RFC 6533 §3: addresses beyond ASCII have their own type. */
function addressType(address: string): string {
  return /^[\x00-\x7f]*$/.test(address) ? 'rfc822' : 'utf-8';
}

function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** ENVID and ORCPT may decode to anything: nothing in them may begin a new field. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?');
}
