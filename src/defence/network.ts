// Which network an address belongs to, as far as defence cares. One subscriber has an IPv4 address or an IPv6 /64
// (RFC 6177 §2 says at least that); a provider's customers next door share its /24 or /48. An IPv6 attacker who may
// choose among 2^64 addresses is one and the same.

export interface Networks {
  /** `192.0.2.7`, `2001:db8:1:2::/64`. */
  readonly narrow: string;
  /** `192.0.2.0/24`, `2001:db8:1::/48`. */
  readonly wide: string;
}

export function networksOf(address: string): Networks {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(plain)) {
    return { narrow: plain, wide: `${plain.slice(0, plain.lastIndexOf('.'))}.0/24` };
  }
  const groups = ipv6Groups(plain);
  if (groups === undefined) return { narrow: plain.slice(0, 64), wide: plain.slice(0, 64) };
  return { narrow: prefix(groups, 4), wide: prefix(groups, 3) };
}

/** Greylisting looks at who sends, not from which of its machines: /24 and /64. */
export function senderNetwork(address: string): string {
  const { narrow, wide } = networksOf(address);
  return narrow.includes(':') ? narrow : wide;
}

function prefix(groups: readonly string[], length: number): string {
  const kept = groups.slice(0, length);
  while (kept.at(-1) === '0') kept.pop();
  return `${kept.join(':')}::/${length * 16}`;
}

/** Eight groups without leading zeros. */
function ipv6Groups(address: string): string[] | undefined {
  const halves = address.toLowerCase().split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  const isWhole = halves.length === 1 ? missing === 0 : halves.length === 2 && missing > 0;
  const groups = [...head, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...tail];
  if (!isWhole || !groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  return groups.map((group) => group.replace(/^0+(?=.)/, ''));
}
