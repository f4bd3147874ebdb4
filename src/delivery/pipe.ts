// pipe(8): hands a message to a program, as its flags say, under the user of the service. What the program's exit status
// means stands in <sysexits.h>; an enhanced status code at the beginning of its output says it better. A program that
// was ended by a signal or that does not exist has deferred the mail: that is our trouble, not the sender's.

import type { ExtensionRules } from '../address/extension.ts';
import type { Clock } from '../lib/clock.ts';
import { StoredForm } from '../maildir/stored-form.ts';
import type { QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { DeliveryAgent, DeliveryReport, DeliveryRequest, RecipientOutcome } from '../queue/delivery-agent.ts';
import type { LookupResult } from '../tables/table.ts';
import type { Helper } from './helper/on-demand.ts';
import type { CommandJob, CommandOutcome } from './helper/protocol.ts';
import { mboxFromLine, storedContent } from './stored-content.ts';
import { pipeArguments } from './pipe-arguments.ts';
import type { PipeOptions } from './pipe-options.ts';

export interface PipeAgentOptions {
  readonly commands: Helper<CommandJob, CommandOutcome>;
  readonly pipe: PipeOptions;
  readonly extensions: ExtensionRules;
  readonly clock: Clock;
  /** The entry of passwd(5) or group(5). Throws TemporaryError. */
  readonly account: (database: 'passwd' | 'group', name: string) => Promise<LookupResult>;
  readonly warn: (text: string) => void;
  /** Where commands run that say nothing else. */
  readonly directory: string;
  readonly timeLimitMilliseconds: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** Of what a command says when all is well. */
const maxSaid = 100;
const misconfigured: RecipientOutcome = {
  kind: 'deferred',
  status: '4.3.5',
  reason: 'mail system configuration error',
};

export class PipeAgent implements DeliveryAgent {
  readonly #options: PipeAgentOptions;

  constructor(options: PipeAgentOptions) {
    this.#options = options;
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const outcome = await this.#deliver(request);
    return { outcomes: request.recipients.map(() => ({ relay: request.transport, ...outcome })) };
  }

  async #deliver(request: DeliveryRequest): Promise<RecipientOutcome> {
    const { pipe, commands } = this.#options;
    const { message, recipients, transport } = request;
    if (pipe.sizeLimit > 0 && message.size > pipe.sizeLimit) {
      return { kind: 'bounced', status: '5.2.3', reason: 'message too large' };
    }
    if ((pipe.flags.has('D') || pipe.flags.has('O')) && recipients.length > 1) {
      this.#options.warn(`flags D and O need ${transport}_destination_recipient_limit = 1`);
      return misconfigured;
    }
    const owner = commands.isRoot ? await this.#owner() : { uid: undefined, gid: undefined };
    if (owner === undefined) return misconfigured;
    const { nexthop } = request;
    const argv = pipeArguments(pipe, message, { nexthop, recipients, extensions: this.#options.extensions });
    const { timeLimitMilliseconds, environment, directory } = this.#options;
    const job = { argv, ...owner, directory: pipe.directory ?? directory, environment, timeLimitMilliseconds };
    const outcome = await commands.run(job, this.#content(request), request.signal);
    if (outcome.kind === 'failed') {
      this.#options.warn(`cannot run ${argv[0]}: ${outcome.text}`);
      return { kind: 'deferred', status: '4.3.0', reason: `command cannot be run: "${argv[0]}"` };
    }
    return { ...(pipe.flags.has('X') ? {} : { relayed: true }), ...outcomeOf(outcome, argv[0] ?? '', transport) };
  }

  async #owner(): Promise<{ uid: number; gid: number } | undefined> {
    const { account, pipe, warn } = this.#options;
    try {
      const user = idsOf(await account('passwd', pipe.user));
      const group = pipe.group === undefined ? undefined : idsOf(await account('group', pipe.group));
      const uid = user?.[0] ?? 0;
      const gid = pipe.group === undefined ? (user?.[1] ?? 0) : (group?.[0] ?? 0);
      if (uid > 0 && gid > 0) return { uid, gid };
      warn(
        `user=${pipe.user}${pipe.group === undefined ? '' : `:${pipe.group}`}: there is no such user, or it is root`,
      );
    } catch (error) {
      warn(`user=${pipe.user}: ${(error as Error).message}`);
    }
    return undefined;
  }

  async *#content(request: DeliveryRequest): AsyncIterable<Uint8Array> {
    const { flags, endOfLine } = this.#options.pipe;
    const { message } = request;
    const [only] = request.recipients;
    const options = { quotesFrom: flags.has('>'), endsEmpty: flags.has('B'), doublesDots: flags.has('.'), endOfLine };
    const first = flags.has('F')
      ? `${mboxFromLine(message.sender, new Date(this.#options.clock.now()))}${endOfLine}`
      : '';
    const fields = Buffer.from(only === undefined ? '' : traceFields(message, only, flags));
    const reader = request.openContent();
    try {
      yield* storedContent(reader, new StoredForm(options), { first, fields });
    } finally {
      await reader.close();
    }
  }
}

function traceFields(
  { sender }: QueueMessage,
  { original, recipient }: QueueRecipient,
  flags: ReadonlySet<string>,
): string {
  const fields = [
    flags.has('R') ? `Return-Path: <${sender}>` : '',
    flags.has('O') && original !== '' ? `X-Original-To: ${original}` : '',
    flags.has('D') ? `Delivered-To: ${recipient}` : '',
  ];
  return fields.map((field) => (field === '' ? '' : `${field}\r\n`)).join('');
}

function idsOf(entry: LookupResult): [number, number] | undefined {
  if (entry.kind !== 'found') return undefined;
  const [, , own = '', other = ''] = entry.value.split(':');
  return [Number(own), Number(other)];
}

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

export function outcomeOf(
  ended: Extract<CommandOutcome, { kind: 'ended' }>,
  command: string,
  transport: string,
): RecipientOutcome {
  const output = printable(ended.output);
  if (ended.isTimedOut) return failed('5.3.0', `Command time limit exceeded: "${command}"`, output);
  if (ended.signal !== undefined) {
    return failed('4.3.0', `Command died with signal ${ended.signal}: "${command}"`, output);
  }
  const { status = 0 } = ended;
  if (status === 0) {
    const said = output === '' ? '' : ` (${output.slice(0, maxSaid)})`;
    return { kind: 'delivered', status: '2.0.0', reason: `delivered via ${transport} service${said}` };
  }
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
function printable(output: string): string {
  return Buffer.from(output, 'latin1')
    .toString('utf8')
    .trimEnd()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\u0000-\u001f\u007f\ufffd]/g, '_');
}
