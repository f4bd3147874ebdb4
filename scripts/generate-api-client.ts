// Writes web/src/api-operations.ts, the types and paths of all operations, from their schemas
// (src/admin/registry.ts): the page cannot ask for what the server does not have. With --check it only says whether the file
// is as it would be written.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyOperation } from '../src/admin/operation.ts';
import { operations } from '../src/admin/registry.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

const file = fileURLToPath(new URL('../web/src/api-operations.ts', import.meta.url));

/** The file's text, as one line for each operation and type: it is read by programs, and compared. */
export function apiClient(all: readonly AnyOperation[]): string {
  const sorted = all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const types = sorted.map(
    ({ name, summary, input, output }) =>
      `  /** ${summary} */\n  ${JSON.stringify(name)}: {\n    input: ${typeOf(input as Schema)};\n    output: ${typeOf(output as Schema)};\n  };\n`,
  );
  const places = sorted.map(({ name, method, path }) => `  ${JSON.stringify(name)}: '${method} ${path}',\n`);
  return [
    '// Made by scripts/generate-api-client.ts from the operations of src/admin: change those.\n',
    '// data table\n\n',
    'export interface Operations {\n',
    ...types,
    '}\n\n',
    '/** Method and path of each, below /api/v1; `{name}` is a field of the input. */\n',
    'export const places: Readonly<Record<keyof Operations, string>> = {\n',
    ...places,
    '};\n',
  ].join('');
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  const { type = 'unknown' } = schema;
  switch (type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return `readonly ${wrapped(typeOf(schema.items ?? {}))}[]`;
    case 'object':
      return objectType(schema);
    default:
      return 'unknown';
  }
}

function objectType({ properties = {}, required = [], patternProperties, additionalProperties }: Schema): string {
  const values = Object.values(patternProperties ?? {})[0];
  if (values !== undefined) return `Readonly<Record<string, ${typeOf(values)}>>`;
  const fields = Object.entries(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `readonly ${key}${required.includes(name) ? '' : '?'}: ${typeOf(schema)}`;
  });
  if (fields.length > 0) return `{ ${fields.join('; ')} }`;
  return additionalProperties === false ? 'Readonly<Record<string, never>>' : 'Readonly<Record<string, unknown>>';
}

function wrapped(type: string): string {
  return type.includes(' | ') || type.startsWith('readonly ') ? `(${type})` : type;
}

const wanted = apiClient(operations);
if (!process.argv.includes('--check')) writeFileSync(file, wanted);
else if (readFileSync(file, 'utf8') !== wanted) {
  process.stderr.write(`${join('web', 'src', 'api-operations.ts')} is old: run node scripts/generate-api-client.ts\n`);
  process.exitCode = 1;
}
