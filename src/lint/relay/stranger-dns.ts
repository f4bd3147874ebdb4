// The DNS as a stranger would have it: every name of theirs is in order, no block list knows them, and a domain may name
// this very host as its second mail server, which permit_mx_backup would honour (postconf(5)).

import type { AddressFamily, DnsAnswer, MxRecord, Resolver } from '../../dns/resolver.ts';
import type { Oracle } from './oracles.ts';

const strangersAddress = '203.0.113.99';
const thisHost = 'this-host.posthaste.invalid';
const ofThem = 'mail.posthaste.invalid';

export interface StrangerDnsOptions {
  /** Lists that are kept in the DNS; without what follows `=`. */
  readonly listDomains: readonly string[];
  /** An address of this host. */
  readonly ownAddress: string;
  /** A domain that names this host as its second mail server; absent where nobody asks for that. */
  readonly backup: Oracle | undefined;
  readonly ask: (oracle: Oracle) => boolean;
}

export class StrangerDns implements Resolver {
  readonly #options: StrangerDnsOptions;

  constructor(options: StrangerDnsOptions) {
    this.#options = options;
  }

  async mx(domain: string): Promise<DnsAnswer<MxRecord>> {
    const { backup, ask } = this.#options;
    const first = { preference: 10, exchange: ofThem };
    if (domain === ofThem || backup === undefined || !ask(backup)) return { kind: 'found', records: [first] };
    return { kind: 'found', records: [first, { preference: 20, exchange: thisHost }] };
  }

  async addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>> {
    const { listDomains, ownAddress } = this.#options;
    if (listDomains.some((list) => host.endsWith(`.${list}`))) return { kind: 'no-domain' };
    const address = host === thisHost ? ownAddress : strangersAddress;
    return address.includes(':') === (family === 6) ? { kind: 'found', records: [address] } : { kind: 'no-data' };
  }

  async names(): Promise<DnsAnswer<string>> {
    return { kind: 'found', records: [ofThem] };
  }

  async nameServers(): Promise<DnsAnswer<string>> {
    return { kind: 'found', records: [ofThem] };
  }

  async texts(): Promise<DnsAnswer<string>> {
    return { kind: 'no-data' };
  }
}
