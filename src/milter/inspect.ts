// Shows a message that has come whole to the milters of its door, and makes it what they want it to be. Until the result is
// taken, nothing is durable and nothing acknowledged. A message that nobody changes is stored as it came: its octets are
// read once for each filter, and written again only where they change.

import type { ProgramLog } from '../lib/log.ts';
import type { Content, ContentReader, ContentWriter } from '../mailstore/types.ts';
import { type SmtpReply, replies, reply } from '../smtp/reply.ts';
import type { Answer } from './answer.ts';
import type { MilterChain } from './chain.ts';
import { EditableMessage, MessageTooLargeError } from './editable-message.ts';
import { type EnvelopeEdits } from './envelope-edits.ts';
import type { HeaderCheckRun } from './header-checks.ts';

export interface InspectOptions {
  readonly chain: MilterChain;
  /** What has come, ready to be read. */
  readonly reader: ContentReader;
  readonly newWriter: () => ContentWriter;
  readonly headerSizeLimit: number;
  readonly sizeLimit: number;
  readonly queueId: string;
  /** Of cleanup. */
  readonly log: ProgramLog;
  readonly checks?: HeaderCheckRun | undefined;
}

/** What milters have made of a message that goes on. */
export interface Inspected {
  readonly kind: 'accepted';
  readonly isHeld: boolean;
  /** A milter has said so, of which nothing is in the log yet. */
  readonly isQuarantined: boolean;
  /** What it has become, durable; undefined: nobody has changed it. */
  readonly content: Content | undefined;
  readonly envelope: EnvelopeEdits;
  /** By milter_header_checks. */
  readonly filter: string | undefined;
  readonly redirect: string | undefined;
}

export type Inspection =
  | Inspected
  /** `answer` where a milter has said so; otherwise a table, which has told the log. */
  | { readonly kind: 'discarded'; readonly answer?: Answer }
  | { readonly kind: 'refused'; readonly reply: SmtpReply; readonly answer?: Answer };

const closing = reply(421, '4.7.0', 'Server closing connection');

/** Throws TemporaryError or StoreFullError. */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  const { chain, checks, reader, log, queueId } = options;
  let message: EditableMessage | undefined;
  try {
    message = await EditableMessage.open({
      ...options,
      warn: (text) => log.warning(`${queueId}: ${text}`),
      checkField: checks === undefined ? undefined : (field) => checks.check(field),
    });
    const answer = await chain.message(message, log);
    const { failure } = message;
    if (failure !== undefined && !isFinal(answer)) throw failure;
    return ruling(answer, checks) ?? (await accepted(message, options, answer?.kind === 'hold'));
  } catch (error) {
    if (error instanceof MessageTooLargeError) return { kind: 'refused', reply: replies.messageTooBig };
    throw error;
  } finally {
    await message?.close();
    await reader.close();
  }
}

/** Nothing that could not be carried out matters to these. */
function isFinal(answer: Answer | undefined): boolean {
  if (answer?.kind === 'reply') return answer.reply.code < 500;
  return answer?.kind === 'discard' || answer?.kind === 'shutdown';
}

function ruling(answer: Answer | undefined, checks: HeaderCheckRun | undefined): Inspection | undefined {
  const refusal = checks?.orders.refusal;
  if (refusal !== undefined) return { kind: 'refused', reply: refusal };
  if (checks?.orders.isDiscarded) return { kind: 'discarded' };
  if (answer?.kind === 'reply') return { kind: 'refused', reply: answer.reply, answer };
  if (answer?.kind === 'shutdown') return { kind: 'refused', reply: closing, answer };
  return answer?.kind === 'discard' ? { kind: 'discarded', answer } : undefined;
}

async function accepted(
  message: EditableMessage,
  { newWriter, checks }: InspectOptions,
  isQuarantined: boolean,
): Promise<Inspected> {
  return {
    kind: 'accepted',
    isQuarantined,
    isHeld: isQuarantined || checks?.orders.isHeld === true,
    content: message.isChanged ? await rewritten(message, newWriter()) : undefined,
    envelope: message.envelope,
    filter: checks?.orders.filter,
    redirect: checks?.orders.redirect,
  };
}

async function rewritten(message: EditableMessage, writer: ContentWriter): Promise<Content> {
  try {
    await message.writeTo(writer);
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
