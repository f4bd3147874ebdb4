// A client of Dovecot's authentication protocol, version 1 (Dovecot's auth-protocol.txt; Postfix's xsasl_dovecot), for
// smtpd_sasl_type = dovecot: the mechanisms and the passwords are the other program's, this one carries the words to
// and fro. One connection serves all sessions, each exchange under a number of its own; it is opened when first needed
// and again when it was lost. An exchange whose server goes away is "could not find out", never a wrong password.

import { connect, type Socket } from 'node:net';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { SaslMechanism, SaslRequest, SaslServer, SaslStep } from './sasl-server.ts';

interface Channel {
  readonly socket: Socket;
  readonly mechanisms: SaslMechanism[];
  readonly waiting: Map<number, (line: readonly string[] | undefined) => void>;
}

/** As Postfix: a server that is silent for so long is not there. Dovecot's own delay of failures is far shorter. */
const timeoutMilliseconds = 10_000;
/** A longer line is no answer of Dovecot's. */
const maxLineLength = 65_536;
/** Dovecot wants each connection to have a number of its own; pids are below this. */
const pidSpan = 4_194_304;

export class DovecotAuth implements SaslServer {
  readonly #name: string;
  readonly #where: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly #connectionNumber: number;
  #channel: Promise<Channel> | undefined;
  #nextId = 1;

  /** `path` is a socket's, or `inet:host:port`. `connectionNumber` tells apart the clients of one process. */
  constructor(path: string, connectionNumber: number) {
    this.#name = path;
    this.#connectionNumber = process.pid + pidSpan * connectionNumber;
    const inet = /^inet:(?:\[([^\]]+)\]|([^:]*)):(\d+)$/i.exec(path);
    this.#where =
      inet === null
        ? { path: path.replace(/^unix:/i, '') }
        : { host: inet[1] || inet[2] || 'localhost', port: Number(inet[3]) };
  }

  /** Throws TemporaryError where the server cannot be reached. */
  async mechanisms(): Promise<readonly SaslMechanism[]> {
    return (await this.#open()).mechanisms;
  }

  /** Begins an exchange. Throws TemporaryError. */
  async begin(request: SaslRequest): Promise<SaslStep> {
    const id = this.#nextId++ % 0xffff_ffff;
    const { mechanism, service, serverAddress, clientAddress, isSecured, initialResponse } = request;
    const words = ['AUTH', `${id}`, mechanism, `service=${service}`, 'nologin', `lip=${serverAddress}`];
    words.push(`rip=${clientAddress}`);
    if (isSecured) words.push('secured');
    if (initialResponse !== undefined) words.push(`resp=${initialResponse}`);
    return await this.#exchange(await this.#open(), id, words);
  }

  close(): void {
    void this.#channel?.then(({ socket }) => socket.destroy()).catch(() => undefined);
    this.#channel = undefined;
  }

  async #exchange(channel: Channel, id: number, words: readonly string[]): Promise<SaslStep> {
    const answer = new Promise<readonly string[] | undefined>((resolve) => channel.waiting.set(id, resolve));
    const timer = setTimeout(() => channel.waiting.get(id)?.(undefined), timeoutMilliseconds);
    try {
      channel.socket.write(`${words.map((word) => word.replace(/[\t\r\n\0]/g, '?')).join('\t')}\n`);
      const line = await answer;
      if (line === undefined) throw new TemporaryError('Connection lost to authentication server');
      return this.#step(channel, id, line);
    } finally {
      clearTimeout(timer);
      channel.waiting.delete(id);
    }
  }

  #step(channel: Channel, id: number, [command, , ...parameters]: readonly string[]): SaslStep {
    const parameter = (name: string): string | undefined =>
      parameters.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    if (command === 'CONT') {
      return {
        kind: 'challenge',
        challenge: parameters[0] ?? '',
        answer: (response) => this.#exchange(channel, id, ['CONT', `${id}`, response]),
        cancel: () => channel.socket.write(`CANCEL\t${id}\n`),
      };
    }
    const login = parameter('user');
    if (command === 'OK' && login !== undefined && login !== '') return { kind: 'authenticated', login };
    if (command === 'OK') {
      return { kind: 'denied', reason: 'Authentication backend error', login: undefined, isTemporary: false };
    }
    // Postfix takes this for a wrong password, too; who cannot tell must not say so.
    const isTemporary = parameters.includes('temp') || parameter('code') === 'temp_fail';
    return { kind: 'denied', reason: parameter('reason') ?? '', login, isTemporary };
  }

  #open(): Promise<Channel> {
    this.#channel ??= this.#connect().catch((error: unknown) => {
      this.#channel = undefined;
      throw error;
    });
    return this.#channel;
  }

  #connect(): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#where);
      const channel: Channel = { socket, mechanisms: [], waiting: new Map() };
      let isReady = false;
      const lost = (reason: string): void => {
        clearTimeout(timer);
        socket.destroy();
        if (isReady) this.#channel = undefined;
        for (const answer of channel.waiting.values()) answer(undefined);
        reject(new TemporaryError(`SASL: Connect to Dovecot auth socket '${this.#name}' failed: ${reason}`));
      };
      const timer = setTimeout(() => lost('Connection timed out'), timeoutMilliseconds);
      socket.on('error', (error: NodeJS.ErrnoException) => lost(reasons[error.code ?? ''] ?? error.message));
      socket.on('close', () => lost('Connection closed'));
      socket.setEncoding('utf8');
      onLines(socket, lost, (line) => {
        if (isReady) return takeAnswer(channel, line);
        const outcome = takeGreeting(channel, line);
        if (outcome === 'more') return undefined;
        if (outcome !== 'done') return lost(outcome);
        clearTimeout(timer);
        isReady = true;
        // A connection that waits must not keep a program from ending.
        socket.unref();
        return resolve(channel);
      });
      socket.write(`VERSION\t1\t1\nCPID\t${this.#connectionNumber}\n`);
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ECONNREFUSED: 'Connection refused',
  EACCES: 'Permission denied',
};

function onLines(socket: Socket, lost: (reason: string) => void, take: (line: readonly string[]) => void): void {
  let rest = '';
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) return lost('Protocol error');
    for (const line of lines) take(line.split('\t'));
    return undefined;
  });
}

/** The server's words up to DONE: `more`, `done`, or what is wrong with them. */
function takeGreeting({ mechanisms }: Channel, [command, first = '', ...rest]: readonly string[]): string {
  if (command === 'VERSION') return first === '1' ? 'more' : `Protocol version mismatch (${first} vs. 1)`;
  // Those that are marked private are for Dovecot's own programs.
  if (command === 'MECH' && first !== '' && !rest.some((word) => word.toLowerCase() === 'private')) {
    mechanisms.push({ name: first.toUpperCase(), properties: new Set(rest.map((word) => word.toLowerCase())) });
  }
  return command === 'DONE' ? 'done' : 'more';
}

/** Answers to numbers that nobody waits for come too late. */
function takeAnswer({ waiting }: Channel, line: readonly string[]): void {
  const [command = '', id] = line;
  if (command === 'OK' || command === 'CONT' || command === 'FAIL') waiting.get(Number(id))?.(line);
}
