// New passwords: what is taken, and one that is made. Made ones have no letters and digits that look alike; 20 of 56 are
// 116 bits.

import { randomInt } from 'node:crypto';
import { maxPasswordBytes } from '../auth/password-scheme.ts';
import { fail } from './problem.ts';

const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

export function makePassword(): string {
  const characters = Array.from({ length: 20 }, () => alphabet.charAt(randomInt(alphabet.length)));
  return characters.join('').replace(/(.{5})(?=.)/g, '$1-');
}

export function checkNewPassword(password: string, field = 'password'): void {
  if (Buffer.byteLength(password) > maxPasswordBytes || password.includes('\0') || password === '') {
    fail(422, 'invalid-field', `a password has 1 to ${maxPasswordBytes} bytes, and no NUL`, { field });
  }
}
