// What a change would have meant for mail that has come: the trace's recipients in the domains concerned are asked of both
// directories, each address once. Newest first and within a time, since the trace of a busy host is large.

import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { parseLine, queueIdLength } from '../../trace/record.ts';
import { listSegments } from '../../trace/segments.ts';
import { isSameOutcome } from './outcomes.ts';
import type { MessageEffect, PlannedOutcome, RealMessages } from './types.ts';

export interface TraceWindow {
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly clock: Clock;
  /** For reading and asking. */
  readonly maxMilliseconds: number;
}

type Judge = (address: string) => Promise<{ readonly before: PlannedOutcome; readonly after: PlannedOutcome }>;

/** Beyond so many different recipients further ones are not asked. */
const maxAddresses = 20_000;
const maxShown = 10;

interface Tally {
  messages: number;
  effect: MessageEffect | undefined;
}

/** `domains` are folded; '' stands for addresses without one. */
export async function countRealMessages(
  window: TraceWindow,
  domains: ReadonlySet<string>,
  judge: Judge,
): Promise<RealMessages | undefined> {
  const segments = listSegments(window.folder).filter(({ end }) => end >= window.since);
  if (segments.length === 0) return undefined;
  const deadline = window.clock.now() + window.maxMilliseconds;
  const tallies = new Map<string, Tally>();
  const seen = new Set<string>();
  let [since, isCut] = [window.since, false];
  for (const { file, start } of segments.toReversed()) {
    if (window.clock.now() > deadline) {
      isCut = true;
      break;
    }
    for (const { address, key } of recipientsIn(file, window.since, domains)) {
      if (seen.has(key)) continue;
      seen.add(key);
      const tally = tallies.get(address);
      if (tally !== undefined) tally.messages++;
      else if (tallies.size >= maxAddresses || window.clock.now() > deadline) isCut = true;
      else tallies.set(address, { messages: 1, effect: effectOf(await judge(address)) });
    }
    since = Math.max(window.since, start);
    await setImmediate();
  }
  const total = (effect?: MessageEffect): number =>
    [...tallies.values()].reduce((sum, one) => sum + (effect && one.effect !== effect ? 0 : one.messages), 0);
  const most = [...tallies]
    .flatMap(([address, { messages, effect }]) => (effect === undefined ? [] : [{ address, messages, effect }]))
    .sort((one, other) => other.messages - one.messages || (one.address < other.address ? -1 : 1))
    .slice(0, maxShown);
  return {
    since: isCut ? since : window.since,
    seen: total(),
    elsewhere: total('elsewhere'),
    refused: total('refused'),
    deferred: total('deferred'),
    taken: total('taken'),
    most,
    isCut,
  };
}

function effectOf({ before, after }: Awaited<ReturnType<Judge>>): MessageEffect | undefined {
  if (isSameOutcome(before, after)) return undefined;
  if (after.reply.code >= 500) return before.reply.code >= 500 ? undefined : 'refused';
  if (after.reply.code >= 400) return 'deferred';
  return before.reply.code >= 400 ? 'taken' : 'elsewhere';
}

interface TracedRecipient {
  readonly address: string;
  /** One for each message and recipient, or for each refusal. */
  readonly key: string;
}

/** Recipients as their clients gave them, of outcomes (`to=<...>, orig_to=<...>, ... status=`) and of refusals. */
function* recipientsIn(file: string, since: number, domains: ReadonlySet<string>): Iterable<TracedRecipient> {
  const data = readSegment(file);
  const octets = data.toString('latin1');
  for (let at = octets.indexOf('to=<'); at >= 0; at = octets.indexOf('to=<', at + 4)) {
    const end = octets.indexOf('>', at);
    if (end < 0) return;
    const address = Buffer.from(octets.slice(at + 4, end), 'latin1')
      .toString('utf8')
      .toLowerCase();
    const domain = address.includes('@') ? address.slice(address.lastIndexOf('@') + 1) : '';
    // A final recipient: what the client gave follows it.
    if (octets.startsWith('>, orig_to=<', end) || !domains.has(domain)) continue;
    const start = octets.lastIndexOf('\n', at) + 1;
    const stop = octets.indexOf('\n', end);
    const line = stop < 0 ? undefined : parseLine(data.toString('utf8', start, stop));
    if (line === undefined || line.time < since) continue;
    const id = queueIdLength(line.text);
    const isRefusal = / reject: RCPT | reject: END-OF-MESSAGE /.test(line.text);
    if (isRefusal) yield { address, key: `${file} ${start}` };
    else if (id > 0 && line.text.includes(', status=')) yield { address, key: `${line.text.slice(0, id)} ${address}` };
  }
}

function readSegment(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    // Too old since the folder was listed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
