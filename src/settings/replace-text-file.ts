// Puts new text in the place of main.cf or master.cf: written beside it, flushed to disk, renamed, so that a reader and a
// crash see the old file or the new one. Mode and owner stay.

import { open, rename, rm, stat } from 'node:fs/promises';

/** `text` is Latin-1: each character one byte. */
export async function replaceTextFile(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', mode & 0o777);
  try {
    await handle.writeFile(Buffer.from(text, 'latin1'));
    await handle.chmod(mode & 0o777);
    if (process.getuid?.() === 0) await handle.chown(uid, gid);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
