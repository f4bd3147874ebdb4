// Makes the messages of a fault run. Each carries its token in its first header line and a body that only it has.

import { createHash } from 'node:crypto';
import type { Random } from '../harness/random.ts';

export const tokenHeader = 'X-Fault-Token: ';

export interface BuiltMessage {
  /** CRLF lines, not dot-stuffed. */
  readonly bytes: Buffer;
  readonly sha256: string;
}

const line = 'The quick brown fox jumps over the lazy dog 0123456789 abcdefghijklmnopqrstuvw\r\n';

/** About `size` octets. Some lines begin with a dot, so that stuffing is tried too. */
export function buildMessage(token: string, size: number, random: Random): BuiltMessage {
  const head =
    `${tokenHeader}${token}\r\nFrom: <sender@client.test>\r\nTo: <someone@fault.test>\r\n` +
    `Subject: ${token}\r\nMessage-ID: <${token}@client.test>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n`;
  const parts = [head, `..${random.next()}\r\n.\u0020${token}\r\n`];
  let length = head.length + 30;
  while (length < size) {
    const part = length % 7 === 0 ? `.${random.next()}\r\n` : line;
    parts.push(part);
    length += part.length;
  }
  const bytes = Buffer.from(parts.join(''), 'latin1');
  return { bytes, sha256: sha256(bytes) };
}

/** Most are small enough to be stored inline, some are files, a few are large. */
export function pickSize(random: Random): number {
  const dice = random.below(100);
  if (dice < 85) return random.between(300, 8_000);
  if (dice < 99) return random.between(33_000, 200_000);
  return random.between(500_000, 1_500_000);
}

/** RFC 5321 §4.5.2. */
export function stuffDots(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/^\./gm, '..');
  return Buffer.from(`${text}.\r\n`, 'latin1');
}

/** The token and hash of a message as IMAP gives it; trace headers before the token's line are the server's. */
export function recogniseMessage(bytes: Buffer): { token: string; sha256: string } {
  const at = bytes.indexOf(tokenHeader);
  if (at < 0) return { token: `(no token in ${bytes.length} octets)`, sha256: '' };
  const end = bytes.indexOf('\r\n', at);
  const token = bytes.toString('latin1', at + tokenHeader.length, end);
  return { token, sha256: sha256(bytes.subarray(at)) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of a delivery status notification (RFC 3464): the message that it gives back, and whose mail has failed. */
export function recogniseNotice(bytes: Buffer): { token: string; recipients: string[] } {
  const text = bytes.toString('latin1');
  const recipients = [...text.matchAll(/^Final-Recipient: rfc822; (\S+)\r$/gm)].map(([, address = '']) => address);
  const { token } = recogniseMessage(bytes);
  return { token, recipients: recipients.length === 0 ? ['(nobody)'] : recipients };
}
