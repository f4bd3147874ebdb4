// Which words could open a door? Rows of access tables that do not refuse make some senders, HELO names, recipients and
// clients special; each gives one word that hits it. Patterns are given a text that they match, made from the pattern
// itself; where none can be made, the caller is told under which condition the row counts.

import type { LintContext } from '../context.ts';
import { domainOfKey } from '../address-search.ts';
import type { PatternRule } from '../pattern-rules.ts';
import type { Row, TableContents } from '../rows.ts';
import { cut } from '../show.ts';
import { elsewhere, isElsewhere } from './attempts.ts';
import { samplesOf } from './pattern-samples.ts';

export interface Recipient {
  readonly address: string;
  /** A row names its domain: mail for that domain alone. */
  readonly isNarrow: boolean;
}

/** Clients who are strangers, though a row or a network of the configuration has them. */
export interface Network {
  /** One of them. */
  readonly address: string;
  /** Its name in the DNS, where that is what the row is about. */
  readonly name?: string;
  /** As written: `4.0.0.0/6`. */
  readonly text: string;
  /** So large that strangers live in it for sure; else it may be the administrator's. */
  readonly isSure: boolean;
}

export interface Candidates {
  readonly senders: string[];
  readonly helos: string[];
  readonly recipients: Recipient[];
  readonly clients: Network[];
}

type Kind = 'sender' | 'helo' | 'recipient' | 'client';

const kinds: Readonly<Record<string, Kind>> = {
  check_sender_access: 'sender',
  check_helo_access: 'helo',
  check_recipient_access: 'recipient',
  check_client_access: 'client',
};

/** Rows of one table that are tried one by one; the rest of a larger table is a condition. */
const maxRows = 1000;
const maxExceptions = 50;

/** Adds to `candidates`; returns conditions under which rows count for which no word was found. */
export function readCandidates(
  restriction: string,
  contents: TableContents,
  candidates: Candidates,
  context: LintContext,
): string[] {
  const kind = kinds[restriction];
  if (kind === undefined) return [];
  if (contents.kind === 'rows') return ofRows(kind, contents.rows, candidates, context);
  return contents.kind === 'patterns' ? ofPatterns(kind, contents.rules, candidates, context) : [];
}

function ofRows(kind: Kind, rows: readonly Row[], candidates: Candidates, context: LintContext): string[] {
  const isOthers = (row: Row): boolean => kind !== 'recipient' || !isOwn(context, row.folded);
  const special = rows.filter((row) => effectOf(row.value) === 'permits' && isOthers(row));
  // An exception from what another row refuses.
  const exceptions = rows.filter((row) => effectOf(row.value) === 'neither' && isOthers(row));
  for (const { folded } of exceptions.slice(0, maxExceptions)) addKey(kind, folded, candidates);
  for (const { folded } of special.slice(0, maxRows)) addKey(kind, folded, candidates);
  return special.length > maxRows ? [`one of its rows behind the first ${maxRows} that permit does`] : [];
}

function addKey(kind: Kind, key: string, candidates: Candidates): void {
  if (kind === 'client') {
    const network = strangersOfKey(key);
    if (network !== undefined) candidates.clients.push(network);
  } else if (kind === 'helo') candidates.helos.push(key.replace(/^\./, 'sub.'));
  else {
    const isUser = key.endsWith('@');
    const address = isUser
      ? `${key}${elsewhere}`
      : key.includes('@') || key === '<>'
        ? key.replace(/^<>$/, '')
        : `someone@${key.replace(/^\./, 'sub.')}`;
    if (kind === 'sender') candidates.senders.push(address);
    else candidates.recipients.push({ address, isNarrow: !isUser });
  }
}

/** `203` stands for 203.0.0.0/8, and so on; one of two octets is as large as a provider, or one organisation's own. */
function strangersOfKey(key: string): Network | undefined {
  // Anybody can have a name below a top-level domain.
  const top = /^\.?([a-z]{2,}|xn--[a-z0-9-]+)$/.exec(key)?.[1];
  if (top !== undefined && top !== 'unknown' && top !== 'localhost') {
    return { address: '203.0.113.77', name: `mail.elsewhere-7x3.${top}`, text: key, isSure: true };
  }
  const octets = /^\d{1,3}(\.\d{1,3})?$/.test(key) ? key.split('.') : undefined;
  if (octets === undefined) return undefined;
  const address = [...octets, ...['7', '77', '177'].slice(0, 4 - octets.length)].join('.');
  return { address, text: key, isSure: octets.length === 1 };
}

function ofPatterns(kind: Kind, rules: readonly PatternRule[], candidates: Candidates, context: LintContext): string[] {
  if (kind === 'client') {
    for (const { pattern, value } of rules) {
      const network = effectOf(value) === 'refuses' ? undefined : largeNetwork(pattern);
      if (network !== undefined) candidates.clients.push(network);
    }
    return [];
  }
  const isOurs = (address: string): boolean => !isElsewhere(domainOfKey(address)) && isOwn(context, address);
  const special = rules.filter(({ value }) => effectOf(value) !== 'refuses');
  const conditions: string[] = [];
  for (const rule of special.slice(0, maxRows)) {
    const samples = samplesOf(rule, kind === 'helo');
    if (kind === 'sender') candidates.senders.push(...samples);
    else if (kind === 'helo') candidates.helos.push(...samples);
    else {
      const others = samples.filter((address) => !isOurs(address));
      candidates.recipients.push(
        ...others.map((address) => ({ address, isNarrow: !isElsewhere(domainOfKey(address)) })),
      );
    }
    if (samples.length === 0 && effectOf(rule.value) === 'permits') {
      conditions.push(
        `an address can be found for line ${rule.line} (${cut(rule.pattern, 40)} ${cut(rule.value, 20)})`,
      );
    }
  }
  return conditions;
}

type Effect = 'permits' | 'refuses' | 'neither';

/** What a row's action may do for the client; a list of restrictions may permit. */
export function effectOf(value: string): Effect {
  const word = (/^\S+/.exec(value.trim())?.[0] ?? '').toLowerCase();
  if (/^[45]\d\d$/.test(word) && word !== value.trim()) return 'refuses';
  if (/^(reject|defer|defer_if_permit|discard)$/.test(word)) return 'refuses';
  return /^(dunno|warn|info|hold|filter|redirect|bcc|prepend|defer_if_reject)$/.test(word) ? 'neither' : 'permits';
}

/** A network of public addresses that is larger than anybody's own: up to /8 for sure, up to /15 perhaps. */
export function largeNetwork(text: string): Network | undefined {
  const match = /^\[?([0-9a-f:.]+)\]?\/(\d{1,3})$/i.exec(text);
  const [, base = '', digits = ''] = match ?? [];
  const length = Number(digits);
  if (base.includes(':')) {
    const isPublic = length <= 3 || /^[23]/.test(base);
    const group = /^[0-9a-f]{1,4}(?=:)/i.exec(base)?.[0] ?? '2001';
    return isPublic && length < 20
      ? { address: `${length <= 3 ? '2001' : group}:db8:1::77`, text, isSure: length <= 12 }
      : undefined;
  }
  if (base === '' || length > 15) return undefined;
  const octets = base.split('.').map(Number);
  const [first = 0, second = 0] = octets;
  // 0.0.0.0/0 and its halves reach beyond the private networks at their beginning.
  const high = length >= 8 ? first : Math.min(223, first + 2 ** (8 - length) - 1);
  if (length >= 8 && isPrivate(high, second)) return undefined;
  const inner = length >= 8 ? second : 7;
  return { address: `${high === 127 ? 126 : high}.${inner}.77.177`, text, isSure: length <= 8 };
}

function isPrivate(first: number, second: number): boolean {
  return (
    first === 0 ||
    first === 10 ||
    first === 127 ||
    first >= 224 ||
    (first === 100 && second >= 64 && second < 128) ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168)
  );
}

/** Mail for our own domains is no relaying; nor may anything be said where their list cannot be read. */
function isOwn(context: LintContext, key: string): boolean {
  const domain = domainOfKey(key);
  if (domain === '') return false;
  const lists = [...context.domainLists.values()];
  return lists.some(({ domains, isOpen }) => isOpen || domains.has(domain));
}
