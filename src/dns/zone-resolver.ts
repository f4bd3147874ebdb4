// A Resolver over a text of records, one a line: `NAME TYPE VALUE...` with the types A, AAAA, MX, PTR, NS, TXT,
// and FAIL for a name about which the servers say nothing. For tests, and for a host without any DNS.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { AddressFamily, DnsAnswer, MxRecord, Resolver, ServiceRecord } from './resolver.ts';

export class ZoneResolver implements Resolver {
  /** By lower-case name: its records as `[TYPE, value]`. */
  readonly #names = new Map<string, [string, string][]>();
  /** How often each name and type was asked, for tests of caching. */
  readonly asked = new Map<string, number>();

  constructor(zone: string) {
    for (const line of zone.split('\n')) {
      const [name, type, ...value] = line
        .replace(/[#;].*/, '')
        .trim()
        .split(/\s+/);
      if (!name || !type) continue;
      const key = canonical(name);
      const records = this.#names.get(key) ?? [];
      records.push([type.toUpperCase(), value.join(' ')]);
      this.#names.set(key, records);
    }
  }

  async mx(domain: string): Promise<DnsAnswer<MxRecord>> {
    const answer = this.#find(domain, 'MX');
    if (answer.kind !== 'found') return answer;
    const records = answer.records.map((value) => {
      const [preference, exchange = ''] = value.split(' ');
      return { preference: Number(preference), exchange: exchange === '.' ? '' : exchange.replace(/\.$/, '') };
    });
    return { kind: 'found', records };
  }

  async addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>> {
    return this.#find(host, family === 4 ? 'A' : 'AAAA');
  }

  async names(address: string): Promise<DnsAnswer<string>> {
    return this.#find(address, 'PTR');
  }

  async nameServers(domain: string): Promise<DnsAnswer<string>> {
    return this.#find(domain, 'NS');
  }

  async texts(name: string): Promise<DnsAnswer<string>> {
    return this.#find(name, 'TXT');
  }

  async services(name: string): Promise<DnsAnswer<ServiceRecord>> {
    const answer = this.#find(name, 'SRV');
    if (answer.kind !== 'found') return answer;
    const records = answer.records.map((value) => {
      const [priority, weight, port, target = ''] = value.split(' ');
      const name = target.replace(/\.$/, '');
      return { priority: Number(priority), weight: Number(weight), port: Number(port), target: name };
    });
    return { kind: 'found', records };
  }

  #find(name: string, type: string): DnsAnswer<string> {
    const question = `${canonical(name)} ${type}`;
    this.asked.set(question, (this.asked.get(question) ?? 0) + 1);
    const records = this.#names.get(canonical(name));
    if (!records) return { kind: 'no-domain' };
    if (records.some(([found]) => found === 'FAIL')) {
      throw new TemporaryError(
        `Host or domain name not found. Name service error for name=${name} type=${type}: Host not found, try again`,
      );
    }
    const values = records.filter(([found]) => found === type).map(([, value]) => value);
    return values.length === 0 ? { kind: 'no-data' } : { kind: 'found', records: values };
  }
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}
