// Certificates by the name that a client asks for: tls_server_sni_maps (postconf(5)) first, then those that were got for
// host names of ours. A row of the tables is a list of files, or the base64 of what such files hold, as `postmap -F`
// stores it and as SQL and LDAP must give it.

import type { Clock } from '../lib/clock.ts';
import { type Chain, openChains, parseChains } from './chains.ts';
import { pemBlocks } from './pem.ts';
import type { ServerNames } from './server-tls.ts';
import type { Source, TlsLog } from './watched-files.ts';

export interface NamedChainsParts {
  /** A row of tls_server_sni_maps; undefined where those are empty. Throws where they cannot be asked. */
  readonly row: ((key: string) => Promise<string | undefined>) | undefined;
  /** Certificates that this server keeps itself, by host name. */
  readonly own: (name: string) => readonly Chain[] | undefined;
  readonly hasOwn: () => boolean;
  readonly clock: Clock;
  readonly log: TlsLog;
}

/** Rows are many only where certificates are. */
const maxRows = 500;

export class NamedChains implements ServerNames {
  readonly #parts: NamedChainsParts;
  /** What rows lead to, by their text; the least recently used first. */
  readonly #rows = new Map<string, Promise<Source<readonly Chain[]>>>();

  constructor(parts: NamedChainsParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#parts.row === undefined && !this.#parts.hasOwn();
  }

  get logsUnmatched(): boolean {
    return this.#parts.row !== undefined;
  }

  async find(name: string): Promise<readonly Chain[] | undefined> {
    const { row, own } = this.#parts;
    const text = row && (await findRow(row, name));
    return text === undefined ? own(name) : (await this.#open(text, name)).current();
  }

  #open(text: string, name: string): Promise<Source<readonly Chain[]>> {
    let source = this.#rows.get(text);
    this.#rows.delete(text);
    if (source === undefined) {
      source = readRow(text, name, this.#parts);
      // A file that is missing may be there at the next handshake.
      source.catch(() => this.#rows.delete(text));
    }
    this.#rows.set(text, source);
    if (this.#rows.size > maxRows) this.#rows.delete(this.#rows.keys().next().value as string);
    return source;
  }
}

/** The name itself, then its parents with a dot before them. */
async function findRow(row: (key: string) => Promise<string | undefined>, name: string): Promise<string | undefined> {
  for (let key = name; ; ) {
    const found = await row(key);
    if (found !== undefined) return found;
    const dot = key.indexOf('.', 1);
    if (dot < 0) return undefined;
    key = key.slice(dot);
  }
}

async function readRow(text: string, name: string, parts: NamedChainsParts): Promise<Source<readonly Chain[]>> {
  const decoded = Buffer.from(text.replace(/\s+/g, ''), 'base64').toString('latin1');
  if (decoded.includes('-----BEGIN ')) {
    const chains = parseChains(pemBlocks(decoded), `tls_server_sni_maps: ${name}`);
    return { current: () => chains };
  }
  const files = text.split(/[\s,]+/).filter((file) => file !== '');
  // All files of a row are one text: a key may stand in one and its chain in the next.
  return await openChains([files], parts);
}
