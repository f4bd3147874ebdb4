// The fields of a header block (RFC 5322 §2.2): names, bodies, and where each stands, for HEADER.FIELDS
// and for everything that reads a header. Tolerant: a line without a colon belongs to no field, a bare LF
// ends a line as CRLF does. Linear in the input.

export interface HeaderField {
  /** As written, without the colon. */
  readonly name: string;
  /** After the colon, unfolded (RFC 5322 §2.2.3), without white space around it; a character a byte. */
  readonly body: string;
  /** Octets [from, to) in the header, line end included. */
  readonly from: number;
  readonly to: number;
}

const tab = 9;
const space = 32;

/** All fields of `header` (a character a byte), at most `maxFields`. */
export function parseHeaderFields(header: string, maxFields = 10_000): HeaderField[] {
  const fields: HeaderField[] = [];
  let at = 0;
  while (at < header.length && fields.length < maxFields) {
    const from = at;
    at = endOfField(header, from);
    const colon = header.indexOf(':', from);
    if (colon === -1) return fields;
    if (colon < at && colon > from) {
      const name = header.slice(from, colon).trimEnd();
      if (isFieldName(name)) fields.push({ name, body: unfold(header.slice(colon + 1, at)), from, to: at });
    } else if (colon >= at) {
      // No colon in this line nor in those before `colon`: go on with the line that has it.
      at = Math.max(at, header.lastIndexOf('\n', colon) + 1);
    }
  }
  return fields;
}

/** The first field with this name (given in lower case). */
export function findField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  return fields.find((field) => field.name.length === name.length && field.name.toLowerCase() === name);
}

/** Joins folded lines: line ends are removed, the white space after them stays. */
function unfold(text: string): string {
  const trimmed = text.trim();
  return trimmed.includes('\n') || trimmed.includes('\r') ? trimmed.replaceAll(/[\r\n]/g, '') : trimmed;
}

function endOfField(header: string, from: number): number {
  let at = from;
  for (;;) {
    const lineEnd = header.indexOf('\n', at);
    if (lineEnd === -1) return header.length;
    at = lineEnd + 1;
    const next = header.charCodeAt(at);
    if (next !== space && next !== tab) return at;
  }
}

/** Printable US-ASCII without blank and colon (RFC 5322 §3.6.8). */
function isFieldName(name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code <= space || code > 126) return false;
  }
  return name.length > 0;
}
