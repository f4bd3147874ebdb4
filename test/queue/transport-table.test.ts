// Every row of the transport table of the MySQL howto (test/documents/001-mysql-howto.txt), delivering: the tables in a real
// MariaDB, the names in a name server of ours, and servers on the addresses and ports that the rows name.

import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startDnsServer } from '../harness/dns-server.ts';
import { hasMariaDb, MariaDbServer } from '../harness/mariadb.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { SmtpRecorder } from '../harness/smtp-recorder.ts';

const isRoot = process.getuid?.() === 0;
const owner = 5432;
/** Addresses of this machine that are nobody else's. */
const host = (last: number): string => `127.77.${(process.pid >> 6) & 255}.${((process.pid & 63) << 2) + last}`;
const [mail, tld, literal] = [host(1), host(2), host(3)];

/** Everything that a row can lead to, by address and port. */
const places = [mail, tld, literal].flatMap((address) => [25, 2025].map((port) => `${address}:${port}`));
const zone = `mail.anotherdomain.com MX 10 mx.anotherdomain.com
mx.anotherdomain.com A ${mail}
mail.anotherdomain.tld MX 10 mx.anotherdomain.com
mail.anotherdomain.tld A ${tld}
`;

const queries: Readonly<Record<string, string>> = {
  domains: "SELECT domain AS virtual FROM domains WHERE domain='%s'",
  forwardings: "SELECT destination FROM forwardings WHERE source='%s'",
  email2email: "SELECT email FROM users WHERE email='%s'",
  mailboxes:
    "SELECT CONCAT(SUBSTRING_INDEX(email,'@',-1),'/',SUBSTRING_INDEX(email,'@',1),'/') FROM users WHERE email='%s'",
  transport: "SELECT transport FROM transport WHERE domain='%s'",
};

// Skipped without MariaDB (scripts/install-test-servers), and without root, which port 25 and other users' Maildirs need; CI
// has both and counts a skip as a failure.
describe.skipIf(!hasMariaDb || !isRoot)('the transport table of the MySQL howto', () => {
  let folder: string;
  let mariaDb: MariaDbServer;
  let server: PosthasteProcess;
  let dns: { close(): void };
  const servers = new Map(places.map((place) => [place, new SmtpRecorder()]));

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/posthaste-howto-');
    chmodSync(folder, 0o755);
    dns = await startDnsServer(zone, { host: mail, port: 53 });
    for (const [place, recorder] of servers) {
      const [address = '', port = ''] = place.split(':');
      await recorder.listen(Number(port), address);
    }
    mariaDb = new MariaDbServer(join(folder, 'mariadb'));
    await mariaDb.start();
    mariaDb.execute(`CREATE DATABASE mail; USE mail;
      CREATE TABLE domains (domain varchar(255) NOT NULL PRIMARY KEY);
      CREATE TABLE forwardings (source varchar(255) NOT NULL PRIMARY KEY, destination varchar(255) NOT NULL);
      CREATE TABLE users (email varchar(255) NOT NULL PRIMARY KEY);
      CREATE TABLE transport (domain varchar(255) NOT NULL, transport varchar(255) NOT NULL, UNIQUE KEY domain (domain));
      INSERT INTO domains VALUES ('example.com');
      INSERT INTO users VALUES ('sales@example.com'), ('joe@example.com');
      INSERT INTO forwardings VALUES ('info@example.com', 'sales@example.com');
      CREATE USER mail_admin@localhost IDENTIFIED BY 'mail'; GRANT SELECT ON mail.* TO mail_admin@localhost;`);
    const vmail = join(folder, 'vmail');
    mkdirSync(vmail);
    chownSync(vmail, owner, owner);
    const table = (name: string) => `proxy:mysql:${folder}/mysql-virtual_${name}.cf`;
    for (const [name, query] of Object.entries(queries)) {
      const access = `user = mail_admin\npassword = mail\ndbname = mail\nhosts = unix:${mariaDb.socket}\n`;
      writeFileSync(join(folder, `mysql-virtual_${name}.cf`), `${access}query = ${query}\n`);
    }
    server = await PosthasteProcess.create({
      folder,
      nameServer: mail,
      services: 'virtual unix - n n - - virtual\n',
      settings: {
        transport_maps: table('transport'),
        virtual_transport: 'virtual',
        message_size_limit: '1000000',
        virtual_mailbox_base: vmail,
        virtual_uid_maps: `static:${owner}`,
        virtual_gid_maps: `static:${owner}`,
        virtual_alias_domains: '',
        virtual_alias_maps: `${table('forwardings')}, ${table('email2email')}`,
        virtual_mailbox_domains: table('domains'),
        virtual_mailbox_maps: table('mailboxes'),
      },
    });
    await server.start();
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await mariaDb.stop();
    for (const recorder of servers.values()) await recorder.close();
    dns.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What became of it. */
  async function send(recipient: string, subject: string): Promise<string> {
    const connection = await SmtpConnection.open(server.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<>');
    expect(await connection.command(`RCPT TO:<${recipient}>`)).toMatchObject({ code: 250 });
    await connection.command('DATA');
    connection.send(`Subject: ${subject}\r\n\r\ntext\r\n.\r\n`);
    const id = /queued as (\w+)/.exec((await connection.reply()).text)?.[1];
    expect(id).toBeDefined();
    await connection.quit();
    return await vi.waitFor(
      () => {
        const line = server.logLines().find((one) => one.includes(`${id}: to=`));
        expect(line).toBeDefined();
        return line ?? '';
      },
      { timeout: 15_000 },
    );
  }

  /** Places to which mail with this subject came. */
  function arrivals(subject: string): string[] {
    return [...servers].flatMap(([place, { mails }]) =>
      mails.some(({ text }) => text.includes(`Subject: ${subject}\n`)) ? [place] : [],
    );
  }

  test.each([
    ['example.com', ':', 'sales@example.com', 'virtual'],
    ['example.com', ':', 'info@example.com', 'virtual'],
    ['example.com', 'smtp:mail.anotherdomain.com', 'sales@example.com', `${mail}:25`],
    ['example.com', 'smtp:mail.anotherdomain.com:2025', 'sales@example.com', `${mail}:2025`],
    ['example.com', `smtp:[${literal}]`, 'sales@example.com', `${literal}:25`],
    ['example.com', `smtp:[${literal}]:2025`, 'sales@example.com', `${literal}:2025`],
    ['example.com', 'smtp:[mail.anotherdomain.tld]', 'sales@example.com', `${tld}:25`],
    ['.example.com', 'smtp:mail.anotherdomain.com', 'anybody@sub.example.com', `${mail}:25`],
    ['.example.com', 'smtp:mail.anotherdomain.com', 'sales@example.com', 'virtual'],
    ['*', 'smtp:mail.anotherdomain.com', 'anybody@elsewhere.test', `${mail}:25`],
    ['joe@example.com', 'smtp:mail.anotherdomain.com', 'joe@example.com', `${mail}:25`],
    ['joe@example.com', 'smtp:mail.anotherdomain.com', 'sales@example.com', 'virtual'],
  ])('| %s | %s |: mail for %s goes to %s', async (key, transport, recipient, place) => {
    mariaDb.execute(`DELETE FROM transport; INSERT INTO transport VALUES ('${key}', '${transport}')`, 'mail');
    const subject = `${key}-${transport}-${recipient}`.replaceAll(/\W/g, '-');
    const inbox = join(folder, 'vmail/example.com/sales/new');
    const count = (): number => (existsSync(inbox) ? readdirSync(inbox).length : 0);
    const before = count();
    expect(await send(recipient, subject)).toMatch(/ status=sent /);
    expect(arrivals(subject)).toEqual(place === 'virtual' ? [] : [place]);
    expect(count() - before).toBe(place === 'virtual' ? 1 : 0);
  });
});
