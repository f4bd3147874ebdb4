// The page for browsers (web/, built into dist/web): files with names of their content, kept by browsers for ever, and one
// index.html for every address of the page. Its policy lets in nothing but our own files; styles that the page makes
// itself carry a nonce, new each time.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Beside the sources in a checkout, beside the compiled files where it is installed. */
const folders = ['../../dist/web', '../web'].map((path) => join(import.meta.dirname, path));
/** As web/vite.config.ts has it built in. */
const nonceMark = /\bNONCE\b/g;

/** The files that index.html names. */
export async function addPageFiles(app: FastifyInstance): Promise<void> {
  const folder = builtPage();
  if (folder === undefined) return;
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: 31_536_000_000,
  });
  app.get('/icon.svg', (_request, reply) =>
    reply.sendFile('icon.svg', folder, { maxAge: 3_600_000, immutable: false }),
  );
}

/** An address of the page, rather than of the API or a file: browsers ask for one as text/html. */
export function isForPage({ method, url, headers }: FastifyRequest): boolean {
  return method === 'GET' && !/^\/(?:api|assets)(?:\/|$)/.test(url) && headers.accept?.includes('text/html') === true;
}

export async function sendPage(reply: FastifyReply): Promise<FastifyReply> {
  const folder = builtPage();
  if (folder === undefined) {
    return reply
      .code(503)
      .type('text/plain; charset=utf-8')
      .send('The page is not built. Build it with: npm run build:web\n');
  }
  // Read each time: it is small, and may have been built anew.
  const index = await readFile(join(folder, 'index.html'), 'utf8');
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return reply
    .header('Content-Security-Policy', policy.join('; '))
    .header('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(index.replaceAll(nonceMark, nonce));
}

function builtPage(): string | undefined {
  return folders.find((path) => existsSync(join(path, 'index.html')));
}
