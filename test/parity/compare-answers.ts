// Compares what both servers answered to one case. Queue ids, times and ports are of the run and not compared.

import type { DeliveredMessage, ParityAnswer } from './parity-case.ts';

export interface Difference {
  readonly what: string;
  readonly postfix: unknown;
  readonly posthaste: unknown;
}

export function compareAnswers(postfix: ParityAnswer, posthaste: ParityAnswer): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, one: unknown, other: unknown): void => {
    if (JSON.stringify(one) !== JSON.stringify(other)) differences.push({ what, postfix: one, posthaste: other });
  };
  compare('MAIL', postfix.mail, posthaste.mail);
  for (const [index, [recipient, reply]] of postfix.recipients.entries()) {
    compare(`RCPT ${recipient}`, reply, posthaste.recipients[index]?.[1]);
  }
  compare('DATA', postfix.data, posthaste.data);
  compare('sender', postfix.sender, posthaste.sender);
  compare('deliveries', postfix.deliveries.map(asComparable), posthaste.deliveries.map(asComparable));
  const [theirs, ours] = [postfix.messages ?? [], posthaste.messages ?? []].map((messages) =>
    messages.map(normalMessage).toSorted((one, other) => (one.order < other.order ? -1 : 1)),
  );
  compare('messages', theirs?.length, ours?.length);
  for (const [index, message] of (theirs ?? []).entries()) {
    const other = ours?.[index];
    if (other === undefined) continue;
    compare('message sender', message.from, other.from);
    compare('message recipients', message.recipients.toSorted(), other.recipients.toSorted());
    compare('headers', message.headers, other.headers);
    compare('body', message.body, other.body);
  }
  return differences;
}

/** Each server's sink has its own port; a queue id may stand in a reason. */
function asComparable(row: readonly string[]): readonly string[] {
  // A destination keeps the case of its first message until it is idle: which that was is chance.
  // So is which message of several to a dead destination finds out, and which are only told (qmgr(8)).
  const told = /^delivery temporarily suspended: /;
  if (row[4] === 'deferred' && (told.test(row[1] ?? '') || row[1]?.startsWith('connect to ') === true)) {
    return row.with(0, 'dead').with(1, (row[1] ?? '').replace(told, ''));
  }
  const folded = row.with(1, /\s/.test(row[1] ?? '') ? (row[1] ?? '') : (row[1] ?? '').toLowerCase());
  return folded.map((one) =>
    one.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').replace(/queued as \w+/, 'queued as QID'),
  );
}

function normalMessage(message: DeliveredMessage): DeliveredMessage & { readonly order: string } {
  const headers = message.headers.map(normalHeader);
  return { ...message, headers, order: JSON.stringify([message.recipients.toSorted(), message.from, headers]) };
}

/** Masks what says when, and as which queue file, a message came. */
function normalHeader(line: string): string {
  return line
    .replace(/(\bid) [0-9A-Za-z]{8,}\b/, '$1 QID')
    .replace(/^((?:Resent-)?Message-Id: <)[0-9A-Za-z]{12,}@/i, '$1QID@')
    .replace(/\w{3},\s+\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}(?: \(\w+\))?/, (time) =>
      time.startsWith('Sat, 21 Nov 2026 1') && / (11|12):00:00 /.test(time) ? time : 'TIME',
    );
}
