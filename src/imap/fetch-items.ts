// What FETCH asks for (RFC 3501 §6.4.5, RFC 7162 §3.1.4): attributes, macros, sections, partial ranges.

import type { ArgumentReader } from './argument-reader.ts';
import { printAstring } from './print.ts';
import { ImapSyntaxError } from './syntax-error.ts';

export type PlainFetchItem =
  | 'FLAGS'
  | 'UID'
  | 'INTERNALDATE'
  | 'RFC822.SIZE'
  | 'ENVELOPE'
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'MODSEQ';

export type SectionText = 'ALL' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';

export interface SectionFetchItem {
  readonly kind: 'section';
  /** Part numbers, as in `BODY[2.1]`; empty for the whole message. */
  readonly part: readonly number[];
  readonly text: SectionText;
  /** Lower case, of HEADER.FIELDS and HEADER.FIELDS.NOT. */
  readonly fields: readonly string[];
  /** Octets of the section, `<from.length>`. */
  readonly partial: { readonly from: number; readonly length: number } | undefined;
  /** Does not set \Seen. */
  readonly peek: boolean;
  /** How the response names it: `BODY[2.1]`, `BODY[]<0>`, `RFC822`. */
  readonly label: string;
}

export type FetchItem = { readonly kind: PlainFetchItem } | SectionFetchItem;

const macros: Record<string, readonly PlainFetchItem[]> = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
};

const plainItems: Record<string, PlainFetchItem> = {
  FLAGS: 'FLAGS',
  UID: 'UID',
  INTERNALDATE: 'INTERNALDATE',
  'RFC822.SIZE': 'RFC822.SIZE',
  ENVELOPE: 'ENVELOPE',
  BODYSTRUCTURE: 'BODYSTRUCTURE',
  MODSEQ: 'MODSEQ',
};

/** RFC 3501: RFC822 is BODY[], RFC822.HEADER is BODY.PEEK[HEADER], RFC822.TEXT is BODY[TEXT], under their own names. */
const oldNames: Record<string, { readonly text: SectionText; readonly peek: boolean }> = {
  RFC822: { text: 'ALL', peek: false },
  'RFC822.HEADER': { text: 'HEADER', peek: true },
  'RFC822.TEXT': { text: 'TEXT', peek: false },
};

const maxItems = 200;
const maxPartDepth = 60;

export function readFetchItems(reader: ArgumentReader): FetchItem[] {
  if (reader.peek() === '(') {
    const items = reader.list(() => readItem(reader));
    if (items.length > maxItems) throw new ImapSyntaxError('Too many FETCH items');
    return items;
  }
  for (const [name, kinds] of Object.entries(macros)) {
    if (reader.skipWord(name)) return kinds.map((kind) => ({ kind }));
  }
  return [readItem(reader)];
}

function readItem(reader: ArgumentReader): FetchItem {
  const name = readItemName(reader);
  if (reader.peek() === '[') {
    if (name !== 'BODY' && name !== 'BODY.PEEK') throw new ImapSyntaxError(`Unknown FETCH item ${name}`);
    return readSection(reader, name === 'BODY.PEEK');
  }
  if (name === 'BODY') return { kind: 'BODY' };
  const kind = Object.hasOwn(plainItems, name) ? plainItems[name] : undefined;
  if (kind !== undefined) return { kind };
  const old = Object.hasOwn(oldNames, name) ? oldNames[name] : undefined;
  if (old === undefined) throw new ImapSyntaxError('Unknown FETCH item');
  return { kind: 'section', part: [], text: old.text, fields: [], partial: undefined, peek: old.peek, label: name };
}

/** Letters, digits and dots: an atom that stops before `[`. */
function readItemName(reader: ArgumentReader): string {
  let name = '';
  while (/^[A-Za-z0-9.]$/.test(reader.peek())) {
    name += reader.peek();
    reader.expect(reader.peek());
  }
  return name.toUpperCase();
}

function readSection(reader: ArgumentReader, peek: boolean): SectionFetchItem {
  reader.expect('[');
  const part: number[] = [];
  let text: SectionText = 'ALL';
  let fields: string[] = [];
  while (/^[0-9]$/.test(reader.peek())) {
    part.push(reader.number());
    if (part.length > maxPartDepth) throw new ImapSyntaxError('Section too deep');
    if (!reader.skip('.')) break;
    if (/^[^0-9]?$/.test(reader.peek())) {
      text = readSectionText(reader, true);
      break;
    }
  }
  if (part.length === 0 && reader.peek() !== ']') text = readSectionText(reader, false);
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
    reader.space();
    fields = reader.list(() => reader.astring());
  }
  reader.expect(']');
  const partial = readPartial(reader);
  const label = sectionLabel(part, text, fields, partial?.from);
  const lowerFields = fields.map((field) => field.toLowerCase());
  return { kind: 'section', part, text, fields: lowerFields, partial, peek, label };
}

function readSectionText(reader: ArgumentReader, mayBeMime: boolean): SectionText {
  const name = readItemName(reader);
  switch (name) {
    case 'HEADER':
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT':
    case 'TEXT':
      return name;
    case 'MIME':
      if (mayBeMime) return name;
      break;
  }
  throw new ImapSyntaxError('Invalid section');
}

function readPartial(reader: ArgumentReader): { from: number; length: number } | undefined {
  if (!reader.skip('<')) return undefined;
  const from = reader.number();
  reader.expect('.');
  const length = reader.number();
  reader.expect('>');
  if (length === 0) throw new ImapSyntaxError('Partial length must not be zero');
  return { from, length };
}

function sectionLabel(
  part: readonly number[],
  text: SectionText,
  fields: readonly string[],
  from: number | undefined,
): string {
  const pieces = text === 'ALL' ? [...part] : [...part, text];
  const list = fields.length === 0 ? '' : ` (${fields.map((field) => printAstring(field)).join(' ')})`;
  return `BODY[${pieces.join('.')}${list}]${from === undefined ? '' : `<${from}>`}`;
}
