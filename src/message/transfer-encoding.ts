// Content-Transfer-Encoding undone (RFC 2045 §6.7, §6.8) for searching: base64 and quoted-printable, whole
// or in pieces as a large body is read. Damaged input gives what can be read; nothing throws.

const carriageReturn = 13;
const lineFeed = 10;
const equals = 61;

export interface TransferDecoder {
  /** What can be decoded so far. */
  write(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

/** A decoder for the encoding's name in any case; unknown ones and 7bit, 8bit, binary pass bytes on. */
export function newTransferDecoder(encoding: string | undefined): TransferDecoder {
  switch ((encoding ?? '').trim().toLowerCase()) {
    case 'base64':
      return new Base64Decoder();
    case 'quoted-printable':
      return new QuotedPrintableDecoder();
    default:
      return { write: (chunk) => chunk, end: () => new Uint8Array(0) };
  }
}

export function decodeBase64(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'base64');
}

export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const decoder = new QuotedPrintableDecoder();
  return Buffer.concat([decoder.write(bytes), decoder.end()]);
}

/** Keeps what does not fill a group of four yet. */
class Base64Decoder implements TransferDecoder {
  #rest = '';

  write(chunk: Uint8Array): Uint8Array {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const letters = this.#rest + text.replaceAll(/[^A-Za-z0-9+/]+/g, '');
    const whole = letters.length - (letters.length % 4);
    this.#rest = letters.slice(whole);
    return Buffer.from(letters.slice(0, whole), 'base64');
  }

  end(): Uint8Array {
    const rest = Buffer.from(this.#rest, 'base64');
    this.#rest = '';
    return rest;
  }
}

/** Keeps an escape that is cut in two. */
class QuotedPrintableDecoder implements TransferDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  write(chunk: Uint8Array): Uint8Array {
    return this.#decode(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]), false);
  }

  end(): Uint8Array {
    return this.#decode(this.#rest, true);
  }

  #decode(input: Uint8Array, isLast: boolean): Uint8Array {
    const output = Buffer.allocUnsafe(input.length);
    let length = 0;
    let at = 0;
    while (at < input.length) {
      const byte = input[at] ?? 0;
      if (byte !== equals) {
        output[length++] = byte;
        at++;
        continue;
      }
      if (!isLast && at + 2 >= input.length) break;
      const taken = decodeEscape(input, at);
      if (taken.byte !== undefined) output[length++] = taken.byte;
      at += taken.length;
    }
    this.#rest = input.slice(at);
    return output.subarray(0, length);
  }
}

/** `=XX`, a soft line break, or a lone `=`, which stays. */
function decodeEscape(input: Uint8Array, at: number): { byte: number | undefined; length: number } {
  const next = input[at + 1];
  if (next === lineFeed) return { byte: undefined, length: 2 };
  if (next === carriageReturn && input[at + 2] === lineFeed) return { byte: undefined, length: 3 };
  const high = hexDigit(next);
  const low = hexDigit(input[at + 2]);
  return high === undefined || low === undefined ? { byte: equals, length: 1 } : { byte: high * 16 + low, length: 3 };
}

function hexDigit(code: number | undefined): number | undefined {
  if (code === undefined) return undefined;
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code & ~32;
  return letter >= 65 && letter <= 70 ? letter - 55 : undefined;
}
