// SMFIR_REPLYCODE: a reply as the filter wants the client to hear it, with or without an enhanced status code, of one
// line or several. Sendmail takes it as a format string, so filters double their percent signs.

import type { SmtpReply } from '../smtp/reply.ts';

const maxLines = 64;
const maxLineLength = 1000;

/** Undefined for what is no 4xx or 5xx reply. */
export function parseReplyCode(data: Buffer): SmtpReply | undefined {
  const text = data.toString('utf8').replace(/\0.*$/s, '').replace(/%(.?)/gs, '$1');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const [first = ''] = lines;
  const match = /^([45]\d\d)[ -](?:([245]\.\d{1,3}\.\d{1,3}) )?/.exec(first);
  if (match === null || lines.length > maxLines) return undefined;
  const [, code = '', status = ''] = match;
  // A status of another class than the code contradicts it.
  if (/^\d/.test(first[4] ?? '') && first[4] !== code[0]) return undefined;
  const texts: string[] = [];
  for (const line of lines) {
    if (!line.startsWith(code) || !/^[ -]/.test(line.slice(3))) return undefined;
    const rest = line.slice(4);
    const own = status !== '' && rest.startsWith(`${status} `) ? rest.slice(status.length + 1) : rest;
    texts.push(own.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, maxLineLength));
  }
  return { code: Number(code), status, text: texts.join('\n') };
}
