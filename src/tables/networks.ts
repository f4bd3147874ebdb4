// Is this IP address in that network? For mynetworks and its kin: `192.168.0.0/16`, `[2001:db8::]/32`, `10.1.2.3`.

import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

export type Network = (address: string) => boolean;

/** Undefined where the text is no network. Throws RangeError where host bits are set or the length is too large. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Fa-f:.]+))(?:\/(\d{1,3}))?$/.exec(text);
  const base = match?.[1] ?? match?.[2];
  if (match === null || base === undefined || isIP(base) === 0) return undefined;
  const family = isIPv4(base) ? 'ipv4' : 'ipv6';
  const width = family === 'ipv4' ? 32 : 128;
  const length = match[3] === undefined ? width : Number(match[3]);
  if (length > width) throw new RangeError(`bad net/mask pattern: "${text}"`);
  if (hasHostBits(base, length)) throw new RangeError(`non-null host address bits in "${text}"`);
  if (family === 'ipv4') return ipv4Network(base, length);
  const list = new BlockList();
  list.addSubnet(base, length, 'ipv6');
  return (address) => isIPv6(address) && list.check(address, 'ipv6');
}

function ipv4Network(base: string, length: number): Network {
  const shift = 2 ** (32 - length);
  const wanted = Math.floor(ipv4Number(base) / shift);
  return (address) => Math.floor(ipv4Number(plainAddress(address)) / shift) === wanted;
}

/** NaN for anything but a dotted quad: every client is asked about every network, so this has to be quick. */
function ipv4Number(text: string): number {
  let number = 0;
  let octet = -1;
  let dots = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) octet = (octet === -1 ? 0 : octet * 10) + code - 0x30;
    else if (code === 0x2e && octet !== -1) {
      number = number * 256 + octet;
      octet = -1;
      dots++;
    } else return Number.NaN;
    if (octet > 255) return Number.NaN;
  }
  return dots === 3 && octet !== -1 ? number * 256 + octet : Number.NaN;
}

/** `::ffff:10.0.0.1`, as a dual-stack socket names an IPv4 client, is that client. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

function hasHostBits(base: string, length: number): boolean {
  const bytes = isIPv4(base) ? base.split('.').map(Number) : ipv6Bytes(base);
  return bytes.some((byte, index) => {
    const kept = Math.min(8, Math.max(0, length - index * 8));
    return (byte & (0xff >> kept)) !== 0;
  });
}

function ipv6Bytes(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').flatMap(groupBytes));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  return [...first, ...new Array<number>(16 - first.length - last.length).fill(0), ...last];
}

function groupBytes(group: string): number[] {
  if (group.includes('.')) return group.split('.').map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
