// dovecot-uidlist: the uids of a Maildir's messages and its UIDVALIDITY (Dovecot's manual, "Maildir Mailbox Format").
// Version 3 has a header of lettered fields and may have fields between uid and name; version 1, which Courier calls
// courierimapuiddb, has neither.
//
//   3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
//   25006 W1234 :1276528487.M364837P9451.host,S=1355,W=1394

export interface UidList {
  readonly uidValidity: number;
  readonly uidNext: number;
  /** By name, without flags. */
  readonly uids: ReadonlyMap<string, number>;
}

export interface UidListEntry {
  readonly uid: number;
  readonly name: string;
}

const maxUid = 0xffff_ffff;

/** `text` has a character an octet. Undefined where it is no such file; lines that say nothing are passed over. */
export function parseUidList(text: string): UidList | undefined {
  const uids = new Map<string, number>();
  const end = text.indexOf('\n');
  const header = parseHeader(end === -1 ? text : text.slice(0, end));
  if (header === undefined) return undefined;
  let last = 0;
  for (let at = end + 1; end !== -1 && at < text.length; ) {
    const next = text.indexOf('\n', at);
    // A line without its end is one that is being written.
    if (next === -1) break;
    const entry = parseEntry(text.slice(at, next), header.version);
    at = next + 1;
    if (entry === undefined) continue;
    // A file that was found again after it had gone is appended anew: the later line counts.
    uids.set(entry.name, entry.uid);
    last = Math.max(last, entry.uid);
  }
  return { uidValidity: header.uidValidity, uidNext: Math.max(header.uidNext, last + 1), uids };
}

function parseHeader(line: string): { version: number; uidValidity: number; uidNext: number } | undefined {
  const old = /^1 (\d+) (\d+)$/.exec(line);
  if (old !== null) return checked(1, Number(old[1]), Number(old[2]));
  if (!/^3( |$)/.test(line)) return undefined;
  const field = (letter: string): number => Number(new RegExp(` ${letter}(\\d+)(?= |$)`).exec(line)?.[1]);
  return checked(3, field('V'), field('N'));
}

function checked(version: number, uidValidity: number, uidNext: number) {
  const isValid = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= maxUid;
  return isValid(uidValidity) ? { version, uidValidity, uidNext: isValid(uidNext) ? uidNext : 1 } : undefined;
}

function parseEntry(line: string, version: number): UidListEntry | undefined {
  const space = line.indexOf(' ');
  const uid = Number(line.slice(0, Math.max(space, 0)));
  if (!Number.isInteger(uid) || uid < 1 || uid >= maxUid) return undefined;
  const colon = version === 3 ? line.indexOf(':', space) : space;
  const rest = colon === -1 ? '' : line.slice(colon + 1);
  // Old versions kept the flags that the file had at first.
  const flags = rest.indexOf(':');
  const name = flags === -1 ? rest : rest.slice(0, flags);
  return name === '' ? undefined : { uid, name };
}

export function printUidListHeader(uidValidity: number, uidNext: number): string {
  return `3 V${uidValidity} N${uidNext}\n`;
}

export function printUidListEntry({ uid, name }: UidListEntry): string {
  return `${uid} :${name}\n`;
}
