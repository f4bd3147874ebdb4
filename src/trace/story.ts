// What the lines of one message say: who sent it, to whom, what became of each recipient, and which other messages belong
// to it. Lines are the log's own, in Postfix's words; this is the only place that reads them back.

import { queueIdLength, type TraceLine } from './record.ts';
import type { FoundLines, PlacedLine } from './search.ts';

export interface TraceEvent {
  readonly time: number;
  readonly program: string;
  readonly level: string;
  readonly text: string;
}

/** `removed`: the message is gone, as by who deleted it from the queue, and no outcome is known. */
export type RecipientState = 'delivered' | 'deferred' | 'bounced' | 'refused' | 'removed';
/** `queued`: nothing has been tried yet, as far as is known here. */
export type MessageState = RecipientState | 'held' | 'queued';

export interface TracedRecipient {
  readonly recipient: string;
  /** As the client wrote it, where that differs. */
  readonly original?: string;
  readonly state: RecipientState;
  readonly relay?: string;
  readonly delaySeconds?: number;
  readonly status: string;
  readonly reason: string;
  /** Deliveries tried. */
  readonly attempts: number;
}

export interface Story {
  /** Null for mail that was refused before it got one. */
  readonly queueId: string | null;
  /** Of such mail: the session in which it was refused. */
  readonly session?: string;
  readonly client?: string;
  readonly login?: string;
  readonly sender?: string;
  readonly size?: number;
  readonly messageId?: string;
  /** Decoded, the first of it; absent where none is kept. */
  readonly subject?: string;
  /** Why a client was refused, where it was no recipient: reply and rule. */
  readonly refusal?: string;
  readonly state: MessageState;
  /** Of its first line. */
  readonly time: number;
  readonly recipients: readonly TracedRecipient[];
  /** It has left the queue, or was never taken. */
  readonly isDone: boolean;
  /** Other messages that came of this one, or that this one came of. */
  readonly links: readonly {
    readonly kind: 'notice' | 'forward' | 'notice-about' | 'forward-of';
    readonly queueId: string;
  }[];
  readonly events: readonly TraceEvent[];
}

/** Oldest first. */
export function makeStories(found: FoundLines): Story[] {
  const messages = [...found.messages].map(([id, lines]) => makeStory(id, lines, found.sessions));
  const refusals = [...found.refused].map(([session, lines]) => ({
    ...describe(null, lines.filter(hasNoId)),
    session,
  }));
  return [...messages, ...refusals]
    .filter(({ events }) => events.length > 0)
    .sort((one, two) => (one.events[0]?.time ?? 0) - (two.events[0]?.time ?? 0));
}

function makeStory(id: string, lines: readonly PlacedLine[], sessions: FoundLines['sessions']): Story {
  const own = lines.filter(({ text }) => text.startsWith(`${id}: `));
  const others = lines.filter((line) => !own.includes(line));
  const session = own.find((line) => line.session !== '')?.session;
  const about = (session === undefined ? [] : (sessions.get(session) ?? [])).filter(hasNoId);
  const all = [...about, ...own].sort((one, two) => one.place - two.place);
  const story = describe(id, all);
  return { ...story, links: [...story.links, ...others.flatMap((line) => backLinks(line, id))] };
}

function hasNoId({ text }: TraceLine): boolean {
  return queueIdLength(text) === 0;
}

const recipientPattern =
  /: to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay=(.+?), (?:conn_use=\d+, )?delay=([\d.]+), .*?dsn=([\d.]+), status=(\w+) \((.*)\)$/;
const refusalPattern =
  /: (?:milter-)?reject: (\S+) from (\S+): (\d{3})(?: ([245]\.\d+\.\d+))? (.*?); from=<(.*?)>(?: to=<(.*?)>)?/;

function describe(queueId: string | null, lines: readonly TraceLine[]): Story {
  const facts: Facts = {};
  const recipients = new Map<string, TracedRecipient>();
  const links: Story['links'][number][] = [];
  let isDone = queueId === null;
  let isHeld = false;
  let isExpired = false;
  /** Waited when it was routed again: others may have their places. */
  const replaced = new Set<string>();
  for (const { text } of lines) {
    readFacts(text, facts);
    const recipient = readRecipient(text, recipients) ?? readRefusal(text, facts);
    if (recipient !== undefined) {
      const key = recipient.recipient.toLowerCase();
      recipients.set(key, recipient);
      replaced.delete(key);
    }
    links.push(...readLinks(text));
    readRefusedClient(text, facts, queueId === null);
    if (/: (?:placed on hold$|(?:milter-)?hold: )/.test(text)) isHeld = true;
    else if (text.endsWith(': released from hold') || text.endsWith(': requeued')) isHeld = false;
    if (text.endsWith(': requeued')) for (const key of recipients.keys()) replaced.add(key);
    if (/^\w+: from=<.*>, status=(?:force-)?expired, returned to sender$/.test(text)) isExpired = true;
    if (text === `${queueId}: removed` || text.includes(': reject: END-OF-MESSAGE ')) isDone = true;
  }
  if (isDone) endWaiting(recipients, replaced, isExpired);
  const events = lines.map(({ time, program, level, text }) => ({ time, program, level, text }));
  const isRefused = recipients.size === 0 && facts.refusal !== undefined;
  const isGivenUp = isExpired && isDone && recipients.size === 0;
  const state = isRefused
    ? 'refused'
    : isGivenUp
      ? 'bounced'
      : stateOf([...recipients.values()], isDone, isHeld && !isDone);
  const time = lines[0]?.time ?? 0;
  return { queueId, ...facts, state, time, recipients: [...recipients.values()], isDone, links, events };
}

/** Of a message that is gone nobody waits: it went back to its sender, others have their places, or it was deleted. */
function endWaiting(recipients: Map<string, TracedRecipient>, replaced: ReadonlySet<string>, isExpired: boolean): void {
  for (const [key, one] of recipients) {
    if (one.state !== 'deferred') continue;
    if (!isExpired && replaced.has(key)) recipients.delete(key);
    else recipients.set(key, { ...one, state: isExpired ? 'bounced' : 'removed' });
  }
}

/** What people look for first: what is not yet settled, then what went wrong. */
export function stateOf(
  recipients: readonly Pick<TracedRecipient, 'state'>[],
  isDone: boolean,
  isHeld: boolean,
): MessageState {
  const has = (state: RecipientState): boolean => recipients.some((one) => one.state === state);
  if (isHeld) return 'held';
  if (has('deferred')) return 'deferred';
  if (has('removed')) return 'removed';
  if (has('bounced')) return 'bounced';
  if (has('delivered')) return 'delivered';
  if (has('refused')) return 'refused';
  return isDone ? 'removed' : 'queued';
}

type Facts = {
  -readonly [field in 'client' | 'login' | 'sender' | 'size' | 'messageId' | 'subject' | 'refusal']?: Story[field];
};

/** `NOQUEUE: reject: CONNECT from name[address]: 554 5.7.1 ...`: who it is, a proxy or XCLIENT may have said since. */
function readRefusedClient(text: string, facts: Facts, isAlone: boolean): void {
  const [, client, refusal] =
    /: (?:milter-)?reject: \S+ from (\S+): (\d{3}.*?)(?:; (?:from|proto|helo)=|$)/.exec(text) ?? [];
  if (client === undefined || refusal === undefined) return;
  if (isAlone) facts.client = client;
  if (!/ to=</.test(text)) facts.refusal ??= refusal;
}

function readFacts(text: string, facts: Facts) {
  const client = /^(?:connect from |\w+: client=)([^,\s]+)/.exec(text)?.[1];
  if (client !== undefined) facts.client = client;
  const login = /: client=.*, sasl_username=([^,]+)/.exec(text)?.[1];
  if (login !== undefined) facts.login = login;
  const messageId = /: (?:resent-)?message-id=(.*)$/.exec(text)?.[1];
  if (messageId !== undefined && messageId !== '<>') facts.messageId = messageId;
  const subject = /^\w+: subject=(.*)$/s.exec(text)?.[1];
  if (subject !== undefined) facts.subject = subject;
  const [, sender, size] = /: from=<(.*?)>, size=(\d+),/.exec(text) ?? [];
  if (sender !== undefined) Object.assign(facts, { sender, size: Number(size) });
  else if (/: uid=\d+ from=</.test(text)) facts.sender ??= /from=<(.*)>/.exec(text)?.[1] ?? '';
}

const states: Readonly<Record<string, RecipientState>> = {
  sent: 'delivered',
  deferred: 'deferred',
  bounced: 'bounced',
};

function readRecipient(text: string, known: ReadonlyMap<string, TracedRecipient>): TracedRecipient | undefined {
  const match = recipientPattern.exec(text);
  if (match === null) return undefined;
  const [, recipient = '', original, relay = '', delay = '', status = '', word = '', reason = ''] = match;
  const state = states[word];
  if (state === undefined) return undefined;
  const attempts = (known.get(recipient.toLowerCase())?.attempts ?? 0) + 1;
  const from = original === undefined ? {} : { original };
  return { recipient, ...from, state, relay, delaySeconds: Number(delay), status, reason, attempts };
}

/** What a line says of a recipient, if it does. */
export function outcomeOf(text: string): (TracedRecipient & { readonly queueId: string }) | undefined {
  const recipient = readRecipient(text, new Map());
  return recipient && { queueId: text.slice(0, queueIdLength(text)), ...recipient };
}

function readRefusal(text: string, facts: { sender?: string; client?: string }): TracedRecipient | undefined {
  const [, stage, client, code = '', status = '', reason = '', sender, recipient] = refusalPattern.exec(text) ?? [];
  if (stage === undefined || sender === undefined) return undefined;
  facts.sender ??= sender;
  if (client !== undefined) facts.client ??= client;
  if (recipient === undefined) return undefined;
  return { recipient, state: 'refused', status, reason: `${code} ${reason}`, attempts: 0 };
}

function readLinks(text: string): Story['links'] {
  const notice = /: sender (?:non-delivery|delay|delivery status) notification: (\w+)$/.exec(text)?.[1];
  const forwards = /status=sent \(forwarded as ([\w, ]+)\)$/.exec(text)?.[1]?.split(', ') ?? [];
  return [
    ...(notice === undefined ? [] : [{ kind: 'notice' as const, queueId: notice }]),
    ...forwards.map((queueId) => ({ kind: 'forward' as const, queueId })),
  ];
}

/** What a line of another message says about this one. */
function backLinks({ text }: TraceLine, id: string): Story['links'] {
  const other = text.slice(0, queueIdLength(text));
  const link = readLinks(text).find(({ queueId }) => queueId === id);
  if (link === undefined || other === '') return [];
  return [{ kind: link.kind === 'notice' ? 'notice-about' : 'forward-of', queueId: other }];
}
