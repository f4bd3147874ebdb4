// Who exists in a bench: 1,000 domains with ten users each, and 20,000 users in bulk.test, because smtp-source can
// only number the local part (`-N -t u@bulk.test` sends to 1u@bulk.test, 2u@bulk.test …). The same for every server.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const domainCount = 1_000;
const usersPerDomain = 10;
export const bulkUserCount = 20_000;
export const bulkDomain = 'bulk.test';
export const bulkPattern = `u@${bulkDomain}`;
export const password = 'pw';

export const domains: readonly string[] = [
  ...Array.from({ length: domainCount }, (_, index) => `d${String(index).padStart(6, '0')}.test`),
  bulkDomain,
];

export function bulkAddress(number: number): string {
  return `${number}${bulkPattern}`;
}

/** Every mailbox address. */
export function* users(): Generator<string> {
  for (const domain of domains.slice(0, domainCount)) {
    for (let user = 0; user < usersPerDomain; user++) yield `u${user}@${domain}`;
  }
  for (let number = 1; number <= bulkUserCount; number++) yield bulkAddress(number);
}

/** One alias a domain. */
export function aliases(): Record<string, string> {
  return Object.fromEntries(domains.slice(0, domainCount).map((domain) => [`alias@${domain}`, `u0@${domain}`]));
}

/** Maildir below the virtual mailbox base, as `bulk.test/1u/`. */
export function maildirOf(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(at + 1)}/${address.slice(0, at)}/`;
}

/** Postfix map sources `domains`, `mailboxes`, `aliases`; Dovecot's `passwd`; MariaDB's `tables.sql`. */
export function writeUserFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const all = [...users()];
  const aliasLines = Object.entries(aliases());
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
  write(
    'domains',
    domains.map((domain) => `${domain} x`),
  );
  write(
    'mailboxes',
    all.map((address) => `${address} ${maildirOf(address)}`),
  );
  // Mailboxes alias to themselves, as the usual SQL set-ups do, so that a catch-all would not swallow them.
  write('aliases', [...aliasLines.map(([from, to]) => `${from} ${to}`), ...all.map((user) => `${user} ${user}`)]);
  write(
    'passwd',
    all.map((address) => `${address}:{PLAIN}${password}`),
  );
  write('tables.sql', [
    'CREATE TABLE domains(domain varchar(50) NOT NULL PRIMARY KEY);',
    'CREATE TABLE forwardings(source varchar(80) NOT NULL PRIMARY KEY, destination TEXT NOT NULL);',
    'CREATE TABLE users(email varchar(80) NOT NULL PRIMARY KEY, password varchar(120) NOT NULL);',
    ...insertStatements(
      'domains',
      domains.map((domain) => `('${domain}')`),
    ),
    ...insertStatements(
      'forwardings',
      aliasLines.map(([from, to]) => `('${from}','${to}')`),
    ),
    ...insertStatements(
      'users',
      all.map((address) => `('${address}','x')`),
    ),
  ]);
}

function insertStatements(table: string, rows: readonly string[]): string[] {
  const statements: string[] = [];
  for (let i = 0; i < rows.length; i += 5_000) {
    statements.push(`INSERT INTO ${table} VALUES ${rows.slice(i, i + 5_000).join(',')};`);
  }
  return statements;
}
