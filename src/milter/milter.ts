// One milter during one session (or one message of our own): what has been agreed with it, which events it still
// wants, and what its answers mean, as Postfix's milter(3) has it. Whatever goes wrong with it (no connection, no
// answer in time, garbage) is logged, ends the connection, and from then on it answers with its default action.

import type { ProgramLog } from '../lib/log.ts';
import { MilterConnection, type Packet } from './connection.ts';
import { FieldReader, numberField, stringField } from './fields.ts';
import { applyEdit, BadEditError, type EditableMessage } from './edits.ts';
import type { MilterOptions } from './options.ts';
import {
  allActions,
  answer as letters,
  answerNames,
  command,
  type Event,
  eventRules,
  type MacroStage,
  macroStages,
  step,
} from './protocol.ts';
import { parseReplyCode } from './reply-code.ts';
import { type Answer, misconfigured, refused, tryLater, unavailable } from './answer.ts';

/** Wants events of a message; no more of this one; of no more messages; nothing before the next connection. */
type State = 'envelope' | 'message' | 'message-done' | 'session-done' | 'failed';

/** Macros as they are sent: name, value, name ... */
export type MacroPairs = readonly (readonly [string, string])[];

/** It has answered, with what is no answer here. */
class MilterAnswerError extends Error {
  override name = 'MilterAnswerError';
}

const decisions: readonly string[] = [
  letters.continue,
  letters.skip,
  letters.accept,
  letters.discard,
  letters.reject,
  letters.temporaryFailure,
  letters.shutdown,
];

/** SMFIR_PROGRESS begins the time anew: so often, and until so many times the time are over. */
const maxProgress = 1000;
const patience = 10;
/** Orders for one message: a filter without end is garbage. */
const maxEdits = 10_000;

export class Milter {
  readonly #options: MilterOptions;
  /** Of the program that speaks with it now: smtpd, or cleanup for the message. */
  log: ProgramLog;
  #connection: MilterConnection | undefined;
  #state: State = 'envelope';
  /** What it answers whatever comes: it has failed, or refused the client. */
  #standing: Answer | undefined;
  #steps = 0;
  /** Events that are not in the protocol that is spoken with it. */
  #unspoken = 0;
  #symbols = new Map<MacroStage, readonly string[]>();
  #skipped: Event | undefined;
  #hasSent = false;

  constructor(options: MilterOptions, log: ProgramLog) {
    this.#options = options;
    this.log = log;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Its own list of macros for a stage; absent: the configured one. */
  macroNames(stage: MacroStage): readonly string[] | undefined {
    return this.#symbols.get(stage);
  }

  /** Whether it wants to see messages of this session. */
  get isActive(): boolean {
    return this.#connection !== undefined && this.#state === 'envelope';
  }

  /** In the middle of a message, and still listening. */
  get isReading(): boolean {
    return this.#connection !== undefined && this.#state === 'message';
  }

  get standing(): Answer | undefined {
    return this.#standing;
  }

  wants(event: Event): boolean {
    if (this.#connection === undefined || this.#isOver(event)) return false;
    return event !== this.#skipped;
  }

  #isOver(event: Event): boolean {
    if (this.#state === 'envelope' || this.#state === 'message') return false;
    return !(this.#state === 'message-done' && (event === command.helo || event === command.connect));
  }

  /** Connects and agrees on what is sent. */
  async open(): Promise<void> {
    const { name, address, connectTimeout, commandTimeout, version, steps } = this.#options;
    try {
      this.#connection = await MilterConnection.open(address, connectTimeout);
    } catch (error) {
      this.log.warning(`connect to Milter service ${name}: ${messageOf(error)}`);
      this.#fail();
      return;
    }
    try {
      this.#connection.send(command.negotiate, [numberField(version), numberField(allActions), numberField(steps)]);
      const packet = await this.#connection.read(commandTimeout);
      this.#agree(packet);
    } catch (error) {
      const isAnswer = error instanceof MilterAnswerError;
      this.#warn(isAnswer ? error.message : `can't read SMFIC_OPTNEG reply packet header: ${messageOf(error)}`);
      if (!isAnswer) this.#warn('read error in initial handshake');
      this.#fail();
    }
  }

  #agree({ letter, data }: Packet): void {
    if (letter !== command.negotiate)
      throw new MilterAnswerError(`unexpected reply "${printable(letter)}" in initial handshake`);
    const fields = new FieldReader(data);
    const version = fields.number();
    const actions = fields.number();
    this.#steps = fields.number();
    if (version > this.#options.version) {
      throw new MilterAnswerError(
        `protocol version ${version} conflict with MTA protocol version ${this.#options.version}`,
      );
    }
    if ((actions & ~allActions) !== 0) {
      const mask = `0x${actions.toString(16)}`;
      throw new MilterAnswerError(`request mask ${mask} conflict with MTA request mask 0x${allActions.toString(16)}`);
    }
    if ((this.#steps & ~this.#options.steps) !== 0) {
      throw new MilterAnswerError(`event mask 0x${this.#steps.toString(16)} with features that were not offered`);
    }
    // A filter of an old version does not know later events, whatever its bits say.
    this.#unspoken = ~this.#options.steps | (version < 3 ? step.noUnknown : 0) | (version < 4 ? step.noData : 0);
    while (!fields.isAtEnd) {
      const stage = macroStages[fields.number()];
      const names = fields.string();
      if (stage === undefined) throw new MilterAnswerError('a list of symbols for an unknown stage');
      this.#symbols.set(
        stage,
        names.split(/[\s,]+/).filter((name) => name !== ''),
      );
    }
  }

  /**
   * Tells it of an event and hears its answer: undefined lets the message go on. `message` at the end of the body, where
   * it may order changes.
   */
  async tell(
    event: Event,
    macros: MacroPairs,
    parts: readonly Buffer[] = [],
    message?: EditableMessage,
  ): Promise<Answer | undefined> {
    const connection = this.#connection;
    if (connection === undefined || this.#isOver(event)) return this.#standing;
    const rule = eventRules[event] as (typeof eventRules)[string];
    if (this.#skipped !== undefined && event !== this.#skipped) this.#skipped = undefined;
    if (event === this.#skipped || (rule.skipStep & this.#unspoken) !== 0) return this.#standing;
    const timeout = isContent(event) ? this.#options.contentTimeout : this.#options.commandTimeout;
    try {
      connection.send(command.macro, [Buffer.from(event, 'latin1'), ...macros.flat().map((text) => stringField(text))]);
      if ((rule.skipStep & this.#steps) !== 0) return this.#standing;
      connection.send(event, parts);
      this.#hasSent = true;
      if ((rule.silentStep & this.#steps) !== 0) {
        if (connection.isFull) await connection.flush(timeout);
        return this.#standing;
      }
      const limit = setTimeout(() => connection.close(), patience * timeout);
      try {
        return await this.#hear(connection, event, timeout, message);
      } finally {
        clearTimeout(limit);
      }
    } catch (error) {
      if (error instanceof BadEditError) return this.#misconfigured(error.message);
      const where = error instanceof MilterAnswerError ? '' : `can't read ${rule.name} reply packet header: `;
      this.#warn(`${where}${messageOf(error)}`);
      return this.#fail();
    }
  }

  async #hear(
    connection: MilterConnection,
    event: Event,
    timeout: number,
    message: EditableMessage | undefined,
  ): Promise<Answer | undefined> {
    let progress = 0;
    let edits = 0;
    for (;;) {
      const { letter, data } = await connection.read(timeout);
      if (letter === letters.progress && data.length === 0) {
        if (++progress > maxProgress) throw new Error('progress without end');
        continue;
      }
      if (
        event === command.endOfBody &&
        message !== undefined &&
        (await applyEdit(message, letter, data, this.#steps))
      ) {
        if (++edits > maxEdits) throw new BadEditError('changes without end');
        continue;
      }
      if (message !== undefined) await endReplacement(message);
      if (letter === letters.quarantine) {
        this.#standing = { kind: 'hold' };
        continue;
      }
      if (letter === letters.replyCode) return this.#decideReply(event, data);
      if (data.length > 0 && decisions.includes(letter))
        throw new MilterAnswerError(`reply ${nameOf(letter)} was followed by ${data.length} data bytes`);
      return this.#decide(event, letter);
    }
  }

  #decide(event: Event, letter: string): Answer | undefined {
    const isConnection = event === command.connect || event === command.helo;
    switch (letter) {
      case letters.continue:
        return this.#given();
      case letters.skip:
        this.#skipped = event;
        return this.#given();
      case letters.accept:
        this.#state = isConnection ? 'session-done' : 'message-done';
        if (isConnection) this.#drop();
        return this.#given();
      case letters.discard:
        if (isConnection) {
          this.#warn('DISCARD action is not allowed for connect or helo');
          return this.#given();
        }
        this.#state = 'message-done';
        return { kind: 'discard' };
      case letters.reject:
        return this.#refuse(isConnection, refused);
      case letters.temporaryFailure:
        return this.#refuse(isConnection, tryLater);
      case letters.shutdown:
        return this.#refuse(true, { kind: 'shutdown' });
      default:
        throw new MilterAnswerError(
          `unexpected filter response ${nameOf(letter)} after event ${eventRules[event]?.name}`,
        );
    }
  }

  /** What it has said of the message so far; a quarantine counts for this message alone. */
  #given(): Answer | undefined {
    const given = this.#standing;
    if (given?.kind === 'hold') this.#standing = undefined;
    return given;
  }

  #decideReply(event: Event, data: Buffer): Answer | undefined {
    const given = parseReplyCode(data);
    if (given === undefined) {
      const text = data.toString('latin1').replace(/\0.*$/s, '');
      return this.#misconfigured(`malformed reply: ${printable(text).slice(0, 200)}`);
    }
    return this.#refuse(event === command.connect || event === command.helo, { kind: 'reply', reply: given });
  }

  #refuse(isConnection: boolean, given: Answer): Answer {
    if (!isConnection) return given;
    this.#drop();
    this.#state = 'session-done';
    this.#standing = given;
    return given;
  }

  /** A message begins: all that was said of the last one is over. */
  beginContent(): void {
    if (this.#state === 'envelope') this.#state = 'message';
  }

  endContent(): void {
    if (this.#state === 'message' || this.#state === 'message-done') this.#state = 'envelope';
    if (this.#standing?.kind === 'hold' && this.#connection !== undefined) this.#standing = undefined;
    this.#skipped = undefined;
  }

  /** The transaction is over without a message, or behind it. */
  abort(): void {
    if (this.#connection === undefined || !this.#hasSent) return;
    if (this.#state === 'failed' || this.#state === 'session-done') return;
    this.#connection.send(command.abort);
    // It need not be waited for: what the filter does not read is seen at the next event.
    this.#connection.flush(this.#options.commandTimeout).catch(() => undefined);
    this.endContent();
    this.#state = 'envelope';
  }

  /** The client is gone. */
  close(): void {
    this.#connection?.send(command.quit);
    this.#connection?.close(true);
    this.#connection = undefined;
    this.#state = 'session-done';
  }

  /** Nothing more will be said to it. */
  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** From here on its default action is what it answers. */
  #fail(forNow: Answer = tryLater): Answer | undefined {
    this.#drop();
    this.#state = 'failed';
    this.#standing = {
      accept: undefined,
      quarantine: { kind: 'hold' } as const,
      reject: unavailable,
      tempfail: forNow,
    }[this.#options.defaultAction];
    return this.#standing;
  }

  /** It speaks the protocol and says what makes no sense. */
  #misconfigured(text: string): Answer | undefined {
    this.#warn(text);
    return this.#fail(misconfigured);
  }

  #warn(text: string): void {
    this.log.warning(`milter ${this.#options.name}: ${text}`);
  }
}

async function endReplacement(message: EditableMessage): Promise<void> {
  try {
    await message.endReplacement();
  } catch (error) {
    message.failure ??= error;
  }
}

function isContent(event: Event): boolean {
  return (
    event === command.header || event === command.endOfHeader || event === command.body || event === command.endOfBody
  );
}

function nameOf(letter: string): string {
  return answerNames[letter] ?? '(unknown filter reply)';
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
