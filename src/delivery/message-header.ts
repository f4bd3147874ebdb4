// The header of a message that is being delivered, for agents that decide by it.

import { headerLength } from '../bounce/header-end.ts';
import { type HeaderField, parseHeaderFields } from '../message/header-field.ts';
import type { DeliveryRequest } from '../queue/delivery-agent.ts';

export interface MessageHeader {
  readonly fields: readonly HeaderField[];
  /** The header as it stands, without the empty line behind it. */
  readonly bytes: Buffer;
  /** A character an octet: what the fields' places count. */
  readonly text: string;
  /** False: it goes on behind what was read. */
  readonly isWhole: boolean;
}

/** A longer header is nobody's: what stands behind it is not looked at (header_size_limit). */
const maxHeaderBytes = 102_400;

export async function readHeader({ openContent }: Pick<DeliveryRequest, 'openContent'>): Promise<MessageHeader> {
  const content = openContent();
  try {
    const start = Buffer.from(await content.read(0, Math.min(content.size, maxHeaderBytes)));
    const length = headerLength(start);
    const bytes = start.subarray(0, length);
    const text = bytes.toString('latin1');
    return { fields: parseHeaderFields(text), bytes, text, isWhole: length < start.length || content.size === length };
  } finally {
    await content.close();
  }
}

/** The bodies of all fields with this name (given in lower case); a character an octet. */
export function fieldBodies({ fields }: Pick<MessageHeader, 'fields'>, name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map(({ body }) => body);
}

/** Header text as it was meant: octets are UTF-8 (RFC 6532). */
export function asUtf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
