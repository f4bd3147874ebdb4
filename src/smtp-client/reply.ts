// Replies of the other server (RFC 5321 §4.2): read from its bytes, bounded, tolerant where servers are odd.

export interface ServerReply {
  readonly code: number;
  /** Enhanced status code (RFC 2034); where the server gave none or one of another class: `X.0.0`. */
  readonly status: string;
  /** All lines, code included, joined with spaces: as Postfix logs it. */
  readonly text: string;
  /** The lines without code and separator. */
  readonly lines: readonly string[];
}

/** A server that sends more in one reply is broken or hostile. */
const maxReplyBytes = 64 * 1024;
/** Longer reply texts are cut before they reach the log, the queue or a bounce. */
const maxTextLength = 2000;

export class ReplyError extends Error {
  override name = 'ReplyError';
}

/** The reply with each of its lines as `filter` gives it. Throws ReplyError where that is no reply any more. */
export async function filterReply(
  { code, lines }: ServerReply,
  filter: (line: string) => Promise<string>,
): Promise<ServerReply> {
  const filtered: string[] = [];
  for (const [index, line] of lines.entries()) {
    filtered.push(await filter(`${code}${index < lines.length - 1 ? '-' : ' '}${line}`));
  }
  const reply = new ReplyParser().push(Buffer.from(`${filtered.join('\r\n')}\r\n`)).at(-1);
  if (!reply) throw new ReplyError('a filtered reply has no last line');
  return reply;
}

export class ReplyParser {
  #rest = '';
  #lines: string[] = [];
  #bytes = 0;

  /** Takes bytes, returns the replies that are complete. Throws ReplyError for what is no reply. */
  push(chunk: Buffer): ServerReply[] {
    const replies: ServerReply[] = [];
    this.#rest += chunk.toString('utf8');
    this.#bytes += chunk.length;
    let start = 0;
    for (;;) {
      const end = this.#rest.indexOf('\n', start);
      if (end < 0) break;
      const line = this.#rest.slice(start, end).replace(/\r$/, '');
      start = end + 1;
      const reply = this.#line(line);
      if (reply) replies.push(reply);
    }
    this.#rest = this.#rest.slice(start);
    if (this.#lines.length === 0) this.#bytes = this.#rest.length;
    if (this.#bytes > maxReplyBytes) throw new ReplyError('reply is too long');
    return replies;
  }

  /** Nothing may stand between a STARTTLS reply and the handshake. */
  get isEmpty(): boolean {
    return this.#rest === '' && this.#lines.length === 0;
  }

  #line(line: string): ServerReply | undefined {
    if (!/^[2-5][0-9][0-9](?:[ -]|$)/.test(line))
      throw new ReplyError(`non-SMTP response: ${printable(line).slice(0, 100)}`);
    this.#lines.push(printable(line));
    if (line[3] === '-') return undefined;
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    return makeReply(lines);
  }
}

function makeReply(lines: readonly string[]): ServerReply {
  const last = lines.at(-1) ?? '';
  const code = Number(last.slice(0, 3));
  const found = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/.exec(last.slice(4))?.[0];
  const status = found?.startsWith(last.charAt(0)) ? found : `${last.charAt(0)}.0.0`;
  return { code, status, text: lines.join(' ').slice(0, maxTextLength), lines: lines.map((line) => line.slice(4)) };
}

function printable(line: string): string {
  return line.replace(/[\x00-\x1f\x7f]/g, '?');
}
