// Where we differ from Postfix on purpose: each entry has a row in docs/postfix-parity.md. What no entry explains is
// a mistake.

import type { Difference } from './compare-answers.ts';
import type { ParityCase, ParityGroup } from './parity-case.ts';

interface KnownDifference {
  /** As docs/postfix-parity.md calls it. */
  readonly subject: string;
  /** `all` are the case's differences: what follows from one of them is explained with it. */
  explains(difference: Difference, all: readonly Difference[], group: ParityGroup, one: ParityCase): boolean;
}

type Rows = readonly (readonly string[])[];

const known: readonly KnownDifference[] = [
  {
    subject: 'double-bounce to this host',
    explains: ({ what, postfix, posthaste }) => what === 'deliveries' && sameRows(postfix, posthaste, withoutService),
  },
  {
    subject: "a table fails for an alias's target",
    explains: (difference, all, group) =>
      (JSON.stringify(group.main).includes('fail:') || group.name === 'transport table fails') &&
      all.some(isDeferredAtOnce) &&
      isLess(difference, all, isDeferredAtOnce),
  },
  {
    subject: '`reject_unlisted_sender` before MAIL is judged',
    explains: (difference, all, { main }) =>
      /reject_unlisted_sender/.test(`${main['smtpd_client_restrictions']} ${main['smtpd_helo_restrictions']}`) &&
      all.some(isUnlistedSender) &&
      isLess(difference, all, isUnlistedSender),
  },
  {
    subject: 'a table that rewrites the sender fails',
    explains: ({ what, postfix, posthaste }) =>
      what === 'DATA' &&
      isText(postfix, /^451 4\.3\.0 Error: queue file write error$/) &&
      isText(posthaste, /^451 4\.3\.0 Temporary lookup failure$/),
  },
  {
    subject: 'text of a failed name lookup',
    explains: ({ what, postfix, posthaste }) =>
      what === 'deliveries' && sameRows(postfix, posthaste, withoutLookupText),
  },
  {
    subject: '`soft_bounce` in the log',
    explains: ({ what, postfix, posthaste }, _all, { main }) =>
      what === 'deliveries' && main['soft_bounce'] === 'yes' && sameRows(postfix, posthaste, withoutSoftBounce),
  },
  {
    subject: 'ORCPT of an address that needs quotes',
    explains: ({ what, postfix, posthaste }) =>
      what === 'message recipients' && unquotedOrcpt(postfix) === unquotedOrcpt(posthaste),
  },
  {
    subject: 'enable_original_recipient = no',
    explains: ({ what, postfix, posthaste }, _all, { main }) =>
      main['enable_original_recipient'] === 'no' &&
      ((what === 'deliveries' && sameRows(postfix, posthaste, withoutOriginal)) ||
        (what === 'message recipients' && withoutOrcpt(postfix) === withoutOrcpt(posthaste))),
  },
  {
    subject: 'SMTPUTF8 to the next server',
    explains: ({ what, postfix, posthaste }) =>
      what === 'message sender' && typeof posthaste === 'string' && posthaste === `${String(postfix)} SMTPUTF8`,
  },
  {
    subject: 'letters beyond ASCII in a reply or in the log',
    explains: ({ postfix, posthaste }, _all, { main }) =>
      (main['smtputf8_enable'] ?? (main['compatibility_level'] === '0' ? 'no' : 'yes')) === 'no' &&
      asciiOf(posthaste) === asciiOf(postfix),
  },
  {
    subject: 'targets of one alias that resolve to one address',
    explains: ({ what, postfix, posthaste }) =>
      what === 'deliveries' &&
      distinctRows(postfix).length < (postfix as Rows).length &&
      JSON.stringify(distinctRows(postfix)) === JSON.stringify(posthaste),
  },
];

function distinctRows(rows: unknown): readonly unknown[] {
  return [...new Set((rows as Rows).map((row) => JSON.stringify(row)))].map((row) => JSON.parse(row) as unknown);
}

/** For the test that the page has them all. */
export const knownSubjects: readonly string[] = known.map(({ subject }) => subject);

/** The subject that explains the difference; undefined where nothing does. */
export function explanationOf(
  difference: Difference,
  all: readonly Difference[],
  group: ParityGroup,
  one: ParityCase,
): string | undefined {
  return known.find((entry) => entry.explains(difference, all, group, one))?.subject;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function sameRows(one: unknown, other: unknown, shown: (row: readonly string[]) => unknown): boolean {
  const text = (rows: unknown): string =>
    JSON.stringify((rows as Rows).map((row) => JSON.stringify(shown(row))).toSorted());
  return text(one) === text(other);
}

/** qmgr(8) drops mail for double-bounce itself; here the discard transport does. */
function withoutService(row: readonly string[]): unknown {
  return row[1] === 'undeliverable postmaster notification discarded' ? row.slice(1) : row;
}

function withoutLookupText(row: readonly string[]): unknown {
  const isLookup = /^(?:unable to look up host|Host or domain name not found)/.test(row[1] ?? '');
  return isLookup ? row.with(1, 'not found') : row;
}

function withoutSoftBounce(row: readonly string[]): unknown {
  return row.map((one) => (one === 'SOFTBOUNCE' ? 'deferred' : one));
}

/** Postfix shows each octet of such a letter as a blank or a question mark. */
function asciiOf(value: unknown): string {
  return JSON.stringify(value ?? '')
    .replace(/[\u0080-\uffff]/g, '??')
    .replace(/[ ?]+/g, '?');
}

function withoutOriginal(row: readonly string[]): unknown {
  return row.toSpliced(3, 1);
}

function withoutOrcpt(recipients: unknown): string {
  return JSON.stringify((recipients as readonly string[]).map((one) => one.replace(/ ORCPT=\S+/, '')).toSorted());
}

/** With quotes, backslashes and source routes taken out of the original recipient, and without one beyond ASCII. */
function unquotedOrcpt(recipients: unknown): string {
  const plain = (recipients as readonly string[]).map((one) =>
    one.replace(/ ORCPT=utf-8;\S+/, '').replace(/ ORCPT=rfc822;(\S+)/, (_all, xtext: string) => {
      if (/\+[89A-F][0-9A-F]/.test(xtext)) return '';
      const text = xtext.replace(/\+([0-9A-F]{2})/g, (_code, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      return ` ORCPT=${text.replace(/^@[^:]*:/, '').replace(/["\\]/g, '')}`;
    }),
  );
  // Two ways to write one address are one recipient here.
  return JSON.stringify([...new Set(plain)].toSorted());
}

function isDeferredAtOnce({ what, postfix, posthaste }: Difference): boolean {
  const isDeferred = isText(posthaste, /^451 4\.3\.0 .*Temporary lookup failure$/);
  return what.startsWith('RCPT') && isText(postfix, /^250/) && isDeferred;
}

function isUnlistedSender({ what, postfix, posthaste }: Difference): boolean {
  const isRefused = isText(posthaste, /^(?:550 5|450 4)\.1\.0 .*Sender address rejected: User unknown/);
  // What Postfix says instead is whatever comes next in its lists.
  return what.startsWith('RCPT') && isText(postfix, /^[245]/) && isRefused;
}

/** What follows from recipients that ours has not taken: fewer deliveries, perhaps no message; and nothing else. */
function isLess(
  difference: Difference,
  all: readonly Difference[],
  isCause: (difference: Difference) => boolean,
): boolean {
  const { what, postfix, posthaste } = difference;
  if (what.startsWith('RCPT')) return isCause(difference);
  if (what === 'deliveries' || what === 'message recipients') {
    const theirs = new Set((postfix as readonly unknown[]).map((one) => JSON.stringify(one)));
    return (posthaste as readonly unknown[]).every((one) => theirs.has(JSON.stringify(one)));
  }
  if (what === 'messages') return (posthaste as number) < (postfix as number);
  // Messages are paired by their order.
  if (what.startsWith('message ') || what === 'headers' || what === 'body')
    return all.some((other) => other.what === 'messages');
  return posthaste === undefined;
}
