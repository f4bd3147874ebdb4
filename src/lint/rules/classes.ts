// Rules about domains and their address classes (ADDRESS_CLASS_README): each domain in exactly one list, each list in a
// form that can match.

import { isHostname } from '../../address/domain.ts';
import { addressMaps, findRow, isDestination, isPatternFor, domainOfKey } from '../address-search.ts';
import type { LintContext } from '../context.ts';
import { type ClassParameter, classParameters, type DomainList } from '../domain-lists.ts';
import type { Hit, Rule } from '../rule.ts';
import { some } from '../show.ts';
import { transportsUsed } from '../transports-used.ts';
import { isTransport } from './master-cf.ts';

export const classRules: readonly Rule[] = [
  {
    id: 'domain-in-two-classes',
    severity: 'error',
    title: 'A domain stands in two of mydestination, virtual_alias_domains, virtual_mailbox_domains, relay_domains.',
    consequence:
      'Only the first class counts, in this order, and Postfix warns at every lookup: users of the other one are unknown.',
    mend: 'Keep the domain in the list of the class that it should have.',
    check: domainsInTwoClasses,
  },
  {
    id: 'relay-domains-is-mydestination',
    severity: 'hint',
    title: 'relay_domains is set to $mydestination, the default of Postfix before 3.0.',
    consequence:
      'Mail for every subdomain of the local domains is relayed; local domains stand in two classes, of which the local one counts.',
    mend: 'Set relay_domains to the domains that are forwarded to another server, or to nothing.',
    *check(context) {
      if (context.settings.origin('relay_domains').kind !== 'file') return;
      if (/\$[{(]?mydestination\b/.test(context.settings.raw('relay_domains') ?? '')) {
        yield { place: context.placeOf('relay_domains'), text: 'relay_domains contains $mydestination' };
      }
    },
  },
  {
    id: 'local-class-is-virtual',
    severity: 'hint',
    title: 'The local class is delivered by virtual(8).',
    consequence:
      'Mail for UNIX accounts and for /etc/aliases (root, cron) is looked up in virtual_mailbox_maps and bounced; only safe where mydestination is localhost alone and nobody expects local mail.',
    mend: 'Leave local_transport as it is, and let virtual_transport deliver the mailboxes.',
    *check(context) {
      if (context.isSet('local_transport') && isTransport(context, 'local_transport', 'virtual')) {
        const domains = [...context.domainList('mydestination').domains.keys()];
        yield { place: context.placeOf('local_transport'), text: `mydestination holds ${some(domains)}` };
      }
    },
  },
  {
    id: 'domain-list-form',
    severity: 'error',
    title: 'An element of a domain list has a form that matches no domain.',
    consequence: 'Mail for the domain is refused (Relay access denied) or relayed elsewhere.',
    mend: 'Write the bare domain; subdomains each for themselves, or by a pcre: table.',
    check: domainListForms,
  },
  {
    id: 'hosted-domain-without-postmaster',
    severity: 'warning',
    title: 'A hosted domain refuses mail to its postmaster (RFC 5321 §4.5.1).',
    consequence: '550 User unknown for postmaster@: others report the domain and refuse its mail.',
    mend: 'Add a row postmaster@DOMAIN to the aliases or mailboxes.',
    check: missingPostmasters,
  },
  {
    id: 'aliases-of-unlisted-domain',
    severity: 'warning',
    title: 'There are aliases for a domain that no list makes ours.',
    consequence: 'Mail for it from outside is refused: Relay access denied; from inside it loops back.',
    mend: 'Add the domain to virtual_alias_domains (or virtual_mailbox_domains, where it has mailboxes).',
    check: unlistedAliasDomains,
  },
  {
    id: 'mailbox-of-unlisted-domain',
    severity: 'warning',
    title: 'There are mailboxes for a domain that is not in virtual_mailbox_domains.',
    consequence: 'Mail for them is refused, or goes where the domain’s class sends it: the rows are never asked.',
    mend: 'Add the domain to virtual_mailbox_domains.',
    check: unlistedMailboxDomains,
  },
  {
    id: 'relay-domain-takes-everyone',
    severity: 'hint',
    title: 'Relay domains without a list of their recipients.',
    consequence: 'Any local part is accepted; what the primary refuses is bounced to forged senders.',
    mend: 'Set relay_recipient_maps, or put reject_unverified_recipient into smtpd_recipient_restrictions.',
    *check(context) {
      const { domains, isOpen } = context.domainList('relay_domains');
      if (context.settings.origin('relay_domains').kind !== 'file' || (domains.size === 0 && !isOpen)) return;
      if (/^\$[{(]?mydestination[)}]?$/.test(context.settings.raw('relay_domains') ?? '')) return;
      const restrictions = `${context.text('smtpd_recipient_restrictions')} ${context.text('smtpd_relay_restrictions')}`;
      if (context.text('relay_recipient_maps') !== '' || restrictions.includes('reject_unverified_recipient')) return;
      yield { place: context.placeOf('relay_domains'), text: 'relay_recipient_maps is empty' };
    },
  },
  {
    id: 'autoreply-domain-is-local',
    severity: 'error',
    title: 'The domain of an autoreply transport stands in mydestination.',
    consequence:
      'The address `user@example.com@autoreply.host` is cut back to user@example.com and expanded again; the transport is never reached as meant.',
    mend: 'Take the domain out of mydestination.',
    *check(context) {
      for (const { transport, from, parameter, place } of transportsUsed(context)) {
        if (parameter !== 'transport_maps' || context.transport(transport)?.command !== 'pipe') continue;
        if (!isDestination(context, from.toLowerCase()) || !holdsAddresses(context, from.toLowerCase())) continue;
        yield { place, text: `${from} goes to ${transport}: and stands in mydestination` };
      }
    },
  },
];

function* domainsInTwoClasses(context: LintContext): Generator<Hit> {
  for (const [index, parameter] of classParameters.entries()) {
    for (const later of classParameters.slice(index + 1)) yield* overlaps(context, parameter, later);
  }
}

function* overlaps(context: LintContext, first: ClassParameter, second: ClassParameter): Generator<Hit> {
  // Postfix's own default until 3.0, and in wide use: see relay-domains-is-mydestination.
  if (second === 'relay_domains' && /\$[{(]?mydestination\b/.test(context.settings.raw(second) ?? '')) {
    if (first === 'mydestination') return;
  }
  const one = context.domainList(first);
  const other = context.domainList(second);
  const isOf = (place: { line: number }): boolean => place.line > 0;
  for (const { domain, place } of one.domains.values()) {
    const twin = other.domains.get(domain);
    if (twin === undefined) continue;
    const at = isOf(twin.place) ? twin.place : place;
    yield {
      place: at,
      text: `${domain} is in ${first} and in ${second}; it is taken as ${first}`,
      ...(second === 'relay_domains' ? { severity: 'warning' as const } : {}),
    };
  }
  for (const [table, place] of other.openTables) {
    if (one.openTables.has(table)) {
      yield { place, text: `${table} is in ${first} and in ${second}: all its domains are taken as ${first}` };
    }
  }
}

function* domainListForms(context: LintContext): Generator<Hit> {
  for (const parameter of classParameters) {
    for (const { domain, place } of context.domainList(parameter).domains.values()) {
      const problem = formProblem(context, parameter, domain);
      if (problem !== undefined) yield { place, text: `${parameter}: ${domain} ${problem}` };
    }
  }
}

function formProblem(context: LintContext, parameter: ClassParameter, domain: string): string | undefined {
  if (domain.includes('@')) return 'is an address or has an @, not a domain';
  if (domain.includes('*')) return 'has a *, which means nothing here';
  if (/[<>;=|"']/.test(domain)) return 'is no domain';
  if (!domain.startsWith('.')) return undefined;
  if (parameter !== 'relay_domains') return 'matches no subdomains: this list is searched for whole names';
  const hasParents = context.list('parent_domain_matches_subdomains').includes('relay_domains');
  return hasParents ? 'never matches while parent_domain_matches_subdomains lists relay_domains' : undefined;
}

function* missingPostmasters(context: LintContext): Generator<Hit> {
  const maps = addressMaps(context, 'virtual_alias_maps', 'virtual_mailbox_maps');
  if (maps.open.length > 0) return;
  for (const parameter of ['virtual_alias_domains', 'virtual_mailbox_domains'] as const) {
    if (parameter === 'virtual_mailbox_domains' && context.text('virtual_mailbox_maps') === '') continue;
    for (const { domain, place } of context.domainList(parameter).domains.values()) {
      if (context.directoryDomains !== undefined || isDestination(context, domain)) continue;
      const postmaster = `postmaster@${domain}`;
      if (findRow(context, maps, postmaster) === undefined && !isPatternFor(maps, postmaster)) {
        yield { place, text: `postmaster@${domain} is unknown` };
      }
    }
  }
}

/** Undefined where a list is open. */
function listedAnywhere(context: LintContext): ((domain: string) => boolean) | undefined {
  const lists: DomainList[] = [...context.domainLists.values()];
  if (lists.some(({ isOpen }) => isOpen)) return undefined;
  return (domain) => lists.some(({ domains }) => domains.has(domain));
}

function* unlistedAliasDomains(context: LintContext): Generator<Hit> {
  const isListed = listedAnywhere(context);
  if (isListed === undefined) return;
  const rowsOf = new Map<string, { count: number; isHosted: boolean; place: { file: string; line: number } }>();
  for (const row of addressMaps(context, 'virtual_alias_maps').all) {
    const domain = domainOfKey(row.folded);
    if (!row.folded.includes('@') || isListed(domain) || !isHostname(domain) || !domain.includes('.')) continue;
    const entry = rowsOf.get(domain) ?? { count: 0, isHosted: false, place: row };
    entry.count++;
    entry.isHosted ||= row.folded.startsWith('@') || row.folded.startsWith('postmaster@');
    rowsOf.set(domain, entry);
  }
  for (const [domain, { count, isHosted, place }] of rowsOf) {
    // One or two rows may well redirect addresses of a domain elsewhere, for the mail that goes through here.
    const severity = isHosted || count >= 3 ? {} : { severity: 'hint' as const };
    const missing = isRelayedByParent(context, domain) ? undefined : `${count} aliases, and no list has ${domain}`;
    if (missing !== undefined) yield { place, text: missing, ...severity };
  }
}

function* unlistedMailboxDomains(context: LintContext): Generator<Hit> {
  const list = context.domainList('virtual_mailbox_domains');
  if (list.isOpen) return;
  const told = new Set<string>();
  for (const row of addressMaps(context, 'virtual_mailbox_maps').all) {
    const domain = domainOfKey(row.folded);
    if (!row.folded.includes('@') || list.domains.has(domain) || told.has(domain)) continue;
    // Where the local class is delivered from the same table, its addresses stand there too.
    if (isDestination(context, domain) && context.text('local_recipient_maps').includes(':')) {
      if (isTransport(context, 'local_transport', 'virtual')) continue;
    }
    told.add(domain);
    yield { place: row, text: `${row.key}: ${domain} is not in virtual_mailbox_domains` };
  }
}

function isRelayedByParent(context: LintContext, domain: string): boolean {
  const { domains } = context.domainList('relay_domains');
  return domain.split('.').some((_, index, labels) => domains.has(labels.slice(index).join('.')));
}

/** `user@example.com@domain`: only of these the local class takes the end off. */
function holdsAddresses(context: LintContext, domain: string): boolean {
  const rows = addressMaps(context, 'virtual_alias_maps').all;
  return rows.some((row) =>
    row.value
      .toLowerCase()
      .split(/[\s,]+/)
      .some((target) => target.endsWith(`@${domain}`) && target.slice(0, -domain.length - 1).includes('@')),
  );
}
