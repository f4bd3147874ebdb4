// What kind of address is it, and which transport takes it: Postfix's trivial-rewrite(8) "resolve" service
// (ADDRESS_CLASS_README). Local domains are stripped again and again, as long as routing characters are left
// before them (`user%elsewhere@here`); then the domain's class gives a transport and a next hop, which
// transport_maps and relocated_maps may change.

import { isIpAddress, isValidDomain } from '../address/domain.ts';
import { domainOf, quoteLocalpart, toExternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import type { Decision } from './decision.ts';
import { isLocalDomain } from './local-domain.ts';
import type { RoutingSettings } from './routing-settings.ts';
import { chooseTransport } from './transport.ts';
import type { AddressClass, TraceStep } from './types.ts';

export interface ResolvedAddress {
  /** Internal form; may differ from what was asked: `u%b@here` is `u@b`. */
  readonly recipient: string;
  readonly domain: string;
  readonly class: AddressClass;
  readonly transport: string;
  readonly nexthop: string;
  /** Routing characters are left in the localpart: strangers may not use it. */
  readonly isRouted: boolean;
  /** No address that mail could go to; the transport is `error`. */
  readonly isBad: boolean;
  /** What was asked for it; only where somebody reads the derivation. */
  readonly asked?: readonly TraceStep[];
}

// Longer chains of `a%b%here` than this are somebody's game; Postfix allows the address's length.
const maxStrips = 100;

/** `address` in internal standard form. Throws TemporaryError. */
export async function resolveAddress(
  decision: Decision,
  settings: RoutingSettings,
  address: string,
  sender: string,
): Promise<ResolvedAddress> {
  const mark = decision.mark;
  const stripped = await stripLocalDomains(decision, settings, address);
  const { recipient, isLocal } = await withLiteral(decision, settings, stripped);
  const domain = domainOf(recipient);
  if (!isValidDomain(domain)) return badAddress(recipient, domain);
  const addressClass = isLocal ? 'local' : await classOf(decision, settings, domain);
  if (decision.isTracing) decision.tell('class', addressClass);
  if (decision.isTracing && recipient !== address) {
    const [from, to] = [toExternal(address), toExternal(recipient)];
    decision.lead({ stage: 'rewrite', from, to: [to], asked: decision.since(mark) });
  }
  const isRouted = firstRoutingCharacter(recipient) !== recipient.length - domain.length - 1;
  const { transport, nexthop } = await chooseTransport(decision, settings, {
    recipient,
    domain,
    class: addressClass,
    sender,
  });
  // Postfix looks at this last: where a table fails, that is told, and not this.
  if (recipient.startsWith('-') && !settings.allowMinUser) return badAddress(recipient, domain);
  const resolved = { recipient, domain, class: addressClass, transport, nexthop, isRouted, isBad: false };
  return decision.isTracing ? { ...resolved, asked: decision.since(mark) } : resolved;
}

function badAddress(recipient: string, domain: string): ResolvedAddress {
  const bad = { transport: 'error', nexthop: '5.1.3 bad address syntax', isRouted: false, isBad: true };
  return { recipient, domain, class: 'default', ...bad };
}

interface StrippedAddress {
  readonly recipient: string;
  readonly isLocal: boolean;
}

/** With resolve_numeric_domain `user@192.0.2.1` is `user@[192.0.2.1]`, which may be this machine. */
async function withLiteral(
  decision: Decision,
  settings: RoutingSettings,
  address: StrippedAddress,
): Promise<StrippedAddress> {
  const domain = domainOf(address.recipient);
  if (!settings.resolveNumericDomain || address.isLocal || !isIpAddress(domain)) return address;
  const literal = `[${domain}]`;
  const recipient = `${address.recipient.slice(0, address.recipient.length - domain.length)}${literal}`;
  return { recipient, isLocal: await isLocalDomain(decision, settings, literal) };
}

function firstRoutingCharacter(recipient: string): number {
  for (let index = 0; index < recipient.length; index++) {
    const code = recipient.charCodeAt(index);
    if (code === 0x40 || code === 0x21 || code === 0x25) return index;
  }
  return -1;
}

async function stripLocalDomains(
  decision: Decision,
  settings: RoutingSettings,
  address: string,
): Promise<StrippedAddress> {
  let rest = address;
  let saved: string | undefined;
  for (let round = 0; round < maxStrips; round++) {
    const at = rest.lastIndexOf('@');
    if (at !== -1) {
      const domain = rest.slice(at + 1);
      const isNull = domain === '' && settings.resolveNullDomain;
      if (!isNull && !(await isLocalDomain(decision, settings, domain))) return { recipient: rest, isLocal: false };
      rest = rest.slice(0, at);
      saved = domain === '' ? saved : domain;
    }
    // A lone `@` in quotes is no way on and no user either.
    if (rest === '@') return { recipient: rest, isLocal: false };
    if (hasRoute(rest, settings)) rest = standardForm(rest, { ...settings.standardForm, appendAtMyorigin: false });
    else if (rest === '') rest = settings.emptyRecipient;
    else return await atThisHost(decision, settings, rest, saved);
  }
  return { recipient: `${rest}@`, isLocal: false };
}

/** A name alone, which append_at_myorigin = no leaves alone, is of this host, whose name need not be a local domain. */
async function atThisHost(
  decision: Decision,
  settings: RoutingSettings,
  localpart: string,
  domain: string | undefined,
): Promise<StrippedAddress> {
  if (domain !== undefined) return { recipient: `${localpart}@${domain}`, isLocal: true };
  const isLocal = await isLocalDomain(decision, settings, settings.myhostname);
  return { recipient: `${localpart}@${settings.myhostname}`, isLocal };
}

/** Does a localpart name a further destination? Inside quotes only with resolve_dequoted_address. */
function hasRoute(localpart: string, settings: RoutingSettings): boolean {
  const { swapBangpath, allowPercentHack } = settings.standardForm;
  const isRoute =
    localpart.includes('@') ||
    (swapBangpath && localpart.includes('!')) ||
    (allowPercentHack && localpart.includes('%'));
  return isRoute && (settings.resolveDequoted || quoteLocalpart(localpart) === localpart);
}

/** In this order, the first hit wins: a domain in two classes is a mistake with a defined outcome. */
async function classOf(decision: Decision, settings: RoutingSettings, domain: string): Promise<AddressClass> {
  if (await settings.aliasDomains.matches(decision, 'class', domain)) return 'virtual-alias';
  if (await settings.mailboxDomains.matches(decision, 'class', domain)) return 'virtual-mailbox';
  if (await settings.relayDomains.matches(decision, 'class', domain)) return 'relay';
  return 'default';
}
