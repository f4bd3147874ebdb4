// The words of SASL PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), as SMTP and IMAP carry them in base64.
// What cannot be such a word is undefined, and the server answers 501 or BAD.

import { toBytes } from './encoding.ts';

/** authzid, login and password are at most 255 octets by RFC 4616; some passwords are longer. */
const maxBase64Length = 4096;

export interface PlainWords {
  /** '' where the client acts for itself. */
  readonly authzid: string;
  readonly login: string;
  readonly password: string;
}

/** `authzid NUL login NUL password`. */
export function decodePlain(word: string | Buffer): PlainWords | undefined {
  const bytes = decodeBytes(word);
  if (!bytes) return undefined;
  const first = bytes.indexOf(0);
  const second = first < 0 ? -1 : bytes.indexOf(0, first + 1);
  if (second < 0 || bytes.indexOf(0, second + 1) >= 0) return undefined;
  const [authzid, login, password] = [
    bytes.subarray(0, first),
    bytes.subarray(first + 1, second),
    bytes.subarray(second + 1),
  ].map(toText);
  if (authzid === undefined || !login || !password) return undefined;
  return { authzid, login, password };
}

/** One answer of LOGIN: the user name or the password. */
export function decodeLogin(word: string | Buffer): string | undefined {
  const bytes = decodeBytes(word);
  return !bytes || bytes.includes(0) || bytes.length === 0 ? undefined : toText(bytes);
}

/** The two questions of LOGIN, already in base64: clients compare them literally. */
export const loginUsernamePrompt = 'VXNlcm5hbWU6';
export const loginPasswordPrompt = 'UGFzc3dvcmQ6';

function decodeBytes(word: string | Buffer): Buffer | undefined {
  if (word.length > maxBase64Length) return undefined;
  const text = typeof word === 'string' ? word : word.toString('latin1');
  // `=` alone is an empty initial response (RFC 4954 §4).
  return text === '=' ? Buffer.alloc(0) : toBytes(text, 'base64');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toText(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
