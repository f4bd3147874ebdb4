// The name under which the DNS keeps what an address is called (RFC 1035 §3.5; RFC 3596 §2.5).

/** Of an address; its zone (`%eth0`), which only this machine knows, is left out. */
export function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  // As RFC 5952 has it, also where its end is written as IPv4.
  const compressed = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail = ''] = compressed.split('::');
  const [front, back] = [head, tail].map((half) => half.split(':').filter((group) => group !== '')) as [
    string[],
    string[],
  ];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  const digits = [...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join('');
  return `${Array.from(digits).toReversed().join('.')}.ip6.arpa`;
}
