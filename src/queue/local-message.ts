// A message written on this machine as mail: CRLF at the end of every line, and the header that sendmail's callers leave
// to the mail system (Postfix's pickup(8) and cleanup(8) for local mail): addresses in standard form, Received, and From, Date and Message-Id where
// they are missing (with Resent- before them where it is a resent message). Dropped: Bcc, Return-Path and the like,
// and an mbox `From ` line in front. A line that is no header field ends the header.

import { formatMailDate } from '../message/received.ts';
import type { FieldRewriter } from '../routing/header-rewriting.ts';

export interface LocalMessageFacts {
  readonly queueId: string;
  readonly sender: string;
  readonly fullName: string;
  readonly uid: number;
  readonly hostname: string;
  readonly mailName: string;
  readonly now: number;
  /** message_drop_headers, lower case. */
  readonly dropped: ReadonlySet<string>;
  /** Gives addresses their domain, and what canonical maps and masquerading make of them. */
  readonly rewriter: FieldRewriter;
}

export interface LocalHeader {
  /** Complete, with the empty line behind it. */
  readonly bytes: Buffer;
  /** Octets of the input that it stands for. */
  readonly consumed: number;
  readonly messageId: string;
  /** As it stands there, a character an octet; '' where there is none. */
  readonly subject: string;
}

/**
 * `start` is the beginning of the message: the whole header, or as much as may be one. Throws TemporaryError where an
 * address cannot be rewritten.
 */
export async function localHeader(start: Buffer, facts: LocalMessageFacts): Promise<LocalHeader> {
  const { lines, consumed } = splitHeader(start);
  const kept: string[] = [];
  const names = new Set<string>();
  let messageId = '';
  let isDropping = false;
  for (const line of lines) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (!isDropping) kept.push(`${kept.pop() ?? ''}\r\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trimEnd().toLowerCase();
    isDropping = facts.dropped.has(name);
    if (isDropping) continue;
    names.add(name);
    if (name === 'message-id') messageId = line.slice(colon + 1).trim();
    kept.push(line);
  }
  const subject = kept.find((field) => /^subject[ \t]*:/i.test(field))?.replace(/^[^:]*:/, '') ?? '';
  const added = missingFields(names, facts);
  const made = added.find(([name]) => name === 'Message-Id');
  const rewritten = await Promise.all(kept.map((field) => rewriteField(field, facts.rewriter)));
  const fields = [...rewritten, ...added.map(([name, value]) => `${name}: ${value}`)];
  const received = [
    `Received: by ${facts.hostname} (${facts.mailName}, from userid ${facts.uid})`,
    `\tid ${facts.queueId}; ${formatMailDate(facts.now)}`,
  ];
  const text = [...received, ...fields, '', ''].join('\r\n');
  return {
    bytes: Buffer.from(text, 'latin1'),
    consumed,
    messageId: made?.[1] ?? messageId,
    subject: unfolded(subject),
  };
}

function unfolded(text: string): string {
  return text.replaceAll(/\r\n[ \t]+/g, ' ').trim();
}

/** `field` without its last line end, a character an octet. */
async function rewriteField(field: string, rewriter: FieldRewriter): Promise<string> {
  if (!rewriter.concerns(field.slice(0, field.indexOf(':')).trimEnd().toLowerCase())) return field;
  const rewritten = await rewriter.rewrite(Buffer.from(`${field}\r\n`, 'latin1'));
  return rewritten === undefined ? field : rewritten.toString('latin1', 0, rewritten.length - 2);
}

/** Header lines (a character an octet) without their ends; what follows them, an empty line included, is consumed. */
function splitHeader(start: Buffer): { lines: string[]; consumed: number } {
  const lines: string[] = [];
  let position = 0;
  while (position < start.length) {
    const end = start.indexOf(10, position);
    const stop = end < 0 ? start.length : end;
    const line = start.toString('latin1', position, stop).replace(/\r$/, '');
    const next = end < 0 ? start.length : end + 1;
    if (line === '') return { lines, consumed: next };
    const isContinuation = /^[ \t]/.test(line) && lines.length > 0;
    const isMboxLine = position === 0 && /^>?From /.test(line);
    if (!isContinuation && !isMboxLine && !/^[!-9;-~]+[ \t]*:/.test(line)) return { lines, consumed: position };
    if (!isMboxLine) lines.push(line);
    position = next;
  }
  return { lines, consumed: position };
}

function missingFields(names: ReadonlySet<string>, facts: LocalMessageFacts): [string, string][] {
  const isResent = [...names].some((name) => name.startsWith('resent-'));
  const prefix = isResent ? 'Resent-' : '';
  const has = (name: string) => names.has(`${prefix}${name}`.toLowerCase());
  const fields: [string, string][] = [];
  if (!has('Message-Id')) fields.push([`${prefix}Message-Id`, `<${facts.queueId}@${facts.hostname}>`]);
  if (!has('Date')) fields.push([`${prefix}Date`, formatMailDate(facts.now)]);
  if (!has('From')) fields.push([`${prefix}From`, from(facts)]);
  return fields;
}

function from({ sender, fullName, hostname }: LocalMessageFacts): string {
  const address = Buffer.from(sender === '' ? `MAILER-DAEMON@${hostname}` : sender).toString('latin1');
  const name = Buffer.from(fullName).toString('latin1');
  if (name === '') return address;
  return /^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name)
    ? `${name} <${address}>`
    : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`;
}
