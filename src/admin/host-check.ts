// What the world must know of a host for its mail to be taken: that its name has addresses, that these lead back to the name
// (RFC 1912 §2.1; most receivers defer or refuse who fails it), and that something listens where other servers connect.
// Each has three outcomes: good, wrong, and unknown where it could not be found out, which is nobody's mistake.

import { networkInterfaces } from 'node:os';
import type { SystemResolver } from '../dns/system-resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';

export type CheckOutcome = 'good' | 'wrong' | 'unknown';

export interface HostCheck {
  readonly check: 'name' | 'addresses' | 'reverse' | 'port';
  readonly outcome: CheckOutcome;
  /** What was asked about: the name, an address. */
  readonly subject: string;
  /** What is there: addresses, names, listeners. */
  readonly found: readonly string[];
  /** Addresses of the name that are not this machine's: right where a router or a proxy stands before it. */
  readonly elsewhere?: readonly string[];
  /** Why it could not be found out. */
  readonly reason?: string;
}

export interface HostCheckParts {
  readonly resolver: Pick<SystemResolver, 'addresses' | 'names'>;
  /** Where SMTP is listened for: address and port. */
  readonly listeners: readonly { readonly host: string; readonly port: number }[];
}

/** A name may have many addresses; its owner is shown the first of them. */
const maxAddresses = 6;
/** Names that no other host can look up (RFC 2606 §2, RFC 6762 §3, RFC 8375), and what a machine without a name calls itself. */
const privateEnding = /(?:^|\.)(?:localhost|localdomain|local|internal|lan|home|invalid|test|example|home\.arpa)$/;

export async function checkHost(hostname: string, { resolver, listeners }: HostCheckParts): Promise<HostCheck[]> {
  const name = checkName(hostname);
  const { found, reason, isUnknown } = await addressesOf(hostname, resolver);
  const addresses: HostCheck = {
    check: 'addresses',
    outcome: found.length > 0 ? 'good' : isUnknown ? 'unknown' : 'wrong',
    subject: hostname,
    found,
    elsewhere: found.filter((address) => !ownAddresses().has(address)),
    ...(reason === undefined || found.length > 0 ? {} : { reason }),
  };
  const reverse = await Promise.all(found.map((address) => checkReverse(hostname, address, resolver)));
  return [name, addresses, ...reverse, checkPort(listeners)];
}

function checkName(hostname: string): HostCheck {
  const isPublic = hostname.includes('.') && !privateEnding.test(hostname.toLowerCase());
  return { check: 'name', outcome: isPublic ? 'good' : 'wrong', subject: hostname, found: [] };
}

async function addressesOf(hostname: string, resolver: HostCheckParts['resolver']) {
  const answers = await Promise.allSettled([resolver.addresses(hostname, 4), resolver.addresses(hostname, 6)]);
  const found = answers
    .flatMap((answer) => (answer.status === 'fulfilled' && answer.value.kind === 'found' ? answer.value.records : []))
    .slice(0, maxAddresses);
  const failed = answers.find((answer) => answer.status === 'rejected');
  return { found, isUnknown: failed !== undefined, reason: failed === undefined ? undefined : reasonOf(failed.reason) };
}

async function checkReverse(
  hostname: string,
  address: string,
  resolver: HostCheckParts['resolver'],
): Promise<HostCheck> {
  const of = { check: 'reverse', subject: address } as const;
  try {
    const answer = await resolver.names(address);
    const found = answer.kind === 'found' ? answer.records.slice(0, maxAddresses) : [];
    const isOurs = found.some((name) => name.toLowerCase().replace(/\.$/, '') === hostname.toLowerCase());
    return { ...of, outcome: isOurs ? 'good' : 'wrong', found };
  } catch (error) {
    return { ...of, outcome: 'unknown', found: [], reason: reasonOf(error) };
  }
}

/** Whether others reach it only they can tell: a firewall may stand between. */
function checkPort(listeners: HostCheckParts['listeners']): HostCheck {
  const isOpen = listeners.some(({ host, port }) => port === 25 && !/^(?:127\.|::1$|localhost$)/.test(host));
  const found = listeners.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
  return { check: 'port', outcome: isOpen ? 'good' : 'wrong', subject: '25', found };
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));
}

/** Throws what is no answer of the DNS: a fault of ours. */
function reasonOf(error: unknown): string {
  if (!(error instanceof TemporaryError)) throw error;
  const { cause } = error;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? error.message;
}
