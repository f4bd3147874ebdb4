// A message as files and programs get it: an mbox's first line, trace fields, and the content in its stored form.

import type { StoredForm } from '../maildir/stored-form.ts';
import type { ContentReader } from '../mailstore/types.ts';

const chunkBytes = 65_536;

/** `fields` are trace fields in CRLF form; `first` goes in front as it is. */
export async function* storedContent(
  reader: ContentReader,
  form: StoredForm,
  { first, fields }: { readonly first: string; readonly fields: Uint8Array },
): AsyncIterable<Uint8Array> {
  let start: Buffer | undefined = Buffer.concat([Buffer.from(first), form.convert(fields)]);
  for (let at = 0; at < reader.size; at += chunkBytes) {
    const chunk = form.convert(await reader.read(at, Math.min(reader.size, at + chunkBytes)));
    yield start === undefined ? chunk : Buffer.concat([start, chunk]);
    start = undefined;
  }
  yield start === undefined ? form.end() : Buffer.concat([start, form.end()]);
}

/** `From sender  Sat Nov 21 22:13:21 2026`, as mail_copy() of Postfix writes it, in local time. */
export function mboxFromLine(sender: string, now: Date): string {
  // `Sat Nov 21 2026 22:13:21 GMT+0000 (...)`
  const [weekday, month, , year, time] = now.toString().split(' ');
  const day = String(now.getDate()).padStart(2);
  return `From ${sender === '' ? 'MAILER-DAEMON' : sender}  ${weekday} ${month} ${day} ${time} ${year}`;
}
