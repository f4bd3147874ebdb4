// Where the server of a tcp:, socketmap: or memcache: table listens: `host:port`, `inet:host:port` or `unix:path`, as
// tcp_table(5), socketmap_table(5) and memcache_table(5) write it.

import { TableError } from '../table-error.ts';

export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** `table` is `type:name`, for messages. Throws TableError. */
export function parseEndpoint(table: string, text: string): Endpoint {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path.startsWith('/')) return { path };
    throw new TableError(`${table}: need an absolute pathname after unix:`);
  }
  if (text.startsWith('inet:')) return parseHostPort(table, text.slice('inet:'.length));
  throw new TableError(`${table}: need inet:host:port or unix:pathname`);
}

export function parseHostPort(table: string, text: string): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):([^:]+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TableError(`${table}: "${text}" is not host:port with a number for the port`);
  }
  return { host: match[1] || match[2] || 'localhost', port };
}
