// One command as text to a typed value: tag, name, arguments (RFC 3501 §9 and the extensions that the server
// offers). The grammar of each command stands in one table; what a command does is the server's business.
// Pure: throws ImapSyntaxError (with the tag where it is readable) and nothing else.

import { ArgumentReader, type LiteralAnnouncement } from './argument-reader.ts';
import { parseDateTime } from './date.ts';
import { readFetchItems, type FetchItem } from './fetch-items.ts';
import { readListArguments, readStatusItems, type StatusItem } from './list-arguments.ts';
import { decodeMailboxName } from './modified-utf7.ts';
import { readSearchKeys, type SearchKey } from './search-keys.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';
import { ImapSyntaxError } from './syntax-error.ts';

type Grammar = (reader: ArgumentReader) => unknown;

const grammars = {
  // Any state (RFC 3501 §6.1).
  CAPABILITY: noArguments,
  NOOP: noArguments,
  LOGOUT: noArguments,
  ID: readId,
  // Not authenticated (§6.2).
  STARTTLS: noArguments,
  AUTHENTICATE: readAuthenticate,
  LOGIN: readLogin,
  // Authenticated (§6.3).
  ENABLE: readEnable,
  SELECT: readSelect,
  EXAMINE: readSelect,
  CREATE: readCreate,
  DELETE: readMailboxArgument,
  RENAME: readRename,
  SUBSCRIBE: readMailboxArgument,
  UNSUBSCRIBE: readMailboxArgument,
  LIST: readListArguments,
  LSUB: readListArguments,
  NAMESPACE: noArguments,
  STATUS: readStatus,
  APPEND: readAppend,
  IDLE: noArguments,
  GETQUOTA: readQuotaRoot,
  GETQUOTAROOT: readMailboxArgument,
  SETQUOTA: readSetQuota,
  // Selected (§6.4).
  CHECK: noArguments,
  CLOSE: noArguments,
  UNSELECT: noArguments,
  EXPUNGE: noArguments,
  SEARCH: readSearch,
  FETCH: readFetch,
  STORE: readStore,
  COPY: readCopy,
  MOVE: readCopy,
  'UID EXPUNGE': readUidSet,
  'UID SEARCH': readSearch,
  'UID FETCH': readFetch,
  'UID STORE': readStore,
  'UID COPY': readCopy,
  'UID MOVE': readCopy,
} satisfies Record<string, Grammar>;

export type CommandName = keyof typeof grammars;
export type CommandArguments<Name extends CommandName> = ReturnType<(typeof grammars)[Name]>;

export interface ParsedCommand<Name extends CommandName = CommandName> {
  readonly tag: string;
  readonly name: Name;
  readonly arguments: CommandArguments<Name>;
}

/** `bytes`: the command line without its line end, literals after their announcements. */
export function parseCommand(bytes: Uint8Array): ParsedCommand {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const reader = new ArgumentReader(text);
  let tag: string | undefined;
  try {
    tag = reader.tag();
    reader.space();
    const name = readName(reader);
    const grammar = grammars[name];
    const parsed = grammar(reader);
    reader.end();
    return { tag, name, arguments: parsed };
  } catch (error) {
    if (error instanceof ImapSyntaxError && tag !== undefined) error.tag = tag;
    throw error;
  }
}

function readName(reader: ArgumentReader): CommandName {
  let name = reader.atom().toUpperCase();
  if (name === 'UID') {
    reader.space();
    name = `UID ${reader.atom().toUpperCase()}`;
  }
  if (!isCommandName(name)) throw new ImapSyntaxError('Unknown command');
  // The blank before the arguments is part of each grammar that has some.
  if (grammars[name] !== noArguments) reader.space();
  return name;
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(grammars, name);
}

function noArguments(): Record<never, never> {
  return {};
}

/** RFC 2971: NIL or a list of pairs. */
function readId(reader: ArgumentReader): { readonly parameters: ReadonlyMap<string, string> } {
  const parameters = new Map<string, string>();
  if (reader.skipWord('NIL')) return { parameters };
  reader.list(() => {
    const name = reader.string();
    reader.space();
    parameters.set(name.toLowerCase(), reader.nstring() ?? '');
  }, true);
  return { parameters };
}

/** With RFC 4959's initial response; `=` stands for an empty one. */
function readAuthenticate(reader: ArgumentReader): {
  readonly mechanism: string;
  readonly initialResponse: string | undefined;
} {
  const mechanism = reader.atom().toUpperCase();
  if (!reader.more()) return { mechanism, initialResponse: undefined };
  const response = reader.atom();
  return { mechanism, initialResponse: response === '=' ? '' : response };
}

function readLogin(reader: ArgumentReader): { readonly user: string; readonly password: string } {
  const user = reader.astring();
  reader.space();
  return { user, password: reader.astring() };
}

function readEnable(reader: ArgumentReader): { readonly capabilities: readonly string[] } {
  const capabilities: string[] = [];
  do capabilities.push(reader.atom().toUpperCase());
  while (reader.more());
  return { capabilities };
}

function readMailbox(reader: ArgumentReader): string {
  const name = decodeMailboxName(reader.astring());
  // RFC 3501 §5.1: INBOX in any case.
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

function readMailboxArgument(reader: ArgumentReader): { readonly mailbox: string } {
  return { mailbox: readMailbox(reader) };
}

/** `(CONDSTORE)` of RFC 7162 §3.1.8. */
function readSelect(reader: ArgumentReader): { readonly mailbox: string; readonly condstore: boolean } {
  const mailbox = readMailbox(reader);
  const parameters = reader.more() ? reader.list(() => reader.atom().toUpperCase()) : [];
  if (parameters.some((parameter) => parameter !== 'CONDSTORE')) throw new ImapSyntaxError('Unknown SELECT parameter');
  return { mailbox, condstore: parameters.length > 0 };
}

/** `(USE (\Sent))` of RFC 6154 §3. */
function readCreate(reader: ArgumentReader): { readonly mailbox: string; readonly specialUses: readonly string[] } {
  const mailbox = readMailbox(reader);
  if (!reader.more()) return { mailbox, specialUses: [] };
  reader.expect('(');
  if (!reader.skipWord('USE')) throw new ImapSyntaxError('Unknown CREATE parameter');
  reader.space();
  const specialUses = reader.list(() => reader.flag(), true);
  reader.expect(')');
  return { mailbox, specialUses };
}

function readRename(reader: ArgumentReader): { readonly from: string; readonly to: string } {
  const from = readMailbox(reader);
  reader.space();
  return { from, to: readMailbox(reader) };
}

function readStatus(reader: ArgumentReader): { readonly mailbox: string; readonly items: readonly StatusItem[] } {
  const mailbox = readMailbox(reader);
  reader.space();
  return { mailbox, items: readStatusItems(reader) };
}

/** Up to the message literal, whose octets the session streams. */
function readAppend(reader: ArgumentReader): {
  readonly mailbox: string;
  readonly flags: readonly string[];
  readonly internalDate: number | undefined;
  readonly literal: LiteralAnnouncement;
} {
  const mailbox = readMailbox(reader);
  reader.space();
  let flags: string[] = [];
  if (reader.peek() === '(') {
    flags = reader.list(() => reader.flag(), true);
    reader.space();
  }
  let internalDate: number | undefined;
  if (reader.peek() === '"') {
    internalDate = parseDateTime(reader.string());
    reader.space();
  }
  return { mailbox, flags, internalDate, literal: reader.announcement() };
}

function readQuotaRoot(reader: ArgumentReader): { readonly root: string } {
  return { root: reader.astring() };
}

function readSetQuota(reader: ArgumentReader): { readonly root: string } {
  const root = reader.astring();
  reader.space();
  reader.list(() => {
    reader.atom();
    reader.space();
    reader.number();
  }, true);
  return { root };
}

function readSet(reader: ArgumentReader): SequenceSet {
  return parseSequenceSet(reader.sequenceSetText());
}

function readUidSet(reader: ArgumentReader): { readonly set: SequenceSet } {
  return { set: readSet(reader) };
}

function readSearch(reader: ArgumentReader): { readonly charset: string | undefined; readonly key: SearchKey } {
  let charset: string | undefined;
  if (reader.skipWord('CHARSET')) {
    reader.space();
    charset = reader.astring();
    reader.space();
  }
  return { charset, key: readSearchKeys(reader) };
}

/** With `(CHANGEDSINCE n)` of RFC 7162 §3.1.4.1. */
function readFetch(reader: ArgumentReader): {
  readonly set: SequenceSet;
  readonly items: readonly FetchItem[];
  readonly changedSince: number | undefined;
} {
  const set = readSet(reader);
  reader.space();
  const items = readFetchItems(reader);
  return { set, items, changedSince: reader.more() ? readModifier(reader, 'CHANGEDSINCE') : undefined };
}

/** With `(UNCHANGEDSINCE n)` of RFC 7162 §3.1.3. */
function readStore(reader: ArgumentReader): {
  readonly set: SequenceSet;
  readonly unchangedSince: number | undefined;
  readonly action: 'add' | 'remove' | 'replace';
  readonly silent: boolean;
  readonly flags: readonly string[];
} {
  const set = readSet(reader);
  reader.space();
  let unchangedSince: number | undefined;
  if (reader.peek() === '(') {
    unchangedSince = readModifier(reader, 'UNCHANGEDSINCE');
    reader.space();
  }
  const action = reader.skip('+') ? 'add' : reader.skip('-') ? 'remove' : 'replace';
  const name = reader.atom().toUpperCase();
  if (name !== 'FLAGS' && name !== 'FLAGS.SILENT') throw new ImapSyntaxError('Unknown STORE item');
  reader.space();
  const readFlag = (): string => reader.flag();
  let flags: string[] = [];
  if (reader.peek() === '(') flags = reader.list(readFlag, true);
  else
    do flags.push(readFlag());
    while (reader.more());
  return { set, unchangedSince, action, silent: name === 'FLAGS.SILENT', flags };
}

function readModifier(reader: ArgumentReader, name: string): number {
  reader.expect('(');
  if (!reader.skipWord(name)) throw new ImapSyntaxError('Unknown modifier');
  reader.space();
  const modseq = reader.modSequence();
  reader.expect(')');
  return modseq;
}

function readCopy(reader: ArgumentReader): { readonly set: SequenceSet; readonly mailbox: string } {
  const set = readSet(reader);
  reader.space();
  return { set, mailbox: readMailbox(reader) };
}
