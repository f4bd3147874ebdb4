// Rules about transport_maps (transport(5)) and BCC tables: values that are read differently than meant, and routes to
// addresses that nobody has.

import { addressMaps, domainOfKey, findRow, isPatternFor } from '../address-search.ts';
import type { LintContext } from '../context.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut } from '../show.ts';
import { transportsUsed } from '../transports-used.ts';

export const transportRules: readonly Rule[] = [
  {
    id: 'transport-is-a-host',
    severity: 'error',
    title: 'A value of transport_maps is a host or domain instead of transport:nexthop.',
    consequence: 'It is read as the name of a transport, which does not exist: the mail is deferred, 4.3.0.',
    mend: 'Write smtp:[host] (this host) or smtp:domain (its MX).',
    *check(context) {
      for (const { transport, from, parameter, place } of transportsUsed(context)) {
        if (parameter === from || context.transport(transport) !== undefined) continue;
        if (/[.[\]@]/.test(transport)) yield { place, text: `${from} ${cut(transport)}` };
      }
    },
  },
  {
    id: 'transport-list',
    severity: 'error',
    title: 'Several transports in one value of transport_maps.',
    consequence: 'A row has one transport: the rest is taken for names of next hops, which the DNS does not have.',
    mend: 'Write one transport; several next hops as smtp:[a], [b] (Postfix 3.5 and later).',
    *check(context) {
      for (const { transport, nexthop, from, place } of transportsUsed(context)) {
        const hops = nexthop.split(/[\s,]+/).slice(1);
        const isSmtp = ['smtp', 'lmtp'].includes(context.transport(transport)?.command ?? transport);
        if (isSmtp && hops.some((hop) => /^[a-z][\w-]*:(\[|[a-z].*\.)/i.test(hop))) {
          yield { place, text: `${from} ${cut(`${transport}:${nexthop}`)}` };
        }
      }
    },
  },
  {
    id: 'transport-without-address',
    severity: 'warning',
    title: 'transport_maps routes an address that is neither an alias nor a mailbox.',
    consequence: 'The SMTP server refuses it before any transport is chosen: User unknown.',
    mend: 'Add a mailbox of that address (any value), or in an alias domain an alias to an address in the transport’s domain.',
    check: routesToNobody,
  },
  {
    id: 'bcc-several-addresses',
    severity: 'error',
    title: 'Several addresses in a BCC table or in always_bcc, which take one.',
    consequence: 'The text becomes one address that nobody has; the copies bounce.',
    mend: 'Lead to one alias, and let that have the addresses.',
    *check(context) {
      for (const use of context.tablesOf('sender_bcc_maps', 'recipient_bcc_maps')) {
        const contents = context.contents(use);
        for (const row of contents.kind === 'rows' ? contents.rows : []) {
          if (/\S[\s,]+\S/.test(row.value))
            yield { place: row, text: `${use.parameter}: ${row.key} ${cut(row.value)}` };
        }
      }
      if (/\S[\s,]+\S/.test(context.text('always_bcc'))) {
        yield { place: context.placeOf('always_bcc'), text: `always_bcc = ${cut(context.text('always_bcc'))}` };
      }
    },
  },
  {
    id: 'luser-relay-unreachable',
    severity: 'warning',
    title: 'luser_relay is set, and unknown local users are refused before local(8) sees them.',
    consequence: 'It never applies to mail from outside: 550 User unknown in local recipient table.',
    mend: 'Set `local_recipient_maps =` (nothing), and expect the spam of a catch-all.',
    *check(context) {
      if (context.text('luser_relay') === '' || context.text('local_recipient_maps') === '') return;
      const place = context.placeOf('luser_relay');
      yield { place, text: `luser_relay = ${context.settings.raw('luser_relay')}, local_recipient_maps is not empty` };
    },
  },
  {
    id: 'luser-relay-is-local',
    severity: 'warning',
    title: 'luser_relay as a catch-all where domains are virtual.',
    consequence:
      'It is local(8)’s: only domains in mydestination have it, unknown users of virtual domains are refused as ever.',
    mend: 'Add a row @domain to virtual_alias_maps for a domain that shall have a catch-all.',
    *check(context) {
      const hasVirtual = ['virtual_alias_domains', 'virtual_mailbox_domains'].some((name) => context.isSet(name));
      if (context.text('luser_relay') === '' || !hasVirtual) return;
      yield { place: context.placeOf('luser_relay'), text: `luser_relay = ${context.settings.raw('luser_relay')}` };
    },
  },
];

function* routesToNobody(context: LintContext): Generator<Hit> {
  const aliases = addressMaps(context, 'virtual_alias_maps');
  const mailboxes = addressMaps(context, 'virtual_mailbox_maps');
  if (aliases.open.length > 0 || mailboxes.open.length > 0) return;
  const hosted = new Set([
    ...context.domainList('virtual_alias_domains').domains.keys(),
    ...(context.text('virtual_mailbox_maps') === ''
      ? []
      : context.domainList('virtual_mailbox_domains').domains.keys()),
  ]);
  for (const { from, parameter, transport, place } of transportsUsed(context)) {
    const address = from.toLowerCase();
    if (parameter !== 'transport_maps' || !/^[^@]+@[^@]+$/.test(address)) continue;
    if (!hosted.has(domainOfKey(address)) || ['error', 'retry', 'discard'].includes(transport)) continue;
    const row = findRow(context, aliases, address) ?? findRow(context, mailboxes, address);
    if (row === undefined && !isPatternFor(aliases, address) && !isPatternFor(mailboxes, address))
      yield { place, text: `${from} ${transport}:` };
  }
}
