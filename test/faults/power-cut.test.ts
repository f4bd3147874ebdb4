// The shim itself, against small programs: what was synced is there after a cut, what was not is gone.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compilePowerCutShim, PowerCut } from './power-cut.ts';

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

// Skipped where there is no C compiler (scripts/install-test-servers); CI installs it and counts a skip as a failure.
describe.skipIf(!hasCompiler)('power cut (needs gcc and libc6-dev)', () => {
  let folder = '';
  let library = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthaste-power-cut-'));
    library = compilePowerCutShim(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function prepare(name: string): { live: string; cut: PowerCut } {
    const live = join(folder, name);
    rmSync(live, { recursive: true, force: true });
    spawnSync('mkdir', ['-p', live]);
    return { live, cut: new PowerCut({ live, record: `${live}.record`, library }) };
  }

  /** Runs JavaScript in the folder under the shim; it ends by itself, what follows is the cut. */
  function runUnderShim(live: string, cut: PowerCut, script: string): void {
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: live,
      env: { ...process.env, ...cut.environment() },
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  }

  const prelude = `
    import fs from 'node:fs';
    const sync = (path) => { const fd = fs.openSync(path, 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
    const put = (path, text, flags = 'w') => { const fd = fs.openSync(path, flags); fs.writeSync(fd, text); fs.fsyncSync(fd); fs.closeSync(fd); };
  `;

  test('bytes and names survive only when both were synced', () => {
    const { live, cut } = prepare('names');
    writeFileSync(join(live, 'old'), 'old bytes');
    writeFileSync(join(live, 'doomed'), 'still here');
    cut.begin();
    runUnderShim(
      live,
      cut,
      `${prelude}
      put('both', 'both'); fs.mkdirSync('sub'); sync('.');
      put('sub/unlisted', 'x');
      fs.writeFileSync('unsynced', 'gone'); put('bytes-only', 'no name');
      fs.writeFileSync('old', 'NEW'); fs.unlinkSync('doomed');`,
    );
    cut.restore();
    expect(readdirSync(live).sort()).toEqual(['both', 'doomed', 'old', 'sub']);
    expect(readFileSync(join(live, 'both'), 'utf8')).toBe('both');
    expect(readFileSync(join(live, 'old'), 'utf8')).toBe('old bytes');
    expect(readFileSync(join(live, 'doomed'), 'utf8')).toBe('still here');
    expect(readdirSync(join(live, 'sub'))).toEqual([]);
  });

  test('a rename, a truncation and a positioned write are what the last sync made of them', () => {
    const { live, cut } = prepare('rename');
    writeFileSync(join(live, 'long'), 'x'.repeat(100_000));
    cut.begin();
    runUnderShim(
      live,
      cut,
      `${prelude}
      put('temporary', 'body'); fs.renameSync('temporary', 'final'); sync('.');
      const fd = fs.openSync('long', 'r+');
      fs.ftruncateSync(fd, 10); fs.writeSync(fd, 'abc', 20); fs.writevSync(fd, [Buffer.from('de'), Buffer.from('f')], 23);
      fs.fdatasyncSync(fd); fs.writeSync(fd, 'ZZZ', 0);`,
    );
    cut.restore();
    expect(readdirSync(live).sort()).toEqual(['final', 'long']);
    expect(readFileSync(join(live, 'long'), 'latin1')).toBe(`${'x'.repeat(10)}${'\0'.repeat(10)}abcdef`);
  });

  test('promise and stream writes from the thread pool are seen', () => {
    const { live, cut } = prepare('pool');
    cut.begin();
    runUnderShim(
      live,
      cut,
      `import fs from 'node:fs/promises';
      const big = await fs.open('big', 'w');
      for (let i = 0; i < 64; i++) await big.write(Buffer.alloc(65536, 65 + (i % 26)));
      await big.writev([Buffer.from('the'), Buffer.from('end')]); await big.sync(); await big.close();
      const folder = await fs.open('.', 'r'); await folder.sync(); await folder.close();`,
    );
    cut.restore();
    expect(statSync(join(live, 'big')).size).toBe(64 * 65_536 + 6);
    expect(readFileSync(join(live, 'big'), 'latin1').slice(-6)).toBe('theend');
  });

  test('a Maildir that was made for a message is there with it, however deep, and is found again', () => {
    const { live, cut } = prepare('maildir');
    cut.begin();
    const maildir = fileURLToPath(new URL('../../src/maildir/maildir.ts', import.meta.url));
    const deliver = `
      import { closeSync, fsyncSync, mkdirSync, linkSync, writeFileSync } from 'node:fs';
      import { MaildirMessage } from ${JSON.stringify(maildir)};
      const deliver = (folder, name, isRepeated) => {
        const message = MaildirMessage.open({ folder, name, isRepeated });
        if (!message) return;
        message.write(Buffer.from(name)); fsyncSync(message.handle);
        const shown = message.publish(); fsyncSync(shown); closeSync(shown);
      };`;
    runUnderShim(
      live,
      cut,
      `${deliver}
      deliver('a.test/ann/Maildir/', 'one', false);
      // The attempt before has shown it and no more.
      for (const part of ['tmp', 'new', 'cur']) mkdirSync('bob/' + part, { recursive: true });
      deliver('bob/', 'two', false);
      linkSync('bob/new/two', 'bob/new/three');
      deliver('bob/', 'three', true);`,
    );
    cut.restore();
    expect(readFileSync(join(live, 'a.test/ann/Maildir/new/one'), 'utf8')).toBe('one');
    expect(readdirSync(join(live, 'bob/new')).sort()).toEqual(['three', 'two']);
  });

  /** Inserts numbered rows until it is killed, telling each number once its commit has returned. */
  async function countLostRows(name: string, synchronous: string): Promise<{ told: number; lost: number }> {
    const { live, cut } = prepare(name);
    const path = join(live, 'rows.db');
    new Database(path).exec('PRAGMA journal_mode=WAL; CREATE TABLE row (n INTEGER PRIMARY KEY)').close();
    cut.begin();
    const driver = fileURLToPath(import.meta.resolve('better-sqlite3'));
    // Not by process.stdout: what does not go at once it keeps for the event loop, which has no turn here.
    const script = `
      import { writeSync } from 'node:fs';
      import Database from ${JSON.stringify(driver)};
      const db = new Database('rows.db'); db.pragma('synchronous=${synchronous}');
      const insert = db.prepare('INSERT INTO row VALUES (?)');
      for (let n = 1; ; n++) { insert.run(n); writeSync(1, n + '\\n'); }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: live,
      env: { ...process.env, ...cut.environment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      if (output.length > 3_000) child.kill('SIGKILL');
    });
    await new Promise((done) => child.once('close', done));
    cut.restore();
    const told = Number(output.split('\n').at(-2));
    const db = new Database(path);
    const kept = Number(db.prepare('SELECT count(*) FROM row WHERE n <= ?').pluck().get(told));
    db.close();
    return { told, lost: told - kept };
  }

  test('SQLite with synchronous=FULL loses nothing that it said was committed', async () => {
    const { told, lost } = await countLostRows('full', 'FULL');
    expect(told).toBeGreaterThan(100);
    expect(lost).toBe(0);
  });

  test('SQLite with synchronous=NORMAL does: the shim can tell the difference', async () => {
    const { lost } = await countLostRows('normal', 'NORMAL');
    expect(lost).toBeGreaterThan(0);
    expect(existsSync(join(folder, 'normal', 'rows.db'))).toBe(true);
  });
});
