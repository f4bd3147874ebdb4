// Which queued mail somebody means: by state, sender, recipient, destination, reason and age. The same filter serves what is
// shown, what is counted before an act, and the act itself.

export type QueueState = 'incoming' | 'active' | 'deferred' | 'hold';

export interface QueueFilter {
  readonly state?: QueueState | undefined;
  /** A part of the address; in `<>` the whole of it, `<>` is the null sender. */
  readonly sender?: string | undefined;
  /** Likewise. */
  readonly recipient?: string | undefined;
  /** The domain of a recipient. */
  readonly destination?: string | undefined;
  /** A part of the last reply; `*` stands for anything. */
  readonly reason?: string | undefined;
  /** Arrived then or later, and before then: milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly before?: number | undefined;
}

interface Conditions {
  /** Of the recipient's row `r` alone: asked first. */
  readonly ofRecipient: string;
  /** With the message's row `m`. */
  readonly ofMessage: string;
  readonly values: readonly (string | number)[];
  readonly recipientValues: readonly (string | number)[];
}

export function conditionsOf({
  state,
  sender,
  recipient,
  destination,
  reason,
  since,
  before,
}: QueueFilter): Conditions {
  const recipients: string[] = [];
  const messages: string[] = [];
  const recipientValues: (string | number)[] = [];
  const messageValues: (string | number)[] = [];
  const add = (list: string[], values: (string | number)[], sql: string, value: string | number): void => {
    list.push(sql);
    values.push(value);
  };
  if (recipient) add(recipients, recipientValues, ...ofAddress('r.recipient', recipient));
  if (destination) {
    add(recipients, recipientValues, "r.recipient LIKE ? ESCAPE '!'", `%@${escaped(destination)}`);
  }
  if (reason)
    add(recipients, recipientValues, "r.reason LIKE ? ESCAPE '!'", `%${escaped(reason).replaceAll('*', '%')}%`);
  if (sender) add(messages, messageValues, ...ofAddress('m.sender', sender));
  if (since !== undefined) add(messages, messageValues, 'm.arrival >= ?', since);
  if (before !== undefined) add(messages, messageValues, 'm.arrival < ?', before);
  if (state !== undefined) messages.push(`m.hold = ${state === 'hold' ? 1 : 0}`);
  if (state === 'deferred') messages.push('m.attempts > 0');
  if (state === 'incoming') messages.push('m.attempts = 0');
  const and = (list: readonly string[]) => list.map((one) => ` AND ${one}`).join('');
  return {
    ofRecipient: and(recipients),
    ofMessage: and(messages),
    values: [...recipientValues, ...messageValues],
    recipientValues,
  };
}

/** The comparison does not look at case, in ASCII (SQLite's LIKE). */
function ofAddress(column: string, text: string): [string, string] {
  const whole = /^<(.*)>$/s.exec(text)?.[1];
  const pattern = whole === undefined ? `%${escaped(text)}%` : escaped(whole);
  return [`${column} LIKE ? ESCAPE '!'`, pattern];
}

function escaped(text: string): string {
  return text.replaceAll(/[!%_]/g, '!$&');
}

/**
 * The reason without what differs from message to message: addresses, ids, ports. It finds those reasons again when it is
 * a filter's.
 */
export function reasonPattern(reason: string): string {
  return reason
    .slice(0, 200)
    .replaceAll(/<[^<>]*>/g, '<*>')
    .replaceAll(/\[[0-9a-fA-F.:]+\](:\d+)?/g, (_, port) => (port === undefined ? '[*]' : '[*]:*'))
    .replaceAll(/[\w-]*\d[\w-]*(?:\.[\w-]*\d[\w-]*)*/g, (word) => (isCode(word) ? word : '*'))
    .replaceAll(/\*(?:[\s.:/-]?\*)+/g, '*');
}

/** A reply's code or an enhanced status code (RFC 3463): these tell what it is about. */
function isCode(word: string): boolean {
  return /^[245](?:\d\d|\.\d{1,3}\.\d{1,3})$/.test(word);
}
