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
import { commandOutcome, printable } from './command-outcome.ts';
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
    const place = { directory: pipe.directory ?? directory, mustEnterDirectory: pipe.directory !== undefined };
    const job = { argv, ...owner, ...place, environment, timeLimitMilliseconds };
    const outcome = await commands.run(job, this.#content(request), request.signal);
    if (outcome.kind === 'failed') {
      this.#options.warn(`cannot run ${argv[0]}: ${outcome.text}`);
      return { kind: 'deferred', status: '4.3.0', reason: `command cannot be run: "${argv[0]}"` };
    }
    const said = printable(outcome.output).slice(0, maxSaid);
    const delivered = `delivered via ${transport} service${said === '' ? '' : ` (${said})`}`;
    return { ...(pipe.flags.has('X') ? {} : { relayed: true }), ...commandOutcome(outcome, argv[0] ?? '', delivered) };
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
