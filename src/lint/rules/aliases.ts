// Rules about virtual aliases (virtual(5)): what they swallow, where they go round in circles, what their values really
// mean.

import {
  addressMaps,
  type AddressMaps,
  domainOfKey,
  findRow,
  isDestination,
  isLocalDomain,
  isPatternFor,
  keyAddress,
  targetsOf,
  unprotectedMailboxes,
} from '../address-search.ts';
import { aliasLoops } from '../alias-loops.ts';
import type { LintContext } from '../context.ts';
import type { Row } from '../rows.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut, some } from '../show.ts';
import { queryLetters } from '../sql-source.ts';
import { sqlTypes } from '../table-uses.ts';
import { splitTransport, transportsUsed } from '../transports-used.ts';

export const aliasRules: readonly Rule[] = [
  {
    id: 'catch-all-swallows',
    severity: 'error',
    title: 'A catch-all in the aliases takes the mail of mailboxes.',
    consequence:
      'Aliases are asked before mailboxes: every mailbox without a row of its own loses its mail to the catch-all.',
    mend: 'Give each mailbox a row to itself (user@domain user@domain), or put the catch-all into virtual_mailbox_maps.',
    check: swallowingCatchAlls,
  },
  {
    id: 'catch-all',
    severity: 'hint',
    title: 'A catch-all alias.',
    consequence: 'It receives what spammers guess, and the bounces of mail that was forged in the domain’s name.',
    mend: 'List the addresses that are used.',
    *check(context) {
      for (const row of aliasRows(context)) {
        if (row.folded.startsWith('@') && !row.value.startsWith('@'))
          yield { place: row, text: `${row.key} ${cut(row.value)}` };
      }
    },
  },
  {
    id: 'catch-all-query',
    severity: 'warning',
    title: 'A catch-all query that asks only for the domain (%d).',
    consequence:
      'It answers for user+ext@domain and user@domain as well as for @domain, so it wins at the first key over the more specific rows of the tables behind it, and over user@domain for addresses with an extension.',
    mend: 'Ask with %s, so that the row @domain is found only by the key @domain; or put the table last.',
    check: catchAllQueries,
  },
  {
    id: 'alias-loop',
    severity: 'error',
    title: 'Aliases that lead round in a circle.',
    consequence: 'Every message to one of them is refused for ever with 451 4.6.0 Alias expansion error.',
    mend: 'Break the circle; to keep a copy, let an address lead to itself and to the others.',
    *check(context) {
      for (const { row, path, isLocal } of aliasLoops(context)) {
        yield {
          place: row,
          text: path.join(' → '),
          ...(isLocal ? { consequence: 'The mail is bounced: 5.4.6 mail forwarding loop.' } : {}),
        };
      }
    },
  },
  {
    id: 'domain-to-domain',
    severity: 'warning',
    title: 'A whole domain is redirected to another (@a → @b).',
    consequence:
      'Every local part is accepted, those that do not exist in the other domain too; they are bounced afterwards to senders who are mostly forged.',
    mend: 'Resolve the alias domain per address (one row each, or a query with %u and %d), or add reject_unverified_recipient.',
    *check(context) {
      const restrictions = `${context.text('smtpd_recipient_restrictions')} ${context.text('smtpd_relay_restrictions')}`;
      if (/reject_unverified_recipient/.test(restrictions)) return;
      for (const row of aliasRows(context)) {
        if (/^@.+/.test(row.folded) && /^@[^,\s]+$/.test(row.value))
          yield { place: row, text: `${row.key} ${row.value}` };
      }
    },
  },
  {
    id: 'domain-target-in-list',
    severity: 'error',
    title: 'A target @domain among several.',
    consequence:
      'Only a value that is nothing but @domain keeps the localpart: here it becomes one address that nobody has, and the mail bounces.',
    mend: 'Give @domain alone, or write whole addresses.',
    *check(context) {
      for (const row of aliasRows(context)) {
        const words = row.value.split(/[\s,]+/).filter((word) => word !== '');
        if (words.length > 1 && words.some((word) => word.startsWith('@'))) {
          yield { place: row, text: `${row.key} ${cut(row.value)}` };
        }
      }
    },
  },
  {
    id: 'unqualified-target',
    severity: 'warning',
    title: 'A target without a domain, and $myorigin is not one of our local domains.',
    consequence: 'It is completed with @$myorigin, so that the mail goes to another domain’s user of that name.',
    mend: 'Write the whole address, or list $myorigin in mydestination.',
    check: unqualifiedTargets,
  },
  {
    id: 'alias-is-no-address',
    severity: 'error',
    title: 'An alias leads to a command, a file or a transport; virtual aliases know only addresses.',
    consequence: 'It is taken for the address of a local user of that name: User unknown.',
    mend: 'Lead it to a local user whose entry in alias_maps has the command or file, or use transport_maps.',
    *check(context) {
      const transports = new Set(context.services.filter(({ type }) => type === 'unix').map(({ name }) => name));
      for (const row of aliasRows(context)) {
        const { transport, nexthop } = splitTransport(row.value);
        const isTransport = transports.has(transport) && (/^(\[|unix:|inet:)|:\d+$/.test(nexthop) || nexthop === '');
        if (/^"?\||^"?\/|:include:/.test(row.value) || (isTransport && row.value.includes(':'))) {
          yield { place: row, text: `${row.key} ${cut(row.value)}` };
        }
      }
    },
  },
  {
    id: 'identity-in-alias-domain',
    severity: 'warning',
    title: 'An address of a virtual alias domain leads to itself.',
    consequence:
      'It is accepted and then bounced: User unknown in virtual alias table. Alias domains have no mailboxes.',
    mend: 'Lead it to an address of another domain, or make the domain a virtual mailbox domain.',
    *check(context) {
      const { domains } = context.domainList('virtual_alias_domains');
      for (const row of aliasRows(context)) {
        const address = keyAddress(context, row.folded);
        if (address === undefined || !domains.has(domainOfKey(address)) || !row.folded.includes('@')) continue;
        if (isDestination(context, domainOfKey(address))) continue;
        if (targetsOf(context, row, address).includes(address))
          yield { place: row, text: `${row.key} ${cut(row.value)}` };
      }
    },
  },
  {
    id: 'dangling-target',
    severity: 'warning',
    title: 'An alias leads to an address in one of our domains that does not exist.',
    consequence: 'Mail is accepted for the alias and bounced afterwards: User unknown.',
    mend: 'Add the mailbox, or correct the target.',
    check: danglingTargets,
  },
  {
    id: 'static-aliases',
    severity: 'error',
    title: 'static: among the aliases.',
    consequence:
      'It answers for every address, for those it gives itself too: all mail goes there, or none is accepted.',
    mend: 'Use a table with the keys that are meant.',
    *check(context) {
      for (const use of context.tablesOf('virtual_alias_maps', 'canonical_maps', 'recipient_canonical_maps')) {
        if (use.type === 'static') yield { place: use.place, text: `${use.parameter} has ${use.text}` };
      }
    },
  },
  {
    id: 'autoreply-without-protection',
    severity: 'hint',
    title: 'Mail is copied to an automatic reply whose command nobody protects against loops.',
    consequence:
      'Unless the command itself leaves out lists, bounces and Auto-Submitted mail and answers a sender once only (RFC 3834), two such addresses answer each other for ever.',
    mend: 'Use a vacation program that keeps to RFC 3834, or Sieve’s vacation.',
    check: unprotectedAutoreplies,
  },
];

function aliasRows(context: LintContext): readonly Row[] {
  return addressMaps(context, 'virtual_alias_maps').all;
}

function* swallowingCatchAlls(context: LintContext): Generator<Hit> {
  const aliases = addressMaps(context, 'virtual_alias_maps');
  const mailboxes = addressMaps(context, 'virtual_mailbox_maps');
  const { domains, isOpen } = context.domainList('virtual_mailbox_domains');
  for (const row of aliases.rows.values()) {
    if (!/^@./.test(row.folded)) continue;
    const domain = row.folded.slice(1);
    if (!domains.has(domain)) {
      // Which mailboxes there are is only known to the tables; identity rows may be too.
      const isUntold = hasUntoldRows(mailboxes) && aliases.open.length === 0;
      if (!isOpen || !isUntold || isDestination(context, domain)) continue;
      if (context.domainList('virtual_alias_domains').domains.has(domain)) continue;
      yield { place: row, severity: 'warning', text: `${row.key} ${cut(row.value)}: mailboxes need rows of their own` };
      continue;
    }
    const swallowed = unprotectedMailboxes(context).get(domain) ?? [];
    const isMailboxOpen = hasUntoldRows(mailboxes) && aliases.open.length === 0;
    if (swallowed.length > 0 && aliases.open.length === 0) {
      yield {
        place: row,
        text: `${row.key} ${cut(row.value)} takes the mail of ${some(swallowed.map(({ key }) => key))}`,
      };
    } else if (isMailboxOpen) {
      yield { place: row, severity: 'warning', text: `${row.key} ${cut(row.value)}: mailboxes need rows of their own` };
    }
  }
}

function hasUntoldRows({ open, patterns }: AddressMaps): boolean {
  return open.length + patterns.length > 0;
}

const addressParameters = [
  'virtual_alias_maps',
  'virtual_mailbox_maps',
  'canonical_maps',
  'recipient_canonical_maps',
  'sender_canonical_maps',
  'smtpd_sender_login_maps',
  'local_recipient_maps',
  'relay_recipient_maps',
];

function* catchAllQueries(context: LintContext): Generator<Hit> {
  const hasExtensions = context.text('recipient_delimiter') !== '';
  for (const parameter of addressParameters) {
    const uses = context.tablesOf(parameter);
    for (const [index, use] of uses.entries()) {
      const source = sqlTypes.has(use.type) ? context.sqlSource(use) : undefined;
      if (source === undefined) continue;
      const letters = queryLetters(source.query);
      if (!(letters.has('d') || letters.has('D')) || ['s', 'S', 'u', 'U'].some((letter) => letters.has(letter)))
        continue;
      const isLast = index === uses.length - 1;
      if (isLast && uses.length > 1 && !hasExtensions) continue;
      yield {
        place: source.queryPlace,
        text: `${parameter}: ${cut(source.query, 90)}`,
        // Behind all others it goes before the bare address only for addresses with an extension.
        ...(isLast && uses.length > 1 ? { severity: 'hint' as const } : {}),
      };
    }
  }
}

function* unqualifiedTargets(context: LintContext): Generator<Hit> {
  const myorigin = context.text('myorigin').toLowerCase();
  const { domains, isOpen } = context.domainList('mydestination');
  if (isOpen || domains.has(myorigin) || myorigin === '') return;
  for (const row of aliasRows(context)) {
    // `domain anything` only lists the domain.
    if (!row.folded.includes('@') && row.folded.includes('.')) continue;
    const bare = row.value.split(/[\s,]+/).find((word) => /^[A-Za-z0-9][\w.+-]*$/.test(word));
    if (bare !== undefined) yield { place: row, text: `${row.key} leads to ${bare}@${myorigin}` };
  }
}

function* danglingTargets(context: LintContext): Generator<Hit> {
  const aliases = addressMaps(context, 'virtual_alias_maps');
  const mailboxes = addressMaps(context, 'virtual_mailbox_maps');
  if (aliases.open.length > 0 || mailboxes.open.length > 0) return;
  const mailboxDomains =
    context.text('virtual_mailbox_maps') === '' ? new Map() : context.domainList('virtual_mailbox_domains').domains;
  const aliasDomains = context.domainList('virtual_alias_domains').domains;
  for (const row of aliases.rows.values()) {
    const address = keyAddress(context, row.folded);
    if (address === undefined) continue;
    const unknown = targetsOf(context, row, address).filter((target) => {
      const domain = domainOfKey(target);
      if (isDestination(context, domain) || target.indexOf('@') !== target.lastIndexOf('@')) return false;
      if (mailboxDomains.has(domain)) {
        if (isPatternFor(mailboxes, target) || (target !== address && isPatternFor(aliases, target))) return false;
        const alias = target === address ? undefined : findRow(context, aliases, target);
        return alias === undefined && findRow(context, mailboxes, target) === undefined;
      }
      if (!aliasDomains.has(domain) || target === address || isPatternFor(aliases, target)) return false;
      return findRow(context, aliases, target) === undefined;
    });
    if (unknown.length > 0) yield { place: row, text: `${row.key} leads to ${some(unknown)}, which does not exist` };
  }
}

function* unprotectedAutoreplies(context: LintContext): Generator<Hit> {
  const piped = transportsUsed(context).filter(
    ({ transport, parameter }) => parameter === 'transport_maps' && context.transport(transport)?.command === 'pipe',
  );
  for (const { from, transport } of piped) {
    const domain = from.toLowerCase();
    const row = aliasRows(context).find((one) => {
      const address = keyAddress(context, one.folded);
      const targets = address === undefined ? [] : targetsOf(context, one, address);
      return targets.length > 1 && targets.some((target) => target.endsWith(`@${domain}`) && target !== address);
    });
    if (row === undefined || isLocalDomain(context, domain)) continue;
    const service = context.transport(transport);
    if (/vacation/.test(service?.args.join(' ') ?? '')) continue;
    yield { place: service ?? row, text: `${transport} answers for ${from}, to which ${row.key} is copied` };
  }
}
