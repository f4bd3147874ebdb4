// What an export or a check of one refuses becomes the command's one line.

import { ServerRefusal, ServerUnavailable, TryAgain } from '../database/server/server-session.ts';
import { DirectoryOpenError } from '../directory/refusal.ts';
import { ExportRefused } from '../interop/export/export-files.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { CommandError } from './context.ts';

export async function withExportErrors(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ServerUnavailable || error instanceof TryAgain) {
      throw new TemporaryError(error.message, { cause: error });
    }
    const isExpected =
      error instanceof ExportRefused || error instanceof ServerRefusal || error instanceof DirectoryOpenError;
    throw isExpected ? new CommandError(error.message) : error;
  }
}
