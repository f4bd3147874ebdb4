// The description of the API (OpenAPI 3.1), made from the operations: nothing in it can differ from what is served.

import { eventsDescription, eventsPath } from './event-stream.ts';
import { type AnyOperation, areaOf, pathFields, scopeOf } from '../admin/operation.ts';

type Json = Readonly<Record<string, unknown>>;

const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', description: 'urn:posthaste:problem: and a word that programs can rely on.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'One line for people.' },
    field: { type: 'string', description: 'The field that was wrong.' },
    mend: { type: 'string', description: 'What to do about it.' },
  },
};

export function describeApi(operations: readonly AnyOperation[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = `/api/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  paths[`/api/v1${eventsPath}`] = { get: eventsDescription };
  return {
    openapi: '3.1.0',
    info: { title: 'Posthaste', version, description: 'Administration of a mail host.' },
    paths,
    tags: [...new Set([...operations.map(({ name }) => areaOf(name)), 'events'])].map((name) => ({ name })),
    components: {
      schemas: { Problem: problem },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-posthaste' },
      },
    },
  };
}

function describe(operation: AnyOperation): Json {
  const { name, summary, method, path, input, output, access, isPersonal, kind, shownBy } = operation;
  const { properties, required = [] } = input as unknown as { properties: Record<string, Json>; required?: string[] };
  const inPath = pathFields(path);
  const others = Object.keys(properties).filter((field) => !inPath.includes(field));
  const isInQuery = method === 'GET' || method === 'DELETE';
  const parameters = [
    ...inPath.map((field) => parameter('path', field, properties[field] ?? {}, true)),
    ...(isInQuery
      ? others.map((field) => parameter('query', field, properties[field] ?? {}, required.includes(field)))
      : []),
    ...(shownBy === undefined ? [] : [parameter('header', 'If-Match', { type: 'string' }, false)]),
    ...(method === 'POST' && kind === 'change'
      ? [parameter('header', 'Idempotency-Key', { type: 'string' }, false)]
      : []),
  ];
  const body = {
    type: 'object',
    properties: Object.fromEntries(others.map((field) => [field, properties[field]])),
    required: required.filter((field) => others.includes(field)),
    additionalProperties: false,
  };
  const isOpen = access.who === 'anyone';
  const isNew = method === 'POST' && name.endsWith('.add') && name !== 'session.add';
  const failed = {
    description: 'A problem',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    operationId: name,
    summary,
    tags: [areaOf(name)],
    description: whoMay(operation),
    ...(isOpen ? { security: [] } : { security: [...(isPersonal ? [] : [{ token: [] }]), { session: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(isInQuery || others.length === 0
      ? {}
      : { requestBody: { required: body.required.length > 0, content: { 'application/json': { schema: body } } } }),
    responses: {
      [isNew ? '201' : '200']: { description: 'Done', content: { 'application/json': { schema: output } } },
      default: failed,
    },
    'x-command': `posthaste ${name.replace('.', ' ')}`,
    ...(isOpen ? {} : { 'x-scope': scopeOf(operation) }),
  };
}

const whoTexts = {
  anyone: 'For anybody.',
  known: 'For whoever is logged in.',
  user: "For the mailbox's owner, and administrators of its domain.",
  domain: 'For administrators of the domains that it names.',
  host: "For the host's administrators.",
} as const;

function whoMay(operation: AnyOperation): string {
  const scope =
    operation.isPersonal || operation.access.who === 'anyone' ? '' : ` A token needs ${scopeOf(operation)}.`;
  return `${whoTexts[operation.access.who]}${scope}`;
}

function parameter(place: 'path' | 'query' | 'header', name: string, schema: Json, required: boolean): Json {
  const { description, ...rest } = schema;
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
}
