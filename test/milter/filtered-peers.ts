// A real Postfix and ours with the same settings, each with two scripted milters of its own, and one LMTP server behind both:
// what a client hears, what the milters are told, and what comes out of the other end.

import { mkdtempSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../harness/free-ports.ts';
import { LmtpSink } from '../harness/lmtp-sink.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { RealPostfix } from '../harness/real-postfix.ts';
import { type MilterScript, ScriptedMilter } from '../harness/scripted-milter.ts';
import { masterCf } from '../queue/relaying-postfix.ts';

export type Listener = 'one' | 'two' | 'accept' | 'reject' | 'quarantine' | 'old' | 'checked' | 'rejects';
const listeners: readonly Listener[] = ['one', 'two', 'accept', 'reject', 'quarantine', 'old', 'rejects'];

export interface FilterCase {
  readonly name: string;
  readonly listener?: Listener;
  readonly scripts?: readonly MilterScript[];
  /** Handed to the sendmail command instead, with these arguments. */
  readonly submits?: readonly string[];
  /** Lines of the client, each awaits its reply; `.` ends data; by default one message with `message`. */
  readonly talk?: readonly string[];
  readonly message?: readonly string[];
  /** Why the log is not compared. */
  readonly logDiffers?: string;
  /** How many messages come out; 1 where the talk is the usual one. */
  readonly comesOut?: number;
}

export interface Observed {
  readonly replies: readonly string[];
  readonly told: readonly (readonly string[])[];
  readonly delivered: readonly string[];
  readonly log: readonly string[];
  /** The log says that it is over. */
  readonly isOver: boolean;
}

export const usualMessage = [
  'From: s@a.example',
  'To: r@b.example',
  'Subject: a filter',
  '\tfolded',
  'X-One: 1',
  'X-One: 2',
];
export const usualBody = ['', 'first line', '..second line', 'last line'];

export function usualTalk(message: readonly string[]): string[] {
  return [
    'EHLO client.example',
    'MAIL FROM:<s@a.example> SIZE=400',
    'RCPT TO:<r@b.example>',
    'DATA',
    message.join('\r\n'),
    'QUIT',
  ];
}

/** Beside what both always have; `milter` is the first one's address. */
export type MoreSettings = (milter: string) => Readonly<Record<string, string>>;

abstract class Peer {
  readonly milters: ScriptedMilter[] = [];
  readonly ports = new Map<Listener, number>();
  readonly folder = mkdtempSync('/tmp/filtered-');
  abstract readLog(): string;
  /** Ends with the command. The milters must go on meanwhile, so nobody waits in line. */
  abstract sendmail(args: readonly string[], input: string): Promise<void>;
  readonly #more: MoreSettings;

  constructor(more: MoreSettings) {
    this.#more = more;
  }
  abstract stop(): Promise<void>;

  async prepare(): Promise<void> {
    this.milters.push(await ScriptedMilter.start(), await ScriptedMilter.start());
    const free = await findFreePorts(listeners.length);
    for (const [index, listener] of listeners.entries()) this.ports.set(listener, free[index] ?? 0);
  }

  services(first = 0): string {
    const [one, two] = this.milters.map(({ port }) => `inet:127.0.0.1:${port}`);
    const options: Record<Listener, string> = {
      one: `-o smtpd_milters=${one}`,
      two: `-o smtpd_milters=${one},${two}`,
      accept: `-o smtpd_milters=${one} -o milter_default_action=accept`,
      reject: `-o smtpd_milters=${one} -o milter_default_action=reject`,
      quarantine: `-o smtpd_milters={${one},default_action=quarantine}`,
      old: `-o smtpd_milters=${one} -o milter_protocol=2`,
      rejects: `-o smtpd_milters=${one} -o smtpd_delay_reject=no -o smtpd_recipient_restrictions=check_recipient_access,inline:{{no@b.example=REJECT},{prepend@b.example=PREPEND,X-P:p}},permit_mynetworks,reject`,
      checked: '',
    };
    return listeners
      .slice(first)
      .map((listener) => `127.0.0.1:${this.ports.get(listener)} inet n - n - - smtpd ${options[listener]}\n`)
      .join('');
  }

  settings(sink: number): Record<string, string> {
    return {
      compatibility_level: '3.6',
      myhostname: 'mx.example',
      mydestination: '',
      mynetworks: '127.0.0.0/8',
      inet_interfaces: '127.0.0.1',
      local_header_rewrite_clients: '',
      default_transport: `lmtp:inet:127.0.0.1:${sink}`,
      lmtp_destination_recipient_limit: '50',
      virtual_alias_maps: 'inline:{{list@b.example=one@c.example,two@c.example}}',
      virtual_alias_domains: '',
      message_size_limit: '10240000',
      milter_command_timeout: '3s',
      milter_content_timeout: '3s',
      milter_connect_timeout: '5s',
      ...this.#more(`inet:127.0.0.1:${this.milters[0]?.port}`),
      milter_rcpt_macros:
        'i {rcpt_addr} {rcpt_host} {rcpt_mailer} {client_addr} {client_name} {client_ptr} {auth_type}',
    };
  }

  async end(): Promise<void> {
    for (const milter of this.milters) await milter.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

class PostfixPeer extends Peer {
  #postfix: RealPostfix | undefined;

  async start(sink: number): Promise<void> {
    await this.prepare();
    const [port = 0] = await findFreePorts(1);
    this.#postfix = new RealPostfix(this.folder, port);
    const all = { ...this.settings(sink), ...this.#postfix.settings };
    const main = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
    await this.#postfix.start(main.join(''), `${masterCf(port)}lmtp unix - - n - - lmtp\n${this.services()}`);
  }

  readLog(): string {
    return this.#postfix?.readLog() ?? '';
  }

  sendmail(args: readonly string[], input: string): Promise<void> {
    const { etc } = (this.#postfix as RealPostfix).folder;
    const env = { PATH: '/usr/sbin:/usr/bin:/bin', MAIL_CONFIG: etc };
    return runWith(input, '/usr/sbin/sendmail', ['-C', etc, ...args], env);
  }

  async stop(): Promise<void> {
    this.#postfix?.stop();
    await this.end();
  }
}

const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));

/** Our sendmail command. */
export function runSendmail(configFolder: string, args: readonly string[], input: string): Promise<void> {
  return runWith(input, program, ['-c', configFolder, 'sendmail', ...args], process.env);
}

function runWith(input: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(file, args, { env, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`${file} ends with ${status}`))));
  });
}

class OurPeer extends Peer {
  #server: PosthasteProcess | undefined;

  async start(sink: number): Promise<void> {
    await this.prepare();
    this.#server = await PosthasteProcess.create({
      folder: join(this.folder, 'ours'),
      settings: { virtual_mailbox_domains: '', ...this.settings(sink) },
      services: `lmtp unix - - n - - lmtp\n${this.services()}`,
    });
    await this.#server.start();
  }

  readLog(): string {
    return this.#server?.logLines().join('\n') ?? '';
  }

  sendmail(args: readonly string[], input: string): Promise<void> {
    return runSendmail((this.#server as PosthasteProcess).configFolder, args, input);
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    await this.end();
  }
}

export class FilteredPeers {
  readonly postfix: PostfixPeer;
  readonly ours: OurPeer;
  #sink: LmtpSink | undefined;
  #number = 0;

  constructor(more: MoreSettings = () => ({})) {
    this.postfix = new PostfixPeer(more);
    this.ours = new OurPeer(more);
  }

  async start(): Promise<void> {
    this.#sink = await LmtpSink.start();
    await Promise.all([this.postfix.start(this.#sink.port), this.ours.start(this.#sink.port)]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.postfix.stop(), this.ours.stop()]);
    this.#sink?.close();
  }

  async observe(one: FilterCase): Promise<{ readonly postfix: Observed; readonly ours: Observed }> {
    const id = `case${++this.#number}`;
    const [postfix, ours] = await Promise.all([
      this.#observe(this.postfix, one, `${id}p`),
      this.#observe(this.ours, one, `${id}o`),
    ]);
    const observed = { postfix: postfix(), ours: ours() };
    // What milters hear behind the client's end, and the log, may come a moment later.
    const look = (): boolean => {
      Object.assign(observed, { postfix: postfix(), ours: ours() });
      if (!observed.postfix.isOver || !observed.ours.isOver) return false;
      return isDeepStrictEqual(withoutLog(observed.postfix, one), withoutLog(observed.ours, one));
    };
    for (let attempt = 0; attempt < 100 && !look(); attempt++) await sleep(30);
    return observed;
  }

  async #observe(peer: Peer, one: FilterCase, id: string): Promise<() => Observed> {
    const { listener = 'one', scripts = [{}], message = [...usualMessage, ...usualBody] } = one;
    for (const [index, milter] of peer.milters.entries()) {
      milter.take();
      milter.script = scripts[index] ?? {};
    }
    const before = peer.readLog().length;
    const talk = one.talk ?? usualTalk([`X-Case: ${id}`, ...message, '.']);
    const lines = talk.map((line) => withLength(line.replaceAll('CASE', id)));
    const replies = one.submits === undefined ? await converse(peer.ports.get(listener) ?? 0, lines) : [];
    if (one.submits !== undefined) await peer.sendmail(one.submits, `${[`X-Case: ${id}`, ...message].join('\n')}\n`);
    const delivered = await this.#delivered(id, one.comesOut ?? 1);
    const told = peer.milters.map((): string[] => []);
    return () => {
      for (const [index, milter] of peer.milters.entries()) {
        told[index]?.push(...milter.take().map((line) => neutral(line, id)));
      }
      const written = peer.readLog().slice(before);
      const log = written.split('\n').filter(isAboutFilters);
      return {
        replies: replies.map((line) => neutral(line, id)),
        told: told.slice(0, listener === 'two' ? 2 : 1).map((lines) => [...lines]),
        delivered,
        log: log.map((line) => logText(line, id)),
        isOver: (one.submits === undefined ? / disconnect from / : / message-id=|milter-discard/).test(written),
      };
    };
  }

  async #delivered(id: string, count: number): Promise<string[]> {
    const messages: string[] = [];
    for (let attempt = 0; attempt < 500 && messages.length < count; attempt++) {
      for (const { from, recipients, headers, body } of this.#sink?.take(id) ?? []) {
        const text = [...headers, '', body].join('\n').replace(/^Received: (?:.|\n\t)*$/m, 'Received: ours');
        messages.push(
          neutral(`${from.split(' ').toSorted().join(' ')}\n${recipients.toSorted().join('\n')}\n${text}`, id),
        );
      }
      if (messages.length < count) await sleep(20);
    }
    return messages.toSorted();
  }
}

function isAboutFilters(line: string): boolean {
  return / (?:\S+: milter-|warning: milter |warning: .*[Mm]ilter|warning: .*ignoring)/.test(line);
}

function withoutLog(observed: Observed, { logDiffers }: FilterCase): Observed {
  return logDiffers === undefined ? observed : { ...observed, log: [] };
}

function logText(line: string, id: string): string {
  return neutral(line.replace(/^.*?(postfix\/[^[]+)\[\d+\]: /, '$1: '), id).replace(/inet:127\.0\.0\.1:\d+/g, 'MILTER');
}

/** `BDAT ? LAST` and what follows on other lines: how many octets these are. */
function withLength(line: string): string {
  const data = /^BDAT \? LAST\r\n/.exec(line)?.[0];
  return data === undefined ? line : line.replace('?', `${line.length - data.length + 2}`);
}

/** Without what differs from run to run. */
function neutral(text: string, id: string): string {
  return text
    .replaceAll(id, 'CASE')
    .replace(/^(D .)i\|[0-9A-Za-z]{10,}\|/, '$1i|ID|')
    .replace(/L Date\|.*/, 'L Date|TIME|')
    .replace(/L Message-Id\|.*/, 'L Message-Id|ID|')
    .replace(/queued as [0-9A-Za-z]+/, 'queued as ID')
    .replace(/\b[0-9A-F]{9,12}: |\b4[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{13,}: /g, 'ID: ');
}

/** Sends each line and awaits its reply; gives the replies, the greeting first. */
async function converse(port: number, lines: readonly string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  const replies: string[] = [];
  let pending = '';
  let reply: string[] = [];
  let wake: (() => void) | undefined;
  let isOver = false;
  socket.on('data', (chunk) => {
    const parts = (pending + chunk.toString('latin1')).split('\r\n');
    pending = parts.pop() ?? '';
    for (const part of parts) {
      reply.push(part);
      if (!/^\d\d\d-/.test(part)) {
        replies.push(reply.join('\n'));
        reply = [];
      }
    }
    wake?.();
  });
  const over = (): void => {
    isOver = true;
    wake?.();
  };
  socket.on('close', over);
  socket.on('error', over);
  const until = async (count: number): Promise<void> => {
    while (replies.length < count && !isOver) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  await until(1);
  for (const [index, line] of lines.entries()) {
    if (isOver) break;
    if (line === 'HANGUP') break;
    socket.write(Buffer.from(`${line}\r\n`, 'latin1'));
    await until(index + 2);
  }
  socket.destroy();
  return replies;
}
