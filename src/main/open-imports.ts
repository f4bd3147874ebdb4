// The socket at which commands that import mail hand it to this server (interop/import-mail/import-server.ts).

import { controlSocketPath } from '../cli/control.ts';
import { importSocketPath } from '../interop/import-mail/frames.ts';
import { ImportServer } from '../interop/import-mail/import-server.ts';
import type { ImportStore } from '../interop/import-mail/store-target.ts';

/** After startControlServer, which makes the socket's folder. */
export function openImports(dataDirectory: string, store: ImportStore): Promise<ImportServer> {
  return ImportServer.open(importSocketPath(controlSocketPath(dataDirectory)), store);
}
