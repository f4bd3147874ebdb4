// Socket addresses as log lines and tables have them.

/** An IPv4 client of a socket that listens for IPv6 too; a unix-domain client counts as this machine. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined || address === '') return '127.0.0.1';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
