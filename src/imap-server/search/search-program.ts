// Decides for one message after another whether SEARCH's key matches, looking at as little as possible: first at what the
// view knows (flags, numbers), then at the row (size, date), then at the header, and at the body only where everything
// else leaves the question open. Each key answers true, false, or "not known yet".

import { dayNumber } from '../../imap/date.ts';
import type { DateRelation, SearchKey } from '../../imap/search-keys.ts';
import type { MessageRow } from '../../mailstore/types.ts';
import { decodeHeaderText } from '../../message/encoded-word.ts';
import { findField, type HeaderField } from '../../message/header-field.ts';
import { parseMessageDate } from '../../message/message-date.ts';
import { hasFlag } from '../folder-view.ts';
import type { SelectedFolder } from '../selected-folder.ts';
import type { Findings, Needles } from './message-search.ts';
import { decodeNeedle, fold, joinBlanks } from './search-text.ts';

/** What is known about the message under question; it grows from one look to the next. */
export interface Candidate {
  readonly uid: number;
  /** Place in the view. */
  readonly index: number;
  row?: MessageRow;
  header?: readonly HeaderField[];
  findings?: Findings;
}

type Truth = boolean | undefined;
type Test = (candidate: Candidate) => Truth;

export class SearchProgram {
  readonly needles: Needles;
  /** Some key asks for the mod-sequence (RFC 7162 §3.1.5): the answer carries the largest one. */
  readonly usesModseq: boolean;
  readonly #test: Test;

  constructor(key: SearchKey, selected: SelectedFolder, charset: string | undefined) {
    const compiler = new Compiler(selected, charset);
    this.#test = compiler.compile(key);
    this.needles = compiler.needles;
    this.usesModseq = compiler.usesModseq;
  }

  matches(candidate: Candidate): Truth {
    return this.#test(candidate);
  }
}

class Compiler {
  readonly #selected: SelectedFolder;
  readonly #charset: string | undefined;
  readonly needles = { body: [] as string[], text: [] as string[] };
  usesModseq = false;

  constructor(selected: SelectedFolder, charset: string | undefined) {
    this.#selected = selected;
    this.#charset = charset;
  }

  compile(key: SearchKey): Test {
    const selected = this.#selected;
    const { view } = selected;
    switch (key.kind) {
      case 'all':
        return () => true;
      case 'none':
        return () => false;
      case 'flag':
        return ({ index }) => hasFlag(view.flagsAt(index), view.flagBit(key.flag)) === key.isSet;
      case 'sequence': {
        const includes = selected.includesSequence(key.set);
        return ({ uid }) => includes(selected.sequenceOf(uid));
      }
      case 'uid': {
        const includes = selected.includesUid(key.set);
        return ({ uid }) => includes(uid);
      }
      case 'modseq':
        this.usesModseq = true;
        return ({ index }) => view.modseqAt(index) >= key.modseq;
      case 'larger':
        return ({ row }) => row && row.size > key.size;
      case 'smaller':
        return ({ row }) => row && row.size < key.size;
      case 'internal-date':
        return ({ row }) => row && compareDays(internalDay(row), key.relation, dayNumber(key.date));
      case 'sent-date':
        return ({ header }) => header && compareDays(sentDay(header), key.relation, dayNumber(key.date));
      case 'header':
        return headerTest(key.field, joinBlanks(decodeNeedle(key.text, this.#charset)));
      case 'body':
      case 'text': {
        const { kind } = key;
        const place = this.needles[kind].push(decodeNeedle(key.text, this.#charset)) - 1;
        return ({ findings }) => findings?.[kind][place];
      }
      case 'not': {
        const test = this.compile(key.key);
        return (candidate) => negate(test(candidate));
      }
      case 'or':
        return anyOf([this.compile(key.left), this.compile(key.right)]);
      case 'and':
        return allOf(key.keys.map((inner) => this.compile(inner)));
    }
  }
}

function headerTest(name: string, needle: string): Test {
  return ({ header }) => {
    if (header === undefined) return undefined;
    return header.some(
      (field) => field.name.toLowerCase() === name && joinBlanks(fold(decodeHeaderText(field.body))).includes(needle),
    );
  };
}

function allOf(tests: readonly Test[]): Test {
  return (candidate) => {
    let result: Truth = true;
    for (const test of tests) {
      const truth = test(candidate);
      if (truth === false) return false;
      if (truth === undefined) result = undefined;
    }
    return result;
  };
}

function anyOf(tests: readonly Test[]): Test {
  return (candidate) => {
    let result: Truth = false;
    for (const test of tests) {
      const truth = test(candidate);
      if (truth === true) return true;
      if (truth === undefined) result = undefined;
    }
    return result;
  };
}

function negate(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** §6.4.4: time and time zone are disregarded; dates are shown in UTC, so they are compared there. */
function internalDay(row: MessageRow): number {
  const date = new Date(row.internalDate);
  return dayNumber({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
}

function sentDay(header: readonly HeaderField[]): number | undefined {
  const field = findField(header, 'date');
  const date = field === undefined ? undefined : parseMessageDate(field.body);
  return date === undefined ? undefined : dayNumber(date);
}

/** A message without a readable date matches no date. */
function compareDays(day: number | undefined, relation: DateRelation, wanted: number): boolean {
  if (day === undefined) return false;
  switch (relation) {
    case 'before':
      return day < wanted;
    case 'on':
      return day === wanted;
    case 'since':
      return day >= wanted;
  }
}
