// The Resolver over the servers of resolv.conf, through node:dns (c-ares), with its own instance so that
// nobody else's setServers() matters. Search domains and /etc/hosts are not consulted.
// NOTE: node:dns gives no AD bit, so these answers can never serve DANE (RFC 7672).

import { Resolver as NodeResolver } from 'node:dns/promises';
import { domainToASCII } from 'node:url';
import { TemporaryError } from '../lib/temporary-error.ts';
import { reverseName } from './reverse-name.ts';
import type { AddressFamily, AddressWithTtl, DnsAnswer, MxRecord, Resolver, ServiceRecord } from './resolver.ts';

export interface SystemResolverOptions {
  /** Milliseconds for one try. */
  readonly timeout?: number;
  readonly tries?: number;
  /** Servers as `ip` or `ip:port`; absent: those of resolv.conf. */
  readonly servers?: readonly string[];
}

/** More records than this in one answer are not looked at: the answer is a stranger's. */
const maxRecords = 100;

export class SystemResolver implements Resolver {
  readonly #resolver: NodeResolver;

  constructor(options: SystemResolverOptions = {}) {
    this.#resolver = new NodeResolver({ timeout: options.timeout ?? 5000, tries: options.tries ?? 2 });
    if (options.servers) this.#resolver.setServers(options.servers);
  }

  async mx(domain: string): Promise<DnsAnswer<MxRecord>> {
    const answer = await ask(domain, (name) => this.#resolver.resolveMx(name));
    if (answer.kind !== 'found') return answer;
    const records = answer.records.map((record) => ({ preference: record.priority, exchange: record.exchange }));
    return { kind: 'found', records };
  }

  addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>> {
    return ask(host, (name) => (family === 4 ? this.#resolver.resolve4(name) : this.#resolver.resolve6(name)));
  }

  addressesWithTtl(host: string): Promise<DnsAnswer<AddressWithTtl>> {
    return ask(host, (name) => this.#resolver.resolve4(name, { ttl: true }));
  }

  async negativeTtl(zone: string): Promise<number | undefined> {
    const answer = await ask(zone, async (name) => [await this.#resolver.resolveSoa(name)]);
    return answer.kind === 'found' ? answer.records[0]?.minttl : undefined;
  }

  nameServers(domain: string): Promise<DnsAnswer<string>> {
    return ask(domain, (name) => this.#resolver.resolveNs(name));
  }

  texts(name: string): Promise<DnsAnswer<string>> {
    return ask(name, async (ascii) => (await this.#resolver.resolveTxt(ascii)).map((strings) => strings.join('')));
  }

  services(name: string): Promise<DnsAnswer<ServiceRecord>> {
    return ask(name, async (ascii) => {
      const found = await this.#resolver.resolveSrv(ascii);
      return found.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
    });
  }

  // Not by the library's own `reverse`: it looks into /etc/hosts, and takes a server that failed for one that knows no name.
  async names(address: string): Promise<DnsAnswer<string>> {
    return await ask(reverseName(address), (name) => this.#resolver.resolvePtr(name));
  }
}

async function ask<T>(name: string, query: (name: string) => Promise<T[]>): Promise<DnsAnswer<T>> {
  const ascii = /^[\x21-\x7e]+$/.test(name) ? name : domainToASCII(name);
  if (ascii === '' || ascii.length > 253) return { kind: 'no-domain' };
  return outcome(ascii, () => query(ascii));
}

async function outcome<T>(name: string, query: () => Promise<T[]>): Promise<DnsAnswer<T>> {
  try {
    const records = await query();
    return records.length === 0 ? { kind: 'no-data' } : { kind: 'found', records: records.slice(0, maxRecords) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENODATA') return { kind: 'no-data' };
    if (code === 'ENOTFOUND' || code === 'EBADNAME') return { kind: 'no-domain' };
    throw new TemporaryError(
      `Host or domain name not found. Name service error for name=${name}: ${code ?? 'failed'}`,
      {
        cause: error,
      },
    );
  }
}
