// The rules of the house that no linter knows: which folder may import which, how long a file may be, what every
// file opens with, and what no tracked file may contain. Used by scripts/check.ts and test/architecture.test.ts.
// The layers are those of docs/mail-path.md; a folder imports strictly lower layers, its own files, and the edges below.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** From the words at the bottom to the composition root at the top. */
const layers: readonly (readonly string[])[] = [
  ['lib'],
  ['address', 'message', 'smtp', 'imap', 'sieve'],
  ['settings', 'tables', 'database', 'dns', 'tls', 'smtp-client', 'maildir', 'metrics'],
  ['routing', 'directory', 'auth', 'defence'],
  ['access', 'cleanup', 'milter', 'queue', 'bounce', 'mailstore', 'trace', 'interop', 'proof', 'lint', 'admin'],
  ['smtp-server', 'imap-server', 'pop3-server', 'sieve-server', 'http-server', 'delivery'],
  ['main', 'cli'],
];

/** The only edges inside a layer. */
const allowedEdges = new Set([
  'tables>database',
  'smtp-client>dns',
  'routing>directory',
  'auth>directory',
  'defence>auth',
  'queue>bounce',
  'queue>mailstore',
  'queue>milter',
  'milter>mailstore',
  'lint>access',
  'interop>mailstore',
  'interop>proof',
  'proof>trace',
  'admin>interop',
  'admin>mailstore',
  'admin>proof',
  'admin>queue',
  'admin>trace',
  'trace>queue',
  'main>cli',
  'cli>main',
]);

const maxFileLines = 400;
const dataTableMark = '// data table';
/** Names that say nothing about the job of a file. */
const emptyNames = new Set(['utils', 'util', 'common', 'manager', 'handler', 'misc', 'helpers', 'helper']);
const foldersWithBarrels = new Set(['database', 'tables']);
/** The words know neither files, sockets nor threads. */
const impureModules = /^node:(fs|net|tls|dns|http|https|http2|child_process|worker_threads|timers|os|cluster|dgram)\b/;

/** Built from halves, so that this file does not find itself. */
const forbiddenTexts: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a path of one machine', pattern: new RegExp(`(^|[\\s'"\`(=:,])/(wo${'rk'}|ro${'ot'})/`, 'm') },
  { what: 'a path of one machine', pattern: new RegExp(`/opt/pe${'ers'}|\\.\\./sha${'red'}`) },
  { what: "a package registry's host", pattern: new RegExp(`https?://[^/\\s]*regis${'try'}[^/\\s]*[./]`, 'i') },
  {
    what: 'the name of an AI tool',
    pattern: new RegExp(`\\b(Clau${'de'}|Anthro${'pic'}|Chat${'GPT'}|Copi${'lot'})\\b`),
  },
];

interface SourceFile {
  /** Relative to the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every breach, one line each; empty when the house is in order. */
export function findHouseRuleBreaches(root: string): string[] {
  const files = readFiles(root);
  const scripts = files.filter((file) => /\.(tsx?|mjs)$/.test(file.path));
  return [
    ...scripts.flatMap(findShapeBreaches),
    ...scripts.filter(isProduction).flatMap(findImportBreaches),
    ...scripts.filter(isProduction).flatMap(findPurityBreaches),
    ...findImportCycles(scripts.filter(isProduction)),
    ...files.flatMap(findForbiddenTexts),
  ];
}

/** Tracked files, and those that would be with the next commit. */
function readFiles(root: string): SourceFile[] {
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  const paths = listing.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
  return paths
    .filter((path) => path !== 'package-lock.json' && path !== 'LICENSE')
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function isProduction(file: SourceFile): boolean {
  return file.path.startsWith('src/') && !file.path.endsWith('.test.ts');
}

function findShapeBreaches({ path, text }: SourceFile): string[] {
  const breaches: string[] = [];
  const lines = text.split('\n').length - 1;
  const head = text.replace(/^#!.*\n/, '');
  if (lines > maxFileLines && !text.slice(0, 1_000).includes(dataTableMark)) {
    breaches.push(`${path}: ${lines} lines; split it by job, at most ${maxFileLines} (or mark it "${dataTableMark}")`);
  }
  if (!/^(\/\/|\/\*)/.test(head) && path !== 'vitest.config.ts' && !path.endsWith('.test.ts')) {
    breaches.push(`${path}: opens without a comment that says what it decides and for whom`);
  }
  // One character beyond Latin-1 makes V8 keep the whole file with two bytes for each, as long as the server runs. (Where
  // a text that people see needs one, it is written as an escape in files that every server loads.)
  const wide = isProduction({ path, text }) ? /^\s*(?:\/\/|\/?\*).*[^\0-\xff]/m.exec(text)?.[0].trim() : undefined;
  if (wide !== undefined) breaches.push(`${path}: a comment beyond Latin-1; write ASCII ("...", "->"): ${wide}`);
  const name = basename(path).replace(/(\.test)?\.(tsx?|mjs)$/, '');
  if (emptyNames.has(name)) breaches.push(`${path}: the name says nothing; call it by its job`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && !/^(web\/)?vite(st)?\.config\.ts$/.test(path)) {
    breaches.push(`${path}: file names are kebab-case`);
  }
  if (name === 'index' && !foldersWithBarrels.has(folderOf(path))) {
    breaches.push(`${path}: no barrel here; import the named files`);
  }
  return breaches;
}

/** `src/queue/scheduler.ts` → `queue`; '' for files that stand in no folder of src. */
function folderOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'src' && parts.length > 2 ? (parts[1] ?? '') : '';
}

function layerOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder));
}

function importedModules(text: string): string[] {
  const pattern = /^\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? '');
}

function importedFiles({ path, text }: SourceFile): string[] {
  return importedModules(text)
    .filter((module) => module.startsWith('.'))
    .map((module) => normalize(join(dirname(path), module)));
}

function findImportBreaches(file: SourceFile): string[] {
  const from = folderOf(file.path);
  if (layerOf(from) < 0)
    return [`${file.path}: src/${from || '.'} has no place in the layers of scripts/house-rules.ts`];
  const breaches: string[] = [];
  for (const target of importedFiles(file)) {
    const to = folderOf(target);
    if (to === '') {
      breaches.push(`${file.path}: imports ${target}, which is outside src/`);
    } else if (to !== from && layerOf(to) >= layerOf(from) && !allowedEdges.has(`${from}>${to}`)) {
      breaches.push(`${file.path}: ${from} (layer ${layerOf(from)}) must not import ${to} (layer ${layerOf(to)})`);
    }
  }
  return breaches;
}

function findPurityBreaches({ path, text }: SourceFile): string[] {
  const breaches: string[] = [];
  const folder = folderOf(path);
  const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '');
  if (layerOf(folder) === 1) {
    const impure = importedModules(text).filter((module) => impureModules.test(module));
    for (const module of impure) breaches.push(`${path}: the words in ${folder}/ are pure, but it imports ${module}`);
  }
  if (/\bprocess\.env\b/.test(code) && folder !== 'settings' && folder !== 'main') {
    breaches.push(`${path}: only settings/ and main/ read the environment`);
  }
  if (/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/.test(code) && path !== 'src/lib/clock.ts') {
    breaches.push(`${path}: only lib/clock.ts knows the time; take a Clock`);
  }
  return breaches;
}

/**
 * Depth-first over the files; each cycle is told once, by its first file in path order. Folders cannot form one by
 * their layers, types included; between the files of a folder `import type` is free, since it is gone when run
 * (a command table's entries name the session that runs them).
 */
function findImportCycles(files: readonly SourceFile[]): string[] {
  const withoutTypes = (text: string) => text.replace(/^\s*(?:import|export) type\s[^'"]*?from\s+['"][^'"]+['"]/gm, '');
  const imports = new Map(files.map((file) => [file.path, importedFiles({ ...file, text: withoutTypes(file.text) })]));
  const finished = new Set<string>();
  const breaches: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      breaches.push(`import cycle: ${[...trail.slice(start), path].join(' → ')}`);
      return;
    }
    if (finished.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of [...imports.keys()].sort()) visit(path, []);
  return breaches;
}

function findForbiddenTexts({ path, text }: SourceFile): string[] {
  return forbiddenTexts
    .filter(({ pattern }) => pattern.test(text))
    .map(({ what, pattern }) => `${path}: contains ${what}: ${JSON.stringify(pattern.exec(text)?.[0].trim())}`);
}
