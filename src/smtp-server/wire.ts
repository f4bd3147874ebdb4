// The octets of one connection: gathers what arrives, hands out lines or stretches of it, gathers replies into
// one write, and changes to TLS in place. It bounds what it holds: a line by its limit, unread input by pausing
// the socket. It knows nothing of SMTP beyond CR LF.

import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ServerHandshake, TlsDetails } from '../tls/server-tls.ts';
import type { ProxyEndpoints } from '../lib/proxy-header.ts';
import type { Transcript } from './transcript.ts';

export type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'bare-line-feed' }
  /** NUL, a bare CR or another control character: nothing that a command may hold. */
  | { readonly kind: 'control-character' }
  | { readonly kind: 'bad-utf8' };

export interface WireEvents {
  /** There is input that has not been seen. */
  onInput(): void;
  /** The peer is gone; nothing can be written any more. */
  onLost(): void;
  /** So many octets of a line without an end have been thrown away. */
  onDiscarded(octets: number): void;
}

const CR = 0x0d;
const LF = 0x0a;
const maxPeekedLine = 512;
/** Unread input above this pauses the socket: one pipelined batch of commands is far smaller. */
const maxUnread = 65_536;
const lingerMilliseconds = 2_000;
const nothing = Buffer.alloc(0);
const tooLong: Line = { kind: 'too-long' };
const bareLineFeed: Line = { kind: 'bare-line-feed' };

// Replies leave together at the end of the turn: the first write wakes the client's processor, and one that is awake
// costs the others next to nothing. Written one by one, each found a client asleep again (a third of the CPU a message).
let flushing: Wire[] = [];

function flushAll(): void {
  const wires = flushing;
  flushing = [];
  for (const wire of wires) wire.sendWaiting();
}

export class Wire {
  readonly #events: WireEvents;
  #socket: Socket;
  #chunks: Buffer[] = [];
  #unread = 0;
  /** Keeps what is said, where somebody may want to read it. */
  transcript: Transcript | undefined;
  #current: Buffer = nothing;
  #offset = 0;
  /** How far `#current` has been searched for a line end. */
  #searched = 0;
  #isSkippingLine = false;
  #linesTaken = 0;
  #output = '';
  #isSending = false;
  #closesAfterSending = false;
  #isLost = false;
  #isEnded = false;
  #isPaused = false;
  #isInputOver = false;
  #isHandshaking = false;
  /** A bare LF ends a line of this client (smtpd_forbid_bare_newline_exclusions). */
  takesBareLineFeeds = false;
  /** What a load balancer has said of the connection's ends. */
  proxied: ProxyEndpoints | undefined;

  constructor(socket: Socket, events: WireEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#listen(socket);
  }

  get isClosed(): boolean {
    return this.#isLost || this.#isEnded;
  }

  /** The TLS connection, once there is one. */
  get secureSocket(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** The client has closed its side; what hasInput is the last that comes. */
  get isInputOver(): boolean {
    return this.#isInputOver;
  }

  /** How many lines takeLine has handed out. */
  get linesTaken(): number {
    return this.#linesTaken;
  }

  get isHandshaking(): boolean {
    return this.#isHandshaking;
  }

  /** True where octets wait that nobody has taken. */
  get hasInput(): boolean {
    return this.#unread > 0 || this.#offset < this.#current.length;
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#unread += chunk.length;
      if (this.#unread > maxUnread && !this.#isPaused) {
        this.#isPaused = true;
        socket.pause();
      }
      this.#events.onInput();
    });
    // It may have been stopped while others looked at it.
    socket.resume();
    const lost = () => {
      if (socket !== this.#socket || this.#isLost) return;
      this.#isLost = true;
      socket.destroy();
      // A handshake that fails says so to who asked for it.
      if (!this.#isHandshaking) this.#events.onLost();
    };
    socket.on('error', lost);
    socket.on('close', lost);
    socket.on('drain', () => this.#events.onInput());
    // A client may close its side at once behind its last command and still read the answers.
    socket.on('end', () => {
      if (socket !== this.#socket) return;
      this.#isInputOver = true;
      this.#events.onInput();
    });
  }

  /** Reads no more: nobody will hear it. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** The next stretch of input, or undefined. The caller gives back what it does not use. */
  takeChunk(): Buffer | undefined {
    if (this.#offset < this.#current.length) {
      const rest = this.#offset === 0 ? this.#current : this.#current.subarray(this.#offset);
      this.#setCurrent(nothing);
      return rest;
    }
    return this.#shift();
  }

  /** The first octets of what waits, for the log. */
  peekText(length: number): string {
    const rest =
      this.#offset < this.#current.length ? this.#current.subarray(this.#offset) : (this.#chunks[0] ?? nothing);
    return rest.toString('latin1', 0, Math.min(length, rest.length));
  }

  /** The next whole lines of what has come in one piece, at most so many; they stay where they are. */
  peekLines(count: number): string[] {
    const lines: string[] = [];
    const current = this.#current;
    for (let start = this.#offset; lines.length < count; ) {
      const end = current.indexOf(LF, start);
      if (end === -1 || end - start > maxPeekedLine) break;
      lines.push(current.toString('latin1', start, current[end - 1] === CR ? end - 1 : end));
      start = end + 1;
    }
    return lines;
  }

  giveBack(rest: Buffer): void {
    this.#setCurrent(rest);
  }

  /** The next line without its CR LF, or undefined while it is not complete. */
  takeLine(limit: number): Line | undefined {
    for (;;) {
      const current = this.#current;
      const lineFeed = current.indexOf(LF, this.#searched);
      if (lineFeed !== -1) return this.#finishLine(current, lineFeed, limit);
      if (current.length - this.#offset > limit) {
        this.#isSkippingLine = true;
        this.#events.onDiscarded(current.length);
        // The last octet is kept: it may be the CR of the line end.
        this.#setCurrent(current.subarray(current.length - 1));
      }
      this.#searched = this.#current.length;
      const chunk = this.#shift();
      if (chunk === undefined) return undefined;
      const rest = this.#offset === 0 ? this.#current : this.#current.subarray(this.#offset);
      const searched = rest.length;
      this.#setCurrent(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
      this.#searched = searched;
    }
  }

  #finishLine(current: Buffer, lineFeed: number, limit: number): Line {
    const start = this.#offset;
    this.#linesTaken++;
    this.#offset = lineFeed + 1;
    this.#searched = lineFeed + 1;
    const hasCr = lineFeed > start && current[lineFeed - 1] === CR;
    if (!hasCr && !this.takesBareLineFeeds) return bareLineFeed;
    if (this.#isSkippingLine || lineFeed - start > limit) {
      this.#isSkippingLine = false;
      return tooLong;
    }
    const line = decodeLine(current, start, hasCr ? lineFeed - 1 : lineFeed);
    this.transcript?.in(line.kind === 'line' ? line.text : `(${line.kind})`);
    return line;
  }

  #shift(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#unread -= chunk.length;
    if (this.#isPaused && this.#unread <= maxUnread) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    return chunk;
  }

  #setCurrent(buffer: Buffer): void {
    this.#current = buffer;
    this.#offset = 0;
    this.#searched = 0;
  }

  /** Forgets everything that has arrived: what was sent in the clear must not count after STARTTLS. */
  discardInput(): void {
    while (this.#shift() !== undefined);
    this.#setCurrent(nothing);
    this.#isSkippingLine = false;
  }

  write(text: string): void {
    this.transcript?.out(text);
    this.#output += text;
  }

  /** Octets of replies that have not been sent yet. */
  get pendingOutput(): number {
    return this.#output.length;
  }

  /** Sends what has been written, with the replies to others at the end of this turn of the event loop. */
  flush(): void {
    if (this.#output === '' || this.isClosed) return;
    this.#sendSoon();
  }

  flushNow(): void {
    if (this.#output === '' || this.isClosed) return;
    this.#socket.write(this.#takeOutput(), 'utf8');
  }

  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    if (flushing.push(this) === 1) setImmediate(flushAll);
  }

  /** For the end of the turn alone. */
  sendWaiting(): void {
    this.#isSending = false;
    if (!this.#closesAfterSending || this.#isLost) {
      this.flushNow();
      return;
    }
    const socket = this.#socket;
    // NOTE: destroyed within the callback itself, Node would build an error with its stack for each connection.
    socket.write(this.#takeOutput(), 'utf8', () => queueMicrotask(() => socket.destroy()));
  }

  #takeOutput(): string {
    const output = this.#output;
    this.#output = '';
    return output;
  }

  /** Which of our addresses the client connected to. */
  get localAddress(): string {
    return this.proxied?.localAddress ?? this.#socket.localAddress ?? '';
  }

  /** Who is at the other end of the connection, whoever it speaks for. */
  get remoteAddress(): string {
    return this.proxied?.remoteAddress ?? this.#socket.remoteAddress ?? '';
  }

  /** Octets that the client has not taken from us yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /**
   * Writes what is left and closes. With `linger` what the client is still sending is read away for a while:
   * unread input would turn our close into a reset, which can eat the last reply.
   */
  end(linger: boolean): void {
    if (this.isClosed) return;
    const socket = this.#socket;
    this.#isEnded = true;
    if (!linger && !this.hasInput && !(socket instanceof TLSSocket)) {
      this.#closesAfterSending = true;
      this.#sendSoon();
      return;
    }
    socket.end(this.#takeOutput(), 'utf8');
    this.discardInput();
    socket.removeAllListeners('data');
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
    timer.unref();
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.once('end', done);
    socket.once('close', done);
  }

  /** Writes what is left and closes, whatever the client still sends. */
  destroy(): void {
    this.flushNow();
    this.#isEnded = true;
    this.#socket.destroy();
  }

  /** Speaks TLS from here on. Rejects when the handshake fails; then the connection is of no use any more. */
  startTls(handshake: ServerHandshake): Promise<TlsDetails> {
    const plain = this.#socket;
    this.flushNow();
    plain.removeAllListeners('data');
    this.discardInput();
    // What came behind a load balancer's header waits in the socket still, and is for TLS alone.
    plain.pause();
    return new Promise((resolve, reject) => {
      const secure = new TLSSocket(plain, handshake.socketOptions);
      this.#socket = secure;
      this.#isHandshaking = true;
      secure.once('error', reject);
      const closed = () => reject(new Error('connection closed during the TLS handshake'));
      // Also when the client only closes its side: an unfinished handshake has no other half.
      secure.once('end', closed);
      secure.once('close', closed);
      secure.once('secure', () => {
        this.#isHandshaking = false;
        resolve(handshake.describe(secure));
      });
      this.#listen(secure);
    });
  }
}

function decodeLine(buffer: Buffer, start: number, end: number): Line {
  const text = buffer.toString('latin1', start, end);
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) return { kind: 'control-character' };
  if (!/[\u0080-\u00ff]/.test(text)) return { kind: 'line', text };
  const octets = buffer.subarray(start, end);
  return isUtf8(octets) ? { kind: 'line', text: octets.toString('utf8') } : { kind: 'bad-utf8' };
}
