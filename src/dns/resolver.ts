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

export type AddressFamily = 4 | 6;

export interface Resolver {
  mx(domain: string): Promise<DnsAnswer<MxRecord>>;
  /** A or AAAA records. */
  addresses(host: string, family: AddressFamily): Promise<DnsAnswer<string>>;
  /** PTR records of an IP address. */
  names(address: string): Promise<DnsAnswer<string>>;
  /** NS records. */
  nameServers(domain: string): Promise<DnsAnswer<string>>;
  /** TXT records, the strings of each joined (RFC 7208 §3.3). */
  texts(name: string): Promise<DnsAnswer<string>>;
}
