// The lines that final delivery puts before a copy, in the order of Postfix's virtual(8): Return-Path (RFC 5321 §4.4),
// X-Original-To, Delivered-To. A copy that stands for several recipients names each of them once.

export function copyPrefix(
  sender: string,
  recipients: readonly { readonly original: string; readonly recipient: string }[],
): Buffer {
  const [only] = recipients;
  if (only && recipients.length === 1) {
    const original = only.original === '' ? '' : `X-Original-To: ${only.original}\r\n`;
    return Buffer.from(`Return-Path: <${sender}>\r\n${original}Delivered-To: ${only.recipient}\r\n`);
  }
  const lines = new Set([`Return-Path: <${sender}>`]);
  for (const { original } of recipients) if (original !== '') lines.add(`X-Original-To: ${original}`);
  for (const { recipient } of recipients) lines.add(`Delivered-To: ${recipient}`);
  return Buffer.from(`${[...lines].join('\r\n')}\r\n`);
}
