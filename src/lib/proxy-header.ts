// The header that a load balancer sends first, in front of what its client says: who that client is, and where it
// connected to (HAProxy's PROXY protocol, versions 1 and 2). Read octet-exactly: what follows it stays in the socket. A
// header that is wrong, too long or late is an error: nobody but the balancer may connect to such a listener.

import { isIP, type Socket } from 'node:net';

export interface ProxyEndpoints {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export class ProxyHeaderError extends Error {
  override name = 'ProxyHeaderError';
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** With its line end, the longest line of version 1. */
const maxLine = 107;
/** Version 2: addresses take 216 octets at most; what comes behind (TLVs) is read over, up to this. */
const maxBlock = 4096;

/** `undefined`: more is needed. `length` octets are the header; without endpoints the balancer speaks for itself. */
export function parseProxyHeader(
  octets: Buffer,
): { readonly length: number; readonly endpoints?: ProxyEndpoints } | undefined {
  const known = Math.min(octets.length, signature.length);
  if (octets.subarray(0, known).equals(signature.subarray(0, known))) {
    return octets.length < 16 ? undefined : parseBlock(octets);
  }
  return parseLine(octets);
}

function parseLine(octets: Buffer): ReturnType<typeof parseProxyHeader> {
  const start = octets.toString('latin1', 0, 6);
  if (!'PROXY '.startsWith(start)) throw new ProxyHeaderError('not a PROXY header');
  const end = octets.indexOf('\r\n');
  if (end === -1 || end > maxLine - 2) {
    if (octets.length >= maxLine) throw new ProxyHeaderError('PROXY header too long');
    return undefined;
  }
  const words = octets.toString('latin1', 0, end).split(' ');
  const length = end + 2;
  if (words[1] === 'UNKNOWN') return { length };
  const [, protocol, remoteAddress = '', localAddress = '', remotePort = '', localPort = '', ...more] = words;
  const version = protocol === 'TCP4' ? 4 : protocol === 'TCP6' ? 6 : 0;
  const areAddresses = version !== 0 && isIP(remoteAddress) === version && isIP(localAddress) === version;
  if (!areAddresses || more.length > 0) throw new ProxyHeaderError('malformed PROXY header');
  return {
    length,
    endpoints: { remoteAddress, remotePort: port(remotePort), localAddress, localPort: port(localPort) },
  };
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new ProxyHeaderError('malformed PROXY header');
  return Number(text);
}

function parseBlock(octets: Buffer): ReturnType<typeof parseProxyHeader> {
  const [versionAndCommand = 0, family = 0] = octets.subarray(12, 14);
  const size = octets.readUInt16BE(14);
  const length = 16 + size;
  if (size > maxBlock) throw new ProxyHeaderError('PROXY header too long');
  if (versionAndCommand >> 4 !== 2 || (versionAndCommand & 0xf) > 1) {
    throw new ProxyHeaderError('PROXY header of an unknown version or command');
  }
  if (octets.length < length) return undefined;
  // LOCAL: the balancer's own connection, as for a health check.
  if ((versionAndCommand & 0xf) === 0) return { length };
  const wide = family === 0x21 ? 16 : 4;
  if (family !== 0x11 && family !== 0x21) throw new ProxyHeaderError('PROXY header of an unknown protocol');
  if (size < 2 * wide + 4) throw new ProxyHeaderError('malformed PROXY header');
  const address = (at: number): string =>
    wide === 4 ? octets.subarray(at, at + 4).join('.') : ipv6Text(octets.subarray(at, at + 16));
  const ports = 16 + 2 * wide;
  return {
    length,
    endpoints: {
      remoteAddress: address(16),
      localAddress: address(16 + wide),
      remotePort: octets.readUInt16BE(ports),
      localPort: octets.readUInt16BE(ports + 2),
    },
  };
}

/** In its usual spelling; an IPv4 address that is written so (RFC 4291 §2.5.5.2) as such. */
function ipv6Text(octets: Buffer): string {
  if (octets.toString('hex', 0, 12) === '00000000000000000000ffff') return octets.subarray(12).join('.');
  const groups = octets.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** Resolves when the header has come; what follows it is still to be read. */
export function readProxyHeader(socket: Socket, milliseconds: number): Promise<ProxyEndpoints | undefined> {
  return new Promise((resolve, reject) => {
    let octets: Buffer = Buffer.alloc(0);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      socket.off('readable', take).off('error', fail).off('close', closed).off('end', closed);
      finish();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const closed = (): void => fail(new ProxyHeaderError('connection closed before the PROXY header'));
    const take = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
      try {
        const header = parseProxyHeader(octets);
        if (header === undefined) return;
        settle(() => {
          if (octets.length > header.length) socket.unshift(octets.subarray(header.length));
          resolve(header.endpoints);
        });
      } catch (error) {
        fail(error as Error);
      }
    };
    const timer = setTimeout(() => fail(new ProxyHeaderError('no PROXY header in time')), milliseconds);
    socket.on('readable', take).on('error', fail).on('close', closed).on('end', closed);
  });
}
