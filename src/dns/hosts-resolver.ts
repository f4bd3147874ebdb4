// Addresses from the hosts file first, then from the DNS: what smtp_host_lookup calls `native`.

import { isIP } from 'node:net';
import type { HostsFile } from './hosts-file.ts';
import type { AddressFamily, DnsAnswer, MxRecord, Resolver } from './resolver.ts';

export class HostsResolver implements Resolver {
  readonly #hosts: HostsFile;
  readonly #next: Resolver;

  constructor(hosts: HostsFile, next: Resolver) {
    this.#hosts = hosts;
    this.#next = next;
  }

  mx(domain: string): Promise<DnsAnswer<MxRecord>> {
    return this.#next.mx(domain);
  }

  async addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>> {
    const listed = await this.#hosts.addresses(host);
    if (listed.length === 0) return this.#next.addresses(host, family);
    const records = listed.filter((address) => isIP(address) === family);
    return records.length > 0 ? { kind: 'found', records } : { kind: 'no-data' };
  }

  names(address: string): Promise<DnsAnswer<string>> {
    return this.#next.names(address);
  }

  nameServers(domain: string): Promise<DnsAnswer<string>> {
    return this.#next.nameServers(domain);
  }

  texts(name: string): Promise<DnsAnswer<string>> {
    return this.#next.texts(name);
  }
}
