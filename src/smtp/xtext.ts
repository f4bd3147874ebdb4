// xtext (RFC 3461 §4): how ORCPT and ENVID carry any octet in an SMTP parameter.

/** Printable ASCII without `+`, `=` and space, or `+HH`. */
const xtextPattern = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;

export function isXtext(text: string): boolean {
  return xtextPattern.test(text);
}

/** The octets as a latin1 string, or undefined where `text` is not xtext. */
export function decodeXtext(text: string): string | undefined {
  if (!isXtext(text)) return undefined;
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** utf-8-addr-xtext (RFC 6533 §3): characters that ASCII cannot carry, as `\\x{HEX}`. */
export function encodeUtf8Xtext(text: string): string {
  let encoded = '';
  for (const character of text) {
    const isPlain = /[!-*,-<>-[\]-~]/.test(character);
    encoded += isPlain ? character : `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
  }
  return encoded;
}

/** Both forms of RFC 6533 §3, to text; what is no character stays as it is. */
export function decodeUtf8Xtext(text: string): string {
  return text.replace(/\\x\{([0-9A-F]{1,6})\}/g, (whole, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? whole : String.fromCodePoint(code);
  });
}

export function encodeXtext(text: string): string {
  let encoded = '';
  for (const octet of Buffer.from(text, 'latin1')) {
    const isPlain = octet >= 33 && octet <= 126 && octet !== 0x2b && octet !== 0x3d;
    encoded += isPlain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
