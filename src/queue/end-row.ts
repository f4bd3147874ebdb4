// What local delivery has left to do for one end of an expansion, as a row of the queue: its next hop is a NUL, a word and
// the end as JSON. finalRecipients() makes every row of the queue, and lets no other next hop begin so: a NUL of a table's is dropped.

const mark = '\0end:';

/** For `end`, else for a next hop that routing gave. */
export function nexthopOf(nexthop: string, end: string | undefined): string {
  if (end !== undefined) return mark + end;
  return nexthop.includes('\0') ? nexthop.replaceAll('\0', '') : nexthop;
}

/** Undefined for a next hop that routing gave. */
export function endOf(nexthop: string): string | undefined {
  return nexthop.startsWith(mark) ? nexthop.slice(mark.length) : undefined;
}

/** For people: `|command`, `/file` or `mailbox NAME`, as an alias has it. */
export function shownNexthop(nexthop: string): string {
  const end = endOf(nexthop);
  if (end === undefined) return nexthop;
  const { kind, what } = JSON.parse(end) as { readonly kind: string; readonly what: string };
  return kind === 'command' ? `|${what}` : kind === 'mailbox' ? `mailbox ${what}` : what;
}
