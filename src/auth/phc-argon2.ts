// argon2 in PHC string form (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`), as Dovecot and others write it.
// New passwords get argon2id with OWASP's second choice: 19 MiB, two passes, one lane; about 50 ms off-thread.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { toBytes } from './encoding.ts';

const derive = promisify(argon2);

const memoryKib = 19_456;
const passes = 2;
const saltBytes = 16;
const hashBytes = 32;

export async function hashArgon2id(password: string): Promise<string> {
  const nonce = randomBytes(saltBytes);
  const parameters = { message: password, nonce, parallelism: 1, tagLength: hashBytes, memory: memoryKib, passes };
  const hash = await derive('argon2id', parameters);
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${unpadded(nonce)}$${unpadded(hash)}`;
}

/** Undefined where the text is not a hash that we can compute. */
export async function verifyArgon2(password: Buffer, stored: string): Promise<boolean | undefined> {
  const form = /^\$(argon2id|argon2i|argon2d)\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,5})\$([^$]+)\$([^$]+)$/;
  const match = form.exec(stored);
  if (!match) return undefined;
  const [, algorithm, memory, time, lanes, salt, hash] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const nonce = toBytes(salt, 'base64');
  const wanted = toBytes(hash, 'base64');
  if (!nonce || !wanted || nonce.length < 8 || wanted.length < 4) return undefined;
  const kind = algorithm as 'argon2id' | 'argon2i' | 'argon2d';
  const parameters = {
    message: password,
    nonce,
    parallelism: Number(lanes),
    tagLength: wanted.length,
    memory: Number(memory),
    passes: Number(time),
  };
  const actual = await derive(kind, parameters);
  return timingSafeEqual(actual, wanted);
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
