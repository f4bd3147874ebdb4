// The lines of Dovecot's auth protocol: words between tabs, ended by LF. What a word may not hold (tab, line end, NUL) is
// written behind \001, as Dovecot 2.2 and later do. A peer that sends no line end for long, or does not read what it
// asked for, is cut off.

import type { Socket } from 'node:net';

/** Tokens of OAuth are the longest that is ever sent. */
const maxLineLength = 65_536;
/** Answers that lie there unread. */
const maxUnread = 1 << 20;

const escapes: Readonly<Record<string, string>> = {
  '\u0001': '\u00011',
  '\0': '\u00010',
  '\t': '\u0001t',
  '\n': '\u0001n',
  '\r': '\u0001r',
};
const originals: Readonly<Record<string, string>> = { '1': '\u0001', '0': '\0', t: '\t', n: '\n', r: '\r' };

function escapeWord(word: string): string {
  return word.replaceAll(/[\u0001\0\t\n\r]/g, (character) => escapes[character] ?? '');
}

function unescapeWord(word: string): string {
  return word.replaceAll(/\u0001([10tnr])/g, (_all, letter: string) => originals[letter] ?? '');
}

/** One connection as lines of words. */
export class LineSocket {
  readonly #socket: Socket;
  #rest = '';

  /** `broken` hears once why nothing more will come: '' for an ordinary end. */
  constructor(socket: Socket, take: (words: readonly string[]) => void, broken: (reason: string) => void) {
    this.#socket = socket;
    let isBroken = false;
    const end = (reason: string): void => {
      if (isBroken) return;
      isBroken = true;
      socket.destroy();
      broken(reason);
    };
    socket.setEncoding('latin1');
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end(''));
    socket.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.length > maxLineLength) return end('a line is too long');
        if (isBroken) return undefined;
        // UTF-8 in words is kept as its octets until they are whole.
        take(Buffer.from(line, 'latin1').toString('utf8').split('\t').map(unescapeWord));
      }
      if (this.#rest.length > maxLineLength) end('a line is too long');
      if (socket.writableLength > maxUnread) end('the answers are not read');
      return undefined;
    });
  }

  send(...lines: readonly (readonly string[])[]): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(lines.map((words) => `${words.map(escapeWord).join('\t')}\n`).join(''));
  }

  end(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }
}
