// Which transports a configuration sends mail by, and where it says so: main.cf's transport parameters, the rows of
// transport_maps and its kin, content filters.

import type { LintContext } from './context.ts';
import type { Place } from './rule.ts';

export interface TransportUse {
  /** The service's name. */
  readonly transport: string;
  readonly nexthop: string;
  /** `virtual_transport`, or the row's key. */
  readonly from: string;
  /** The parameter that names it or its table. */
  readonly parameter: string;
  readonly place: Place;
}

const transportParameters = [
  'local_transport',
  'virtual_transport',
  'relay_transport',
  'default_transport',
  'mailbox_transport',
  'fallback_transport',
  'best_mx_transport',
  'content_filter',
];

const tableParameters = [
  'transport_maps',
  'sender_dependent_default_transport_maps',
  'mailbox_transport_maps',
  'fallback_transport_maps',
];

export function transportsUsed(context: LintContext): readonly TransportUse[] {
  return context.remember('transports used', () => readTransports(context));
}

function readTransports(context: LintContext): TransportUse[] {
  const uses: TransportUse[] = [];
  for (const parameter of transportParameters) {
    if (context.isSet(parameter)) add(uses, context.text(parameter), parameter, parameter, context.placeOf(parameter));
  }
  for (const service of context.services) {
    for (const parameter of transportParameters) {
      const value = service.overrides[parameter];
      if (value !== undefined) add(uses, context.text(parameter, service.settings), parameter, parameter, service);
    }
  }
  for (const use of context.tablesOf(...tableParameters)) {
    const contents = context.contents(use);
    const rows = contents.kind === 'rows' ? contents.rows : [];
    for (const row of rows) add(uses, row.value, row.key, use.parameter, row);
    const rules = contents.kind === 'patterns' ? contents.rules : [];
    for (const rule of rules) add(uses, rule.value, rule.pattern, use.parameter, rule);
  }
  return uses;
}

function add(uses: TransportUse[], value: string, from: string, parameter: string, place: Place): void {
  const { transport, nexthop } = splitTransport(value);
  if (transport !== '' && !/^DUNNO$/i.test(value)) uses.push({ transport, nexthop, from, parameter, place });
}

/** `lmtp:unix:x` -> lmtp, unix:x; a value without a colon is a transport's name. */
export function splitTransport(value: string): { readonly transport: string; readonly nexthop: string } {
  const colon = value.indexOf(':');
  if (colon === -1) return { transport: value.trim(), nexthop: '' };
  return { transport: value.slice(0, colon).trim(), nexthop: value.slice(colon + 1).trim() };
}

/** The command that delivers the mailboxes of virtual_mailbox_domains: `virtual`, `lmtp`, `pipe`; '' if none is there. */
export function virtualDelivery(context: LintContext): string {
  const { transport } = splitTransport(context.text('virtual_transport'));
  return context.transport(transport)?.command ?? (transport === 'virtual' ? 'virtual' : '');
}

/** virtual(8) delivers mailboxes, so that its parameters matter. */
export function usesVirtual(context: LintContext): boolean {
  const hasMailboxes = context.text('virtual_mailbox_domains') !== '' && context.text('virtual_mailbox_maps') !== '';
  return (
    hasMailboxes && virtualDelivery(context) === 'virtual' && !/directory:/.test(context.text('virtual_mailbox_maps'))
  );
}
