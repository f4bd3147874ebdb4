// Problems as replies (RFC 9457): one form for everything that goes wrong. What nobody expected is logged, and told without
// its text, which may hold anything.

import type { FastifyError, FastifyReply } from 'fastify';
import { type Problem, problemOf } from '../admin/problem.ts';
import type { ProgramLog } from '../lib/log.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Log in first',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not a method of this',
  409: 'Conflict',
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Not JSON',
  422: 'Not accepted',
  429: 'Too many requests',
  500: 'Our mistake',
  503: 'Try again',
};

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, kind, detail, field, mend, retryAfterSeconds } = problem;
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', String(retryAfterSeconds));
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer realm="posthaste"');
  const body = {
    type: `urn:posthaste:problem:${kind}`,
    title: titles[status] ?? 'Refused',
    status,
    detail,
    ...(field === undefined ? {} : { field }),
    ...(mend === undefined ? {} : { mend }),
  };
  return reply
    .code(status)
    .header('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(body));
}

export function answerProblem(error: unknown, reply: FastifyReply, log: ProgramLog): FastifyReply {
  const isAboutPath = reply.request.params !== null && Object.keys(reply.request.params as object).length > 0;
  return sendProblem(reply, problemOf(error, isAboutPath) ?? ofServer(error as FastifyError, log));
}

/** Of the HTTP server itself: bodies that are no JSON, or too large. */
function ofServer(error: FastifyError & { readonly retryAfterSeconds?: number }, log: ProgramLog): Problem {
  const { statusCode = 500, message, retryAfterSeconds } = error;
  if (statusCode === 429) {
    const more = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return { status: 429, kind: 'too-many-requests', detail: 'too many requests: wait a moment', ...more };
  }
  if (statusCode === 415) {
    return { status: 415, kind: 'not-json', detail: 'send JSON, with Content-Type: application/json' };
  }
  if (statusCode >= 400 && statusCode < 500) return { status: statusCode, kind: 'bad-request', detail: message };
  log.error(`HTTP: ${error.stack ?? String(error)}`);
  return { status: 500, kind: 'our-mistake', detail: "something went wrong here; the server's log says what" };
}
