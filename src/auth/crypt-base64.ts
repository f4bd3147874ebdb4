// The base64 of crypt(3): alphabet `./0-9A-Za-z`, least significant six bits first.

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `count` characters of a number of up to 24 bits. */
export function cryptBase64(value: number, count: number): string {
  let text = '';
  let rest = value;
  for (let index = 0; index < count; index++) {
    text += alphabet.charAt(rest & 63);
    rest >>>= 6;
  }
  return text;
}

/** The value of one character, or -1. */
export function cryptBase64Value(character: string): number {
  return character === '' ? -1 : alphabet.indexOf(character);
}
