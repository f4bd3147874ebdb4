// Expectations about addresses, one a line, as people write them into a file and keep beside the configuration:
//
//   # anybody may write to info
//   info@example.com -> sales@example.com, joe@example.com via virtual
//   nosuch@example.com -> 550 5.1.1
//   carol@elsewhere.org from ann@example.com login ann@example.com service submission -> carol@elsewhere.org via smtp
//
// Left: the recipient, and under which circumstances it is asked (`from`, `client`, `login`, `helo`, `service`).
// Right: a reply, of which as much is compared as is written, or all final recipients in any order; `via
// transport[:nexthop]` holds for those before it that have none. Reading and printing only; who asks is cli/expect.ts.

import type { Delivery, Reply } from '../routing/types.ts';

const circumstances = ['from', 'client', 'login', 'helo', 'service'] as const;
export type Circumstances = { readonly [name in (typeof circumstances)[number]]?: string };

interface ExpectedDelivery {
  readonly recipient: string;
  readonly transport?: string;
  readonly nexthop?: string;
}

export type ExpectedOutcome =
  | { readonly kind: 'reply'; readonly code: number; readonly status: string; readonly text: string }
  | { readonly kind: 'deliveries'; readonly deliveries: readonly ExpectedDelivery[] }
  /** Nothing is written yet: an address alone, for `--record`. */
  | { readonly kind: 'open' };

export type ExpectationLine =
  | { readonly kind: 'other'; readonly text: string }
  | { readonly kind: 'mistake'; readonly text: string; readonly reason: string }
  | {
      readonly kind: 'expectation';
      readonly text: string;
      /** The line up to its arrow, as written. */
      readonly left: string;
      readonly address: string;
      readonly circumstances: Circumstances;
      readonly outcome: ExpectedOutcome;
    };

/** What is compared with an expectation. */
export interface Outcome {
  readonly reply: Reply;
  readonly deliveries: readonly Delivery[];
}

export function parseExpectations(text: string): ExpectationLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map(parseLine);
}

function parseLine(text: string): ExpectationLine {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return { kind: 'other', text };
  const arrow = findOutsideQuotes(text, '->');
  const left = (arrow === -1 ? text : text.slice(0, arrow)).trimEnd();
  const [address, ...words] = splitOutsideQuotes(left, /\s/);
  if (address === undefined) return { kind: 'mistake', text, reason: 'there is no address before ->' };
  const read = readCircumstances(words);
  if (typeof read === 'string') return { kind: 'mistake', text, reason: read };
  const outcome = arrow === -1 ? ({ kind: 'open' } as const) : readOutcome(text.slice(arrow + 2).trim());
  if (typeof outcome === 'string') return { kind: 'mistake', text, reason: outcome };
  return { kind: 'expectation', text, left, address, circumstances: read, outcome };
}

function readCircumstances(words: readonly string[]): Circumstances | string {
  const found: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 2) {
    const [word = '', value] = [words[index], words[index + 1]];
    if (!circumstances.some((known) => known === word)) {
      return `"${word}" is none of ${circumstances.join(', ')}; is -> missing?`;
    }
    if (value === undefined) return `${word} needs a value`;
    found[word] = value.replace(/^<(.*)>$/, '$1');
  }
  return found;
}

function readOutcome(text: string): ExpectedOutcome | string {
  if (text === '') return { kind: 'open' };
  const reply = /^([245]\d\d)(?:\s+([245]\.\d{1,3}\.\d{1,3}))?(?:\s+(.*))?$/.exec(text);
  if (reply !== null) {
    const [, code, status = '', words = ''] = reply;
    return { kind: 'reply', code: Number(code), status, text: words };
  }
  const deliveries: ExpectedDelivery[] = [];
  let waiting: string[] = [];
  for (const item of splitOutsideQuotes(text, /,/)) {
    const [recipient, via, destination, ...rest] = splitOutsideQuotes(item, /\s/);
    if (recipient === undefined) return 'an address is missing between commas';
    if ((via !== undefined && via !== 'via') || rest.length > 0) return `"${item.trim()}": write ADDRESS via TRANSPORT`;
    waiting.push(recipient);
    if (via === undefined) continue;
    if (destination === undefined) return `"${item.trim()}": via needs a transport`;
    const colon = destination.indexOf(':');
    const transport = colon === -1 ? destination : destination.slice(0, colon);
    const nexthop = colon === -1 ? undefined : destination.slice(colon + 1);
    for (const one of waiting) {
      deliveries.push({ recipient: one, transport, ...(nexthop === undefined ? {} : { nexthop }) });
    }
    waiting = [];
  }
  return { kind: 'deliveries', deliveries: [...deliveries, ...waiting.map((recipient) => ({ recipient }))] };
}

/** Is the outcome what was expected? An open expectation never is. */
export function isAsExpected(expected: ExpectedOutcome, { reply, deliveries }: Outcome): boolean {
  switch (expected.kind) {
    case 'open':
      return false;
    case 'reply': {
      const { code, status, text } = expected;
      return reply.code === code && (status === '' || reply.status === status) && reply.text.includes(text);
    }
    case 'deliveries': {
      if (reply.code >= 300 || deliveries.length !== expected.deliveries.length) return false;
      const open = [...deliveries];
      return expected.deliveries.every((wanted) => {
        const index = open.findIndex((one) => isDelivery(wanted, one));
        if (index !== -1) open.splice(index, 1);
        return index !== -1;
      });
    }
  }
}

function isDelivery(wanted: ExpectedDelivery, { recipient, transport, nexthop }: Delivery): boolean {
  return (
    recipient.toLowerCase() === wanted.recipient.toLowerCase() &&
    (wanted.transport === undefined || transport === wanted.transport) &&
    (wanted.nexthop === undefined || nexthop === wanted.nexthop)
  );
}

/** As it would stand on the right of an arrow. */
export function formatOutcome({ reply, deliveries }: Outcome): string {
  if (reply.code >= 300 || deliveries.length === 0) return `${reply.code} ${reply.status}`.trimEnd();
  const items = deliveries.map((delivery, index) => {
    const via = formatVia(delivery);
    const next = deliveries[index + 1];
    const isShared = next !== undefined && formatVia(next) === via;
    return isShared ? delivery.recipient : `${delivery.recipient} via ${via}`;
  });
  return items.join(', ');
}

/** The next hop is told where it says something: not where it is the domain, nor a reason in words. */
function formatVia({ recipient, transport, nexthop }: Delivery): string {
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1);
  const isTelling = nexthop.toLowerCase() !== domain.toLowerCase() && !/[\s,]/.test(nexthop) && nexthop !== '';
  return isTelling ? `${transport}:${nexthop}` : transport;
}

function findOutsideQuotes(text: string, wanted: string): number {
  for (let index = 0; index < text.length; index = afterQuoted(text, index)) {
    if (text.startsWith(wanted, index)) return index;
  }
  return -1;
}

/** Parts without the separators and blanks around them; empty parts are dropped. */
function splitOutsideQuotes(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < text.length; ) {
    const next = afterQuoted(text, index);
    const piece = text.slice(index, next);
    if (separator.test(piece) && piece.length === 1) {
      parts.push(part.trim());
      part = '';
    } else {
      part += piece;
    }
    index = next;
  }
  return [...parts, part.trim()].filter((one) => one !== '');
}

/** Where the character at `index`, or the quoted string that begins there, ends. */
function afterQuoted(text: string, index: number): number {
  if (text[index] !== '"') return index + 1;
  for (let end = index + 1; end < text.length; end++) {
    if (text[end] === '\\') end++;
    else if (text[end] === '"') return end + 1;
  }
  return text.length;
}
