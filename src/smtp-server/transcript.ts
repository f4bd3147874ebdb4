// What a client and the server have said to each other, for the postmaster (notify_classes, postconf(5)), and which kinds
// of trouble were among it. Kept while the session lasts, the middle of a long one left out; never a password.

/** As in notify_classes. */
export type Trouble = 'bounce' | 'data' | 'policy' | 'protocol' | 'resource' | 'software';

const letterA = 97;
const maxLineLength = 512;
/** Of a longer session its beginning and its end. */
const firstLines = 50;
const lastLines = 100;

export class Transcript {
  readonly #first: string[] = [];
  #last: string[] = [];
  #omitted = 0;
  #hidesNext = false;
  readonly troubles = new Set<Trouble>();

  /** A line of the client. */
  in(text: string): void {
    const isSecret = this.#hidesNext;
    this.#hidesNext = false;
    if (isSecret) this.#add('In:  (not shown)');
    // Nearly all lines are nothing of the kind, and every line of every client comes here.
    else if ((text.charCodeAt(0) | 32) === letterA)
      this.#add(`In:  ${text.replace(/^(AUTH\s+\S+)\s.*/is, '$1 (not shown)')}`);
    else this.#add(`In:  ${text}`);
  }

  /** What the server says: one reply or several, with their line ends. */
  out(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n', start)) {
      this.#said(text.slice(start, end));
      start = end + 2;
    }
    if (start < text.length) this.#said(text.slice(start));
  }

  #said(line: string): void {
    if (line === '') return;
    this.#add(`Out: ${line}`);
    if (line.startsWith('334')) this.#hidesNext = true;
    if ((line.startsWith('4') || line.startsWith('5')) && line[3] === ' ') this.#note(troubleOf(line));
  }

  /** Each with the word before it that tells who spoke. */
  get lines(): readonly string[] {
    const omission = this.#omitted === 0 ? [] : [`     (${this.#omitted} lines left out)`];
    return [...this.#first, ...omission, ...this.#last];
  }

  #note(trouble: Trouble | undefined): void {
    if (trouble !== undefined) this.troubles.add(trouble);
  }

  #add(line: string): void {
    const cut = line.length > maxLineLength ? line.slice(0, maxLineLength) : line;
    if (this.#first.length < firstLines) {
      this.#first.push(cut);
      return;
    }
    this.#last.push(cut);
    if (this.#last.length < 2 * lastLines) return;
    this.#omitted += this.#last.length - lastLines;
    this.#last = this.#last.slice(-lastLines);
  }
}

/** What kind of trouble a refusal is, by its code and enhanced status code (RFC 3463). */
function troubleOf(reply: string): Trouble | undefined {
  // The server stops: nobody's trouble.
  if (reply.startsWith('421 4.3.2 ')) return undefined;
  if (/^4\d\d 4\.3\.[15] /.test(reply)) return reply.includes(' 4.3.1 ') ? 'resource' : 'software';
  if (reply.startsWith('451 4.3.0 ')) return reply.includes('queue file write error') ? 'resource' : 'data';
  if (reply.startsWith('421 4.3.')) return 'software';
  if (/^(?:50\d|555|554 5\.5\.|55\d 5\.5\.2|421 4\.4\.)/.test(reply)) return 'protocol';
  return /^[45]\d\d [45]\.(?:1\.1|2\.\d) /.test(reply) ? 'bounce' : 'policy';
}
