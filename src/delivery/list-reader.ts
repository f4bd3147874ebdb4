// Reads the lists of local(8) through the file helper: a server that has given up root cannot look into the folders of its
// users, and must not read for one user what is another's.

import { TemporaryError } from '../lib/temporary-error.ts';
import { type LocalFiles, maxListBytes, ownFiles } from '../routing/local-files.ts';
import type { Helper } from './helper/on-demand.ts';
import type { FileJob, FileOutcome } from './helper/protocol.ts';

const notThere = new Set(['ENOENT', 'ENOTDIR']);

/** This process itself, where it was not started as root. */
export function listReader(helper: Helper<FileJob, FileOutcome>): LocalFiles {
  if (!helper.isRoot) return ownFiles;
  return {
    isTrusted: (uid) => uid === 0,
    async find(path, { account, followsLinks }) {
      const [, , uid = '0', gid = '0'] = account?.split(':') ?? [];
      const owner = { uid: Number(uid), gid: Number(gid), isRoots: Number(uid) === 0 };
      const job = { kind: 'list', ...owner, limit: maxListBytes, path, followsLinks } as const;
      const found = await helper.run(job, nothing(), new AbortController().signal);
      if (found.kind === 'list') return found;
      if (found.kind === 'failed' && notThere.has(found.code)) return undefined;
      throw new TemporaryError(`${path}: ${found.kind === 'failed' ? found.text : 'not read'}`);
    },
  };
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // A list is only read.
}
