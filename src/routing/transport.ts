// Transport and next hop of a resolved address (Postfix transport(5)). Precedence of the next hop: for the relay
// class relay_transport's own, sender_dependent_relayhost_maps, relayhost, the domain; for the default class
// sender_dependent_default_transport_maps, default_transport's own, and then likewise. transport_maps may change
// both for every class but virtual-alias; relocated_maps comes last.

import { toExternal } from '../address/form.ts';
import { splitExtension } from '../address/extension.ts';
import { parentKeys } from '../tables/match-list.ts';
import type { Found } from '../tables/table.ts';
import type { Decision } from './decision.ts';
import { findAddress } from './find-address.ts';
import { searchFor } from './local-domain.ts';
import type { RoutingSettings } from './routing-settings.ts';
import type { AddressClass } from './types.ts';

export interface Destination {
  readonly transport: string;
  readonly nexthop: string;
}

interface ClassifiedAddress {
  /** Internal form. */
  readonly recipient: string;
  readonly domain: string;
  readonly class: AddressClass;
  readonly sender: string;
}

/** Throws TemporaryError. */
export async function chooseTransport(
  decision: Decision,
  settings: RoutingSettings,
  address: ClassifiedAddress,
): Promise<Destination> {
  let destination = await classDestination(decision, settings, address);
  if (address.class !== 'virtual-alias' && !settings.transports.isEmpty) {
    const found = await findTransport(decision, settings, address);
    if (found !== undefined) destination = applyTransport(found.value, address.domain, destination);
  }
  if (!settings.relocated.isEmpty) {
    const moved = await findAddress(searchFor(decision, settings, 'relocated'), settings.relocated, address.recipient);
    if (moved) destination = { transport: 'error', nexthop: `5.1.6 User has moved to ${moved.found.value}` };
  }
  return destination;
}

async function classDestination(
  decision: Decision,
  settings: RoutingSettings,
  address: ClassifiedAddress,
): Promise<Destination> {
  const { domain } = address;
  switch (address.class) {
    case 'local':
      return splitTransport(settings.localTransport, domain);
    case 'virtual-alias': {
      const table = settings.showTableName ? ' in virtual alias table' : '';
      return { transport: 'error', nexthop: `5.1.1 User unknown${table}` };
    }
    case 'virtual-mailbox':
      return splitTransport(settings.virtualTransport, domain);
    case 'relay':
      return splitTransport(settings.relayTransport, await relayHop(decision, settings, address));
    case 'default': {
      const own = await bySender(decision, settings, address, 'default_transport');
      return splitTransport(own ?? settings.defaultTransport, await relayHop(decision, settings, address));
    }
  }
}

/** `transport[:nexthop]` of main.cf: a next hop of its own wins over the class's. */
function splitTransport(text: string, nexthop: string): Destination {
  const colon = text.indexOf(':');
  if (colon === -1) return { transport: text, nexthop };
  const own = text.slice(colon + 1);
  return { transport: text.slice(0, colon), nexthop: own === '' ? nexthop : own };
}

async function relayHop(decision: Decision, settings: RoutingSettings, address: ClassifiedAddress): Promise<string> {
  const bySenderHop = await bySender(decision, settings, address, 'relayhost');
  return bySenderHop ?? (settings.relayhost === '' ? address.domain : settings.relayhost);
}

/** What the sender's own entry says; `DUNNO` ends the search with nothing. */
async function bySender(
  decision: Decision,
  settings: RoutingSettings,
  { sender }: ClassifiedAddress,
  what: 'relayhost' | 'default_transport',
): Promise<string | undefined> {
  const maps = what === 'relayhost' ? settings.senderRelayhosts : settings.senderDefaultTransports;
  if (maps.isEmpty) return undefined;
  const nullKey = what === 'relayhost' ? settings.nullRelayhostKey : settings.nullTransportKey;
  const search = searchFor(decision, settings, 'sender-transport');
  const value =
    sender === ''
      ? (await maps.find(decision, search.stage, nullKey, 'full'))?.value
      : (await findAddress(search, maps, sender))?.found.value;
  return value === undefined || value.toUpperCase() === 'DUNNO' ? undefined : value;
}

/** Keys: `user+ext@dom`, `user@dom`, `dom`, its parents, and `*`, which is asked in pattern tables too. */
async function findTransport(
  decision: Decision,
  settings: RoutingSettings,
  { recipient, domain }: ClassifiedAddress,
): Promise<Found | undefined> {
  const { transports: maps } = settings;
  const stage = 'transport';
  const external = toExternal(recipient);
  const whole =
    (await maps.find(decision, stage, external, 'full')) ??
    (external === recipient ? undefined : await maps.find(decision, stage, recipient, 'full'));
  if (whole !== undefined) return whole;
  const split = splitExtension(recipient, settings.extensions);
  if (split !== undefined) {
    const bare = toExternal(split.bare);
    const found =
      (await maps.find(decision, stage, bare, 'partial')) ??
      (bare === split.bare ? undefined : await maps.find(decision, stage, split.bare, 'partial'));
    if (found !== undefined) return found;
  }
  for (const key of [domain, ...parentKeys(domain, settings.transportParentsMatch)]) {
    const found = await maps.find(decision, stage, key, 'partial');
    if (found !== undefined) return found;
  }
  return await maps.find(decision, stage, '*', 'full');
}

/**
 * `:` changes nothing, `:N` the next hop, `T:` the transport, with the recipient's domain as next hop (this forgets
 * relayhost), `T:N` both. For error and retry the next hop is the reason.
 */
function applyTransport(value: string, domain: string, destination: Destination): Destination {
  const colon = value.indexOf(':');
  const transport = colon === -1 ? value : value.slice(0, colon);
  const nexthop = colon === -1 ? '' : value.slice(colon + 1);
  if (transport === '') return nexthop === '' ? destination : { transport: destination.transport, nexthop };
  if (nexthop !== '') return { transport, nexthop };
  const isReason = transport === 'error' || transport === 'retry';
  return { transport, nexthop: isReason ? 'Address is undeliverable' : domain };
}
