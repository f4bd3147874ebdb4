// The lookup keys that `postmap -q - -h -b -m` makes of a message on standard input (postmap(1)): each logical header
// line, and each line of the body, so that header_checks(5) and body_checks(5) can be tried.
//
// With -m the lines of inner headers (of attachments and attached messages) are headers too, else they are body lines.

import { decodedParameter, parseParameterizedValue } from '../message/parameters.ts';

export interface MessageKeyOptions {
  readonly headers: boolean;
  readonly body: boolean;
  readonly mime: boolean;
}

/** What the lines that follow are: a header, text, or an attached message's header. */
type State = 'header' | 'body';

// As mime_boundary_length_limit and mime_nesting_limit of Postfix; deeper parts are text.
const maxBoundaries = 100;

/** `lines` without their line ends. */
export async function* messageKeys(lines: AsyncIterable<string>, options: MessageKeyOptions): AsyncGenerator<string> {
  const reader = new MessageLines(options);
  for await (const line of lines) {
    for (const { kind, text } of reader.read(line)) {
      if (kind === 'header' ? options.headers : options.body) yield text;
    }
    if (reader.isPastHeader && !options.body && !options.mime) return;
  }
  for (const { text } of reader.end()) if (options.headers) yield text;
}

interface Key {
  readonly kind: State;
  readonly text: string;
}

class MessageLines {
  readonly #mime: boolean;
  readonly #boundaries: string[] = [];
  #state: State = 'header';
  #field = '';
  /** Of the part whose header is being read; without one it is text. */
  #contentType = '';
  isPastHeader = false;

  constructor({ mime }: MessageKeyOptions) {
    this.#mime = mime;
  }

  *read(line: string): Iterable<Key> {
    if (this.#state === 'body') {
      yield* this.#readBody(line);
      return;
    }
    if (/^[ \t]/.test(line) && this.#field !== '') {
      this.#field += `\n${line}`;
      return;
    }
    yield* this.#endField();
    if (/^[!-9;-~]+[ \t]*:/.test(line)) {
      this.#field = line;
      return;
    }
    yield* this.#endHeader(line);
  }

  *end(): Iterable<Key> {
    yield* this.#endField();
  }

  *#endField(): Iterable<Key> {
    if (this.#field === '') return;
    const [, name, value = ''] = /^([^:]*?)[ \t]*:([^]*)$/.exec(this.#field) ?? [];
    if (name?.toLowerCase() === 'content-type') this.#contentType = value;
    yield { kind: 'header', text: this.#field };
    this.#field = '';
  }

  /** `line` is the empty line, or the first that is no header. */
  *#endHeader(line: string): Iterable<Key> {
    this.isPastHeader = true;
    this.#state = 'body';
    const { value = '', parameters = [] } = parseParameterizedValue(this.#contentType) ?? {};
    this.#contentType = '';
    const type = value.toLowerCase();
    yield* this.#readBody(line);
    if (!this.#mime) return;
    if (type.startsWith('multipart/')) {
      const boundary = decodedParameter(parameters, 'boundary');
      if (boundary !== undefined && this.#boundaries.length < maxBoundaries) this.#boundaries.push(boundary);
    } else if (type === 'message/rfc822' || type === 'message/partial') this.#state = 'header';
  }

  *#readBody(line: string): Iterable<Key> {
    yield { kind: 'body', text: line };
    if (!line.startsWith('--')) return;
    for (let at = this.#boundaries.length - 1; at >= 0; at--) {
      const boundary = this.#boundaries[at] as string;
      if (!line.startsWith(boundary, 2)) continue;
      const isLast = line.startsWith('--', 2 + boundary.length);
      this.#boundaries.length = isLast ? at : at + 1;
      if (!isLast) this.#state = 'header';
      return;
    }
  }
}
