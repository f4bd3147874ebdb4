// MAIL FROM and RCPT TO with the parameters that this server understands: SIZE (RFC 1870), BODY (RFC 6152),
// SMTPUTF8 (RFC 6531), and the delivery report wishes RET, ENVID, NOTIFY, ORCPT (RFC 3461), which travel on unchanged.

import type { Envelope, EnvelopeRecipient } from './types.ts';

export function mailCommand(envelope: Envelope, features: ReadonlyMap<string, string>): string {
  let line = `MAIL FROM:<${safe(envelope.sender)}>`;
  if (features.has('SIZE')) line += ` SIZE=${envelope.body.size}`;
  if (features.has('8BITMIME') && envelope.eightBit) line += ' BODY=8BITMIME';
  if (features.has('SMTPUTF8') && envelope.smtputf8) line += ' SMTPUTF8';
  if (features.has('DSN')) {
    if (envelope.ret !== '') line += ` RET=${safe(envelope.ret)}`;
    if (envelope.envid !== '') line += ` ENVID=${safe(envelope.envid)}`;
  }
  return `${line}\r\n`;
}

export function recipientCommand(recipient: EnvelopeRecipient, features: ReadonlyMap<string, string>): string {
  let line = `RCPT TO:<${safe(recipient.address)}>`;
  if (features.has('DSN')) {
    if (recipient.orcpt !== '') line += ` ORCPT=${safe(recipient.orcpt)}`;
    if (recipient.notify !== '') line += ` NOTIFY=${safe(recipient.notify)}`;
  }
  return `${line}\r\n`;
}

/** Nothing in an address may end the command: addresses were parsed when they came in, and this holds if they were not. */
function safe(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '');
}
