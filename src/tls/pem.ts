// The blocks of a PEM file, and which keys go with which certificates. For the server's own certificates and those that
// the client shows.

export interface PemBlock {
  readonly label: string;
  readonly text: string;
}

export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----[^-]*-----END \1-----/g)].map((match) => ({
    label: match[1] as string,
    text: `${match[0]}\n`,
  }));
}

/** One key with one chain, or several (an RSA and an EC one) in the order key, chain, key, chain. */
export function keysAndChains(blocks: readonly PemBlock[]): { key: string[]; cert: string[] } {
  const key: string[] = [];
  const cert: string[] = [];
  for (const block of blocks) {
    if (block.label.endsWith('PRIVATE KEY')) {
      key.push(block.text);
      cert.push('');
    } else if (block.label.endsWith('CERTIFICATE')) {
      if (cert.length === 0) cert.push('');
      cert[cert.length - 1] += block.text;
    }
  }
  return { key, cert: cert.filter((chain) => chain !== '') };
}
