// Reads what a caller gives by the operation's schema, and says which field is wrong and how. Texts of a query become the
// numbers and truth values that are asked for. Addresses and domains are read as the directory reads them, so that the
// field is known before anything is done.

import { Compile, type Validator } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { parseAddress, parseAliasAddress, parseDomain } from '../directory/mail-address.ts';
import { DirectoryRefusedError } from '../directory/refusal.ts';
import { type AnyOperation, pathFields } from './operation.ts';
import { fail } from './problem.ts';

type Input = Readonly<Record<string, unknown>>;

const compiled = new WeakMap<AnyOperation, Validator>();

/** What a text field may be, beyond what a schema can say (`x-is`). */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  address: parseAddress,
  'alias-address': parseAliasAddress,
  domain: parseDomain,
};

interface FieldSchema {
  readonly type?: string;
  readonly anyOf?: readonly FieldSchema[];
  readonly items?: FieldSchema;
  readonly 'x-is'?: string;
}

/** Throws ProblemError. */
export function checkInput(operation: AnyOperation, given: Input): Input {
  const { properties } = operation.input as { readonly properties: Readonly<Record<string, FieldSchema>> };
  const isText = operation.method === 'GET' || operation.method === 'DELETE';
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const schema = properties[name];
    if (schema === undefined) {
      const known = Object.keys(properties).join(', ') || 'none';
      fail(422, 'unknown-field', `there is no field "${name}" here`, { field: name, mend: `the fields are: ${known}` });
    }
    input[name] = isText || pathFields(operation.path).includes(name) ? fromText(value, schema) : value;
  }
  checkShape(operation, input);
  for (const [name, value] of Object.entries(input)) checkMeaning(name, value, properties[name] ?? {});
  return input;
}

function fromText(value: unknown, schema: FieldSchema): unknown {
  const type = schema.type ?? schema.anyOf?.[0]?.type;
  if (type === 'array' && !Array.isArray(value)) return [value];
  if (typeof value !== 'string') return value;
  if ((type === 'integer' || type === 'number') && /^-?\d{1,16}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === '')) return true;
  if (type === 'boolean' && value === 'false') return false;
  return value;
}

function checkShape(operation: AnyOperation, input: Input): void {
  let validator = compiled.get(operation);
  if (validator === undefined) {
    validator = Compile(operation.input as TSchema);
    compiled.set(operation, validator);
  }
  if (validator.Check(input)) return;
  const [first] = validator.Errors(input);
  if (first === undefined) return;
  const { keyword, instancePath, message, params } = first as {
    keyword: string;
    instancePath: string;
    message: string;
    params: { requiredProperties?: readonly string[]; allowedValues?: readonly unknown[] };
  };
  const path = instancePath.slice(1).replaceAll('/', '.');
  const [missing] = keyword === 'required' ? (params.requiredProperties ?? []) : [];
  if (missing !== undefined) {
    const field = path === '' ? missing : `${path}.${missing}`;
    fail(422, 'missing-field', `"${field}" is missing`, { field });
  }
  const words = params.allowedValues?.join(', ');
  fail(422, 'invalid-field', `"${path}" ${words === undefined ? message : `must be one of: ${words}`}`, {
    field: path,
  });
}

function checkMeaning(field: string, value: unknown, schema: FieldSchema): void {
  if (Array.isArray(value)) {
    if (schema.items)
      for (const [index, item] of value.entries()) checkMeaning(`${field}.${index}`, item, schema.items);
    return;
  }
  const read = schema['x-is'] === undefined ? undefined : readers[schema['x-is']];
  if (read === undefined || typeof value !== 'string') return;
  try {
    read(value);
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    const [detail = '', ...mend] = error.message.split(': ');
    fail(422, 'invalid-field', detail, { field, ...(mend.length === 0 ? {} : { mend: mend.join(': ') }) });
  }
}
