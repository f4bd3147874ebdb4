// Folder names on the wire (RFC 3501 §5.1.3): printable US-ASCII stands for itself, `&-` for `&`, the rest is
// UTF-16 in a base64 with `,` for `/`. Decoding is forgiving: `R&D` (not valid) and raw UTF-8 mean what they show.

/** To text; `wire` has a character an octet. */
export function decodeMailboxName(wire: string): string {
  if (/[\u0080-\u00ff]/.test(wire)) return Buffer.from(wire, 'latin1').toString('utf8');
  if (!wire.includes('&')) return wire;
  let result = '';
  let at = 0;
  while (at < wire.length) {
    const shift = wire.indexOf('&', at);
    if (shift === -1) break;
    const end = wire.indexOf('-', shift);
    const decoded = end === -1 ? undefined : decodeShifted(wire.slice(shift + 1, end));
    if (decoded === undefined) return wire;
    result += wire.slice(at, shift) + decoded;
    at = end + 1;
  }
  return result + wire.slice(at);
}

export function encodeMailboxName(name: string): string {
  return name.replaceAll('&', '&-').replaceAll(/[^\x20-\x7e]+/g, (text) => {
    const utf16 = Buffer.from(text, 'utf16le').swap16();
    return `&${utf16.toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`;
  });
}

function decodeShifted(base64: string): string | undefined {
  if (base64 === '') return '&';
  if (!/^[A-Za-z0-9+,]+$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64');
  if (bytes.length === 0 || bytes.length % 2 !== 0) return undefined;
  const text = bytes.swap16().toString('utf16le');
  return text.isWellFormed() ? text : undefined;
}
