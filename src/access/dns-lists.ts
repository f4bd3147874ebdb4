// Lists of hosts and domains that are kept in the DNS (RFC 5782): reject_rbl_client, reject_rhsbl_*,
// permit_dnswl_client and permit_rhswl_client. `list.example=127.0.0.[2..4;9]` counts only such answers. A list that
// cannot be asked blocks nobody; for a permit it turns a later refusal into a deferral.

import { toInternal } from '../address/form.ts';
import { isHostname, isIpv6 } from '../address/domain.ts';
import { openMaps, type OpenOptions } from '../routing/open-maps.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { isAuthorised } from './destination-checks.ts';
import { askA, askTexts } from './dns-questions.ts';
import type { Evaluation, Verdict } from './evaluation.ts';
import { ListReplies } from './list-reply.ts';

/** What is looked for in a list. */
export type ListTopic = 'address' | 'client' | 'reverse-client' | 'helo' | 'sender' | 'recipient';

type Found = { readonly kind: 'listed'; readonly reason: string } | { readonly kind: 'unlisted' | 'unsure' };

const unlisted: Found = { kind: 'unlisted' };
/** More of a list's explanation than this is not shown to the client. */
const maxReasonLength = 500;

export class DnsLists {
  readonly #replies: ListReplies;
  readonly #allowsRouting: boolean;

  constructor(options: OpenOptions) {
    this.#replies = new ListReplies(options.settings, openMaps(options, 'rbl_reply_maps'));
    this.#allowsRouting = options.settings.flag('allow_untrusted_routing');
  }

  /** Throws SettingsError for a list that is not written as it must be. `parameter` is where it stands. */
  blockList(topic: ListTopic, list: string, parameter: string): (evaluation: Evaluation) => Promise<Verdict> {
    const { domain, matches } = parseList(list, parameter);
    return async (evaluation) => {
      const what = topicText(evaluation, topic);
      if (what === undefined) return 'dunno';
      const found = await look(evaluation, topic, what, domain, matches);
      if (found.kind !== 'listed') return 'dunno';
      const outer = evaluation.kind;
      evaluation.kind = topic === 'address' ? 'client' : topic;
      try {
        return await this.#replies.refusal(evaluation, { list, domain, what, reason: found.reason });
      } finally {
        evaluation.kind = outer;
      }
    };
  }

  permitList(topic: 'address' | 'client', list: string, parameter: string): (e: Evaluation) => Promise<Verdict> {
    const { domain, matches } = parseList(list, parameter);
    return async (evaluation) => {
      const what = topicText(evaluation, topic);
      if (what === undefined) return 'dunno';
      // A stranger's good name is no licence to relay.
      const isRcpt = evaluation.request.where === 'RCPT' && evaluation.recipient !== undefined;
      if (isRcpt && !(await isAuthorised(evaluation, this.#allowsRouting))) return 'dunno';
      const found = await look(evaluation, topic, what, domain, matches);
      if (found.kind === 'listed') return 'permit';
      if (found.kind === 'unsure') {
        const text = `<${what}>: Client host rejected: Service unavailable`;
        evaluation.deferIfReject ??= { code: 450, status: '4.7.1', text };
      }
      return 'dunno';
    };
  }
}

function topicText({ client, sender, recipient }: Evaluation, topic: ListTopic): string | undefined {
  const { name = 'unknown', reverseName = name } = client;
  const known = (text: string): string | undefined => (text.toLowerCase() === 'unknown' ? undefined : text);
  switch (topic) {
    case 'address':
      return client.address;
    case 'client':
      return known(name);
    case 'reverse-client':
      return known(reverseName);
    case 'helo':
      return client.helo;
    case 'sender':
      return sender === '' ? undefined : toInternal(sender);
    case 'recipient':
      return recipient === undefined ? undefined : toInternal(recipient);
  }
}

async function look(
  evaluation: Evaluation,
  topic: ListTopic,
  what: string,
  list: string,
  matches: (address: string) => boolean,
): Promise<Found> {
  const key = topic === 'address' ? reverseAddress(what) : listableDomain(what);
  if (key === undefined) return unlisted;
  const query = `${key}.${list}`;
  const answer = await askA(evaluation, query);
  if (answer.kind === 'unsure') {
    const reason = `Host or domain name not found. Name service error for name=${query} type=A: Host not found, try again`;
    evaluation.warn(`${query}: RBL lookup error: ${reason}`);
    return { kind: 'unsure' };
  }
  if (answer.kind !== 'found' || !answer.records.some(matches)) return unlisted;
  const texts = await askTexts(evaluation, query);
  const reason = texts.kind === 'found' ? texts.records.join(' / ').slice(0, maxReasonLength) : '';
  return { kind: 'listed', reason };
}

/** `4.3.2.1` for 1.2.3.4; an IPv6 address as 32 hexadecimal digits. */
export function reverseAddress(address: string): string | undefined {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(address)) return address.split('.').reverse().join('.');
  if (!isIpv6(address)) return undefined;
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const front = groups(head);
  const back = groups(tail ?? '');
  const missing = Array.from({ length: 8 - front.length - back.length }, () => '0');
  const digits = [...front, ...missing, ...back].map((group) => group.padStart(4, '0')).join('');
  return digits.split('').reverse().join('.');
}

/** Address literals and names that end in digits are in no list of domains. */
function listableDomain(what: string): string | undefined {
  const domain = what.slice(what.lastIndexOf('@') + 1);
  if (domain === '' || /^\d+$/.test(domain.slice(domain.lastIndexOf('.') + 1))) return undefined;
  return isHostname(domain) ? domain : undefined;
}

export function parseList(
  text: string,
  parameter: string,
): { readonly domain: string; readonly matches: (address: string) => boolean } {
  const equals = text.indexOf('=');
  if (equals === -1) return { domain: text, matches: () => true };
  const filter = text.slice(equals + 1);
  const fields = filter.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
  const tests = fields.map(parseField);
  if (tests.length !== 4 || tests.includes(undefined) || fields.join('.') !== filter) {
    throw new SettingsError(`${parameter}: bad address pattern ${filter} in ${text}: as 127.0.0.[2..11;20]`, parameter);
  }
  return {
    domain: text.slice(0, equals),
    matches: (address) => address.split('.').every((octet, index) => tests[index]?.(Number(octet)) ?? false),
  };
}

/** A number, or `[a;b..c]`. */
function parseField(field: string): ((octet: number) => boolean) | undefined {
  const inner = field.startsWith('[') ? field.slice(1, -1) : field;
  const ranges = inner.split(';').map((part) => /^(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(part));
  if (!field.startsWith('[') && (ranges.length !== 1 || ranges[0]?.[2] !== undefined)) return undefined;
  const limits: [number, number][] = [];
  for (const range of ranges) {
    if (range === null) return undefined;
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    if (to > 255 || from > to) return undefined;
    limits.push([from, to]);
  }
  return (octet) => limits.some(([from, to]) => octet >= from && octet <= to);
}

/** Whom a restriction's name asks about: its topic, and whether a listing permits. */
export const listRestrictions: Readonly<Record<string, { readonly topic: ListTopic; readonly permits?: true }>> = {
  reject_rbl_client: { topic: 'address' },
  reject_rbl: { topic: 'address' },
  reject_rhsbl_client: { topic: 'client' },
  reject_rhsbl_reverse_client: { topic: 'reverse-client' },
  reject_rhsbl_helo: { topic: 'helo' },
  reject_rhsbl_sender: { topic: 'sender' },
  reject_rhsbl_recipient: { topic: 'recipient' },
  permit_dnswl_client: { topic: 'address', permits: true },
  permit_rhswl_client: { topic: 'client', permits: true },
};
