// The part of LDAP (RFC 4511) that a lookup needs, on top of ldapts's BER: requests as bytes, replies as plain values.
// Why not ldapts's own client: it does not pass on how aliases are to be dereferenced, takes a size limit that was
// exceeded for success, keeps no limit on what a server sends, and drops referrals.

import { createRequire } from 'node:module';
import type { BerReader } from 'ldapts';
import type { LdapScope } from './ldap-url.ts';

export interface LdapSearch {
  readonly base: string;
  readonly scope: LdapScope;
  /** RFC 4515. */
  readonly filter: string;
  readonly attributes: readonly string[];
}

export type Dereference = 'never' | 'search' | 'find' | 'always';

export interface SearchLimits {
  readonly dereference: Dereference;
  readonly sizeLimit: number;
  readonly timeLimitSeconds: number;
}

export interface LdapEntry {
  readonly dn: string;
  readonly attributes: readonly { readonly name: string; readonly values: readonly string[] }[];
}

export type LdapReply =
  | { readonly kind: 'entry'; readonly id: number; readonly entry: LdapEntry }
  | { readonly kind: 'reference'; readonly id: number; readonly urls: readonly string[] }
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly code: number;
      readonly message: string;
      readonly referrals: readonly string[];
    }
  | { readonly kind: 'other'; readonly id: number };

export const resultCodes = {
  success: 0,
  referral: 10,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
};

/** The server sends what is no LDAP, or more than we take. */
export class LdapProtocolError extends Error {
  override name = 'LdapProtocolError';
}

const startTlsOid = '1.3.6.1.4.1.1466.20037';
const tags = {
  sequence: 0x30,
  set: 0x31,
  bindResponse: 0x61,
  searchEntry: 0x64,
  searchDone: 0x65,
  searchReference: 0x73,
  extendedResponse: 0x78,
  referral: 0xa3,
};

/** Loaded with the first connection: most hosts have no LDAP, and it takes seven megabytes. */
function ldapts(): typeof import('ldapts') {
  return createRequire(import.meta.url)('ldapts') as typeof import('ldapts');
}

export function encodeBind(messageId: number, dn: string, password: string): Buffer {
  return new (ldapts().BindRequest)({ messageId, dn, password }).write();
}

export function encodeStartTls(messageId: number): Buffer {
  return new (ldapts().ExtendedRequest)({ messageId, oid: startTlsOid }).write();
}

/** Throws what FilterParser throws for a filter that is none. */
export function encodeSearch(messageId: number, search: LdapSearch, limits: SearchLimits): Buffer {
  const { base, scope, attributes } = search;
  const { dereference, sizeLimit, timeLimitSeconds } = limits;
  const { FilterParser, SearchRequest } = ldapts();
  const request = new SearchRequest({
    messageId,
    baseDN: base,
    scope,
    filter: FilterParser.parseString(plainFilter(search.filter)),
    attributes: [...attributes],
    derefAliases: dereference,
    sizeLimit,
    timeLimit: timeLimitSeconds,
  });
  return request.write();
}

/**
 * What OpenLDAP's parser takes and ldapts's does not: blanks between filters, and characters beyond ASCII as the
 * escaped bytes of their UTF-8.
 */
function plainFilter(filter: string): string {
  return filter
    .trim()
    .replace(/\)\s+(?=[()])/g, ')')
    .replace(/\(\s*([&|!])\s+(?=\()/g, '($1')
    .replace(/(?:\\[89a-f][0-9a-f])+/gi, (escaped) =>
      Buffer.from(escaped.replaceAll('\\', ''), 'hex').toString('utf8'),
    );
}

/** The length of the first message in `bytes`, header included; undefined while that is not known. */
export function messageLength(bytes: Buffer): number | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  if (tag !== tags.sequence) throw new LdapProtocolError('not LDAP');
  if (first < 0x80) return 2 + first;
  const digits = first & 0x7f;
  if (digits === 0 || digits > 4) throw new LdapProtocolError('a length of more than 4 bytes');
  return bytes.length < 2 + digits ? undefined : 2 + digits + bytes.readUIntBE(2, digits);
}

/** Reads one whole message. Throws what is wrong with it. */
export function decodeReply(bytes: Buffer): LdapReply {
  const reader = new (ldapts().BerReader)(bytes);
  reader.readSequence(tags.sequence);
  const id = reader.readInt();
  const tag = reader.readSequence();
  if (id === null || tag === null) throw new LdapProtocolError('a message without an id');
  switch (tag) {
    case tags.searchEntry:
      return { kind: 'entry', id, entry: readEntry(reader) };
    case tags.searchReference:
      return { kind: 'reference', id, urls: readStrings(reader, reader.offset + reader.length) };
    case tags.searchDone:
    case tags.bindResponse:
    case tags.extendedResponse:
      return readResult(reader, id);
    default:
      return { kind: 'other', id };
  }
}

function readEntry(reader: BerReader): LdapEntry {
  const dn = readString(reader);
  reader.readSequence(tags.sequence);
  const end = endOf(reader);
  const attributes: { name: string; values: string[] }[] = [];
  while (reader.offset < end) {
    reader.readSequence(tags.sequence);
    const name = readString(reader);
    reader.readSequence(tags.set);
    attributes.push({ name, values: readStrings(reader, endOf(reader)) });
  }
  return { dn, attributes };
}

function readResult(reader: BerReader, id: number): LdapReply {
  const code = reader.readEnumeration();
  if (code === null) throw new LdapProtocolError('a result without a code');
  readString(reader);
  const message = readString(reader);
  let referrals: string[] = [];
  if (reader.peek() === tags.referral) {
    reader.readSequence(tags.referral);
    referrals = readStrings(reader, endOf(reader));
  }
  return { kind: 'result', id, code, message, referrals };
}

function readStrings(reader: BerReader, end: number): string[] {
  const strings: string[] = [];
  while (reader.offset < end) strings.push(readString(reader));
  return strings;
}

function readString(reader: BerReader): string {
  const text = reader.readString();
  if (text === null) throw new LdapProtocolError('a string that leaves its message');
  return text;
}

/** Where the sequence ends that has just been entered. */
function endOf(reader: BerReader): number {
  const end = reader.offset + reader.length;
  if (reader.length < 0 || end > reader.buffer.length)
    throw new LdapProtocolError('a sequence that leaves its message');
  return end;
}
