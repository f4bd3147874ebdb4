// Where a message's header ends: for notices that give back the header only.

const lf = 10;
const cr = 13;

/** Octets up to and with the last header line; the empty line is not counted. All of it where there is none. */
export function headerLength(content: Uint8Array): number {
  let start = 0;
  for (;;) {
    const end = content.indexOf(lf, start);
    if (end < 0) return content.length;
    if (end === start || (end === start + 1 && content[start] === cr)) return start;
    start = end + 1;
  }
}
