// What the mail path asks the DNS (RFC 5321 §5.1, RFC 1035), with three outcomes: records, none of this type
// (`no-data`), or the name does not exist (`no-domain`). "Could not find out" is TemporaryError.

export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  | { readonly kind: 'no-data' }
  | { readonly kind: 'no-domain' };

export interface MxRecord {
  readonly preference: number;
  /** Empty for a null MX (RFC 7505). */
  readonly exchange: string;
}

export interface AddressWithTtl {
  readonly address: string;
  readonly ttl: number;
}

/** RFC 2782. */
export interface ServiceRecord {
  /** Empty: the service is not there on purpose. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export type AddressFamily = 4 | 6;

export interface Resolver {
  mx(domain: string): Promise<DnsAnswer<MxRecord>>;
  /** A or AAAA records. */
  addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>>;
  /** A records with their TTL in seconds; absent: this resolver does not know it. */
  addressesWithTtl?(host: string): Promise<DnsAnswer<AddressWithTtl>>;
  /** How long answers of a zone that there is nothing may be kept, in seconds (SOA, RFC 2308 §5). */
  negativeTtl?(zone: string): Promise<number | undefined>;
  /** PTR records of an IP address. */
  names(address: string): Promise<DnsAnswer<string>>;
  /** NS records. */
  nameServers(domain: string): Promise<DnsAnswer<string>>;
  /** TXT records, the strings of each joined (RFC 7208 §3.3). */
  texts(name: string): Promise<DnsAnswer<string>>;
  /** SRV records; absent: this resolver does not know them. */
  services?(name: string): Promise<DnsAnswer<ServiceRecord>>;
}
