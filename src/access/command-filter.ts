// smtpd_command_filter (postconf(5)): a table that rewrites what a client says before it is looked at, for clients that
// cannot be mended. Asked once about each command line, never about a message or an answer to AUTH.

import { openMaps, type OpenOptions } from '../routing/open-maps.ts';
import type { Asker } from '../tables/asker.ts';
import type { Maps } from '../tables/maps.ts';

const asker: Asker = { isTracing: false, note: () => undefined, ask: (_stage, table, key) => table.lookup(key) };

export class CommandFilter {
  readonly #maps: Maps;

  constructor(open: OpenOptions) {
    this.#maps = openMaps(open, 'smtpd_command_filter');
  }

  get isEmpty(): boolean {
    return this.#maps.isEmpty;
  }

  /** What stands in its place; undefined: the line itself. Throws TemporaryError. */
  async replacement(line: string): Promise<string | undefined> {
    return (await this.#maps.find(asker, 'command', line.trimStart(), 'full'))?.value;
  }
}
