// What the end of a program means for the mail that it was given, for pipe(8) and local(8) alike: the exit statuses of
// <sysexits.h> with Postfix's words and status codes, and what the program wrote as the reason.

import type { RecipientOutcome } from '../queue/delivery-agent.ts';
import type { CommandOutcome } from './helper/protocol.ts';

/** sysexits(3), with the status codes and words of Postfix. */
const exitStatuses: Readonly<Record<number, readonly [string, string]>> = {
  64: ['5.3.0', 'command line usage error'],
  65: ['5.6.0', 'data format error'],
  66: ['5.3.0', 'cannot open input'],
  67: ['5.1.1', 'user unknown'],
  68: ['5.1.2', 'host name unknown'],
  69: ['5.3.0', 'service unavailable'],
  70: ['5.3.0', 'internal software error'],
  71: ['4.3.0', 'system resource problem'],
  72: ['5.3.0', 'critical OS file missing'],
  73: ['5.2.0', "can't create user output file"],
  74: ['5.3.0', 'input/output error'],
  75: ['4.3.0', 'temporary failure'],
  76: ['5.5.0', 'remote error in protocol'],
  77: ['5.7.0', 'permission denied'],
  78: ['5.3.5', 'local configuration error'],
};

/** `delivered` is what is said of exit status 0. */
export function commandOutcome(
  ended: Extract<CommandOutcome, { kind: 'ended' }>,
  command: string,
  delivered: string,
): RecipientOutcome {
  const output = printable(ended.output);
  if (ended.isTimedOut) return failed('5.3.0', `Command time limit exceeded: "${command}"`, output);
  if (ended.signal !== undefined) {
    return failed('4.3.0', `Command died with signal ${ended.signal}: "${command}"`, output);
  }
  const { status = 0 } = ended;
  if (status === 0) return { kind: 'delivered', status: '2.0.0', reason: delivered };
  const known = exitStatuses[status];
  const own = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)(.*)$/s.exec(output);
  // A success is not to be believed here.
  if (own !== null) return withStatus(own[1]?.startsWith('2') === false ? own[1] : '5.0.0', own[2] ?? '');
  if (known !== undefined) return failed(known[0], known[1], output);
  return failed('5.3.0', `Command died with status ${status}: "${command}"`, output);
}

function failed(status: string, words: string, output: string): RecipientOutcome {
  return withStatus(status, output === '' ? words : `${words}. Command output: ${output}`);
}

function withStatus(status: string, reason: string): RecipientOutcome {
  return { kind: status.startsWith('4') ? 'deferred' : 'bounced', status, reason };
}

/** On one line, without what a terminal would act on. */
export function printable(output: string): string {
  return Buffer.from(output, 'latin1')
    .toString('utf8')
    .trimEnd()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\u0000-\u001f\u007f\ufffd]/g, '_');
}
