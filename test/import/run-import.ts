// Runs `posthaste import …` in this process, over a folder of its own with a fresh directory, and gives what it says.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { register } from '../../src/cli/import-directory.ts';
import type { KindCount } from '../../src/interop/import/import-sink.ts';
import type { NotTaken } from '../../src/interop/import/import-source.ts';
import type { ImportProof } from '../../src/cli/import-proof.ts';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { writeFirstConfiguration } from '../../src/settings/first-start.ts';

export interface ImportResult {
  readonly counts: Readonly<Record<string, KindCount>>;
  readonly proof?: ImportProof;
  readonly notTaken: readonly NotTaken[];
  /** What the command ended with, where it failed. */
  readonly failure: string;
}

export class ImportHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'import-host-'));

  private constructor() {
    mkdirSync(join(this.folder, 'data'));
  }

  static async make(): Promise<ImportHost> {
    const host = new ImportHost();
    const dataDirectory = join(host.folder, 'data');
    await writeFirstConfiguration(join(host.folder, 'etc'), {
      dataDirectory,
      loopback: true,
      hostname: 'mx.host.test',
    });
    return host;
  }

  async run(...args: readonly string[]): Promise<ImportResult> {
    const lines: string[] = [];
    const program = new Command().exitOverride();
    const context = { configDirectory: join(this.folder, 'etc'), json: true, warn: () => {} };
    register(program, { ...context, print: (line) => lines.push(line) });
    const failure = await program.parseAsync(['import', ...args], { from: 'user' }).then(
      () => '',
      (error: Error) => error.message,
    );
    const [line] = lines;
    const told =
      line === undefined ? { counts: {}, notTaken: [] } : (JSON.parse(line) as Omit<ImportResult, 'failure'>);
    return { ...told, failure };
  }

  async open(): Promise<Directory> {
    const file = join(this.folder, 'data', 'directory.db');
    return await Directory.open(file, { clock: systemClock, actor: 'test' });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Only what is not nothing, as `mailbox: 3 added`. */
export function told({ counts }: ImportResult): string[] {
  return Object.entries(counts).flatMap(([kind, count]) =>
    Object.entries(count).flatMap(([what, number]) => (number === 0 ? [] : [`${kind}: ${number} ${what}`])),
  );
}
