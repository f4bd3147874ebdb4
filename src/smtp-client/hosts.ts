// Which hosts to try for a next hop, in which order (RFC 5321 §5.1, RFC 7505; Postfix's smtp_addr.c): MX records by
// preference, equals shuffled; without MX records the domain's own addresses. Where we are an MX ourselves, we and
// everything that is not better are dropped: mail only moves towards the primary, or it would loop.

import { isIP } from 'node:net';
import type { DnsAnswer } from '../dns/resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Destination } from './destination.ts';
import { ClientFailure, type ClientOptions } from './types.ts';

export interface Host {
  readonly name: string;
  readonly address: string;
  readonly preference: number;
}

export type InetDestination = Extract<Destination, { kind: 'inet' }>;

/** The well-known port; only there a server that is ourselves means a loop. */
const smtpPort = 25;

export async function findHosts(destination: InetDestination, options: ClientOptions): Promise<Host[]> {
  const found =
    destination.useMx && options.useMx
      ? await byMx(destination, options)
      : await byAddress(destination.host, 0, options);
  const hosts = balance(inOrder(found, options), options);
  const looksForLoops = (destination.port ?? options.port) === smtpPort;
  const own = hosts.filter((host) => options.isOwnAddress(host.address));
  if (!looksForLoops || own.length === 0) return hosts;
  const limit = Math.min(...own.map((host) => host.preference));
  const better = hosts.filter((host) => host.preference < limit);
  if (better.length === 0) throw bounce('5.4.6', `mail for ${destination.host} loops back to myself`);
  return better;
}

async function byMx({ host: domain }: InetDestination, options: ClientOptions): Promise<Host[]> {
  const answer = await ask(() => options.resolver.mx(domain)).catch((error: unknown) => {
    if (error instanceof ClientFailure && options.ignoresMxFailure) return undefined;
    throw error;
  });
  if (!answer) return byAddress(domain, 0, options);
  if (answer.kind === 'no-domain') throw notFound(domain, 'MX');
  if (answer.kind === 'no-data') return byAddress(domain, 0, options);
  const [first] = answer.records;
  if (answer.records.length === 1 && first && (first.exchange === '' || first.exchange === '.')) {
    throw bounce('5.1.0', `Domain ${domain} does not accept mail (nullMX)`);
  }
  const records = options.randomize ? shuffle([...answer.records]) : [...answer.records];
  records.sort((a, b) => a.preference - b.preference);
  const hosts: Host[] = [];
  let failure: ClientFailure | undefined;
  for (const { exchange, preference } of records.slice(0, maxExchanges)) {
    if (exchange === '' || exchange === '.') continue;
    try {
      hosts.push(...(await byAddress(exchange, preference, options)));
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      // One that may come back outweighs those that are gone for good.
      if (!failure || error.outcome.kind === 'deferred') failure = error;
    }
    if (hasEnough(hosts, options)) break;
  }
  if (hosts.length === 0) throw withoutAddress(failure ?? notFound(domain, 'MX'), options);
  return hosts;
}

/** By preference; among equals as it falls, but for the IP version that is preferred (smtp_address_preference). */
function inOrder(hosts: Host[], { randomize, prefers }: ClientOptions): Host[] {
  if (randomize) shuffle(hosts);
  const rank = ({ address }: Host): number => (prefers === undefined || isIP(address) === prefers ? 0 : 1);
  return hosts.sort((a, b) => a.preference - b.preference || rank(a) - rank(b));
}

/** More are not tried; but both IP versions are to be among those that are (smtp_balance_inet_protocols). */
function hasEnough(hosts: readonly Host[], { addressLimit, families, balances }: ClientOptions): boolean {
  if (addressLimit === 0 || hosts.length < addressLimit) return false;
  return !balances || families.every((family) => hosts.some(({ address }) => isIP(address) === family));
}

/** Where there are more addresses than are tried, each IP version has its half, or as many as it has. */
function balance(hosts: Host[], { addressLimit: limit, balances, prefers }: ClientOptions): Host[] {
  const four = hosts.filter(({ address }) => isIP(address) === 4).length;
  const six = hosts.length - four;
  if (!balances || limit < 2 || four === 0 || six === 0 || hosts.length <= limit) return hosts;
  const smallHalf = Math.floor(limit / 2);
  const fours = prefers === 6 ? smallHalf : limit - smallHalf;
  let fourLeft = six <= limit - fours ? limit - six : Math.min(four, fours);
  let sixLeft = limit - fourLeft;
  return hosts.filter(({ address }) => (isIP(address) === 4 ? fourLeft-- > 0 : sixLeft-- > 0));
}

function withoutAddress(failure: ClientFailure, { defersWithoutAddress }: ClientOptions): ClientFailure {
  const { outcome } = failure;
  if (!defersWithoutAddress || outcome.kind !== 'bounced') return failure;
  return new ClientFailure({ ...outcome, kind: 'deferred', status: `4${outcome.status.slice(1)}` }, { isFinal: true });
}

/** Far more than anybody has; each one costs look-ups. */
const maxExchanges = 50;

async function byAddress(host: string, preference: number, options: ClientOptions): Promise<Host[]> {
  const family = isIP(host);
  if (family !== 0) return [{ name: host, address: host, preference }];
  const answers = await Promise.all(
    options.families.map((wanted) =>
      ask(() => options.resolver.addresses(host, wanted)).catch((error: unknown) => {
        if (error instanceof ClientFailure) return error;
        throw error;
      }),
    ),
  );
  const hosts: Host[] = [];
  let failure: ClientFailure | undefined;
  for (const answer of answers) {
    if (answer instanceof ClientFailure) failure ??= answer;
    else if (answer.kind === 'found')
      hosts.push(...answer.records.map((address) => ({ name: host, address, preference })));
  }
  if (hosts.length > 0) return hosts;
  if (failure) throw failure;
  const exists = answers.some((answer) => !(answer instanceof ClientFailure) && answer.kind === 'no-data');
  throw notFound(host, options.families.includes(4) ? 'A' : 'AAAA', exists);
}

async function ask<T>(query: () => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> {
  try {
    return await query();
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    throw new ClientFailure({ kind: 'deferred', status: '4.4.3', reason: error.message, relay: 'none' });
  }
}

function notFound(name: string, type: string, exists = false): ClientFailure {
  const why = exists ? 'Host found but no data record of requested type' : 'Host not found';
  return bounce('5.4.4', `Host or domain name not found. Name service error for name=${name} type=${type}: ${why}`);
}

function bounce(status: string, reason: string): ClientFailure {
  return new ClientFailure({ kind: 'bounced', status, reason, relay: 'none' }, { isFinal: true });
}

/** Fisher and Yates. */
function shuffle<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    const moved = list[last] as T;
    list[last] = list[other] as T;
    list[other] = moved;
  }
  return list;
}
