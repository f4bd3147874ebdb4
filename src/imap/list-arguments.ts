// The arguments of LIST, LSUB and STATUS (RFC 3501 §6.3.8-10, RFC 5258, RFC 5819, RFC 6154 §2).

import type { ArgumentReader } from './argument-reader.ts';
import { decodeMailboxName } from './modified-utf7.ts';
import { ImapSyntaxError } from './syntax-error.ts';

const statusItems = ['MESSAGES', 'RECENT', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN', 'HIGHESTMODSEQ', 'SIZE'] as const;
export type StatusItem = (typeof statusItems)[number];

export interface ListArguments {
  readonly reference: string;
  readonly patterns: readonly string[];
  /** Only subscribed names, existing or not. */
  readonly selectSubscribed: boolean;
  readonly selectSpecialUse: boolean;
  /** Also parents of what is selected, with CHILDINFO. */
  readonly recursiveMatch: boolean;
  readonly returnSubscribed: boolean;
  readonly returnSpecialUse: boolean;
  readonly returnStatus: readonly StatusItem[];
  /** Any RFC 5258 syntax was used: the old `LIST "" ""` question then has no special meaning. */
  readonly isExtended: boolean;
}

const maxPatterns = 100;
const selectionOptions = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'];
const returnOptions = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE'];

export function readListArguments(reader: ArgumentReader): ListArguments {
  const selection = new Set<string>();
  let isExtended = false;
  if (reader.peek() === '(') {
    isExtended = true;
    for (const option of reader.list(() => readOption(reader, selectionOptions), true)) selection.add(option);
    reader.space();
  }
  const reference = decodeMailboxName(reader.astring());
  reader.space();
  const readPattern = (): string => decodeMailboxName(reader.listMailbox());
  if (reader.peek() === '(') isExtended = true;
  const patterns = reader.peek() === '(' ? reader.list(readPattern) : [readPattern()];
  if (patterns.length > maxPatterns) throw new ImapSyntaxError('Too many patterns');
  const returns = new Set<string>();
  const returnStatus: StatusItem[] = [];
  if (reader.more()) {
    isExtended = true;
    if (!reader.skipWord('RETURN')) throw new ImapSyntaxError('Expected RETURN');
    reader.space();
    reader.list(() => readReturnOption(reader, returns, returnStatus), true);
  }
  // RFC 5258 §3: RECURSIVEMATCH alone is an error.
  const recursiveMatch = selection.has('RECURSIVEMATCH');
  if (recursiveMatch && !selection.has('SUBSCRIBED') && !selection.has('SPECIAL-USE')) {
    throw new ImapSyntaxError('RECURSIVEMATCH needs another selection option');
  }
  return {
    reference,
    patterns,
    selectSubscribed: selection.has('SUBSCRIBED'),
    selectSpecialUse: selection.has('SPECIAL-USE'),
    recursiveMatch,
    returnSubscribed: returns.has('SUBSCRIBED') || selection.has('SUBSCRIBED'),
    returnSpecialUse: returns.has('SPECIAL-USE') || selection.has('SPECIAL-USE'),
    returnStatus,
    isExtended,
  };
}

export function readStatusItems(reader: ArgumentReader): StatusItem[] {
  return reader.list(() => {
    const name = reader.atom().toUpperCase();
    const item = statusItems.find((known) => known === name);
    if (item === undefined) throw new ImapSyntaxError('Unknown STATUS item');
    return item;
  });
}

function readReturnOption(reader: ArgumentReader, returns: Set<string>, status: StatusItem[]): void {
  if (reader.skipWord('STATUS')) {
    reader.space();
    status.push(...readStatusItems(reader));
    return;
  }
  returns.add(readOption(reader, returnOptions));
}

function readOption(reader: ArgumentReader, known: readonly string[]): string {
  const name = reader.atom().toUpperCase();
  if (!known.includes(name)) throw new ImapSyntaxError('Unknown LIST option');
  return name;
}
