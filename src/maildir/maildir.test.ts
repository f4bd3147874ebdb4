// Maildir and mbox files as other programs find them: names, line ends, quoting, locks, and a second attempt.

import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MaildirMessage } from './maildir.ts';
import { MboxAppend } from './mbox.ts';
import { UnfitFile } from './safe-open.ts';
import { StoredForm } from './stored-form.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maildir-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function show(written: { publish(): number | undefined } | undefined): void {
  const folder = written?.publish();
  if (folder !== undefined) closeSync(folder);
}

function stored(isMbox: boolean, chunks: readonly string[]): string {
  const form = new StoredForm({ quotesFrom: isMbox, endsEmpty: isMbox });
  const parts = chunks.map((chunk) => form.convert(Buffer.from(chunk, 'latin1')));
  return Buffer.concat([...parts, form.end()]).toString('latin1');
}

describe('the stored form', () => {
  test.each([
    [false, 'A: b\r\n\r\nFrom here\r\nx\ry\r\n', 'A: b\n\nFrom here\nx\ry\n'],
    [false, 'A: b\r\n\r\nno end', 'A: b\n\nno end\n'],
    [false, '', ''],
    [
      true,
      'A: b\r\n\r\nFrom here\r\n>From x\r\nFromage\r\n From y\r\n',
      'A: b\n\n>From here\n>From x\nFromage\n From y\n\n',
    ],
    [true, 'From me\r\nA: b\r\n\r\nFrom', '>From me\nA: b\n\nFrom\n\n'],
  ])('%# however it is cut', (isMbox, message, expected) => {
    expect(stored(isMbox, [message])).toBe(expected);
    expect(stored(isMbox, message.split(''))).toBe(expected);
    for (let cut = 1; cut < message.length; cut++) {
      expect(stored(isMbox, [message.slice(0, cut), message.slice(cut)])).toBe(expected);
    }
  });
});

test('dots and line ends as pipe(8) can ask for them', () => {
  const form = new StoredForm({ doublesDots: true, endOfLine: '\r\n' });
  const parts = ['.a\r\n', '..b\r', '\n', '.', 'c'].map((chunk) => form.convert(Buffer.from(chunk)));
  expect(Buffer.concat([...parts, form.end()]).toString()).toBe('..a\r\n...b\r\n..c\r\n');
});

describe('a Maildir', () => {
  const name = '1.Q4R1.mx.test';
  const deliver = (box: string, isRepeated = false): boolean => {
    const message = MaildirMessage.open({ folder: `${box}/`, name, isRepeated });
    message?.write(Buffer.from('A: b\n\nhello\n'));
    show(message);
    return message !== undefined;
  };
  test('is made where it is missing, closed to others, and the message is in new/ alone', () => {
    const box = join(folder, 'a/b');
    expect(deliver(box)).toBe(true);
    expect(readdirSync(join(box, 'new'))).toEqual([name]);
    expect(readdirSync(join(box, 'tmp'))).toEqual([]);
    expect(readdirSync(join(box, 'cur'))).toEqual([]);
    expect(readFileSync(join(box, 'new', name), 'utf8')).toBe('A: b\n\nhello\n');
    for (const made of [box, join(box, 'new'), join(box, 'tmp'), join(folder, 'a')]) {
      expect(statSync(made).mode & 0o777).toBe(0o700);
    }
    expect(statSync(join(box, 'new', name)).mode & 0o777).toBe(0o600);
  });
  test('a second attempt finds what the first has left, read or not', () => {
    const box = join(folder, 'box');
    deliver(box);
    expect(deliver(box, true)).toBe(false);
    renameSync(join(box, 'new', name), join(box, 'cur', `${name}:2,S`));
    expect(deliver(box, true)).toBe(false);
    expect(readdirSync(join(box, 'new'))).toEqual([]);
  });
  test('what a killed attempt left in tmp/ is in nobody’s way, and of two at once one is shown', () => {
    const box = join(folder, 'box');
    mkdirSync(join(box, 'tmp'), { recursive: true });
    writeFileSync(join(box, 'tmp', name), 'half');
    const late = MaildirMessage.open({ folder: `${box}/`, name, isRepeated: false });
    late?.write(Buffer.from('late'));
    expect(deliver(box, true)).toBe(true);
    show(late);
    expect(readFileSync(join(box, 'new', name), 'utf8')).toBe('A: b\n\nhello\n');
    expect(readdirSync(join(box, 'new'))).toEqual([name]);
    expect(readdirSync(join(box, 'tmp'))).toEqual([name]);
  });
  test('given up, it leaves nothing', () => {
    const message = MaildirMessage.open({ folder: `${folder}/`, name, isRepeated: false });
    message?.write(Buffer.from('half'));
    message?.abort();
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
});

describe('an mbox', () => {
  const options = { locks: ['fcntl', 'flock', 'dotlock'] as const, staleLockMilliseconds: 1000, owner: undefined };
  test('is appended to under its locks, and cut back when a message is given up', () => {
    const file = join(folder, 'mbox');
    writeFileSync(file, 'before\n');
    const first = new MboxAppend({ ...options, file });
    expect(first.tryOpen(Date.now())).toBe(true);
    expect(existsSync(`${file}.lock`)).toBe(true);
    expect(new MboxAppend({ ...options, file }).tryOpen(Date.now())).toBe(false);
    first.write(Buffer.from('half'));
    first.abort();
    expect(readFileSync(file, 'utf8')).toBe('before\n');
    const second = new MboxAppend({ ...options, file });
    expect(second.tryOpen(Date.now())).toBe(true);
    second.write(Buffer.from('whole\n'));
    show(second);
    expect(readFileSync(file, 'utf8')).toBe('before\nwhole\n');
    expect(readdirSync(folder)).toEqual(['mbox']);
  });
  test('a lock that was left behind is taken away, a fresh one respected', () => {
    const file = join(folder, 'mbox');
    writeFileSync(`${file}.lock`, '');
    const append = new MboxAppend({ ...options, file });
    expect(append.tryOpen(Date.now())).toBe(false);
    utimesSync(`${file}.lock`, 1, 1);
    expect(append.tryOpen(Date.now())).toBe(false);
    expect(append.tryOpen(Date.now())).toBe(true);
    show(append);
  });
  test('the kernel lock of another open file holds it up', () => {
    const file = join(folder, 'mbox');
    const mine = new MboxAppend({ ...options, locks: ['flock'], file });
    expect(mine.tryOpen(Date.now())).toBe(true);
    expect(new MboxAppend({ ...options, locks: ['flock'], file }).tryOpen(Date.now())).toBe(false);
    show(mine);
  });
  test('what is no file, or somebody else’s, is refused without a trace', () => {
    mkdirSync(join(folder, 'dir'));
    expect(() => new MboxAppend({ ...options, file: join(folder, 'dir') }).tryOpen(0)).toThrow('EISDIR');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    expect(() => new MboxAppend({ ...options, file: join(folder, 'fifo') }).tryOpen(0)).toThrow('ENXIO');
    const file = join(folder, 'theirs');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    expect(() => new MboxAppend({ ...options, owner: 54_321, file }).tryOpen(0)).toThrow(UnfitFile);
    expect(readdirSync(folder).toSorted()).toEqual(['dir', 'fifo', 'theirs']);
  });
});
