// Files that are there whole or not at all, and still after a power cut.

import { open, rename } from 'node:fs/promises';
import path from 'node:path';

/** Written beside its place, synced and moved there. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.posthaste-new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(path.dirname(file));
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
