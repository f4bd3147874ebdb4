// A running Posthaste whose directory is on a server that is stopped and started: clients hear "try again", never "unknown
// user", logins fail for now, and afterwards all goes on by itself.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConfiguredDirectory } from '../../src/directory/open-directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfiguration } from '../../src/settings/configuration.ts';
import { DirectoryServers, serverDialects } from '../harness/directory-servers.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const servers = new DirectoryServers();
beforeAll(() => servers.start());
afterAll(() => servers.stop());

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('Posthaste with its directory on %s', (dialect) => {
  it('says 451 while the server is away, and goes on when it is back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outage-'));
    const { file } = servers.newDatabase(dialect);
    const settings = { posthaste_directory: `${dialect === 'mysql' ? 'mysql' : 'pgsql'}:${file}` };
    const posthaste = await PosthasteProcess.create({ folder, settings });
    try {
      await posthaste.start();
      const { settings: own } = await loadConfiguration(posthaste.configFolder);
      const warn = (): void => undefined;
      const options = { clock: systemClock, actor: 'test', warn };
      const directory = await openConfiguredDirectory(own, posthaste.dataFolder, options);
      await directory.domains.add('example.com');
      await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}secret' });
      directory.close();

      const smtp = await SmtpConnection.open(posthaste.smtpPort);
      await smtp.command('EHLO client.example');
      const rcpt = async (address: string): Promise<number> => {
        await smtp.command('RSET');
        await smtp.command('MAIL FROM:<x@elsewhere.example>');
        return (await smtp.command(`RCPT TO:<${address}>`)).code;
      };
      expect(await rcpt('anna@example.com')).toBe(250);
      expect(await rcpt('nobody@example.com')).toBe(550);
      await servers.restart(dialect, async () => {
        expect(await rcpt('anna@example.com')).toBe(451);
        expect(await rcpt('nobody@example.com')).toBe(451);
        expect(await rcpt('somebody@unhosted.example')).toBe(451);
      });
      for (;;) {
        const reply = await rcpt('anna@example.com');
        if (reply === 250) break;
        expect(reply).toBe(451);
        await sleep(100);
      }
      expect(await rcpt('nobody@example.com')).toBe(550);
      await smtp.quit();
    } finally {
      await posthaste.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
