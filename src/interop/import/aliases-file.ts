// An aliases(5) file as aliases of one domain: each name becomes NAME@DOMAIN, and so do the names among its targets.
// Commands, files and :include: belong to local(8), which goes on reading the file (alias_maps).

import { readFileSync } from 'node:fs';
import { readAliasSource } from '../../tables/alias-source.ts';
import { ImportError, type ImportObject, type ImportSource, notTaken } from './import-source.ts';

export class AliasesFileSource implements ImportSource {
  readonly name: string;
  readonly old = undefined;
  readonly #file: string;
  readonly #domain: string;
  readonly #bytes: Buffer;

  constructor(file: string, domain: string) {
    this.#file = file;
    this.#domain = domain;
    this.name = `${file} as addresses of ${domain}`;
    try {
      this.#bytes = readFileSync(file);
    } catch (error) {
      throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
    }
  }

  async count(): Promise<number> {
    return this.#bytes.reduce((sum, byte) => sum + Number(byte === 10), 0);
  }

  async *read(): AsyncGenerator<readonly ImportObject[]> {
    const objects: ImportObject[] = [];
    for (const item of readAliasSource(this.#bytes, { path: this.#file })) {
      if (item.kind === 'warning') objects.push(notTaken(item.text, 'it is no row of aliases(5)'));
      else objects.push(...this.#alias(item.key, item.value, item.line));
    }
    yield objects;
  }

  close(): void {
    // It has been read whole.
  }

  *#alias(name: string, value: string, line: number): Generator<ImportObject> {
    const all = splitTargets(value);
    const isMail = (target: string): boolean => !/^(?:"?[|/]|:include:|\\)/i.test(target);
    const others = all.filter((target) => !isMail(target));
    const address = `${name}@${this.#domain}`;
    if (others.length > 0) {
      const reason = 'commands, files, :include: and \\names are for local(8): keep this file in alias_maps';
      yield notTaken(`${this.#file}:${line}, ${name}: ${others.join(', ')}`, reason, address);
    }
    const targets = all.filter(isMail).map((target) => (target.includes('@') ? target : `${target}@${this.#domain}`));
    if (targets.length > 0) yield { kind: 'alias', value: { address, targets } };
  }
}

/** At commas outside quotes. */
function splitTargets(value: string): string[] {
  const parts = value.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
