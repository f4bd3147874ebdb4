// Reads deliveries out of a mail log in Postfix's form: the same lines whichever server wrote them.

export interface LogReading {
  /** By queue id: rows of transport, reason, recipient, original recipient, status, enhanced status code. */
  readonly deliveries: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly senders: ReadonlyMap<string, string>;
  /** Queue ids that nothing more will happen to: removed, every recipient tried, or taken away by an access table. */
  readonly finished: ReadonlySet<string>;
}

const deliveryLine =
  /postfix\/([\w.-]+)(?:\/\w+)?\[\d+\]: (\w+): to=<(.*?)>,(?: orig_to=<(.*?)>,)? relay=([^,]*),.*? dsn=([\d.]+), status=(\w+) \((.*)\)$/;
const senderLine = /qmgr\[\d+\]: (\w+): from=<(.*?)>, size=\d+, nrcpt=(\d+) /;
const endLine = /: (\w+): (?:removed$|(?:discard|hold): )/;

export function readMailLog(text: string): LogReading {
  const deliveries = new Map<string, string[][]>();
  const senders = new Map<string, string>();
  const finished = new Set<string>();
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const end = endLine.exec(line);
    if (end?.[1] !== undefined) finished.add(end[1]);
    const sender = senderLine.exec(line);
    if (sender?.[1] !== undefined) {
      senders.set(sender[1], sender[2] ?? '');
      counts.set(sender[1], Number(sender[3]));
    }
    const match = deliveryLine.exec(line);
    if (match === null) continue;
    const [, service = '', id = '', to = '', original, , dsn = '', status = '', reason = ''] = match;
    const rows = deliveries.get(id) ?? [];
    rows.push([service, reason, to, original ?? to, status, dsn]);
    deliveries.set(id, rows);
    if (rows.length >= (counts.get(id) ?? Infinity)) finished.add(id);
  }
  return { deliveries, senders, finished };
}
