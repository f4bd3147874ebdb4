// What SEARCH asks for (RFC 3501 §6.4.4, MODSEQ of RFC 7162 §3.1.5) as a tree. Texts stay as the octets that
// were sent; whoever evaluates decodes them with the command's charset. \Recent is not kept by this server
// (RFC 9051 removes it), so RECENT and NEW match nothing and OLD matches all.

import type { ArgumentReader } from './argument-reader.ts';
import { readDate, type CalendarDate } from './date.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';
import { ImapSyntaxError } from './syntax-error.ts';

export type DateRelation = 'before' | 'on' | 'since';

export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | { readonly kind: 'flag'; readonly flag: string; readonly isSet: boolean }
  | { readonly kind: 'sequence'; readonly set: SequenceSet }
  | { readonly kind: 'uid'; readonly set: SequenceSet }
  | { readonly kind: 'larger' | 'smaller'; readonly size: number }
  | { readonly kind: 'internal-date' | 'sent-date'; readonly relation: DateRelation; readonly date: CalendarDate }
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  | { readonly kind: 'modseq'; readonly modseq: number }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] };

const maxDepth = 50;
const maxKeys = 2000;

/** Without arguments. */
const plainKeys: Record<string, SearchKey> = {
  ALL: { kind: 'all' },
  ANSWERED: { kind: 'flag', flag: '\\Answered', isSet: true },
  DELETED: { kind: 'flag', flag: '\\Deleted', isSet: true },
  DRAFT: { kind: 'flag', flag: '\\Draft', isSet: true },
  FLAGGED: { kind: 'flag', flag: '\\Flagged', isSet: true },
  NEW: { kind: 'none' },
  OLD: { kind: 'all' },
  RECENT: { kind: 'none' },
  SEEN: { kind: 'flag', flag: '\\Seen', isSet: true },
  UNANSWERED: { kind: 'flag', flag: '\\Answered', isSet: false },
  UNDELETED: { kind: 'flag', flag: '\\Deleted', isSet: false },
  UNDRAFT: { kind: 'flag', flag: '\\Draft', isSet: false },
  UNFLAGGED: { kind: 'flag', flag: '\\Flagged', isSet: false },
  UNSEEN: { kind: 'flag', flag: '\\Seen', isSet: false },
};

const addressKeys = new Set(['BCC', 'CC', 'FROM', 'SUBJECT', 'TO']);

const dateKeys: Record<string, { readonly kind: 'internal-date' | 'sent-date'; readonly relation: DateRelation }> = {
  BEFORE: { kind: 'internal-date', relation: 'before' },
  ON: { kind: 'internal-date', relation: 'on' },
  SINCE: { kind: 'internal-date', relation: 'since' },
  SENTBEFORE: { kind: 'sent-date', relation: 'before' },
  SENTON: { kind: 'sent-date', relation: 'on' },
  SENTSINCE: { kind: 'sent-date', relation: 'since' },
};

/** The keys up to the end of the command. */
export function readSearchKeys(reader: ArgumentReader): SearchKey {
  return new SearchKeyReader(reader).readAll();
}

class SearchKeyReader {
  readonly #reader: ArgumentReader;
  #count = 0;

  constructor(reader: ArgumentReader) {
    this.#reader = reader;
  }

  readAll(): SearchKey {
    const keys: SearchKey[] = [];
    do keys.push(this.#key(0));
    while (this.#reader.more());
    return joined(keys);
  }

  #key(depth: number): SearchKey {
    if (depth > maxDepth || ++this.#count > maxKeys) throw new ImapSyntaxError('SEARCH is too complex');
    const next = this.#reader.peek();
    if (next === '(') return joined(this.#reader.list(() => this.#key(depth + 1)));
    if (next === '*' || (next >= '0' && next <= '9'))
      return { kind: 'sequence', set: parseSequenceSet(this.#reader.sequenceSetText()) };
    const name = this.#reader.atom().toUpperCase();
    const plain = Object.hasOwn(plainKeys, name) ? plainKeys[name] : undefined;
    if (plain !== undefined) return plain;
    this.#reader.space();
    return this.#keyWithArguments(name, depth);
  }

  #keyWithArguments(name: string, depth: number): SearchKey {
    const reader = this.#reader;
    if (addressKeys.has(name)) return { kind: 'header', field: name.toLowerCase(), text: reader.astring() };
    const dateKey = Object.hasOwn(dateKeys, name) ? dateKeys[name] : undefined;
    if (dateKey !== undefined) return { ...dateKey, date: readDate(reader) };
    switch (name) {
      case 'BODY':
        return { kind: 'body', text: reader.astring() };
      case 'TEXT':
        return { kind: 'text', text: reader.astring() };
      case 'HEADER': {
        const field = reader.astring().toLowerCase();
        reader.space();
        return { kind: 'header', field, text: reader.astring() };
      }
      case 'KEYWORD':
      case 'UNKEYWORD':
        return { kind: 'flag', flag: reader.flag(), isSet: name === 'KEYWORD' };
      case 'LARGER':
        return { kind: 'larger', size: reader.number() };
      case 'SMALLER':
        return { kind: 'smaller', size: reader.number() };
      case 'UID':
        return { kind: 'uid', set: parseSequenceSet(reader.sequenceSetText()) };
      case 'MODSEQ':
        return { kind: 'modseq', modseq: this.#modseq() };
      case 'NOT':
        return { kind: 'not', key: this.#key(depth + 1) };
      case 'OR': {
        const left = this.#key(depth + 1);
        reader.space();
        return { kind: 'or', left, right: this.#key(depth + 1) };
      }
      default:
        throw new ImapSyntaxError('Unknown SEARCH key');
    }
  }

  /** RFC 7162 §3.1.5: an entry name and type may stand before; all metadata share one mod-sequence here. */
  #modseq(): number {
    if (this.#reader.peek() === '"') {
      this.#reader.string();
      this.#reader.space();
      const type = this.#reader.atom().toLowerCase();
      if (type !== 'priv' && type !== 'shared' && type !== 'all') throw new ImapSyntaxError('Invalid entry type');
      this.#reader.space();
    }
    return this.#reader.modSequence();
  }
}

function joined(keys: readonly SearchKey[]): SearchKey {
  const [first] = keys;
  return keys.length === 1 && first !== undefined ? first : { kind: 'and', keys };
}
