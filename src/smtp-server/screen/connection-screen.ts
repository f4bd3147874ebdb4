// Looks at clients before the greeting, as postscreen(8) does with its cheap tests: a permanent access list, clients that
// have passed lately (the temporary allow list), who speaks before being greeted (most spam programs do not wait), and how
// lists in the DNS rate the address. Who passes is handed on and not looked at again for a while; who fails is let in
// anyway (ignore), has its mail refused (enforce), or is sent away (drop). A client under test costs a socket and a timer:
// no session, no name lookup. What is not here: the tests after the greeting.

import type { Socket } from 'node:net';
import type { DnsblScore } from '../../access/dnsbl-score.ts';
import type { ScreenRules } from '../../access/screen-rules.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Log, ProgramLog } from '../../lib/log.ts';
import { reply, type SmtpReply } from '../../smtp/reply.ts';
import { plainAddress } from '../plain-address.ts';
import { RefusedClients } from '../refused-clients.ts';
import { Wire } from '../wire.ts';
import { ScreenDialog } from './screen-dialog.ts';

/** Until when each test need not be made again, milliseconds since 1970. */
export interface ScreenPass {
  readonly greet: number;
  readonly dnsbl: number;
}

/** The temporary allow list, by address; the interface lives with its caller. */
export interface ScreenCache {
  get(address: string): ScreenPass | undefined;
  put(address: string, pass: ScreenPass, expires: number): void;
}

export interface ConnectionScreenOptions {
  /** The newest, at each connection. */
  readonly rules: () => ScreenRules;
  readonly cache: ScreenCache;
  readonly clock: Clock;
  readonly log: Log;
}

interface Refusal {
  readonly isDrop: boolean;
  readonly reply: SmtpReply;
}

interface Examined {
  readonly socket: Socket;
  readonly rules: ScreenRules;
  readonly address: string;
  readonly client: string;
  readonly log: ProgramLog;
  readonly began: number;
}

const shownOctets = 100;
const lingerMilliseconds = 2000;

export class ConnectionScreen {
  readonly #options: ConnectionScreenOptions;
  readonly #connections = new Map<string, number>();
  readonly #dialogs = new Set<ScreenDialog>();
  readonly #sockets = new Set<Socket>();
  readonly #refused: RefusedClients;
  #waiting = 0;

  constructor(options: ConnectionScreenOptions) {
    this.#options = options;
    this.#refused = new RefusedClients(options.clock);
  }

  /** Connections that are being looked at, or refused at length. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Calls `pass` where the client may speak with the server. */
  examine(socket: Socket, pass: () => void): void {
    const rules = this.#options.rules();
    const address = plainAddress(socket.remoteAddress);
    const client = `[${address}]:${socket.remotePort ?? 0}`;
    const log = new ProgramLog(this.#options.log, rules.options.program);
    if (this.#refused.turnsAway(socket, address, rules.options.refusalDelay, log)) return;
    // Who hangs up is noticed, and what comes early is kept.
    socket.read(0);
    const examined = { socket, rules, address, client, log, began: this.#options.clock.monotonic() };
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    log.info(`CONNECT from ${client} to [${plainAddress(socket.localAddress)}]:${socket.localPort ?? 0}`);
    this.#count(address, 1);
    this.#examine(examined)
      .then((verdict) => {
        if (verdict === 'gone') return this.#leave(examined, true);
        if (verdict === 'refused') return;
        this.#leave(examined, false);
        socket.removeAllListeners('error');
        pass();
      })
      .catch((error: unknown) => {
        log.error(`${client}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        socket.destroy();
        this.#leave(examined, true);
      });
  }

  close(): void {
    this.#refused.close();
    for (const dialog of this.#dialogs) dialog.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #count(address: string, step: number): void {
    const count = (this.#connections.get(address) ?? 0) + step;
    if (count > 0) this.#connections.set(address, count);
    else this.#connections.delete(address);
  }

  #leave({ socket, address, client, log }: Examined, isEnd: boolean): void {
    this.#sockets.delete(socket);
    this.#count(address, -1);
    if (isEnd) log.info(`DISCONNECT ${client}`);
  }

  async #examine(examined: Examined): Promise<'pass' | 'refused' | 'gone'> {
    const { rules, address, client, log, socket } = examined;
    const { options } = rules;
    const open = this.#connections.get(address) ?? 0;
    if (options.connectionLimit > 0 && open > options.connectionLimit) {
      log.info(`NOQUEUE: reject: CONNECT from ${client}: too many connections`);
      return this.#drop(examined, '421 4.7.0 Error: too many connections\r\n');
    }
    let refusal: Refusal | undefined;
    const access = await rules.access(address);
    if (access === 'permit') {
      log.info(`${options.words.allowed} ${client}`);
      return 'pass';
    }
    if (access === 'reject') {
      log.info(`${options.words.denied} ${client}`);
      refusal = refusalFor(options.denylistAction, '5.3.2', 'Service currently unavailable');
      if (refusal?.isDrop) return this.#dropWith(examined, refusal);
    }
    const now = this.#options.clock.now();
    const known = this.#options.cache.get(address);
    const todo = {
      greet: options.greetWait > 0 && (known?.greet ?? 0) <= now,
      dnsbl: !rules.dnsbl.isEmpty && (known?.dnsbl ?? 0) <= now,
    };
    if (access === 'dunno' && !todo.greet && !todo.dnsbl) {
      log.info(`PASS OLD ${client}`);
      return 'pass';
    }
    if (options.waitingLimit > 0 && this.#waiting >= options.waitingLimit) {
      log.info(`NOQUEUE: reject: CONNECT from ${client}: all screening ports busy`);
      return this.#drop(examined, '421 4.3.2 All screening ports are busy\r\n');
    }
    this.#waiting++;
    const test = new EarlyTest(examined, todo, this.#options.clock);
    const outcome = await test.run().finally(() => this.#waiting--);
    if (outcome === 'gone' || socket.destroyed) return 'gone';
    const failed = refusal ?? outcome.refusal;
    if (failed !== undefined) {
      if (failed.isDrop) return this.#dropWith(examined, failed);
      return this.#converse(examined, failed, outcome.spoke === undefined, outcome.spoke);
    }
    if (outcome.spoke !== undefined) socket.unshift(outcome.spoke);
    if (outcome.passed.greet !== undefined || outcome.passed.dnsbl !== undefined) {
      const pass = {
        greet: outcome.passed.greet ?? known?.greet ?? 0,
        dnsbl: outcome.passed.dnsbl ?? known?.dnsbl ?? 0,
      };
      this.#options.cache.put(address, pass, Math.max(pass.greet, pass.dnsbl) + options.retention);
    }
    if (access === 'dunno' && !outcome.hasFailed) log.info(`PASS ${known === undefined ? 'NEW' : 'OLD'} ${client}`);
    return 'pass';
  }

  /** `enforce`: the client talks on, and none of its recipients is taken. */
  #converse(examined: Examined, { reply: refusal }: Refusal, greets: boolean, spoke: Buffer | undefined): 'refused' {
    const { socket, rules, client, log } = examined;
    socket.removeAllListeners('error');
    if (spoke !== undefined) socket.unshift(spoke);
    const wire = new Wire(socket, {
      onInput: () => dialog.run(),
      onLost: () => dialog.lost(),
      onDiscarded: () => undefined,
    });
    const dialog: ScreenDialog = new ScreenDialog({ rules: rules.options, client, log, refusal, greets }, wire, () => {
      this.#dialogs.delete(dialog);
      this.#leave(examined, true);
    });
    this.#dialogs.add(dialog);
    dialog.start();
    return 'refused';
  }

  #dropWith(examined: Examined, { reply: { status, text } }: Refusal): Promise<'gone'> {
    return this.#drop(examined, `521 ${status} ${text}\r\n`);
  }

  async #drop({ socket, address, rules }: Examined, text: string): Promise<'gone'> {
    await this.#refused.wait(address, rules.options.refusalDelay);
    socket.end(text, 'latin1');
    socket.resume();
    socket.once('end', () => socket.destroy());
    setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
    return 'gone';
  }
}

function refusalFor(action: 'ignore' | 'enforce' | 'drop', status: string, text: string): Refusal | undefined {
  return action === 'ignore' ? undefined : { isDrop: action === 'drop', reply: reply(550, status, text) };
}

interface TestOutcome {
  readonly refusal: Refusal | undefined;
  /** A test has failed, though its action may be to let it pass. */
  readonly hasFailed: boolean;
  readonly spoke: Buffer | undefined;
  readonly passed: { readonly greet: number | undefined; readonly dnsbl: number | undefined };
}

/** The wait before the greeting, and what shows during it. */
class EarlyTest {
  readonly #examined: Examined;
  readonly #todo: { readonly greet: boolean; readonly dnsbl: boolean };
  readonly #clock: Clock;
  #spoke: Buffer | undefined;
  #score: DnsblScore | undefined;

  constructor(examined: Examined, todo: { readonly greet: boolean; readonly dnsbl: boolean }, clock: Clock) {
    this.#examined = examined;
    this.#todo = todo;
    this.#clock = clock;
  }

  run(): Promise<'gone' | TestOutcome> {
    const { socket, rules, address, client, log } = this.#examined;
    const { greetWait, greetAction, teaser, dnsblAllowThreshold } = rules.options;
    const isAllowing = dnsblAllowThreshold < 0;
    if (this.#todo.greet && teaser !== '') socket.write(`220-${teaser}\r\n`);
    return new Promise((resolve) => {
      let isWaiting = this.#todo.greet;
      let isAsking = this.#todo.dnsbl;
      const finish = (outcome: 'gone' | TestOutcome): void => {
        clearTimeout(timer);
        socket.pause();
        socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close');
        resolve(outcome);
      };
      const settle = (): void => {
        if (!isWaiting && !isAsking) finish(this.#judge());
      };
      const timer = setTimeout(() => {
        isWaiting = false;
        settle();
      }, greetWait);
      const gone = (): void => {
        log.info(`HANGUP after ${this.#elapsed()} from ${client} in tests before SMTP handshake`);
        socket.destroy();
        finish('gone');
      };
      socket.on('end', gone);
      socket.on('close', gone);
      if (this.#todo.greet) {
        socket.on('data', (chunk: Buffer) => {
          socket.pause();
          this.#spoke = chunk;
          const shown = escaped(chunk);
          log.info(`PREGREET ${chunk.length} after ${this.#elapsed()} from ${client}: ${shown}`);
          // A list may still have a good word for it, unless it is sent away.
          if (greetAction === 'drop' || greetAction === 'enforce') isWaiting = false;
          if (greetAction === 'drop') isAsking = false;
          settle();
        });
        socket.resume();
      }
      if (!isAsking) return;
      void rules.score(address).then((score) => {
        this.#score = score;
        isAsking = false;
        if (isAllowing && score.score <= dnsblAllowThreshold) isWaiting = false;
        settle();
      });
    });
  }

  #judge(): TestOutcome {
    const { rules, address, client, log } = this.#examined;
    const { options } = rules;
    const now = this.#clock.now();
    const score = this.#score;
    const isTrusted =
      score !== undefined && options.dnsblAllowThreshold < 0 && score.score <= options.dnsblAllowThreshold;
    const hasPregreeted = this.#spoke !== undefined && !isTrusted;
    const isListed = score !== undefined && score.score >= options.dnsblThreshold;
    let refusal: Refusal | undefined;
    if (hasPregreeted) refusal = refusalFor(options.greetAction, '5.5.1', 'Protocol error');
    if (isListed) {
      log.info(`DNSBL rank ${score.score} for ${client}`);
      const text = `Service unavailable; client [${address}] blocked using ${score.name}`;
      refusal ??= refusalFor(options.dnsblAction, '5.7.1', text);
    }
    const greets = this.#todo.greet && !hasPregreeted ? now + options.greetTtl : undefined;
    return {
      refusal,
      hasFailed: hasPregreeted || isListed,
      spoke: this.#spoke,
      passed: {
        greet: isTrusted && score !== undefined ? now + rules.dnsblTtl(score) : greets,
        dnsbl: score !== undefined && !isListed ? now + rules.dnsblTtl(score) : undefined,
      },
    };
  }

  /** Seconds, as postscreen(8) writes them. */
  #elapsed(): string {
    const seconds = (this.#clock.monotonic() - this.#examined.began) / 1000;
    return String(Number(seconds.toFixed(2)));
  }
}

/** What a stranger sent, as one line of the log. */
function escaped(chunk: Buffer): string {
  return chunk
    .toString('latin1', 0, shownOctets)
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll(/[^\x20-\x7e]/g, (octet) => `\\${octet.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
