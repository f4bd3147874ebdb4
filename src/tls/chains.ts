// Private keys with their certificates, as the server shows them: from PEM files, or from PEM text in a table.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { keysAndChains, type PemBlock, pemBlocks } from './pem.ts';
import { type TlsLog, WatchedFiles } from './watched-files.ts';

export interface Chain {
  /** PEM. */
  readonly key: string;
  /** PEM: the server's own certificate, then those of its issuers. */
  readonly certificates: string;
  /** Of its key: `rsa`, `ec`, `ed25519` ... */
  readonly type: string;
}

/** Each group of files is one key with its chain, or several in the order key, chain, key, chain. */
export function openChains(
  groups: readonly (readonly string[])[],
  { clock, log }: { readonly clock: Clock; readonly log: TlsLog },
): Promise<WatchedFiles<readonly Chain[]>> {
  const read = async () => (await Promise.all(groups.map(readChains))).flat();
  return WatchedFiles.open({ paths: groups.flat(), what: 'TLS certificate', read, clock, log });
}

async function readChains(files: readonly string[]): Promise<Chain[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'latin1')));
  return parseChains(texts.flatMap(pemBlocks), files.join(', '));
}

/** Throws where a key or certificate is missing, or the two do not match; `where` begins the message. */
export function parseChains(blocks: readonly PemBlock[], where: string): Chain[] {
  const { key, cert } = keysAndChains(blocks);
  if (key.length === 0 || cert.length === 0) {
    throw new Error(`${where}: no ${key.length === 0 ? 'private key' : 'certificate'} in PEM form`);
  }
  if (key.length !== cert.length) throw new Error(`${where}: ${key.length} private keys, ${cert.length} chains`);
  return key.map((pem, index) => {
    const certificates = cert[index] as string;
    try {
      const privateKey = createPrivateKey(pem);
      if (new X509Certificate(certificates).checkPrivateKey(privateKey)) {
        return { key: pem, certificates, type: privateKey.asymmetricKeyType ?? '' };
      }
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
    throw new Error(`${where}: the private key is not that of the certificate`);
  });
}
