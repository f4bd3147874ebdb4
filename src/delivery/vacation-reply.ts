// The words of an automatic reply (RFC 3834 §3, RFC 5230 §5): who it is from, what it answers, and the fields by which
// other programs know that it must not be answered in turn.

import type { ActiveVacation } from '../directory/vacations.ts';
import { encodePhrase, encodeTextBody, encodeUnstructured } from '../message/encode-text.ts';
import { decodeHeaderText } from '../message/encoded-word.ts';
import { findField } from '../message/header-field.ts';
import { formatMailDate } from '../message/received.ts';
import type { MessageHeader } from './message-header.ts';

export interface ReplyFacts {
  readonly vacation: ActiveVacation;
  /** The envelope sender of what is answered. */
  readonly to: string;
  readonly header: Pick<MessageHeader, 'fields'>;
  readonly now: number;
  /** Unique on this host. */
  readonly id: string;
  readonly hostname: string;
}

/** A subject that somebody else has written is not given back at any length. */
const maxSubjectCharacters = 250;
/** RFC 5322 §3.6.4 knows no limit; threads of hundreds do not need one reply more to name them all. */
const maxReferences = 20;

export function composeReply({ vacation, to, header, now, id, hostname }: ReplyFacts): Buffer {
  const { address, name } = vacation;
  const { encoding, body } = encodeTextBody(vacation.text);
  const from = name === '' ? address : `${encodePhrase(name, 6)}\r\n <${address}>`;
  const lines = [
    `Date: ${formatMailDate(now)}`,
    `From: ${from}`,
    `To: <${to}>`,
    `Subject: ${encodeUnstructured(subjectOf(vacation, header), 9)}`,
    `Message-ID: <${id}@${hostname}>`,
    ...threadFields(header),
    // RFC 3834 §5. The others are for programs that do not know it.
    'Auto-Submitted: auto-replied',
    'Precedence: bulk',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Transfer-Encoding: ${encoding}`,
    '',
    body,
  ];
  return Buffer.from(lines.join('\r\n'));
}

function subjectOf({ subject }: ActiveVacation, header: Pick<MessageHeader, 'fields'>): string {
  if (subject !== '') return subject;
  const original = decodeHeaderText(findField(header.fields, 'subject')?.body ?? '').trim();
  const cut = original.slice(0, maxSubjectCharacters).replace(/[\ud800-\udbff]$/, '');
  return cut === '' ? 'Auto: your message' : `Auto: ${cut}`;
}

/** In-Reply-To and References (RFC 5322 §3.6.4): what was answered, behind what that one answered. */
function threadFields(header: Pick<MessageHeader, 'fields'>): string[] {
  const ids = (name: string) => (findField(header.fields, name)?.body ?? '').match(/<[!-;=?-~]{1,500}>/g) ?? [];
  const [answered] = ids('message-id');
  if (answered === undefined) return [];
  const before = ids('references');
  const parents = before.length > 0 ? before : ids('in-reply-to').length === 1 ? ids('in-reply-to') : [];
  const references = [...parents.slice(-maxReferences), answered];
  return [`In-Reply-To: ${answered}`, `References: ${references.join('\r\n ')}`];
}

/** Whether the reply needs SMTPUTF8 (RFC 6531): everything else in it is encoded. */
export function needsUtf8(vacation: ActiveVacation, to: string): boolean {
  return /[^\u0000-\u007f]/.test(vacation.address + to);
}
