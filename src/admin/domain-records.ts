// The records of the DNS that a domain needs for what this host does for it, and how they stand: as they should, otherwise, or
// not to be found out now. A record whose feature does not work here is not asked for.

import type { DnsAnswer, Resolver } from '../dns/resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { checkSpf } from './sender-policy.ts';
import type { ServerListener } from './server-parts.ts';

export type RecordState = 'good' | 'otherwise' | 'unknown';

export interface DomainRecord {
  /** mx: mail comes here. spf: this host may send for it. address, pointer: of the host itself. service: for mail programs. */
  readonly purpose: 'mx' | 'spf' | 'address' | 'pointer' | 'service';
  readonly name: string;
  readonly type: 'MX' | 'TXT' | 'A/AAAA' | 'PTR' | 'SRV';
  /** What would be right; empty where only its owner can know. */
  readonly wanted: string;
  readonly state: RecordState;
  /** What is there. */
  readonly found: readonly string[];
  /** Why it could not be found out. */
  readonly reason?: string;
  /** Mail does not work without it. */
  readonly isNeeded: boolean;
}

export interface DomainRecordParts {
  readonly hostname: string;
  readonly resolver: Pick<Resolver, 'mx' | 'texts' | 'addresses' | 'names' | 'services'>;
  readonly listeners: readonly ServerListener[];
  /** Its users log in here: programs may look for where. */
  readonly hasMailboxes: boolean;
}

type Check = Omit<DomainRecord, 'state' | 'found' | 'reason'>;

/** A host has few; what comes beyond is not looked at. */
const maxAddresses = 6;

export async function domainRecords(domain: string, parts: DomainRecordParts): Promise<DomainRecord[]> {
  const { hostname, resolver } = parts;
  const own = addressesOf(hostname, resolver);
  // Asked about by several below, each of which tells by itself that it could not be found out.
  own.catch(() => undefined);
  const records = [mxRecord(domain, parts), spfRecord(domain, parts, own), addressRecord(hostname, own)];
  const services = parts.hasMailboxes ? serviceRecords(domain, parts) : [];
  const pointers = await own.then(
    (addresses) => addresses.map((address) => pointerRecord(address, hostname, resolver)),
    () => [],
  );
  return await Promise.all([...records, ...pointers, ...services]);
}

async function mxRecord(domain: string, { hostname, resolver }: DomainRecordParts): Promise<DomainRecord> {
  const check = { purpose: 'mx', name: domain, type: 'MX', wanted: `10 ${hostname}.`, isNeeded: true } as const;
  return await judged(check, async () => {
    const found = recordsOf(await resolver.mx(domain));
    const isHere = found.some(({ exchange }) => isSame(exchange, hostname));
    const shown = found.map(({ preference, exchange }) => `${preference} ${exchange}.`);
    return { isGood: isHere, found: shown };
  });
}

async function spfRecord(
  domain: string,
  { hostname, resolver }: DomainRecordParts,
  own: Promise<readonly string[]>,
): Promise<DomainRecord> {
  const wanted = `v=spf1 mx a:${hostname} ~all`;
  return await judged({ purpose: 'spf', name: domain, type: 'TXT', wanted, isNeeded: false }, async () => {
    const finding = await checkSpf(domain, await own, resolver);
    if (finding.kind === 'absent') return { isGood: false, found: [] };
    const found = finding.kind === 'broken' ? finding.records : [finding.record];
    return { isGood: finding.kind === 'allowed', found };
  });
}

async function addressRecord(hostname: string, own: Promise<readonly string[]>): Promise<DomainRecord> {
  const check = { purpose: 'address', name: hostname, type: 'A/AAAA', wanted: '', isNeeded: true } as const;
  return await judged(check, async () => {
    const found = await own;
    return { isGood: found.length > 0, found };
  });
}

/** RFC 1912 §2.1: most receivers refuse mail from an address whose name does not lead back. */
async function pointerRecord(
  address: string,
  hostname: string,
  resolver: DomainRecordParts['resolver'],
): Promise<DomainRecord> {
  const check = { purpose: 'pointer', name: address, type: 'PTR', wanted: `${hostname}.`, isNeeded: true } as const;
  return await judged(check, async () => {
    const found = recordsOf(await resolver.names(address));
    return { isGood: found.some((name) => isSame(name, hostname)), found: found.map((name) => `${name}.`) };
  });
}

/** RFC 6186 §3, and RFC 8314 §5.1 for submission over TLS. */
const serviceNames: Readonly<Record<string, string>> = {
  'imap tls': '_imaps._tcp',
  'imap starttls': '_imap._tcp',
  'pop3 tls': '_pop3s._tcp',
  'pop3 starttls': '_pop3._tcp',
  'submission tls': '_submissions._tcp',
  'submission starttls': '_submission._tcp',
};

/** Of listeners that others can reach. */
function serviceRecords(domain: string, { hostname, resolver, listeners }: DomainRecordParts): Promise<DomainRecord>[] {
  const offered = new Map<string, number>();
  for (const { protocol, security, port, isLoopback } of listeners) {
    const name = serviceNames[`${protocol} ${security}`];
    if (name !== undefined && !isLoopback && !offered.has(name)) offered.set(name, port);
  }
  const ask = resolver.services?.bind(resolver);
  if (ask === undefined) return [];
  return [...offered].map(async ([service, port]) => {
    const name = `${service}.${domain}`;
    const wanted = `0 1 ${port} ${hostname}.`;
    return await judged({ purpose: 'service', name, type: 'SRV', wanted, isNeeded: false }, async () => {
      const found = recordsOf(await ask(name));
      const isGood = found.some((one) => one.port === port && isSame(one.target, hostname));
      const shown = found.map((one) => `${one.priority} ${one.weight} ${one.port} ${one.target}.`);
      return { isGood, found: shown };
    });
  });
}

interface Judgement {
  readonly isGood: boolean;
  readonly found: readonly string[];
}

async function judged(check: Check, judge: () => Promise<Judgement>): Promise<DomainRecord> {
  try {
    const { isGood, found } = await judge();
    return { ...check, state: isGood ? 'good' : 'otherwise', found: found.map(shortened) };
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return { ...check, state: 'unknown', found: [], reason: error.message };
  }
}

async function addressesOf(host: string, resolver: DomainRecordParts['resolver']): Promise<readonly string[]> {
  const answers = await Promise.all([resolver.addresses(host, 4), resolver.addresses(host, 6)]);
  return answers.flatMap(recordsOf).slice(0, maxAddresses);
}

function recordsOf<T>(answer: DnsAnswer<T>): readonly T[] {
  return answer.kind === 'found' ? answer.records : [];
}

/** A stranger's text. */
function shortened(text: string): string {
  return text.length <= 1000 ? text : `${text.slice(0, 1000)}…`;
}

function isSame(one: string, other: string): boolean {
  const plain = (name: string): string => name.replace(/\.$/, '').toLowerCase();
  return plain(one) === plain(other);
}
