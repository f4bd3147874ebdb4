// How the story of one message is shown to people: what it is, what became of each recipient, then each step with the time
// since the step before.

import type { Story, TracedRecipient } from '../trace/story.ts';

export function* formatStory(story: Story): Iterable<string> {
  yield title(story);
  for (const [name, text] of facts(story)) yield `  ${`${name}:`.padEnd(12)}${text}`;
  for (const recipient of story.recipients)
    yield `  ${`${recipient.state}:`.padEnd(12)}${describeRecipient(recipient)}`;
  if (story.queueId !== null && !story.isDone) yield `  ${'state:'.padEnd(12)}in the queue, as far as is known here`;
  for (const { kind, queueId } of story.links) yield `  ${'see also:'.padEnd(12)}${linkTexts[kind]} ${queueId}`;
  yield* formatEvents(story);
}

const linkTexts = {
  notice: 'the notice about it,',
  forward: 'sent on as',
  'notice-about': 'it is a notice about',
  'forward-of': 'it was made of',
} as const;

function title({ queueId, events, recipients }: Story): string {
  const [first] = events;
  const when = first === undefined ? '' : `, ${localTime(first.time)}`;
  return `${queueId ?? (recipients.length > 0 ? 'refused' : 'no message')}${when}`;
}

function* facts({ client, login, sender, size, messageId }: Story): Iterable<readonly [string, string]> {
  if (sender !== undefined) yield ['from', sender === '' ? '<> (a notice)' : sender];
  if (client !== undefined) yield ['client', login === undefined ? client : `${client}, logged in as ${login}`];
  if (messageId !== undefined) yield ['message-id', messageId];
  if (size !== undefined) yield ['size', `${size} bytes`];
}

function describeRecipient({
  recipient,
  original,
  relay,
  delaySeconds,
  status,
  reason,
  attempts,
}: TracedRecipient): string {
  const from = original === undefined ? '' : ` (for ${original})`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  const after = delaySeconds === undefined ? '' : ` after ${delaySeconds} s${tries}`;
  const by = relay === undefined || relay === 'none' ? '' : ` by ${relay}`;
  return `${recipient}${from}${by}${after}: ${status === '' ? '' : `${status} `}${reason}`;
}

function* formatEvents({ events, queueId }: Story): Iterable<string> {
  let before: number | undefined;
  for (const { time, program, level, text } of events) {
    const own = queueId !== null && text.startsWith(`${queueId}: `) ? text.slice(queueId.length + 2) : text;
    const mark = level === 'info' ? '' : `${level}: `;
    yield `  ${localTime(time)}  ${since(before, time).padStart(9)}  ${program.padEnd(20)} ${mark}${own}`;
    before = time;
  }
}

/** `2026-11-22 00:14:03.123` in this machine's zone. */
function localTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const pad = (value: number, length = 2) => String(value).padStart(length, '0');
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${time}.${pad(date.getMilliseconds(), 3)}`;
}

function since(before: number | undefined, time: number): string {
  if (before === undefined) return '';
  const milliseconds = Math.max(0, time - before);
  if (milliseconds < 10_000) return `+${milliseconds} ms`;
  if (milliseconds < 600_000) return `+${Math.round(milliseconds / 1000)} s`;
  return milliseconds < 7_200_000
    ? `+${Math.round(milliseconds / 60_000)} min`
    : `+${Math.round(milliseconds / 3_600_000)} h`;
}
