// GET /api/v1/events: what changes, as server-sent events (HTML Living Standard §9.2), for pages that show it. A stream ends
// with the login that it was asked with: that is looked at with every beat, without counting as use of the session. A
// stream costs a connection, so there are so many of one login, of one address and in all; who does not read is cut off.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorize } from '../admin/authorize.ts';
import { type LiveEvents, liveKinds } from '../admin/live-events.ts';
import type { AnyOperation } from '../admin/operation.ts';
import { type Principal, Sight } from '../admin/principal.ts';
import { fail } from '../admin/problem.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import { findPrincipal } from './identify-request.ts';

export interface EventStreamParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly live: LiveEvents;
  /** Between two beats; a test has less patience. */
  readonly beatMilliseconds?: number;
}

export const eventsPath = '/events';

/** As authorize() sees it: it is no operation that has one answer. */
const watching = {
  name: 'events.watch',
  path: eventsPath,
  access: { who: 'known' },
  kind: 'read',
} as unknown as AnyOperation;

/** Shorter than most proxies' patience (60 s). */
const usualBeatMilliseconds = 15_000;
/** A browser has one for all its tabs (web/src/live.ts); some have several browsers. */
const maxOfLogin = 8;
const maxOfAddress = 50;
const maxInAll = 300;
/** Unread bytes above which a reader is too slow. */
const maxUnreadBytes = 64 * 1024;
const maxQueryLength = 200;

interface Stream {
  readonly login: string;
  readonly address: string;
  end(reason: string): void;
}

export class EventStreams {
  readonly #parts: EventStreamParts;
  readonly #streams = new Set<Stream>();

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
  }

  addRoute(app: FastifyInstance, apiPath: string): void {
    app.get(`${apiPath}${eventsPath}`, async (request, reply) => await this.#open(request, reply));
    app.addHook('preClose', (done) => {
      for (const stream of this.#streams) stream.end('closing');
      done();
    });
  }

  async #open(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { principal } = request;
    const { directory, live } = this.#parts;
    authorize(watching, principal, {}, directory.lookups);
    this.#checkRoom(principal);
    const after = markOf(request);
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // Proxies that gather (nginx) must not.
      'X-Accel-Buffering': 'no',
    });
    let detach: (() => void) | undefined;
    let isOver = false;
    const end = (reason?: string): void => {
      if (isOver) return;
      isOver = true;
      clearInterval(beat);
      detach?.();
      this.#streams.delete(stream);
      if (reason !== undefined) raw.write(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
      raw.end();
    };
    const write = (text: string): void => {
      if (isOver) return;
      if (raw.writableLength > maxUnreadBytes) {
        end();
        raw.destroy();
      } else raw.write(text);
    };
    const stream: Stream = { login: loginOf(principal), address: principal.address, end };
    this.#streams.add(stream);
    const beat = setInterval(() => {
      write(': beat\n\n');
      void this.#isSame(request, principal).then((isSame) => {
        if (!isSame) end('login');
      });
    }, this.#parts.beatMilliseconds ?? usualBeatMilliseconds).unref();
    raw.on('close', () => end());
    raw.on('error', () => end());
    write(': posthaste\n\n');
    try {
      const send = (kind: string, data: object, id?: string): void =>
        write(`${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
      const viewer = { principal, sight: new Sight(principal, directory.lookups), send };
      detach = await live.attach(viewer, after);
      if (isOver) detach();
    } catch {
      // The client comes again.
      end('try-again');
    }
    return reply;
  }

  #checkRoom(principal: Principal): void {
    const all = [...this.#streams];
    const login = loginOf(principal);
    const ofLogin = all.filter((one) => one.login === login).length;
    const ofAddress = all.filter(({ address }) => address === principal.address).length;
    if (ofLogin < maxOfLogin && ofAddress < maxOfAddress && all.length < maxInAll) return;
    fail(429, 'too-many-streams', 'too many streams of events are open already', { retryAfterSeconds: 30 });
  }

  /** What cannot be found out ends the stream too: the client asks again. */
  async #isSame(request: FastifyRequest, then: Principal): Promise<boolean> {
    try {
      await this.#parts.directory.fresh();
      const now = findPrincipal(request, this.#parts, false);
      return (
        now !== undefined &&
        now.role === then.role &&
        now.login === then.login &&
        now.mustChange === then.mustChange &&
        now.scopes?.join(' ') === then.scopes?.join(' ')
      );
    } catch {
      return false;
    }
  }
}

function loginOf({ login, role, owner }: Principal): string {
  return owner === undefined ? `${role} ${login}` : `${owner.kind} ${owner.id}`;
}

/** A browser's own, or of a page that has opened its stream anew. */
function markOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id'];
  const { after } = request.query as { after?: unknown };
  const mark = typeof header === 'string' && header !== '' ? header : after;
  return typeof mark === 'string' && mark.length <= maxQueryLength ? mark : undefined;
}

/** For the description of the API (OpenAPI 3.1). */
export const eventsDescription = {
  operationId: watching.name,
  summary: 'Hear what changes, as server-sent events.',
  tags: ['events'],
  description: `Events: ${liveKinds.join(', ')}, and end before the server ends the stream. Administrators of the host hear numbers, others that something of theirs has changed. A token needs events:read.`,
  security: [{ token: [] }, { session: [] }],
  parameters: [
    { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
    {
      name: 'after',
      in: 'query',
      required: false,
      description: 'The same, for clients that cannot set the header.',
      schema: { type: 'string', maxLength: maxQueryLength },
    },
  ],
  responses: {
    '200': {
      description: 'A stream that goes on',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    default: {
      description: 'A problem',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
  'x-scope': 'events:read',
};
