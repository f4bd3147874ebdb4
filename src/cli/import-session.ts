// Where an importing command puts mail: through the running server, which owns the store, or straight into the store of a data
// folder that no server uses. Reading goes past the server either way.

import { statSync } from 'node:fs';
import { importSocketPath } from '../interop/import-mail/frames.ts';
import type { ImportReader } from '../interop/import-mail/known-messages.ts';
import { RemoteTarget } from '../interop/import-mail/remote-target.ts';
import { StoreTarget } from '../interop/import-mail/store-target.ts';
import type { ImportTarget } from '../interop/import-mail/types.ts';
import { type LogLevel, ProgramLog } from '../lib/log.ts';
import { openMailstore } from '../mailstore/store.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { lockDataFolder } from '../main/data-lock.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlSocketPath } from './control.ts';

export interface ImportSession {
  readonly target: ImportTarget;
  readonly reader: ImportReader;
  close(): Promise<void>;
}

export async function openImportSession(
  context: CommandContext,
  settings: Settings,
  dataDirectory: string,
): Promise<ImportSession> {
  const remote = await openRemote(dataDirectory);
  if (remote !== undefined) return withReader(remote, dataDirectory, () => remote.close());
  refuseOtherOwner(dataDirectory);
  const lock = lockDataFolder(dataDirectory);
  try {
    let broken: Error | undefined;
    const store = await openMailstore({
      folder: dataDirectory,
      inlineLimit: settings.integer('posthaste_inline_limit'),
      synchronous: settings.text('posthaste_store_synchronous') === 'NORMAL' ? 'NORMAL' : 'FULL',
      log: storeLog(context),
      onBroken: (error) => {
        broken = error;
      },
    });
    const target = new StoreTarget(store);
    return withReader(target, dataDirectory, async () => {
      try {
        await target.close();
      } finally {
        if (broken === undefined) await store.close();
        lock.release();
      }
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openRemote(dataDirectory: string): Promise<RemoteTarget | undefined> {
  try {
    return await RemoteTarget.open(importSocketPath(controlSocketPath(dataDirectory)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    throw new CommandError('the server belongs to another user; run this as root or as that user');
  }
}

function withReader(target: ImportTarget, dataDirectory: string, close: () => Promise<void>): ImportSession {
  const reader = openStoreReader(dataDirectory);
  if (reader === undefined) throw new CommandError(`${dataDirectory} has no store yet: run "posthaste start" first`);
  return {
    target,
    reader,
    async close() {
      reader.close();
      await close();
    },
  };
}

/** Files that root makes in the server's store the server could not read. */
function refuseOtherOwner(dataDirectory: string): void {
  const { uid } = statSync(dataDirectory);
  if (process.getuid?.() === uid) return;
  throw new CommandError(`no server runs on ${dataDirectory}, which belongs to uid ${uid}: start the server first`, 75);
}

/** What the store has to say is said to whoever runs the command. */
function storeLog(context: CommandContext): ProgramLog {
  const write = (_: string, level: LogLevel, text: string): void => {
    if (level !== 'info') context.warn(`posthaste: ${text}`);
  };
  return new ProgramLog({ write }, 'import');
}
