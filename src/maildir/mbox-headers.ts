// The header fields in which mbox files keep what IMAP knows of a message (mbox(5), Dovecot's manual "mbox Mailbox Format"):
// Status and X-Status for flags, X-Keywords, X-UID, and in the first message X-IMAPbase, or X-IMAP where that message is
// only there for it. They are not part of the message: Dovecot and UW-IMAP do not show them.

import { parseKeywords } from './folder-lists.ts';

const hidden = new Set(['status', 'x-status', 'x-keywords', 'x-uid', 'x-imap', 'x-imapbase', 'content-length']);

export interface MboxHeader {
  /** Without those fields; a character an octet. */
  readonly shown: string;
  readonly flags: readonly string[];
  readonly uid: number | undefined;
  /** Of the whole file. */
  readonly base: { readonly uidValidity: number; readonly lastUid: number } | undefined;
  /** Not a message: it keeps the file's uids (UW-IMAP's first message). */
  readonly isInternal: boolean;
}

const letters: Readonly<Record<string, string>> = {
  R: '\\Seen',
  A: '\\Answered',
  F: '\\Flagged',
  T: '\\Draft',
  D: '\\Deleted',
};

export function parseMboxHeader(header: string): MboxHeader {
  const values = new Map<string, string>();
  let shown = '';
  for (const field of header.match(/[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]+$/g) ?? []) {
    const name = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/.exec(field)?.[1]?.toLowerCase() ?? '';
    if (!hidden.has(name)) {
      shown += field;
      continue;
    }
    if (!values.has(name))
      values.set(
        name,
        field
          .slice(field.indexOf(':') + 1)
          .replaceAll(/\s+/g, ' ')
          .trim(),
      );
  }
  const status = `${values.get('status') ?? ''}${values.get('x-status') ?? ''}`;
  const flags = [...new Set(status)].flatMap((letter) => letters[letter] ?? []);
  const base = /^(\d{1,10}) (\d{1,10})/.exec(values.get('x-imapbase') ?? values.get('x-imap') ?? '');
  const uid = Number(values.get('x-uid') ?? 'none');
  return {
    shown,
    flags: [...flags, ...keywordsIn(values.get('x-keywords') ?? '')],
    uid: Number.isInteger(uid) && uid > 0 && uid < 0xffff_ffff ? uid : undefined,
    base: base === null ? undefined : { uidValidity: Number(base[1]), lastUid: Number(base[2]) },
    isInternal: values.has('x-imap') && /^subject: DON'T DELETE THIS MESSAGE/im.test(header),
  };
}

function keywordsIn(text: string): string[] {
  const numbered = text.split(' ').map((name, number) => `${number} ${name}`);
  return [...new Set(parseKeywords(numbered.join('\n')).values())];
}

export interface MboxFields {
  /** In the first message of a file. */
  readonly base?: { readonly uidValidity: number; readonly lastUid: number; readonly keywords: readonly string[] };
  readonly uid: number;
  readonly flags: readonly string[];
  readonly keywords: readonly string[];
}

export function printMboxFields({ base, uid, flags, keywords }: MboxFields): string {
  const lettersOf = (among: string): string =>
    among
      .split('')
      .filter((letter) => flags.includes(letters[letter] ?? ''))
      .join('');
  const status = `${lettersOf('R')}O`;
  const lines = [
    ...(base === undefined
      ? []
      : [`X-IMAPbase: ${base.uidValidity} ${base.lastUid} ${base.keywords.join(' ')}`.trimEnd()]),
    `X-UID: ${uid}`,
    `Status: ${status}`,
    `X-Status: ${lettersOf('AFTD')}`,
    `X-Keywords: ${keywords.join(' ')}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
