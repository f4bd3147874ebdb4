// The name of a client for the log, Received: and access rules, as Postfix's smtpd finds it: the name that its
// address has (hosts file, then PTR), believed only when that name has the address too; else `unknown`.
// The answer is remembered for a minute. A client whose DNS is slow waits `timeoutMilliseconds` at most.
// NOTE: not through getnameinfo(): it would block one of the few threads that also read and sync files.

import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { HostsFile } from './hosts-file.ts';
import type { Resolver } from './resolver.ts';

export interface ClientNamesOptions {
  readonly resolver: Resolver;
  readonly hosts: HostsFile;
  readonly clock: Clock;
  readonly timeoutMilliseconds?: number;
}

export const unknownName = 'unknown';

/** `none`: the DNS knows no name; `unsure`: it could not tell; `forged`: the name does not have the address. */
export type NameStatus = 'found' | 'none' | 'unsure' | 'forged';

export interface ClientName {
  /** The confirmed name, or `unknown`. */
  readonly name: string;
  readonly nameStatus: NameStatus;
  /** The name that the address has, confirmed or not, or `unknown`. */
  readonly reverseName: string;
  readonly reverseNameStatus: NameStatus;
}

const notAsked: ClientName = {
  name: unknownName,
  nameStatus: 'none',
  reverseName: unknownName,
  reverseNameStatus: 'none',
};
const unsure: ClientName = { ...notAsked, nameStatus: 'unsure', reverseNameStatus: 'unsure' };
const keepMilliseconds = 60_000;
const maxRemembered = 10_000;
/** A PTR set may hold any number of names; Postfix, too, looks at few. */
const maxNames = 4;

export class ClientNames {
  readonly #options: ClientNamesOptions;
  readonly #timeout: number;
  readonly #remembered = new Map<string, { name: Promise<ClientName>; until: number }>();

  constructor(options: ClientNamesOptions) {
    this.#options = options;
    this.#timeout = options.timeoutMilliseconds ?? 5000;
  }

  /** Never throws. */
  lookup(address: string): Promise<ClientName> {
    const now = this.#options.clock.monotonic();
    const known = this.#remembered.get(address);
    if (known && known.until > now) return known.name;
    const name = withTimeout(this.#find(address), this.#timeout);
    this.#remembered.delete(address);
    this.#remembered.set(address, { name, until: now + keepMilliseconds });
    if (this.#remembered.size > maxRemembered) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    return name;
  }

  async #find(address: string): Promise<ClientName> {
    const { hosts, resolver } = this.#options;
    const [listed] = await hosts.names(address);
    if (listed !== undefined) return confirmed(listed);
    if (isIP(address) === 0) return notAsked;
    const answer = await resolver.names(address);
    if (answer.kind !== 'found') return notAsked;
    const names = answer.records.slice(0, maxNames).filter(isHostName);
    const [reverseName] = names;
    if (reverseName === undefined) return notAsked;
    let nameStatus: NameStatus = 'forged';
    for (const name of names) {
      const has = await this.#hasAddress(name, address);
      if (has === 'yes') return { ...confirmed(name), reverseName: name };
      if (has === 'unsure') nameStatus = 'unsure';
      else if (has === 'no-such-name' && nameStatus === 'forged') nameStatus = 'none';
    }
    return { name: unknownName, nameStatus, reverseName, reverseNameStatus: 'found' };
  }

  async #hasAddress(name: string, address: string): Promise<'yes' | 'no' | 'no-such-name' | 'unsure'> {
    const same = canonicalAddress(address);
    const listed = await this.#options.hosts.addresses(name);
    if (listed.some((found) => canonicalAddress(found) === same)) return 'yes';
    try {
      const answer = await this.#options.resolver.addresses(name, isIP(address) === 6 ? 6 : 4);
      if (answer.kind !== 'found') return 'no-such-name';
      return answer.records.some((found) => canonicalAddress(found) === same) ? 'yes' : 'no';
    } catch (error) {
      if (error instanceof TemporaryError) return 'unsure';
      throw error;
    }
  }
}

function confirmed(name: string): ClientName {
  return { name, nameStatus: 'found', reverseName: name, reverseNameStatus: 'found' };
}

async function withTimeout(work: Promise<ClientName>, milliseconds: number): Promise<ClientName> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ClientName>((resolve) => {
    timer = setTimeout(() => resolve(unsure), milliseconds);
    timer.unref();
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return unsure;
  } finally {
    clearTimeout(timer);
  }
}

/** A PTR record may hold any octets; only a host name may stand in a header or a log line. */
function isHostName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(name) && isIP(name) === 0;
}

/** One spelling for each address, so that `2001:DB8::1` equals `2001:db8:0:0::1`. */
function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address.replace(/%.*/, '')}]`).hostname;
}
