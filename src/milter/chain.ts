// The milters of one session, in their order: each is told of each event, and the first that says anything but "go on"
// decides. A message goes through them one behind the other: each sees what the former has made of it.
//
// Whoever has no milters has no chain: nothing here costs anything then.

import type { ProgramLog } from '../lib/log.ts';
import type { Answer } from './answer.ts';
import type { EditableMessage } from './editable-message.ts';
import { stringField } from './fields.ts';
import { type MacroPairs, Milter } from './milter.ts';
import { braced, type MacroOptions, type MilterOptions } from './options.ts';
import { chunkBytes, command, type Event, type MacroStage, step } from './protocol.ts';

/** The value of a macro, under `{name}`; undefined: it has none now. */
export type MacroSource = (name: string) => string | undefined | Promise<string | undefined>;

export interface ChainOptions {
  readonly milters: readonly MilterOptions[];
  readonly macros: MacroOptions;
  readonly source: MacroSource;
  readonly log: ProgramLog;
}

export interface ConnectedClient {
  readonly name: string;
  /** '' for one that has none. */
  readonly address: string;
  readonly port: number;
}

/** Asks for the values of a stage once for all milters that have no list of their own. */
type MacrosFor = (milter: Milter) => Promise<MacroPairs>;

export class MilterChain {
  readonly #options: ChainOptions;
  readonly #milters: readonly Milter[];

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#milters = options.milters.map((one) => new Milter(one, options.log));
  }

  /** Connects to all of them and tells who the client is. */
  async connect(client: ConnectedClient): Promise<Answer | undefined> {
    const macros = this.#macros('connect');
    const parts = connectParts(client);
    for (const milter of this.#milters) {
      await milter.open();
      const answer = await milter.tell(command.connect, await macros(milter), parts);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  helo(name: string): Promise<Answer | undefined> {
    return this.#tell(command.helo, 'helo', [stringField(name)]);
  }

  /** `<address>` as the client gave it, and its parameters. */
  mail(words: readonly string[]): Promise<Answer | undefined> {
    return this.#tell(
      command.mail,
      'mail',
      words.map((word) => stringField(word)),
    );
  }

  /** A recipient that is refused already is told to those who want to know, and their answer is not asked. */
  async rcpt(words: readonly string[], isRefused: boolean): Promise<Answer | undefined> {
    const parts = words.map((word) => stringField(word));
    if (!isRefused) return await this.#tell(command.rcpt, 'rcpt', parts);
    const macros = this.#macros('rcpt');
    for (const milter of this.#milters) {
      if ((milter.steps & step.rejectedRcpt) === 0) continue;
      if ((await milter.tell(command.rcpt, await macros(milter), parts)) !== undefined) break;
    }
    return undefined;
  }

  data(): Promise<Answer | undefined> {
    return this.#tell(command.data, 'data', []);
  }

  unknown(line: string): Promise<Answer | undefined> {
    return this.#tell(command.unknown, 'unknown', [stringField(line)]);
  }

  /** What stands whatever the client says: a filter has refused it, or has failed. */
  get standing(): Answer | undefined {
    for (const { standing } of this.#milters) if (standing !== undefined) return standing;
    return undefined;
  }

  /** Whether anybody wants to see a message. */
  get isActive(): boolean {
    return this.#milters.some((milter) => milter.isActive);
  }

  async message(message: EditableMessage, log: ProgramLog): Promise<Answer | undefined> {
    const headers = this.#macros('endOfHeader');
    const ends = this.#macros('endOfData');
    for (const milter of this.#milters) {
      if (!milter.isActive) {
        if (milter.standing !== undefined) return milter.standing;
        continue;
      }
      milter.log = log;
      milter.beginContent();
      const answer = await showMessage(milter, message, await headers(milter), () => ends(milter));
      milter.endContent();
      milter.log = this.#options.log;
      message.endFilter();
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  abort(): void {
    for (const milter of this.#milters) milter.abort();
  }

  close(): void {
    for (const milter of this.#milters) milter.close();
  }

  async #tell(event: Event, stage: MacroStage, parts: readonly Buffer[]): Promise<Answer | undefined> {
    const macros = this.#macros(stage);
    for (const milter of this.#milters) {
      const answer = await milter.tell(event, milter.isActive ? await macros(milter) : [], parts);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  #macros(stage: MacroStage): MacrosFor {
    let usual: Promise<MacroPairs> | undefined;
    return (milter) => {
      const own = milter.macroNames(stage);
      if (own !== undefined) return this.#values(own);
      usual ??= this.#values(this.#options.macros.names[stage]);
      return usual;
    };
  }

  async #values(names: readonly string[]): Promise<MacroPairs> {
    const { macros, source } = this.#options;
    const pairs: [string, string][] = [];
    for (const name of names) {
      const key = braced(name);
      const value = fixedMacro(key, macros) ?? (await source(key)) ?? macros.defaults.get(key);
      if (value !== undefined) pairs.push([name, value]);
    }
    return pairs;
  }
}

function fixedMacro(key: string, { hostname, daemonName, version }: MacroOptions): string | undefined {
  if (key === '{j}') return hostname;
  if (key === '{daemon_name}') return daemonName;
  return key === '{v}' ? version : undefined;
}

/** Name, family, port, address (SMFIC_CONNECT). */
function connectParts({ name, address, port }: ConnectedClient): readonly Buffer[] {
  const isIp6 = address.includes(':');
  if (!isIp6 && !/^\d+\.\d+\.\d+\.\d+$/.test(address)) return [stringField(name), Buffer.from('U')];
  const where = Buffer.alloc(3);
  where.write(isIp6 ? '6' : '4', 'latin1');
  where.writeUInt16BE(port, 1);
  return [stringField(name), where, stringField(address)];
}

async function showMessage(
  milter: Milter,
  message: EditableMessage,
  headerMacros: MacroPairs,
  endMacros: () => Promise<MacroPairs>,
): Promise<Answer | undefined> {
  const eatsSpace = (milter.steps & step.headerLeadingSpace) === 0;
  // Macros go with an event also to a filter that does not want it: a filter without headers gets none for them.
  if ((milter.steps & step.noHeaders) === 0) {
    for (const { name, value } of message.fields()) {
      const shown = eatsSpace && value.startsWith(' ') ? value.slice(1) : value;
      const parts = [stringField(name, 'latin1'), stringField(shown, 'latin1')];
      const answer = await milter.tell(command.header, headerMacros, parts);
      if (answer !== undefined || !milter.isReading) return answer;
    }
  }
  if ((milter.steps & step.noEndOfHeader) === 0) {
    const answer = await milter.tell(command.endOfHeader, headerMacros);
    if (answer !== undefined || !milter.isReading) return answer;
  }
  const macros = await endMacros();
  if ((milter.steps & step.noBody) === 0) {
    for await (const piece of message.body(chunkBytes)) {
      const answer = await milter.tell(command.body, macros, [piece]);
      if (answer !== undefined || !milter.isReading) return answer;
      if (!milter.wants(command.body)) break;
    }
  }
  return await milter.tell(command.endOfBody, macros, [], message);
}
