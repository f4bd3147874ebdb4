// What the lists of postscreen_dnsbl_sites say of a client together: each list that has it adds its weight, lists of good
// clients a negative one (postconf(5)). A list that does not answer in time says nothing.

import type { Resolver } from '../dns/resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { parseList, reverseAddress } from './dns-lists.ts';

export interface DnsblScore {
  readonly score: number;
  /** The list that weighs most; ''. */
  readonly name: string;
  /** For how long the lists say so, in seconds; undefined where none has said. */
  readonly ttlSeconds: number | undefined;
}

export interface DnsblSite {
  readonly domain: string;
  readonly weight: number;
  readonly matches: (address: string) => boolean;
}

const maxWeight = 1_000_000;

/** `domain[=d.d.d.d][*weight]`. Throws SettingsError. */
export function parseDnsblSite(text: string, parameter: string): DnsblSite {
  const star = text.indexOf('*');
  const weight = star === -1 ? '1' : text.slice(star + 1);
  const list = star === -1 ? text : text.slice(0, star);
  if (!/^[+-]?\d{1,7}$/.test(weight) || Math.abs(Number(weight)) > maxWeight || list === '') {
    throw new SettingsError(`${parameter}: bad weight in ${text}: write it as in dnsbl.example*2`, parameter);
  }
  return { ...parseList(list, parameter), weight: Number(weight) };
}

interface Heard {
  readonly records: readonly string[];
  readonly ttl: number | undefined;
}

export class DnsblScores {
  readonly #sites: readonly DnsblSite[];
  readonly #resolver: Resolver;
  readonly #timeoutMilliseconds: number;
  readonly #warn: (text: string) => void;

  constructor(
    sites: readonly DnsblSite[],
    resolver: Resolver,
    timeoutMilliseconds: number,
    warn: (text: string) => void,
  ) {
    this.#sites = sites;
    this.#resolver = resolver;
    this.#timeoutMilliseconds = timeoutMilliseconds;
    this.#warn = warn;
  }

  get isEmpty(): boolean {
    return this.#sites.length === 0;
  }

  async ask(address: string): Promise<DnsblScore> {
    const reversed = reverseAddress(address);
    if (reversed === undefined) return { score: 0, name: '', ttlSeconds: undefined };
    const heard = new Map<string, Heard>();
    const domains = [...new Set(this.#sites.map(({ domain }) => domain))];
    const all = Promise.all(
      domains.map(async (domain) => {
        heard.set(domain, await this.#hear(`${reversed}.${domain}`, domain));
      }),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#timeoutMilliseconds);
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
    return this.#sum(heard);
  }

  #sum(heard: ReadonlyMap<string, Heard>): DnsblScore {
    let score = 0;
    let heaviest: DnsblSite | undefined;
    for (const site of this.#sites) {
      if (heard.get(site.domain)?.records.some(site.matches) !== true) continue;
      score += site.weight;
      if (site.weight > (heaviest?.weight ?? 0)) heaviest = site;
    }
    const ttls = [...heard.values()].flatMap(({ ttl }) => (ttl === undefined ? [] : [ttl]));
    const ttlSeconds = ttls.length === 0 ? undefined : Math.min(...ttls);
    return { score, name: heaviest?.domain ?? '', ttlSeconds };
  }

  async #hear(query: string, zone: string): Promise<Heard> {
    try {
      const answer = await (this.#resolver.addressesWithTtl?.(query) ?? this.#plain(query));
      if (answer.kind === 'found') {
        const ttl = Math.min(...answer.records.map((record) => record.ttl));
        return { records: answer.records.map(({ address }) => address), ttl };
      }
      return { records: [], ttl: await this.#resolver.negativeTtl?.(zone) };
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#warn(`dnsbl_query: lookup error for DNS query ${query}: ${error.message}`);
      return { records: [], ttl: undefined };
    }
  }

  async #plain(query: string) {
    const answer = await this.#resolver.addresses(query, 4);
    if (answer.kind !== 'found') return answer;
    return { kind: 'found', records: answer.records.map((address) => ({ address, ttl: 0 })) } as const;
  }
}
