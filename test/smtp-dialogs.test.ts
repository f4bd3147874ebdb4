// The dialogs of smtp-dialogs/*.txt, with a policy that knows a handful of addresses, and those of access-dialogs/*.txt,
// with the real restrictions, tables and DNS: each of the latter has been held against a real Postfix 3.7, reply by
// reply and log line by log line.

import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'vitest';
import { runDialog } from './smtp-dialogs/dialog.ts';

for (const name of ['smtp-dialogs', 'access-dialogs']) {
  const folder = new URL(`./${name}/`, import.meta.url);
  for (const file of readdirSync(folder).filter((one) => one.endsWith('.txt'))) {
    const options = name === 'access-dialogs' ? { isRealPolicy: true as const, clientName: 'localhost' } : {};
    test(`${name}/${file}`, () => runDialog(readFileSync(new URL(file, folder), 'utf8'), options));
  }
}
