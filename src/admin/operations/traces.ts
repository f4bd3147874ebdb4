// What became of messages. A domain administrator sees those that his domains sent or got, without what became of other
// recipients and without log lines, which may name others; where a page ends is sealed, since it tells how much mail there is.

import { Type } from 'typebox';
import type { TraceListQuery } from '../../trace/list.ts';
import { namesOf } from '../../trace/search.ts';
import { stateOf, type Story } from '../../trace/story.ts';
import { type OperationContext, operation } from '../operation.ts';
import { PageMarks } from '../page-marks.ts';
import type { Sight } from '../principal.ts';
import { fail } from '../problem.ts';
import { anyText, count, object, optional, time, yes } from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

const recipientState = Type.Enum(['delivered', 'deferred', 'bounced', 'refused', 'removed'], {
  description: 'removed: the message is gone, as by who deleted it from the queue, and no outcome is known.',
});
const messageState = Type.Enum(['delivered', 'deferred', 'bounced', 'refused', 'held', 'queued', 'removed'], {
  description:
    'The most urgent of its recipients; queued: nothing was tried yet; removed: gone, and no outcome is known.',
});
const recipient = object({
  recipient: anyText('The address.', 2000),
  original: optional(anyText('As the client wrote it, where that differs.', 2000)),
  state: recipientState,
  relay: optional(anyText('Who took or refused it.', 2000)),
  delaySeconds: optional(Type.Number({ description: 'Since the message came.' })),
  status: anyText('Enhanced status code; empty where none is known.'),
  reason: anyText('The reply, or why not.', 10_000),
  attempts: count('Deliveries tried.'),
});
const link = object({
  kind: Type.Enum(['notice', 'forward', 'notice-about', 'forward-of'], {
    description: 'A notice about it, a message that an alias or list made of it, and the other way round.',
  }),
  queueId: anyText('Of the other message.', 100),
});
const event = object({
  time: time('When.'),
  program: anyText('As postfix/smtpd.'),
  level: anyText('info, warning, error …'),
  text: anyText("The log's line.", 10_000),
});
const story = object({
  queueId: Type.Union([Type.String(), Type.Null()], { description: 'null: it was refused before it got one.' }),
  session: optional(anyText('Of such mail: the session, for `session`. Shown to administrators of the host.')),
  time: time('Its first line.'),
  state: messageState,
  client: optional(anyText('Who brought it.', 2000)),
  login: optional(anyText('Who was logged in.', 2000)),
  sender: optional(anyText('The envelope sender; empty is the null sender.', 2000)),
  size: optional(count('Octets.')),
  messageId: optional(anyText('Its Message-ID.', 2000)),
  subject: optional(anyText('Its beginning (posthaste_trace_subjects).', 2000)),
  refusal: optional(anyText('Why its client was refused, where it was no recipient: reply and rule.', 10_000)),
  recipients: Type.Array(recipient),
  isDone: yes('It has left the queue, or was never taken.'),
  links: Type.Array(link),
  events: Type.Array(event, { description: 'Every step; empty where `events` is false.' }),
});

/** What is looked for stands in what is shown: one that is found by what is hidden would tell of that. */
function isNamed({ queueId, sender = '', recipients }: Story, { messageId = '' }: Story, wanted: string): boolean {
  const names = namesOf(wanted.replace(/^<(.*)>$/, '$1'));
  const shown = recipients.flatMap(({ recipient: to, original = to, relay = '', reason }) => [
    to,
    original,
    relay,
    reason,
  ]);
  return [queueId ?? '', sender, messageId, ...shown].some((text) => names({ text }));
}

/** Of a message with recipients elsewhere, nothing is told of those. */
function withinSight(found: Story, sight: Sight, wanted: string | undefined): Story | undefined {
  if (sight.seesAll) return found;
  const { queueId, time: begun, sender = '', subject, size, isDone } = found;
  const isMine = (address: string): boolean => sight.address(address) && begun >= sight.since(domainOf(address));
  const isSender = isMine(sender);
  // Where an address elsewhere leads is not the sender's to know.
  const seen = ({ recipient: to, original = to }: Story['recipients'][number]): boolean =>
    isMine(original) || isMine(to) || (isSender && sight.mayName(original) && sight.mayName(to));
  const recipients = found.recipients.filter(seen).map((one) => {
    const { original = one.recipient, ...rest } = one;
    if (sight.mayName(one.recipient)) return sight.mayName(original) ? one : rest;
    const { state, attempts } = one;
    return { recipient: original, state, attempts, status: '', reason: '' };
  });
  if (!isSender && recipients.length === 0) return undefined;
  const state = stateOf(recipients, isDone, found.state === 'held');
  const shown = {
    ...(sight.mayName(sender) ? { sender } : {}),
    ...(size === undefined ? {} : { size }),
    ...(subject === undefined ? {} : { subject }),
  };
  const story = { queueId, time: begun, state, ...shown, recipients, isDone, links: [], events: [] };
  return wanted === undefined || isNamed(story, found, wanted) ? story : undefined;
}

/** Of what is looked for elsewhere a domain administrator does not even learn that there is something. */
const maxPagesLooked = 5;

async function pageWithin(query: TraceListQuery, { server, sight, view }: OperationContext): Promise<object> {
  if (sight.seesAll) {
    const { stories, next } = await server.traceList(query);
    return { items: stories, isCut: next !== undefined, ...(next === undefined ? {} : { next }) };
  }
  const infos = await Promise.all((sight.domains ?? []).map(async (name) => await view.domains.show(name)));
  const domains = infos.flatMap((info) => (info === undefined ? [] : [info.name, ...info.aliasDomains]));
  const items: Story[] = [];
  let { before } = query;
  for (let looked = 0; looked < maxPagesLooked && items.length < query.limit; looked++) {
    const { stories, next } = await server.traceList({ ...query, domains, before });
    const seen = stories.map((one) => withinSight(one, sight, query.text)).filter((one) => one !== undefined);
    items.push(...seen.filter(({ state }) => query.state === undefined || state === query.state));
    before = next;
    if (next === undefined) break;
  }
  const isOwnOnly = query.text === undefined && query.subject === undefined;
  const isTold = before !== undefined && (isOwnOnly || items.length >= query.limit);
  const mark = isTold ? { next: new PageMarks(view.lookups).seal((before ?? '').padStart(40)) } : {};
  return { items, isCut: false, ...mark };
}

function readEnd(after: string, { sight, view }: OperationContext): string {
  const end = sight.seesAll ? after : new PageMarks(view.lookups).open(after).trim();
  if (!/^\d{1,16}-\d{1,16}$/.test(end)) {
    fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
  }
  return end;
}

export const traceOperations = [
  operation({
    name: 'trace.list',
    summary:
      'Say what became of messages: by queue id, message-id, address or client; or page by page, the newest first.',
    method: 'GET',
    path: '/trace',
    input: object({
      text: optional(
        Type.String({ description: 'A queue id, message-id, address or client.', minLength: 1, maxLength: 998 }),
      ),
      session: optional(Type.String({ description: 'A session that was refused.', pattern: '^[\\w-]{1,60}$' })),
      subject: optional(Type.String({ description: 'A part of the subject.', minLength: 1, maxLength: 200 })),
      state: optional(messageState),
      since: optional(time('Not before.')),
      until: optional(time('Not after; with `events` false.')),
      events: optional(
        yes('With every step, the oldest first; true without. False: pages, the newest first, without steps.'),
      ),
      after: optional(anyText('Where the page before ended: its `next`.')),
      limit: optional(
        Type.Integer({ description: 'Messages at most, the newest; 20 without.', minimum: 1, maximum: 200 }),
      ),
    }),
    output: object({
      items: Type.Array(story),
      isCut: yes('There may be more.'),
      next: optional(anyText('Where the next page begins: there may be nothing on it.')),
    }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async ({ text, session, events = true, after, limit = 20, since = 0, ...wanted }, context) => {
      const { server, sight } = context;
      const seen = (found: readonly Story[]) =>
        found.map((one) => withinSight(one, sight, text)).filter((one) => one !== undefined);
      if (events) {
        if (session !== undefined && !sight.seesAll) return { items: [], isCut: false };
        if (text === undefined && session === undefined)
          fail(422, 'missing-field', '"text" is missing', { field: 'text' });
        await server.control({ command: 'trace-flush' });
        const { stories, isCut } = await server.trace({ text: text ?? '', since, limit, session });
        return { items: seen(stories), isCut: isCut && sight.seesAll };
      }
      await server.control({ command: 'trace-flush' });
      const before = after === undefined ? undefined : readEnd(after, context);
      return await pageWithin({ text, ...wanted, since, before, limit }, context);
    },
  }),
];
