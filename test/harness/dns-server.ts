// A name server on loopback that speaks just enough DNS (RFC 1035 §4) for tests: records from a text, one a line
// (`NAME TYPE VALUE…`); FAIL for a name about which it can tell nothing, SILENT for one that it never answers. Addresses
// in PTR lines are written forwards.

import { createSocket } from 'node:dgram';

const types: Readonly<Record<number, string>> = { 1: 'A', 2: 'NS', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA' };

type Zone = Map<string, { readonly type: string; readonly value: string }[]>;

/** On any free port, or where a program looks that cannot be told of one. */
export async function startDnsServer(
  text: string,
  { host, port }: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<{ readonly port: number; close(): void }> {
  const zone = parseZone(text);
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const answer = respond(zone, query);
    if (answer) socket.send(answer, peer.port, peer.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  return { port: socket.address().port, close: () => void socket.close() };
}

function parseZone(text: string): Zone {
  const zone: Zone = new Map();
  for (const line of text.split('\n')) {
    const match = /^(\S+)\s+(\S+)\s*(.*)$/.exec(line.trim());
    if (match === null) continue;
    const [, name = '', type = '', value = ''] = match;
    const key = /^[\d.]+$/.test(name) ? `${name.split('.').reverse().join('.')}.in-addr.arpa` : name.toLowerCase();
    zone.set(key, [...(zone.get(key) ?? []), { type: type.toUpperCase(), value }]);
  }
  return zone;
}

function respond(zone: Zone, query: Buffer): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const question = query.subarray(12, at + 5);
  const name = labels.join('.').toLowerCase();
  const typeNumber = query.readUInt16BE(at + 1);
  const type = types[typeNumber] ?? '';
  const records = zone.get(name) ?? [];
  if (records.some((record) => record.type === 'SILENT')) return undefined;
  const exists = records.length > 0 || [...zone.keys()].some((key) => key.endsWith(`.${name}`));
  const code = records.some((record) => record.type === 'FAIL') ? 2 : exists ? 0 : 3;
  const answers = records.filter((record) => record.type === type).map(({ value }) => encode(type, value));
  const header = Buffer.from([...query.subarray(0, 2), 0x85, 0x80 | code, 0, 1, 0, answers.length, 0, 0, 0, 0]);
  const body = answers.map((data) => {
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(typeNumber, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, question, ...body]);
}

function encode(type: string, value: string): Buffer {
  switch (type) {
    case 'A':
      return Buffer.from(value.split('.').map(Number));
    case 'AAAA':
      return Buffer.from(expandIpv6(value), 'hex');
    case 'MX': {
      const [preference = '0', exchange = ''] = value.split(/\s+/);
      return Buffer.concat([Buffer.from([Number(preference) >> 8, Number(preference) & 0xff]), encodeName(exchange)]);
    }
    case 'TXT':
      return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
    default:
      return encodeName(value);
  }
}

function expandIpv6(address: string): string {
  const [head = '', tail = ''] = address.split('::');
  const front = head.split(':').filter((group) => group !== '');
  const back = tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join('');
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}
