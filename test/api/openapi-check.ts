// Whether a description is OpenAPI 3.1: the parts that it must have, each schema as JSON Schema 2020-12 (compiled by ajv),
// each placeholder of a path described, no operation named twice.

import { createRequire } from 'node:module';

type Json = Readonly<Record<string, unknown>>;

const methods = ['get', 'put', 'post', 'delete', 'patch'];

export function findOpenApiMistakes(description: Json): string[] {
  const mistakes: string[] = [];
  if (!/^3\.1\.\d+$/.test(String(description['openapi']))) mistakes.push('openapi is not 3.1');
  const info = description['info'] as Json | undefined;
  if (typeof info?.['title'] !== 'string' || typeof info['version'] !== 'string') mistakes.push('info is incomplete');
  const names = new Set<string>();
  for (const [path, item] of Object.entries((description['paths'] ?? {}) as Record<string, Record<string, Json>>)) {
    if (!path.startsWith('/')) mistakes.push(`${path}: does not begin with /`);
    for (const [method, operation] of Object.entries(item)) {
      const where = `${method} ${path}`;
      if (!methods.includes(method)) mistakes.push(`${where}: no method`);
      const name = String(operation['operationId']);
      if (names.has(name)) mistakes.push(`${where}: ${name} is named twice`);
      names.add(name);
      mistakes.push(...ofOperation(operation, path).map((text) => `${where}: ${text}`));
    }
  }
  return mistakes;
}

function ofOperation(operation: Json, path: string): string[] {
  const mistakes: string[] = [];
  const parameters = (operation['parameters'] ?? []) as { name: string; in: string; required: boolean; schema: Json }[];
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const described = parameters.filter((one) => one.in === 'path').map((one) => one.name);
  if (JSON.stringify(inPath) !== JSON.stringify(described)) mistakes.push('placeholders and parameters differ');
  for (const parameter of parameters) {
    if (parameter.in === 'path' && !parameter.required) mistakes.push(`${parameter.name} must be required`);
    mistakes.push(...ofSchema(parameter.schema, parameter.name));
  }
  const request = operation['requestBody'] as { content: Record<string, { schema: Json }> } | undefined;
  for (const { schema } of Object.values(request?.content ?? {})) mistakes.push(...ofSchema(schema, 'the body'));
  const responses = operation['responses'] as Record<
    string,
    { description?: string; content?: Record<string, { schema: Json }> }
  >;
  if (Object.keys(responses).length === 0) mistakes.push('no response');
  for (const [code, { description, content = {} }] of Object.entries(responses)) {
    if (description === undefined) mistakes.push(`response ${code} is not described`);
    for (const { schema } of Object.values(content)) {
      if (!('$ref' in schema)) mistakes.push(...ofSchema(schema, `response ${code}`));
    }
  }
  return mistakes;
}

// Fastify's own: nothing more to install.
const fastifys = createRequire(createRequire(import.meta.url).resolve('fastify'));
const { Ajv2020 } = fastifys('ajv/dist/2020.js') as {
  Ajv2020: new (options: object) => { compile(schema: Json): unknown; addKeyword(name: string): void };
};
const ajv = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false });
ajv.addKeyword('x-is');

function ofSchema(schema: Json, where: string): string[] {
  try {
    ajv.compile(schema);
    return [];
  } catch (error) {
    return [`${where}: ${(error as Error).message}`];
  }
}
