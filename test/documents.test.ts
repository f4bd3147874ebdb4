// The configurations of the source documents, in use: mail goes where the document says (or, as written, where its
// errata lead), and a real Postfix does the same with the same files.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../src/cli/expect.ts';
import { noRealPostfix } from './harness/real-postfix.ts';
import { type LintCase, readCases } from './lint/fixtures.ts';
import { documentGroups } from './parity/document-groups.ts';
import { compareGroup, emptyTally, formatFinding } from './parity/parity-run.ts';
import { ParityServers } from './parity/servers.ts';

const cases = readCases(join(import.meta.dirname, 'documents')).filter(({ outcomes }) => outcomes.length > 0);
const named = cases.map((one) => [`${one.file}: ${one.title}`, one] as const);

test.each(named)('%s', async (_, one) => {
  expect(await runExpect(one)).toEqual([]);
});

/** What `posthaste expect` prints where something is otherwise. */
async function runExpect(one: LintCase): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-documents-'));
  try {
    for (const [path, text] of one.files) writePlaced(folder, path, text);
    const main = one.files.get('/etc/postfix/main.cf') ?? '';
    const plain = readFileSync(join(import.meta.dirname, 'lint/stock/plain.cf'), 'utf8');
    writePlaced(folder, '/etc/postfix/main.cf', `${plain}local_recipient_maps =\n${main}`);
    if (!one.files.has('/etc/postfix/master.cf')) {
      writePlaced(
        folder,
        '/etc/postfix/master.cf',
        readFileSync(join(import.meta.dirname, 'lint/stock/master.cf'), 'utf8'),
      );
    }
    writeFileSync(join(folder, 'expectations'), one.outcomes.map((line) => `${line}\n`).join(''));
    const lines: string[] = [];
    const program = new Command().exitOverride();
    register(program, { configDirectory: folder, json: false, print: (line) => lines.push(line), warn: () => {} });
    const command = program.parseAsync(['expect', join(folder, 'expectations')], { from: 'user' });
    return await command.then(
      () => [],
      () => lines,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts a file of /etc/postfix (or /etc) into the folder and lets it name the others there. */
function writePlaced(folder: string, path: string, text: string): void {
  const file = join(folder, path.replace(/^\/etc\/(postfix\/)?/, ''));
  const placed = text.replaceAll(/\/etc\/(postfix\/)?(?=[\w-]+)/g, `${folder}/`);
  if (path.endsWith('.db.sql')) {
    const database = new Database(file.slice(0, -'.sql'.length));
    database.exec(text);
    database.close();
  } else writeFileSync(file, placed);
}

// All of them are part of `npm run parity`; here one of each document.
const sample = documentGroups().filter(
  (group, index, all) => all.findIndex(({ name }) => name.slice(0, 3) === group.name.slice(0, 3)) === index,
);

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`beside a real Postfix (${noRealPostfix ?? 'here'})`, () => {
  let servers: ParityServers;
  beforeAll(async () => {
    servers = await ParityServers.open();
  });
  afterAll(() => servers.close());

  test.each(sample.map((group) => [group.name, group] as const))('%s', { timeout: 60_000 }, async (_, group) => {
    const tally = emptyTally();
    await compareGroup(servers, group, tally);
    expect([...tally.unexplained.map(formatFinding), ...tally.refused.map(({ reason }) => reason)]).toEqual([]);
  });
});
