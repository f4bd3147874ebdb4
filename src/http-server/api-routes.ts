// The routes of the API: one for each operation, with its path and method. What stands in the path, the query and the body
// is one input together; what comes back is JSON.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuseStrangers } from '../admin/authorize.ts';
import { type AnyOperation, pathFields } from '../admin/operation.ts';
import { type AdminParts, type Conditions, entityTag, perform } from '../admin/perform.ts';
import { fail } from '../admin/problem.ts';
import { operations } from '../admin/registry.ts';
import type { Clock } from '../lib/clock.ts';
import { isSameOrigin, originOf, setSessionCookie } from './identify-request.ts';
import { describeApi } from './openapi.ts';

export interface ApiParts extends AdminParts {
  readonly clock: Clock;
  readonly version: string;
}

export const apiPath = '/api/v1';
/** A passkey's answer is some thousand. */
const maxStrangersBytes = 64 * 1024;

export function addApiRoutes(app: FastifyInstance, parts: ApiParts): void {
  let description: string | undefined;
  app.get(`${apiPath}/openapi.json`, (_request, reply) => {
    description ??= JSON.stringify(describeApi(operations, parts.version));
    return reply.type('application/json').send(description);
  });
  const shown = new Set(operations.map(({ shownBy }) => shownBy));
  for (const operation of operations) {
    app.route({
      method: operation.method,
      url: `${apiPath}${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      // Strangers have no large body read: that is done beside the mail.
      ...(operation.access.who === 'anyone' ? { bodyLimit: maxStrangersBytes } : {}),
      preParsing: async ({ principal }) => refuseStrangers(operation, principal),
      handler: async (request, reply) => await answer(operation, parts, request, reply, shown.has(operation.name)),
    });
  }
}

async function answer(
  operation: AnyOperation,
  parts: ApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
  hasTag: boolean,
): Promise<FastifyReply> {
  const { principal } = request;
  // Whoever is not logged in has no session that another site could use, but could be logged in by one.
  if (operation.method !== 'GET' && principal.scopes === undefined && !isSameOrigin(request)) {
    fail(403, 'cross-site', 'a page of another site has asked for this: it is not done');
  }
  const browser = {
    setSession: (secret: string | undefined) => setSessionCookie(request, reply, secret),
    program: request.headers['user-agent'] ?? '',
    site: { origin: originOf(request) },
  };
  const { output, isRepeated, revision } = await perform(
    operation,
    parts,
    principal,
    inputOf(operation, request),
    conditionsOf(operation, request),
    browser,
  );
  reply.header('Cache-Control', 'no-store');
  if (isRepeated) reply.header('Idempotent-Replayed', 'true');
  const text = JSON.stringify(output) ?? '';
  if (revision !== undefined) reply.header('Posthaste-Revision', revision);
  if (hasTag) {
    const tag = entityTag(operation, output);
    reply.header('ETag', tag);
    if (tagsOf(request.headers['if-none-match'])?.includes(tag)) return reply.code(304).send();
  }
  const isNew = operation.method === 'POST' && operation.name.endsWith('.add') && operation.name !== 'session.add';
  return reply
    .code(isNew ? 201 : 200)
    .type('application/json')
    .send(text);
}

function inputOf(operation: AnyOperation, request: FastifyRequest): Record<string, unknown> {
  const params = request.params as Readonly<Record<string, string>>;
  const isInQuery = operation.method === 'GET' || operation.method === 'DELETE';
  const { body } = request;
  if (!isInQuery && body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    fail(422, 'invalid-field', 'the body must be a JSON object');
  }
  const rest = isInQuery ? request.query : body;
  const given: Record<string, unknown> = { ...(rest as object | undefined) };
  for (const name of pathFields(operation.path)) {
    if (given[name] !== undefined && given[name] !== params[name]) {
      fail(422, 'invalid-field', `"${name}" stands in the path already`, { field: name });
    }
    given[name] = params[name];
  }
  return given;
}

function conditionsOf(operation: AnyOperation, request: FastifyRequest): Conditions {
  const ifMatch = tagsOf(request.headers['if-match']);
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (operation.method !== 'POST' || operation.kind !== 'change')) {
    fail(400, 'idempotency-key', 'an Idempotency-Key is for a POST that changes the directory', {
      field: 'Idempotency-Key',
    });
  }
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(typeof key === 'string' ? { idempotencyKey: key } : {}),
  };
}

/** Weak tags never match here (RFC 9110 §13.1.1), but do for If-None-Match, where ours are strong anyway. */
function tagsOf(header: string | undefined): string[] | undefined {
  if (header === undefined) return undefined;
  return header.split(',').map((tag) => tag.trim());
}
