// A client that believes what untagged responses say and nothing else: its picture of the selected folder.

import { expect } from 'vitest';
import type { Random } from '../harness/random.ts';
import type { LineClient } from './test-server.ts';

interface Known {
  uid?: number;
  flags?: string[];
  modseq?: number;
}

const flagNames = ['\\Seen', '\\Flagged', '\\Deleted', '\\Answered', '$Work', '$Later'];

export class ModelClient {
  readonly #client: LineClient;
  readonly #isCondstore: boolean;
  #messages: Known[] = [];
  #isIdle = false;
  /** What was said, for the story of a failure. */
  readonly #history: string[] = [];

  private constructor(client: LineClient, isCondstore: boolean) {
    this.#client = client;
    this.#isCondstore = isCondstore;
  }

  static async open(line: LineClient, login: string, isCondstore: boolean): Promise<ModelClient> {
    const client = new ModelClient(line, isCondstore);
    await line.line();
    await client.#run(`LOGIN ${login} secret`);
    await client.#select();
    return client;
  }

  close(): void {
    this.#client.destroy();
  }

  /** One command, chosen at random. */
  async act(random: Random): Promise<void> {
    if (this.#isIdle) {
      if (random.chance(50)) await this.#done();
      return;
    }
    const set = this.#set(random);
    const [byUid, text] = random.chance(50) && this.#uidSet(set) !== '' ? ['UID ', this.#uidSet(set)] : ['', set];
    switch (random.below(16)) {
      case 0:
        await this.#run(`${byUid}FETCH ${text || '1:*'} (FLAGS)`);
        return;
      case 1:
        if (text !== '') await this.#run(`${byUid}FETCH ${text} (BODY[TEXT])`);
        return;
      case 2:
        if (text !== '') await this.#run(`${byUid}COPY ${text} INBOX`);
        return;
      case 3:
        if (text !== '') await this.#run(`${byUid}MOVE ${text} ${random.pick(['INBOX', 'Trash', 'Trash'])}`);
        return;
      case 4:
        await this.#run(random.chance(50) || text === '' || byUid === '' ? 'EXPUNGE' : `UID EXPUNGE ${text}`);
        return;
      case 5:
        await this.#run(random.pick(['NOOP', 'CHECK', 'STATUS INBOX (MESSAGES UIDNEXT UNSEEN)', 'LIST "" *']));
        return;
      case 6:
        await this.#run(
          `${byUid}SEARCH ${random.pick(['UNSEEN', 'KEYWORD $Work', '1:*', 'NOT DELETED', 'TEXT body'])}`,
        );
        return;
      case 7:
        await this.#run(`APPEND INBOX (${this.#flags(random)}) {11+}\r\nA: b\r\n\r\nc\r\n`);
        return;
      case 8:
        this.#isIdle = true;
        this.#client.send('idle IDLE\r\n');
        expect(await this.#client.line()).toMatch(/^\+ /);
        return;
      case 9:
        if (random.chance(50)) return;
        if (random.chance(60)) await this.#run(random.pick(['CLOSE', 'UNSELECT']));
        await this.#select();
        return;
      default:
        if (text !== '') await this.#store(random, byUid, text, set);
    }
  }

  /** What it knows must be the truth once it has had the chance to hear of it. */
  async compare(truth: readonly string[]): Promise<void> {
    if (this.#isIdle) await this.#done();
    await this.#run('NOOP');
    this.#history.push(`truth ${truth.join(', ')}`);
    expect(this.#messages.length, this.#story()).toBe(truth.length);
    for (const [index, message] of this.#messages.entries()) {
      const [, uid, flags, modseq] = /^(\d+) \((.*)\) (\d+)$/.exec(truth[index] ?? '') ?? [];
      if (message.uid !== undefined) expect(String(message.uid), this.#story()).toBe(uid);
      if (message.flags !== undefined) expect(message.flags.toSorted().join(' '), this.#story()).toBe(flags);
      if (message.modseq !== undefined && this.#isCondstore) expect(String(message.modseq), this.#story()).toBe(modseq);
    }
    await this.#run('FETCH 1:* (UID FLAGS)');
    await this.#compareSearch();
  }

  /** All flags are known and nothing changes meanwhile. */
  async #compareSearch(): Promise<void> {
    const numbers = (wanted: (message: Known) => boolean, number: (message: Known, index: number) => unknown): string =>
      ['* SEARCH', ...this.#messages.flatMap((one, index) => (wanted(one) ? [number(one, index)] : []))].join(' ');
    const lines = async (text: string): Promise<string[]> => this.#client.command('s', text);
    expect(await lines('SEARCH UNSEEN NOT DELETED')).toContain(
      numbers(
        ({ flags }) => !flags?.includes('\\Seen') && !flags?.includes('\\Deleted'),
        (_, index) => index + 1,
      ),
    );
    expect(await lines('UID SEARCH OR KEYWORD $Work 1')).toContain(
      numbers(
        (one) => one.flags?.includes('$Work') === true || one === this.#messages[0],
        ({ uid }) => uid,
      ),
    );
  }

  #story(): string {
    return this.#history.slice(-80).join('\n');
  }

  async #select(): Promise<void> {
    this.#messages = [];
    await this.#run(this.#isCondstore ? 'SELECT INBOX (CONDSTORE)' : 'SELECT INBOX');
    if (this.#messages.length > 0) {
      await this.#run(`FETCH 1:* (UID FLAGS${this.#isCondstore ? ' MODSEQ' : ''})`);
    }
  }

  async #done(): Promise<void> {
    this.#client.send('DONE\r\n');
    await this.#readTo('idle', 'IDLE');
    this.#isIdle = false;
  }

  async #store(random: Random, byUid: string, text: string, set: string): Promise<void> {
    const action = random.pick(['+', '-', '']);
    const silent = random.chance(50);
    const flags = this.#flags(random);
    const unchanged =
      this.#isCondstore && random.chance(40)
        ? ` (UNCHANGEDSINCE ${Math.max(0, ...this.#messages.map((one) => one.modseq ?? 0)) - random.below(4)})`.replace(
            / -\d+/,
            ' 1',
          )
        : '';
    const before = sequences(set).map((sequence) => this.#messages[sequence - 1]);
    const status = await this.#run(
      `${byUid}STORE ${text}${unchanged} ${action}FLAGS${silent ? '.SILENT' : ''} (${flags})`,
      silent ? (refused) => this.#applied(before, byUid !== '', refused, action, flags) : undefined,
    );
    expect(status, this.#story()).toMatch(/^(OK|NO)/);
  }

  /** A silent STORE: the client knows itself what it did. */
  #applied(
    messages: readonly (Known | undefined)[],
    byUid: boolean,
    refused: string,
    action: string,
    flags: string,
  ): void {
    const numbers = new Set(sequences(refused));
    for (const message of messages) {
      if (message?.flags === undefined) continue;
      const number = byUid ? message.uid : this.#messages.indexOf(message) + 1;
      if (number === undefined || numbers.has(number)) continue;
      const named = flags.split(' ').filter((flag) => flag !== '');
      if (action === '') message.flags = named;
      else {
        const rest = message.flags.filter((flag) => !named.includes(flag));
        message.flags = action === '+' ? [...rest, ...named] : rest;
      }
    }
  }

  /** Gives the tagged status. `onApplied` is called where the server has done it, before later news. */
  async #run(text: string, onApplied?: (refused: string) => void): Promise<string> {
    this.#history.push(`C: ${text}`);
    this.#client.send(`t ${text}\r\n`);
    return this.#readTo('t', text, onApplied);
  }

  async #readTo(tag: string, command: string, onApplied?: (refused: string) => void): Promise<string> {
    const lines = await this.#client.linesTo(tag);
    expect(lines.at(-1), command).not.toMatch(/ BAD /);
    const last = (lines.at(-1) ?? '').slice(tag.length + 1);
    this.#history.push(...lines.map((line) => `S: ${line}`));
    if (last.startsWith('OK')) onApplied?.(/\[MODIFIED ([\d:,]+)\]/.exec(last)?.[1] ?? '');
    for (const line of lines.slice(0, -1)) this.#hear(line, command);
    return last;
  }

  #hear(line: string, command: string): void {
    const match = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \((.*))?$/.exec(line);
    if (match === null) return;
    const [, digits, name = '', data = ''] = match;
    const number = Number(digits);
    switch (name) {
      case 'EXISTS':
        expect(number, this.#story()).toBeGreaterThanOrEqual(this.#messages.length);
        while (this.#messages.length < number) this.#messages.push({});
        return;
      case 'EXPUNGE':
        expect(command, this.#story()).not.toMatch(/^(FETCH|STORE|SEARCH)/);
        expect(number, this.#story()).toBeLessThanOrEqual(this.#messages.length);
        this.#messages.splice(number - 1, 1);
        return;
      default: {
        expect(number, this.#story()).toBeLessThanOrEqual(this.#messages.length);
        const message = this.#messages[number - 1];
        if (message !== undefined) this.#learn(message, data);
      }
    }
  }

  #learn(message: Known, text: string): void {
    const uid = /UID (\d+)/.exec(text)?.[1];
    const flags = /FLAGS \((.*?)\)/.exec(text)?.[1];
    const modseq = /MODSEQ \((\d+)\)/.exec(text)?.[1];
    if (uid !== undefined) {
      if (message.uid !== undefined) expect(Number(uid), this.#story()).toBe(message.uid);
      message.uid = Number(uid);
    }
    if (flags !== undefined) message.flags = flags === '' ? [] : flags.split(' ');
    if (modseq !== undefined) message.modseq = Number(modseq);
  }

  #flags(random: Random): string {
    return flagNames.filter(() => random.chance(30)).join(' ');
  }

  #set(random: Random): string {
    const count = this.#messages.length;
    if (count === 0) return '';
    const from = random.between(1, count);
    const to = random.chance(50) ? from : Math.min(count, from + random.below(5));
    return from === to ? `${from}` : `${from}:${to}`;
  }

  #uidSet(set: string): string {
    if (set === '') return '';
    const uids = sequences(set).map((sequence) => this.#messages[sequence - 1]?.uid);
    return uids.some((uid) => uid === undefined) ? '' : uids.join(',');
  }
}

function sequences(set: string): number[] {
  if (set === '') return [];
  return set.split(',').flatMap((piece) => {
    const [from = 0, to = from] = piece.split(':').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
