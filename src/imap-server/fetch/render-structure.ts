// ENVELOPE and BODYSTRUCTURE as IMAP prints them (RFC 3501 §7.4.2), from the MIME analysis.

import { printNstring, printString } from '../../imap/print.ts';
import { parseAddressList, type ListedAddress } from '../../message/address-list.ts';
import {
  isMessage,
  isMultipart,
  type EnvelopeFields,
  type Parameter,
  type ParameterizedValue,
  type Part,
} from '../../message/part.ts';

/** What stands for a multipart without parts, which the grammar does not allow. */
const emptyPart = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)';
const emptyExtendedPart = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)';

export function renderEnvelope(fields: EnvelopeFields): string {
  const from = renderAddresses(fields.from);
  // An absent or empty Sender or Reply-To is the From (§7.4.2).
  const sender = renderAddresses(fields.sender);
  const replyTo = renderAddresses(fields['reply-to']);
  return [
    printText(fields.date),
    printText(fields.subject),
    from,
    sender === 'NIL' ? from : sender,
    replyTo === 'NIL' ? from : replyTo,
    renderAddresses(fields.to),
    renderAddresses(fields.cc),
    renderAddresses(fields.bcc),
    printText(fields['in-reply-to']),
    printNstring(fields['message-id']),
  ].join(' ');
}

/** Unstructured text: each run of blanks (where lines were folded) as one, as Dovecot shows it. */
function printText(text: string | undefined): string {
  return printNstring(text?.replaceAll(/[ \t]+/g, ' '));
}

/** `BODYSTRUCTURE`, or without extension data `BODY`. */
export function renderStructure(part: Part, extended: boolean): string {
  if (isMultipart(part)) return renderMultipart(part, extended);
  return renderSinglePart(part, extended);
}

function renderMultipart(part: Part, extended: boolean): string {
  const children = part.children.map((child) => renderStructure(child, extended)).join('');
  const inner = `${children === '' ? (extended ? emptyExtendedPart : emptyPart) : children} ${printString(part.subtype)}`;
  if (!extended) return `(${inner})`;
  return `(${inner} ${renderParameters(part.parameters)}${renderExtension(part)})`;
}

function renderSinglePart(part: Part, extended: boolean): string {
  const pieces = [
    // Clients compare this one type; others are shown as they were written.
    isMessage(part) ? '"message" "rfc822"' : `${printString(part.type)} ${printString(part.subtype)}`,
    renderParameters(isDefaultText(part) ? [...part.parameters, defaultCharset] : part.parameters),
    printNstring(part.id),
    printNstring(part.description),
    printString(part.encoding ?? '7bit'),
    String(part.end - part.bodyFrom),
  ];
  const [inside] = part.children;
  if (isMessage(part) && inside?.envelope !== undefined) {
    pieces.push(`(${renderEnvelope(inside.envelope)})`, renderStructure(inside, extended), String(part.bodyLines));
  } else if (part.type.toLowerCase() === 'text') {
    pieces.push(String(part.bodyLines));
  }
  if (extended) return `(${pieces.join(' ')} ${printNstring(part.md5)}${renderExtension(part)})`;
  return `(${pieces.join(' ')})`;
}

/** Disposition, languages, location. */
function renderExtension(part: Part): string {
  return ` ${renderDisposition(part.disposition)} ${renderLanguages(part.languages)} ${printNstring(part.location)}`;
}

function renderDisposition(disposition: ParameterizedValue | undefined): string {
  if (disposition === undefined) return 'NIL';
  return `(${printString(disposition.value)} ${renderParameters(disposition.parameters)})`;
}

function renderLanguages(languages: readonly string[]): string {
  return languages.length === 0 ? 'NIL' : `(${languages.map((language) => printString(language)).join(' ')})`;
}

function renderParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'NIL';
  return `(${parameters.map(({ name, value }) => `${printString(name)} ${printString(value)}`).join(' ')})`;
}

const defaultCharset: Parameter = { name: 'charset', value: 'us-ascii' };

/** RFC 2045 §5.2: text without a charset is US-ASCII. */
function isDefaultText(part: Part): boolean {
  return (
    part.type.toLowerCase() === 'text' &&
    !part.parameters.some((parameter) => parameter.name.toLowerCase() === 'charset')
  );
}

function renderAddresses(field: string | undefined): string {
  if (field === undefined) return 'NIL';
  const addresses = parseAddressList(field);
  return addresses.length === 0 ? 'NIL' : `(${addresses.map((address) => renderAddress(address)).join('')})`;
}

function renderAddress({ name, route, mailbox, host }: ListedAddress): string {
  return `(${printNstring(name)} ${printNstring(route)} ${printNstring(mailbox)} ${printNstring(host)})`;
}
