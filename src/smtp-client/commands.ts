// MAIL FROM and RCPT TO with the parameters that this server understands: SIZE (RFC 1870), BODY (RFC 6152),
// SMTPUTF8 (RFC 6531), and the delivery report wishes RET, ENVID, NOTIFY, ORCPT (RFC 3461), which travel on unchanged.

import { toInternal } from '../address/form.ts';
import type { Envelope, EnvelopeRecipient } from './types.ts';

interface CommandRules {
  readonly features: ReadonlyMap<string, string>;
  /** smtp_quote_rfc821_envelope. */
  readonly quotes: boolean;
}

export function mailCommand(envelope: Envelope, { features, quotes }: CommandRules): string {
  let line = `MAIL FROM:<${path(envelope.sender, quotes)}>`;
  if (features.has('SIZE')) line += ` SIZE=${envelope.body.size}`;
  if (features.has('8BITMIME') && envelope.eightBit) line += ' BODY=8BITMIME';
  if (features.has('SMTPUTF8') && envelope.smtputf8) line += ' SMTPUTF8';
  if (features.has('DSN')) {
    if (envelope.ret !== '') line += ` RET=${safe(envelope.ret)}`;
    if (envelope.envid !== '') line += ` ENVID=${safe(envelope.envid)}`;
  }
  return `${line}\r\n`;
}

export function recipientCommand(recipient: EnvelopeRecipient, { features, quotes }: CommandRules): string {
  let line = `RCPT TO:<${path(recipient.address, quotes)}>`;
  if (features.has('DSN')) {
    if (recipient.orcpt !== '') line += ` ORCPT=${safe(recipient.orcpt)}`;
    if (recipient.notify !== '') line += ` NOTIFY=${safe(recipient.notify)}`;
  }
  return `${line}\r\n`;
}

function path(address: string, quotes: boolean): string {
  return safe(quotes ? address : toInternal(address));
}

/** Nothing in an address may end the command: addresses were parsed when they came in, and this holds if they were not. */
function safe(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '');
}
