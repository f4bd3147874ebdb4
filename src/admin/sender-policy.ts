// Whether a domain's SPF record (RFC 7208) lets this host send for it: so much of the record is followed as is needed to find
// one of the host's addresses in it. It is a check for the domain's administrator, not a verdict about mail.

import { BlockList, isIP, isIPv6 } from 'node:net';
import type { DnsAnswer, Resolver } from '../dns/resolver.ts';

export type SpfResolver = Pick<Resolver, 'texts' | 'mx' | 'addresses'>;

export type SpfFinding =
  | { readonly kind: 'allowed' | 'not-allowed'; readonly record: string }
  | { readonly kind: 'absent' }
  /** More than one is an error (RFC 7208 §4.5), and so are too many lookups (§4.6.4). */
  | { readonly kind: 'broken'; readonly records: readonly string[] };

/** RFC 7208 §4.6.4. */
const maxLookups = 10;

class Walk {
  readonly #resolver: SpfResolver;
  readonly #own: readonly string[];
  #lookups = 0;

  constructor(resolver: SpfResolver, own: readonly string[]) {
    this.#resolver = resolver;
    this.#own = own;
  }

  /** Throws TemporaryError where a name cannot be looked up. */
  async allows(domain: string, record: string): Promise<boolean> {
    const terms = record.split(/\s+/).slice(1);
    for (const term of terms) {
      const [, sign = '+', name = '', , value = ''] = /^([-+~?]?)([a-z0-9]+)([:=])?(.*)$/i.exec(term) ?? [];
      const isMatch = await this.#matches(name.toLowerCase(), value, domain);
      if (isMatch) return sign === '' || sign === '+';
    }
    const redirect = terms.find((term) => /^redirect=/i.test(term))?.slice('redirect='.length);
    const isFinal = terms.some((term) => /^[-+~?]?all$/i.test(term));
    return redirect !== undefined && !isFinal && (await this.#follow(redirect));
  }

  async #matches(name: string, value: string, domain: string): Promise<boolean> {
    switch (name) {
      case 'all':
        return true;
      case 'ip4':
      case 'ip6':
        return this.#isWithin(value);
      case 'a':
        return await this.#isHost(hostOf(value) || domain, suffixOf(value));
      case 'mx':
        return await this.#isExchange(hostOf(value) || domain, suffixOf(value));
      case 'include':
        return await this.#follow(value);
      default:
        // ptr, exists and macros are not followed: who uses them is not found here.
        return false;
    }
  }

  async #isHost(host: string, suffix: string): Promise<boolean> {
    if (++this.#lookups > maxLookups || host.includes('%')) return false;
    const answers = await Promise.all([this.#resolver.addresses(host, 4), this.#resolver.addresses(host, 6)]);
    return answers.flatMap(recordsOf).some((address) => this.#isWithin(`${address}${suffix}`));
  }

  async #isExchange(domain: string, suffix: string): Promise<boolean> {
    if (++this.#lookups > maxLookups || domain.includes('%')) return false;
    for (const { exchange } of recordsOf(await this.#resolver.mx(domain)).slice(0, maxLookups)) {
      if (exchange !== '' && (await this.#isHost(exchange, suffix))) return true;
    }
    return false;
  }

  async #follow(domain: string): Promise<boolean> {
    if (++this.#lookups > maxLookups || domain.includes('%')) return false;
    const [record, ...more] = spfRecords(recordsOf(await this.#resolver.texts(domain)));
    return record !== undefined && more.length === 0 && (await this.allows(domain, record));
  }

  #isWithin(network: string): boolean {
    const [address = '', bits] = network.split('/');
    if (isIP(address) === 0) return false;
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const most = family === 'ipv6' ? 128 : 32;
    const length = bits === undefined || bits === '' ? most : Number(bits);
    if (!Number.isInteger(length) || length < 0 || length > most) return false;
    const list = new BlockList();
    list.addSubnet(address, length, family);
    return this.#own.some((one) => list.check(one, isIPv6(one) ? 'ipv6' : 'ipv4'));
  }
}

/** `own` are the addresses that this host sends from. Throws TemporaryError. */
export async function checkSpf(domain: string, own: readonly string[], resolver: SpfResolver): Promise<SpfFinding> {
  const records = spfRecords(recordsOf(await resolver.texts(domain)));
  const [record] = records;
  if (record === undefined) return { kind: 'absent' };
  if (records.length > 1) return { kind: 'broken', records };
  return { kind: (await new Walk(resolver, own).allows(domain, record)) ? 'allowed' : 'not-allowed', record };
}

function spfRecords(texts: readonly string[]): string[] {
  return texts.filter((text) => /^v=spf1(?:\s|$)/i.test(text));
}

function recordsOf<T>(answer: DnsAnswer<T>): readonly T[] {
  return answer.kind === 'found' ? answer.records : [];
}

function hostOf(value: string): string {
  return value.split('/')[0] ?? '';
}

/** `/24`; of `a:host/24//64` the first alone. */
function suffixOf(value: string): string {
  return /\/\d+/.exec(value)?.[0] ?? '';
}
