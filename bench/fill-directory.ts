// Fills a directory with numbered domains, mailboxes and aliases, for the benches: by SQL, since a million rows by the
// directory's own commands would take an hour. Mailbox u1@d1.test has the alias a1@d1.test, and so on.

import { openDirectoryFiles } from '../src/directory/database.ts';
import { systemClock } from '../src/lib/clock.ts';

/** `domains` with `users` mailboxes and as many aliases each; `onDomains` is called after each thousand domains. */
export async function fillDirectory(
  file: string,
  domains: number,
  users: number,
  onDomains: (count: number) => void = () => undefined,
): Promise<void> {
  const files = await openDirectoryFiles(file, false, systemClock);
  const connection = files.writer?.connection;
  if (connection === undefined) throw new Error('not opened for writing');
  for (let first = 1; first <= domains; first += domainsAtATime) {
    const last = Math.min(domains, first + domainsAtATime - 1);
    connection.exec(`
      BEGIN;
      WITH RECURSIVE d(n) AS (SELECT ${first} UNION ALL SELECT n + 1 FROM d WHERE n < ${last})
        INSERT INTO domain (id, name, kind, active, transport, created) SELECT n, 'd' || n || '.test', 'mailbox', 1, '', 0 FROM d;
      WITH RECURSIVE u(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < ${users})
        INSERT INTO mailbox (domain_id, localpart, shown, name, password, quota, enabled, created, removed_at)
        SELECT d.id, 'u' || u.n, 'u' || u.n || '@' || d.name, '', '!', 0, 1, 0, 0
        FROM domain d, u WHERE d.id BETWEEN ${first} AND ${last};
      WITH RECURSIVE u(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < ${users})
        INSERT INTO alias (domain_id, localpart, shown, created)
        SELECT d.id, 'a' || u.n, 'a' || u.n || '@' || d.name, 0 FROM domain d, u WHERE d.id BETWEEN ${first} AND ${last};
      INSERT INTO alias_target (alias_id, position, address, domain, localpart)
        SELECT a.id, 0, 'u' || substr(a.shown, 2), d.name, 'u' || substr(a.localpart, 2)
        FROM domain d JOIN alias a ON a.domain_id = d.id WHERE d.id BETWEEN ${first} AND ${last};
      COMMIT;`);
    onDomains(last);
  }
  files.reader.close();
  connection.close();
}

const domainsAtATime = 1000;
