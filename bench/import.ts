// sh scripts/with-node bench/import.ts [ROWS] — how long an import of so many PostfixAdmin rows (mailboxes with their own
// aliases, further aliases, domains; a million by default) takes from a MariaDB on this machine, the proof left out, and
// how much memory it needs. (Promised: a million rows within 45 s.)

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFirstConfiguration } from '../src/settings/first-start.ts';
import { MariaDbServer } from '../test/harness/mariadb.ts';
import { cpuSeconds } from './process-tree.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
// Of a hundred rows one is a domain, and each mailbox has two.
const domains = Math.ceil(rows / 100);
const mailboxes = Math.floor((rows - domains) * 0.4);
const aliases = rows - domains - 2 * mailboxes;
const folder = mkdtempSync(join(tmpdir(), 'import-bench-'));
chmodSync(folder, 0o755);
const server = new MariaDbServer(join(folder, 'my'));

const schema = `
  CREATE DATABASE postfix CHARACTER SET utf8mb4; USE postfix;
  CREATE TABLE domain (domain varchar(255) PRIMARY KEY, aliases int, mailboxes int, maxquota bigint, quota bigint, transport varchar(255), backupmx tinyint, active tinyint);
  CREATE TABLE mailbox (username varchar(255) PRIMARY KEY, password varchar(255), name varchar(255), maildir varchar(255), quota bigint, domain varchar(255), created datetime, active tinyint, KEY (domain));
  CREATE TABLE alias (address varchar(255) PRIMARY KEY, goto text, domain varchar(255), active tinyint, KEY (domain));
  INSERT INTO domain SELECT CONCAT('d', seq, '.test'), 0, 0, 0, 0, 'virtual', 0, 1 FROM seq_1_to_${domains};
  INSERT INTO mailbox SELECT CONCAT('user', seq, '@d', seq % ${domains} + 1, '.test'), CONCAT('$6$salt$', REPEAT('x', 86)), CONCAT('User ', seq), 'x/', 1024000, CONCAT('d', seq % ${domains} + 1, '.test'), NOW(), 1 FROM seq_1_to_${mailboxes};
  INSERT INTO alias SELECT username, username, domain, 1 FROM mailbox;
  INSERT INTO alias SELECT CONCAT('alias', seq, '@d', seq % ${domains} + 1, '.test'), CONCAT('user', seq, '@d', seq % ${domains} + 1, '.test'), CONCAT('d', seq % ${domains} + 1, '.test'), 1 FROM seq_1_to_${aliases};`;

interface Imported {
  readonly seconds: number;
  /** Of the import itself, without the server that it reads from. */
  readonly cpu: number;
  /** The most memory that it had. */
  readonly mebibytes: number;
  readonly said: string;
}

async function importOnce(etc: string, source: string): Promise<Imported> {
  const main = join(import.meta.dirname, '../src/main/main.ts');
  const began = performance.now();
  const child = spawn(process.execPath, [main, '-c', etc, 'import', 'postfixadmin', '--source', source, '--no-proof']);
  let [said, kibibytes, cpu] = ['', 0, 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      cpu = Math.max(cpu, cpuSeconds([child.pid ?? 0]));
      kibibytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? kibibytes);
    } catch {
      // It has ended.
    }
  }, 200);
  await new Promise((done) => child.once('close', done));
  clearInterval(watch);
  return { seconds: (performance.now() - began) / 1000, cpu, mebibytes: Math.round(kibibytes / 1024), said };
}

try {
  await server.start();
  server.execute(schema);
  const etc = join(folder, 'etc');
  mkdirSync(join(folder, 'data'));
  await writeFirstConfiguration(etc, { dataDirectory: join(folder, 'data'), loopback: true });
  const source = join(folder, 'source.cf');
  writeFileSync(source, `hosts = unix:${server.socket}\nuser = root\ndbname = postfix\n`);
  for (const run of ['the first time', 'again, nothing new']) {
    const { seconds, cpu, mebibytes, said } = await importOnce(etc, `mysql:${source}`);
    console.log(said.trim());
    const micros = ((cpu * 1e6) / rows).toFixed(1);
    console.log(
      `${rows} rows ${run}: ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, CPU ${micros} µs a row, ${mebibytes} MiB`,
    );
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
