// The words of SASL PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login). What cannot be such a word is undefined,
// and the server answers that it did not understand.

/** authzid, login and password are at most 255 octets by RFC 4616; some passwords are longer. */
const maxBytes = 3072;

export interface PlainWords {
  /** '' where the client acts for itself. */
  readonly authzid: string;
  readonly login: string;
  readonly password: string;
}

/** `authzid NUL login NUL password`. */
export function decodePlain(bytes: Buffer): PlainWords | undefined {
  if (bytes.length > maxBytes) return undefined;
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
export function decodeLogin(bytes: Buffer): string | undefined {
  const isWord = bytes.length > 0 && bytes.length <= maxBytes && !bytes.includes(0);
  return isWord ? toText(bytes) : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined for what is not UTF-8. */
export function toText(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
