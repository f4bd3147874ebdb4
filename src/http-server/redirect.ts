// What plain HTTP answers beyond loopback: the way to HTTPS, and nothing else. The host is what the client wrote, read
// strictly: it goes back into a header.

import type { IncomingMessage, ServerResponse } from 'node:http';

export function redirectToHttps(
  request: IncomingMessage,
  response: ServerResponse,
  httpsPort: number | undefined,
): void {
  request.resume();
  const host = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d+)?$/i.exec(request.headers.host ?? '')?.[1];
  const path = /^\/[\x21-\x7e]*$/.exec(request.url ?? '')?.[0];
  response.setHeader('Connection', 'close');
  if (host === undefined || path === undefined || path.startsWith('//') || httpsPort === undefined) {
    response.writeHead(403, { 'Content-Type': 'text/plain' }).end('This is served by HTTPS only.\n');
    return;
  }
  const port = httpsPort === 443 ? '' : `:${httpsPort}`;
  response.writeHead(308, { Location: `https://${host}${port}${path}`, 'Content-Length': 0 }).end();
}
