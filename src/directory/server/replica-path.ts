// Where the local copy of a server's directory stands. Apart from what keeps it: most installations have none.

import { join } from 'node:path';
import { knownVersion } from '../database.ts';

/** In the data folder. Its name has the schema's version: a newer program never changes what an older one still uses. */
export function replicaFile(dataDirectory: string): string {
  return join(dataDirectory, `directory-replica-${knownVersion}.db`);
}
