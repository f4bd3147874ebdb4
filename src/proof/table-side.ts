// One side of a comparison of tables: a list of tables as a parameter would name them, asked by us, or by a real
// Postfix's postmap(1). Each key is tried in every table, in order; the first result wins.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Table } from '../tables/table.ts';

export type KeyAnswer =
  | { readonly kind: 'found'; readonly value: string }
  | { readonly kind: 'not-found' }
  /** Postfix takes an empty result for an error, and so does everybody who asks. */
  | { readonly kind: 'error'; readonly reason: string };

export interface TableSide {
  /** The tables as given. */
  readonly name: string;
  /** One answer a key, in their order. */
  lookUp(keys: readonly string[]): Promise<readonly KeyAnswer[]>;
  /** What was asked for one key, a line each. */
  derive(key: string): Promise<readonly string[]>;
}

export interface SideKeys {
  readonly keys: readonly string[];
  /** Tables whose keys cannot all be told. */
  readonly untold: readonly Table[];
}

// Enough for a pool of connections to a server to be busy.
const concurrency = 64;

export class OwnSide implements TableSide {
  readonly name: string;
  readonly tables: readonly Table[];

  constructor(tables: readonly Table[]) {
    this.tables = tables;
    this.name = tables.map((table) => table.name).join(', ');
  }

  async lookUp(keys: readonly string[]): Promise<readonly KeyAnswer[]> {
    const answers: KeyAnswer[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < keys.length) {
        const index = next++;
        answers[index] = await this.#find(keys[index] as string);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return answers;
  }

  async derive(key: string): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const table of this.tables) {
      const answer = await ask(table, key);
      if (answer.kind === 'found') {
        const source = answer.source === undefined || answer.source === table.name ? '' : `  [${answer.source}]`;
        lines.push(`${table.name}  ${key} → ${JSON.stringify(answer.value)}${source}`);
        break;
      }
      lines.push(`${table.name}  ${key} → ${answer.kind === 'error' ? `error: ${answer.reason}` : 'not found'}`);
      if (answer.kind === 'error') break;
    }
    return lines;
  }

  /** Throws TemporaryError. */
  async keys(): Promise<SideKeys> {
    const keys: string[] = [];
    const untold: Table[] = [];
    for (const table of this.tables) {
      if (table.entries !== undefined) {
        for await (const { key } of table.entries()) keys.push(key);
        continue;
      }
      const told = await table.keys?.();
      if (told === undefined) untold.push(table);
      else for (const key of told) keys.push(key);
    }
    return { keys, untold };
  }

  async #find(key: string): Promise<KeyAnswer> {
    for (const table of this.tables) {
      const answer = await ask(table, key);
      if (answer.kind !== 'not-found') return answer;
    }
    return { kind: 'not-found' };
  }
}

async function ask(table: Table, key: string): Promise<KeyAnswer & { readonly source?: string }> {
  try {
    const result = await table.lookup(key);
    return result.kind === 'found' && result.value === '' ? { kind: 'error', reason: 'empty result' } : result;
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return { kind: 'error', reason: error.message };
  }
}

/** The same tables, opened by the postmap(1) of the Postfix that is installed. */
export class PostmapSide implements TableSide {
  readonly name: string;
  readonly #tables: readonly string[];
  readonly #configDirectory: string | undefined;

  constructor(tables: readonly string[], configDirectory: string | undefined) {
    this.#tables = tables;
    this.#configDirectory = configDirectory;
    this.name = `postmap ${tables.join(' ')}`;
  }

  /** Throws TemporaryError where postmap fails: it does not tell for which key. */
  async lookUp(keys: readonly string[]): Promise<readonly KeyAnswer[]> {
    // What cannot stand on a line of its own cannot be asked; no table has it as a key either.
    const isLine = (key: string): boolean => key !== '' && !/[\n\r\0]/.test(key);
    const lines = (await this.#run(keys.filter(isLine))).split('\n');
    let at = 0;
    return keys.map((key): KeyAnswer => {
      const line = lines[at];
      if (!isLine(key) || line === undefined || !line.startsWith(`${key}\t`)) return { kind: 'not-found' };
      at++;
      return { kind: 'found', value: line.slice(key.length + 1) };
    });
  }

  async derive(key: string): Promise<readonly string[]> {
    const [answer] = await this.lookUp([key]);
    const text = answer?.kind === 'found' ? JSON.stringify(answer.value) : 'not found';
    return [`${this.name}  ${key} → ${text}`];
  }

  /** postmap wants a main.cf; where there is none, an empty one for as long as it runs. */
  async #run(keys: readonly string[]): Promise<string> {
    if (this.#configDirectory !== undefined) return await this.#runWith(this.#configDirectory, keys);
    const folder = mkdtempSync(join(tmpdir(), 'posthaste-postmap-'));
    try {
      const file = join(folder, 'main.cf');
      writeFileSync(file, 'compatibility_level = 3.6\n');
      // Postfix sleeps until a file is two seconds old before it trusts it.
      utimesSync(file, 1, 1);
      return await this.#runWith(folder, keys);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  #runWith(configDirectory: string, keys: readonly string[]): Promise<string> {
    const args = ['-c', configDirectory, '-q', '-', ...this.#tables];
    const child = spawn('postmap', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    return new Promise((resolve, reject) => {
      let [output, problem] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (problem += text));
      child.on('error', (error) => reject(new TemporaryError(`postmap cannot be run: ${error.message}`)));
      child.on('close', (status) => {
        // 1: the last key was not found.
        if (/\b(?:fatal|error|panic):/.test(problem) || (status ?? 2) > 1) {
          reject(new TemporaryError(problem.trim().split('\n')[0] ?? 'postmap failed'));
        } else resolve(output);
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(keys.map((key) => `${key}\n`).join(''));
    });
  }
}
