// npm run build:web: builds the page (web/) into dist/web unless what stands there is of the same sources. `npm start` and the
// tests that open a browser run it first. A package that was installed without Vite brings its page along.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const built = join(dist, 'web');
const stamp = join(built, '.sources');

/** Builds where that is needed; throws what Vite complains of. */
export function buildWeb(): void {
  const sources = digestOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  if (!existsSync(join(root, 'node_modules/vite'))) {
    if (existsSync(join(built, 'index.html'))) return;
    throw new Error('the page is not built, and Vite is not there to do it: run npm install');
  }
  process.stderr.write('posthaste: building the page\n');
  // A process of its own: what stands in NODE_ENV here, as in a test, must not make it the libraries' development build.
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  mkdirSync(dist, { recursive: true });
  const aside = mkdtempSync(join(dist, 'web-'));
  try {
    const folder = join(aside, 'built');
    const args = [
      vite,
      'build',
      '--config',
      join(root, 'web/vite.config.ts'),
      '--outDir',
      folder,
      '--logLevel',
      'warn',
    ];
    const env = { ...process.env, NODE_ENV: 'production' };
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the page cannot be built: ${stderr}`);
    for (const name of globSync('assets/*.{js,css}', { cwd: folder })) compress(join(folder, name));
    writeFileSync(join(folder, '.sources'), sources);
    // A server may be showing the one that stands there: it is without a page for the moment between these two lines.
    if (existsSync(built)) renameSync(built, join(aside, 'before'));
    renameSync(folder, built);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Beside itself, as browsers take it: compressed once, with all the time it takes. */
function compress(path: string): void {
  const content = readFileSync(path);
  writeFileSync(`${path}.br`, brotliCompressSync(content));
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}

function digestOfSources(): string {
  const digest = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const path of globSync('web/**/*', { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    digest.update(path.slice(root.length)).update(readFileSync(path));
  }
  return digest.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    buildWeb();
  } catch (error) {
    process.stderr.write(`posthaste: ${(error as Error).message}\n`);
    // Mail does not wait for the page: before a start it is enough to say so.
    process.exitCode = process.argv.includes('--or-warn') ? 0 : 1;
  }
}
