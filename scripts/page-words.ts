// The words of the page: every English text that stands in a call of t() has a translation in each catalogue of
// web/src/locales, with the same values in it, and none has one that is no longer used. Run it to see what is missing;
// with --sort it also writes the catalogues anew, sorted, without what is not used.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const literal = `'((?:[^'\\\\\\n]|\\\\.)*)'|"((?:[^"\\\\\\n]|\\\\.)*)"|\`((?:[^\`\\\\$]|\\\\.)*)\``;
const calls = new RegExp(String.raw`(?<![\w.])(?:i18next\.)?t\(\s*(?:${literal})`, 'g');

const value = /\{\{\s*(\w+)\s*\}\}/g;

function textsOfPage(): Set<string> {
  const texts = new Set<string>();
  for (const file of globSync('web/src/**/*.{ts,tsx}', { cwd: root })) {
    const code = readFileSync(join(root, file), 'utf8');
    for (const [, single, double, back] of code.matchAll(calls)) {
      texts.add((single ?? double ?? back ?? '').replaceAll(/\\(.)/g, '$1'));
    }
  }
  return texts;
}

const texts = textsOfPage();
let missing = 0;
for (const file of globSync('web/src/locales/*.json', { cwd: root }).sort()) {
  const catalogue = JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, string>;
  const complain = (text: string, what: string) => {
    missing++;
    console.log(`${basename(file)}: ${what}: ${JSON.stringify(text)}`);
  };
  for (const text of texts) {
    const translated = catalogue[text];
    if (translated === undefined || translated === '') complain(text, 'missing');
    else if (valuesIn(translated) !== valuesIn(text)) complain(text, 'not the same {{values}}');
  }
  const unused = Object.keys(catalogue).filter((text) => !texts.has(text));
  if (process.argv.includes('--sort')) {
    const sorted = Object.entries(catalogue).filter(([text]) => texts.has(text));
    sorted.sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(join(root, file), `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  } else for (const text of unused) complain(text, 'not used');
}
if (process.argv.includes('--list')) console.log([...texts].sort().join('\n'));
process.exitCode = missing === 0 ? 0 : 1;

function valuesIn(text: string): string {
  const names = new Set([...text.matchAll(value)].map((match) => match[1] ?? ''));
  return [...names].toSorted((a, b) => a.localeCompare(b)).join(' ');
}
