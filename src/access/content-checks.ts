// header_checks, mime_header_checks, nested_header_checks and body_checks (Postfix header_checks(5), cleanup(8)): tables
// that are asked about every field and line of a message, and what their answers do: refuse it, hold it, send it
// elsewhere or through a filter, or change the line. A table that cannot be asked refuses the message for now.

import { openMaps, type OpenOptions } from '../routing/open-maps.ts';
import { splitStatus, withClass } from '../routing/listed.ts';
import type { Reply } from '../routing/types.ts';
import type { Settings } from '../settings/settings.ts';
import type { Asker } from '../tables/asker.ts';
import { Maps } from '../tables/maps.ts';
import { type ContentClass, ContentWalker } from './content-walker.ts';
import { addOrder, type MessageActions } from './message-actions.ts';

interface CheckedMessage {
  readonly actions: MessageActions;
  /** Of what the line says: `from c.example[192.0.2.1]; from=<...> ...`. */
  readonly logged: string;
  readonly queueId: string;
  info(text: string): void;
  warn(text: string): void;
  emit(octets: Buffer): void;
}

const contentRefused: Reply = { code: 550, status: '5.7.1', text: 'message content rejected' };
const nestingRefused: Reply = { code: 554, status: '5.6.0', text: 'MIME nesting exceeds safety limit' };

/** Each key is another: nothing is worth remembering. */
const asker: Asker = {
  isTracing: false,
  note: () => undefined,
  ask: (_stage, table, key) => table.lookup(key),
};

export class ContentChecks {
  readonly #maps: Readonly<Record<ContentClass, Maps>>;
  readonly #settings: Settings;

  /** `open` has the settings of the cleanup service that the messages of one service go through. `isOff`: none is asked. */
  constructor(open: OpenOptions, isOff: boolean) {
    this.#settings = open.settings;
    const maps = (name: Parameters<typeof openMaps>[1]): Maps => {
      return isOff ? new Maps(name, []) : openMaps(open, name);
    };
    this.#maps = {
      header: maps('header_checks'),
      mime: maps('mime_header_checks'),
      nested: maps('nested_header_checks'),
      body: maps('body_checks'),
    };
  }

  /** Nothing is asked about any message. */
  get isEmpty(): boolean {
    return Object.values(this.#maps).every((maps) => maps.isEmpty);
  }

  begin(message: CheckedMessage): MessageCheck {
    return new MessageCheck(this.#maps, this.#settings, message);
  }
}

/** One message on its way through. Octets go out in their order, when they have been judged. */
export class MessageCheck {
  readonly #maps: Readonly<Record<ContentClass, Maps>>;
  readonly #message: CheckedMessage;
  readonly #walker: ContentWalker;
  readonly #bodyLimit: number;
  #segment = 0;
  #passes = false;
  #isOver = false;
  #last: Promise<void> | undefined;
  refusal: Reply | undefined;

  constructor(maps: Readonly<Record<ContentClass, Maps>>, settings: Settings, message: CheckedMessage) {
    this.#maps = maps;
    this.#message = message;
    this.#bodyLimit = settings.integer('body_checks_size_limit');
    this.#walker = new ContentWalker({
      maxField: settings.integer('header_size_limit'),
      maxLine: settings.integer('line_length_limit'),
      maxNesting: settings.integer('mime_nesting_limit'),
      maxBoundary: settings.integer('mime_boundary_length_limit'),
      isFlat: settings.flag('disable_mime_input_processing'),
      judge: (kind, text) => this.#judge(kind, text),
      emit: (octets) => message.emit(octets),
    });
  }

  /** Resolves when all that was written has gone out; undefined when it has. */
  get waiting(): Promise<void> | undefined {
    return this.#last;
  }

  write(octets: Buffer): void {
    this.#then(() => this.#walker.write(octets));
  }

  /** What was written is complete: nothing that follows belongs to its last field. */
  end(): void {
    this.#then(() => this.#walker.finish());
  }

  /** Runs when all that was written before has gone out. */
  mark(run: () => void): void {
    this.#then(async () => run());
  }

  #then(work: () => Promise<void>): void {
    if (this.#isOver) return;
    const next = (this.#last ?? Promise.resolve()).then(work).catch((error: unknown) => this.#fail(error));
    this.#last = next;
    void next.then(() => {
      if (this.#last === next) this.#last = undefined;
      if (this.#walker.isTooDeep) this.#refuseNesting();
    });
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.refusal = { code: 451, status: '4.3.0', text: 'Error: queue file write error' };
    this.#message.warn(`${this.#message.queueId}: ${error instanceof Error ? error.message : String(error)}`);
  }

  #refuseNesting(): void {
    if (this.refusal !== undefined) return;
    this.refusal = nestingRefused;
    this.#log('reject', 'mime-error', nestingRefused.text, '');
  }

  #judge(kind: ContentClass, text: string): Promise<string | undefined> | undefined {
    if (kind !== 'body') this.#segment = 0;
    const maps = this.#maps[kind];
    if (this.#passes || maps.isEmpty) return undefined;
    if (kind === 'body') {
      if (text === '' || this.#segment >= this.#bodyLimit) return undefined;
      this.#segment += text.length;
    }
    return this.#ask(kind, maps, text);
  }

  async #ask(kind: ContentClass, maps: Maps, text: string): Promise<string | undefined> {
    const found = await maps.find(asker, 'content', Buffer.from(text, 'latin1').toString('utf8'), 'full');
    return found === undefined ? undefined : this.#act(kind, maps.name, text, found.value);
  }

  /** What goes out instead; undefined: the line itself. */
  #act(kind: ContentClass, map: string, line: string, value: string): string | undefined {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(value) ?? [];
    const action = word.toUpperCase();
    const what = kind === 'body' ? 'body' : 'header';
    const { actions } = this.#message;
    const tell = (text = rest): void =>
      this.#log(action === 'WARN' ? 'warning' : action.toLowerCase(), what, line, text);
    switch (action) {
      case 'DUNNO':
        return undefined;
      case 'IGNORE':
        return '';
      case 'STRIP':
        tell();
        return '';
      case 'WARN':
      case 'INFO':
        tell();
        return undefined;
      case 'PASS':
        tell();
        this.#passes = true;
        return undefined;
      case 'REJECT': {
        const split = splitStatus(rest, '5.7.1');
        tell(`${split.status} ${split.text || contentRefused.text}`);
        const status = withClass(split.status, contentRefused.code);
        this.refusal ??= { ...contentRefused, status, text: split.text || contentRefused.text };
        return undefined;
      }
      case 'HOLD':
        if (!actions.isHeld) tell();
        actions.isHeld = true;
        return undefined;
      case 'DISCARD':
        if (!actions.isDiscarded) tell();
        actions.isDiscarded = true;
        return undefined;
      case 'REDIRECT':
      case 'BCC':
        if (!rest.includes('@')) return this.#warn(`bad ${action} target "${rest}" in ${map} map`);
        tell();
        if (action === 'BCC') addOrder(actions.bcc, rest);
        else actions.redirect = rest;
        return undefined;
      case 'PREPEND':
        if (rest === '') return this.#warn(`PREPEND action without text in ${map} map`);
        if (what === 'header' && !/^[!-9;-~]+[ \t]*:/.test(rest)) {
          return this.#warn(`bad PREPEND header text "${rest}" in ${map} map -- need "headername: headervalue"`);
        }
        tell();
        return `${octets(rest)}\r\n${this.#wired(line)}`;
      case 'REPLACE':
        if (rest === '') return this.#warn(`REPLACE action without text in ${map} map`);
        if (what === 'header' && !/^[!-9;-~]+[ \t]*:/.test(rest)) {
          return this.#warn(`bad REPLACE header text "${rest}" in ${map} map -- need "headername: headervalue"`);
        }
        tell();
        return this.#wired(octets(rest));
      case 'FILTER':
        if (!rest.includes(':'))
          return this.#warn(`bad FILTER command ${rest} in ${map} map -- need transport:destination`);
        tell();
        actions.filter = rest;
        return undefined;
      default:
        return this.#warn(`unknown command in ${map} map: ${value}`);
    }
  }

  #wired(text: string): string {
    return `${text.replaceAll('\n', '\r\n')}\r\n`;
  }

  #warn(text: string): undefined {
    this.#message.warn(text);
    return undefined;
  }

  #log(action: string, what: string, line: string, text: string): void {
    const { queueId, logged } = this.#message;
    const shown = Buffer.from(line.slice(0, 200), 'latin1').toString('utf8').replaceAll('\n', ' ');
    this.#message.info(`${queueId}: ${action}: ${what} ${shown} ${logged}${text === '' ? '' : `: ${text}`}`);
  }
}

/** The walker's lines are octets. */
function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
