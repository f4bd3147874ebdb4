// /etc/hosts (hosts(5)): names and addresses that the machine's owner fixed. Read again when it has changed,
// looked at no more often than every few seconds.

import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';

const lookAgainMilliseconds = 5000;
/** A larger file is a block list, not a table of hosts. */
const maxBytes = 1 << 20;

export class HostsFile {
  readonly #path: string;
  readonly #clock: Clock;
  #names = new Map<string, readonly string[]>();
  #addresses = new Map<string, readonly string[]>();
  #stamp = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The names of an address, the first one canonical; empty if it is not listed. */
  async names(address: string): Promise<readonly string[]> {
    await this.#refresh();
    return this.#names.get(address) ?? [];
  }

  /** The addresses of a name. */
  async addresses(name: string): Promise<readonly string[]> {
    await this.#refresh();
    return this.#addresses.get(name.toLowerCase()) ?? [];
  }

  async #refresh(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt < lookAgainMilliseconds) return;
    this.#lookedAt = now;
    try {
      const { mtimeMs, size } = await stat(this.#path);
      const stamp = `${mtimeMs} ${size}`;
      if (stamp === this.#stamp || size > maxBytes) return;
      this.#parse(await readFile(this.#path, 'utf8'));
      this.#stamp = stamp;
    } catch {
      // No hosts file: DNS alone answers.
      this.#parse('');
      this.#stamp = '';
    }
  }

  #parse(text: string): void {
    const names = new Map<string, string[]>();
    const addresses = new Map<string, string[]>();
    for (const line of text.split('\n')) {
      const [address, ...hosts] = line.replace(/#.*/, '').trim().split(/\s+/);
      if (!address) continue;
      for (const host of hosts) {
        append(names, address, host);
        append(addresses, host.toLowerCase(), address);
      }
    }
    this.#names = names;
    this.#addresses = addresses;
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
