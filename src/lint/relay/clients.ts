// From where do strangers come? From anywhere but the administrator's own networks; from inside networks that are too
// large to be anybody's own; and from wherever they say, where XCLIENT lets them say it.

import { isIPv4 } from 'node:net';
import type { RecipientPolicy } from '../../access/recipient-policy.ts';
import type { Client } from '../../routing/types.ts';
import type { Settings } from '../../settings/settings.ts';
import { parseNetwork } from '../../tables/networks.ts';
import type { Server } from '../restriction-lists.ts';
import { strangers } from './attempts.ts';
import { largeNetwork } from './candidates.ts';

export interface ProofClient {
  readonly client: Client;
  /** Who that is; '' for anybody. */
  readonly note: string;
  readonly condition?: string;
}

// Addresses of documentation and benchmarks (RFC 5737, RFC 3849, RFC 2544): nobody's, so nobody lists them but as an example.
const candidates = ['203.0.113.66', '198.51.100.66', '192.0.2.66', '198.18.77.66', '198.19.77.66'];
const candidates6 = ['2001:db8:66::66', '2001:db8:fe66::66', '2001:2:0:66::66'];

/** One IPv4 and one IPv6 address that no network of reasonable size holds. `networks` are keys and networks as written. */
export function strangerAddresses(networks: readonly string[]): string[] {
  const isFree = (address: string): boolean => !networks.some((text) => isNarrow(text) && holds(text, address));
  return [candidates.find(isFree), candidates6.find(isFree)].filter((one) => one !== undefined);
}

function isNarrow(text: string): boolean {
  const length = /\/(\d+)$/.exec(text)?.[1];
  return largeNetwork(text) === undefined && length !== '0';
}

function holds(text: string, address: string): boolean {
  try {
    const network = parseNetwork(text);
    if (network !== undefined) return network(address);
  } catch {
    // Host bits: no network for anybody.
    return false;
  }
  // `192.0.2` as access(5) has it; of fewer than two octets it would be everybody's.
  return /^\d+(\.\d+){1,2}$/.test(text) && isIPv4(address) && address.startsWith(`${text}.`);
}

export async function clientsOf(
  policy: RecipientPolicy,
  settings: Settings,
  networks: readonly string[],
): Promise<ProofClient[]> {
  const anybody = strangers(strangerAddresses(networks));
  const found: ProofClient[] = anybody.map((client) => ({ client, note: '' }));
  const [first] = anybody;
  if (first === undefined) return found;
  for (const text of networks) {
    const network = largeNetwork(text);
    if (network === undefined) continue;
    const condition = network.isSure ? {} : { condition: `not all of ${text} is the administrator's own` };
    found.push({ client: { ...first, address: network.address }, note: `a client in ${text}`, ...condition });
  }
  for (const client of anybody) {
    if (!(await policy.clientRights(client)).mayUseXclient) continue;
    const named = { address: '127.0.0.1', name: 'localhost', reverseName: 'localhost' };
    found.push(
      { client: { ...client, ...named }, note: 'a stranger who says by XCLIENT that they are this machine' },
      { client: { ...client, login: 'anybody' }, note: 'a stranger who says by XCLIENT that somebody has logged in' },
    );
    break;
  }
  if (hasAnonymousLogins(settings)) {
    const condition = 'the SASL server offers ANONYMOUS, which smtpd_sasl_security_options does not forbid';
    found.push({ client: { ...first, login: 'anonymous' }, note: 'an anonymous login', condition });
  }
  return found;
}

function hasAnonymousLogins(settings: Settings): boolean {
  if (!settings.flag('smtpd_sasl_auth_enable') || settings.expanded('smtpd_sasl_type') === 'directory') return false;
  return ['smtpd_sasl_security_options', 'smtpd_sasl_tls_security_options'].some(
    (name) => !/\bnoanonymous\b/i.test(settings.expanded(name)),
  );
}

/** Only programs of this machine can connect: a content filter's way back, a test. */
export function isLocalService({ name, service, settings }: Server): boolean {
  if (service !== undefined && service.type !== 'inet') return false;
  const host = /^(?:\[([^\]]*)\]|([^:]*)):[^:]+$/.exec(name);
  const given = host?.[1] ?? host?.[2] ?? '';
  if (given !== '') return isLoopback(given);
  const interfaces = settings.list('inet_interfaces');
  return interfaces.length > 0 && interfaces.every(isLoopback);
}

function isLoopback(text: string): boolean {
  return /^(127(\.\d+){3}|\[?::1\]?|localhost|loopback-only)$/.test(text.toLowerCase());
}
