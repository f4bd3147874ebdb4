// Where a new password comes from: standard input when asked for, the person at the terminal (twice, unseen), or a
// generated one that is shown once. Never from the command line, where every user of the machine could read it.

import { makePassword } from '../admin/new-passwords.ts';
import { maxPasswordBytes } from '../auth/password-scheme.ts';
import { CommandError } from './context.ts';

export interface NewPassword {
  readonly password: string;
  /** It must be shown, since nobody knows it. */
  readonly isGenerated: boolean;
}

/** Said of one that is set for somebody else. */
export const formerKeysEnd = 'sessions, passkeys and API tokens made before open nothing any more';

export async function newPassword(fromStdin: boolean): Promise<NewPassword> {
  if (fromStdin) return { password: check(await readFirstLine()), isGenerated: false };
  if (!process.stdin.isTTY || !process.stderr.isTTY) return { password: makePassword(), isGenerated: true };
  const first = await askHidden('Password (empty: make one): ');
  if (first === '') return { password: makePassword(), isGenerated: true };
  if ((await askHidden('Once more: ')) !== first)
    throw new CommandError('the two passwords differ; nothing was changed');
  return { password: check(first), isGenerated: false };
}

function check(password: string): string {
  if (password === '') throw new CommandError('the password is empty: give one on the first line of standard input', 2);
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new CommandError(`the password is longer than ${maxPasswordBytes} bytes`, 2);
  }
  if (password.includes('\0')) throw new CommandError('the password contains a NUL byte', 2);
  return password;
}

async function readFirstLine(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (chunk.includes(10) || length > 4 * maxPasswordBytes) break;
  }
  const line = Buffer.concat(chunks).toString('utf8').split('\n', 1)[0] ?? '';
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Reads a line from the terminal without showing it. */
export async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    return await new Promise<string>((resolve, reject) => {
      let line = '';
      const take = (text: string): void => {
        for (const character of text) {
          if (character === '\u0003') return finish(() => reject(new CommandError('cancelled; nothing was changed')));
          if (character === '\r' || character === '\n' || character === '\u0004') return finish(() => resolve(line));
          line =
            character === '\u007f' || character === '\b' ? Array.from(line).slice(0, -1).join('') : line + character;
        }
      };
      const finish = (then: () => void): void => {
        stdin.off('data', take);
        then();
      };
      stdin.on('data', take);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
