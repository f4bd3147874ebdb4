// Reads settings out of a PHP file without running it: `$CONF['name'] = 'value';` and `$name = 'value';`, the files that
// it includes by a plain name, and variables given on. The last assignment holds. What is computed is not known.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ImportError } from './import-source.ts';

/** `CONF.name` and `name`. */
export type PhpSettings = ReadonlyMap<string, string>;

// A file that includes itself ends here.
const maxDepth = 10;

export function readPhpSettings(file: string): PhpSettings {
  const settings = new Map<string, string>();
  readInto(settings, file, 0);
  return settings;
}

function readInto(settings: Map<string, string>, file: string, depth: number): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const statement =
    /(?:include|require)(?:_once)?\s*\(?\s*(['"])([^'"$]+)\1|\$(\w+)(?:\[\s*['"](\w+)['"]\s*\])?\s*=(?![=>])\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\$]|\\.)*)"|(-?\d+|true|false|null)\b|\$(\w+))\s*;/gi;
  for (const match of withoutComments(text).matchAll(statement)) {
    const [, , included, variable, key, single, double, bare, other] = match;
    if (included !== undefined) {
      const path = resolve(dirname(file), included);
      if (existsSync(path) && depth < maxDepth) readInto(settings, path, depth + 1);
      continue;
    }
    const name = key === undefined ? (variable ?? '') : `${variable}.${key}`;
    const value = single ?? double;
    if (value !== undefined) settings.set(name, value.replace(/\\(['"\\$])/g, '$1'));
    else if (other !== undefined) copy(settings, name, other);
    else settings.set(name, bare?.toLowerCase() === 'null' ? '' : (bare ?? ''));
  }
}

function copy(settings: Map<string, string>, name: string, other: string): void {
  const value = settings.get(other);
  if (value === undefined) settings.delete(name);
  else settings.set(name, value);
}

/** Comments outside quotes become blanks. */
function withoutComments(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*|#[^\n]*/g, (token) =>
    token.startsWith("'") || token.startsWith('"') ? token : ' ',
  );
}
