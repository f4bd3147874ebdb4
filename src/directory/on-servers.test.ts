// The directory's tests again, with the directory on real servers.

import { afterAll, beforeAll, describe } from 'vitest';
import { onServer } from '../../test/harness/directory-opener.ts';
import { DirectoryServers, serverDialects } from '../../test/harness/directory-servers.ts';

const servers = new DirectoryServers();
beforeAll(() => servers.start());
afterAll(() => servers.stop());

const suites = ['directory', 'people', 'tables', 'loops', 'as-of'];

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('on %s', async (dialect) => {
  for (const suite of suites) {
    // oxlint-disable-next-line no-await-in-loop
    await onServer(servers, dialect, () => import(/* @vite-ignore */ `./${suite}.test.ts?${dialect}`));
  }
});
