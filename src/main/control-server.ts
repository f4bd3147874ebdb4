// The server's end of the control socket (cli/control.ts): for the user that owns the data folder only.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { type ControlRequest, type ControlResponse, controlSocketPath } from '../cli/control.ts';

/** Longer requests are cut off. */
const maxRequestBytes = 1024 * 1024;

export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

/** Listens until close(); the data folder's lock must be held, since a socket left behind is removed. */
export function startControlServer(dataDirectory: string, handle: ControlHandler): Promise<net.Server> {
  const socketPath = controlSocketPath(dataDirectory);
  fs.mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  fs.rmSync(socketPath, { force: true });
  // The client ends its side after the request: the answer must still go out.
  const server = net.createServer({ allowHalfOpen: true }, (socket) => serve(socket, handle));
  // A worker thread, as the test runner's, may not set it.
  const umask = isMainThread ? process.umask(0o077) : undefined;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      if (umask !== undefined) process.umask(umask);
      resolve(server);
    });
  });
}

function serve(socket: net.Socket, handle: ControlHandler): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.setTimeout(10_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > maxRequestBytes) socket.destroy();
  });
  socket.on('end', () => {
    socket.setTimeout(0);
    void respond(text, handle).then((response) => socket.end(`${JSON.stringify(response)}\n`));
  });
}

async function respond(text: string, handle: ControlHandler): Promise<ControlResponse> {
  try {
    return { ok: true, value: await handle(JSON.parse(text) as ControlRequest) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
