// Rules about a configuration that this program is to run: what it would not do. Silent for a Postfix folder, unless
// the asker wants to know what would become of it here.

import { tableParameters } from '../../directory/table-parameters.ts';
import type { LintContext } from '../context.ts';
import type { Hit, Rule } from '../rule.ts';
import { fromSettings } from './main-cf.ts';
import { splitTransport } from '../transports-used.ts';

const splitTables = [
  ['transport_maps', 'transports'],
  ['virtual_mailbox_maps', 'mailboxes'],
] as const;

export const hereRules: readonly Rule[] = [
  {
    id: 'directory-no-postmaster',
    severity: 'warning',
    title: 'A domain of the directory refuses mail to its postmaster (RFC 5321 §4.5.1).',
    consequence: '550 User unknown for postmaster@: others report the domain and refuse its mail.',
    mend: 'posthaste alias add postmaster@DOMAIN TARGET',
    check: (context) => fromDirectory(context, 'no-postmaster'),
  },
  {
    id: 'directory-dangling-target',
    severity: 'warning',
    title: 'An alias of the directory leads to an address of ours that does not exist.',
    consequence: 'Mail is accepted for the alias and bounced afterwards: User unknown.',
    mend: 'posthaste alias set ALIAS TARGET…',
    check: (context) => fromDirectory(context, 'dangling-target'),
  },
  {
    id: 'directory-dangling-member',
    severity: 'warning',
    title: 'A mailing list of the directory has a member or owner at an address of ours that does not exist.',
    consequence: 'Every mail of the list makes a bounce to its owners; one for an owner is lost.',
    mend: 'posthaste list members remove LIST MEMBER, or: posthaste list set LIST --owner ADDRESS',
    check: (context) => fromDirectory(context, 'dangling-member'),
  },
  {
    id: 'directory-dangling-forward',
    severity: 'warning',
    title: 'A mailbox of the directory is forwarded to an address of ours that does not exist or is switched off.',
    consequence: 'Mail for it is accepted and bounced afterwards; where no copy stays, its owner gets none.',
    mend: 'posthaste mailbox set MAILBOX --forward ADDRESS, or --no-forward',
    check: (context) => fromDirectory(context, 'dangling-forward'),
  },
  {
    id: 'directory-over-limit',
    severity: 'warning',
    title: 'A domain of the directory holds more than its limits allow.',
    consequence: 'Nothing is taken away, and no more mailboxes, aliases or quota are given there.',
    mend: 'posthaste domain set DOMAIN with a larger limit, or remove what is too much.',
    check: (context) => fromDirectory(context, 'over-limit'),
  },
  {
    id: 'directory-expired-password',
    severity: 'warning',
    title: 'The password of a mailbox of the directory has expired.',
    consequence: 'Its owner can neither read nor send mail with it; app passwords go on.',
    mend: 'posthaste mailbox set MAILBOX --password, or --password-expires never',
    check: (context) => fromDirectory(context, 'expired-password'),
  },
  {
    id: 'directory-split-not-served',
    severity: 'error',
    title:
      'A domain of the directory is split over two hosts, and transport_maps or virtual_mailbox_maps does not ask it.',
    consequence: 'Mail for its users on the other host is refused, or taken and delivered here, where nobody reads it.',
    mend: 'transport_maps = directory:transports and virtual_mailbox_maps = directory:mailboxes, before other tables.',
    *check(context) {
      const [first] = context.directorySplitDomains;
      if (first === undefined) return;
      for (const [name, table] of splitTables) {
        const value = context.text(name);
        if (new RegExp(`\\bdirectory:${table}\\b`).test(value)) continue;
        yield { place: context.placeOf(name), text: `${name} = ${value || '(empty)'}, and ${first} is split` };
      }
    },
  },
  {
    id: 'directory-lists-not-served',
    severity: 'error',
    title: 'The directory has mailing lists, and transport_maps does not ask it for their transport.',
    consequence: 'Mail for a list goes to virtual_transport, which knows no such mailbox: it bounces.',
    mend: 'Add directory:transports to transport_maps, before tables that match whole domains.',
    *check(context) {
      if (!context.directoryHasLists || /\bdirectory:transports\b/.test(context.text('transport_maps'))) return;
      const value = context.text('transport_maps') || '(empty)';
      yield { place: context.placeOf('transport_maps'), text: `transport_maps = ${value}` };
    },
  },
  {
    id: 'directory-table-not-asked',
    severity: 'error',
    title: 'A table of the directory has rows, and no parameter names it.',
    consequence: 'Nobody asks for the rows: they have no effect.',
    mend: 'Add the line to main.cf.',
    *check(context) {
      for (const table of context.directoryTablesInUse) {
        const needed = Object.values(tableParameters).find((one) => one.table === table);
        const isAsked = context.tables.some((use) => `${use.type}:${use.name}` === table);
        if (needed === undefined || isAsked) continue;
        const { parameter, words } = needed;
        const value = context.text(parameter);
        const line = `${parameter} = ${value === '' ? words : `${words}, ${value}`}`;
        yield { place: context.placeOf(parameter), text: `${table} is not asked`, mend: `In main.cf: ${line}` };
      }
    },
  },
  {
    id: 'directory-transport-takes-mailboxes',
    severity: 'warning',
    title: 'A general transport of the directory (* or .parent) takes the mail of domains with mailboxes.',
    consequence: 'Mail for the mailboxes there leaves by that transport (transport(5) asks it last for every address).',
    mend: 'posthaste domain set DOMAIN --transport : (the usual way), or remove the general entry.',
    check: (context) => fromDirectory(context, 'transport-takes-mailboxes'),
  },
  {
    id: 'directory-transport-to-nobody',
    severity: 'warning',
    title: 'A transport of the directory is for an address of ours that nobody has.',
    consequence: 'The SMTP server refuses its mail before any transport is chosen: User unknown.',
    mend: 'posthaste mailbox add ADDRESS, or posthaste transport remove ADDRESS',
    check: (context) => fromDirectory(context, 'transport-to-nobody'),
  },
  {
    id: 'directory-dangling-bcc',
    severity: 'warning',
    title: 'Blind copies of the directory go to an address of ours that does not exist.',
    consequence: 'The copies are lost: nobody is told (a copy makes no bounce to the sender).',
    mend: 'posthaste bcc set --sender|--recipient PLACE ADDRESS',
    check: (context) => fromDirectory(context, 'dangling-bcc'),
  },
  {
    id: 'mailboxes-not-served',
    severity: 'warning',
    title: 'Mailboxes are delivered by virtual(8) or another agent instead of the mailstore.',
    consequence: 'The mail is written to files or handed on: IMAP of this program shows only what is in its mailstore.',
    mend: 'Set virtual_transport = mailstore, and import what is there.',
    *check(context) {
      if (!context.isOurs || context.text('virtual_mailbox_domains') === '') return;
      const { transport } = splitTransport(context.text('virtual_transport'));
      const command = context.transport(transport)?.command ?? transport;
      if (command === 'mailstore') return;
      yield {
        place: context.placeOf('virtual_transport'),
        text: `virtual_transport = ${context.text('virtual_transport')}`,
      };
    },
  },
  {
    id: 'not-supported-here',
    severity: 'hint',
    title: 'Something that Postfix does and this program does not, or does otherwise.',
    consequence: 'It has no effect here; docs/postfix-parity.md says more.',
    mend: 'Go on without it, or let Postfix do it.',
    check: notSupported,
  },
];

function* fromDirectory(context: LintContext, kind: string): Generator<Hit> {
  for (const finding of context.directoryFindings) {
    if (finding.kind === kind) yield { place: { file: 'directory', line: 0 }, text: finding.text };
  }
}

function* notSupported(context: LintContext): Generator<Hit> {
  if (!context.isOurs) return;
  yield* fromSettings(context, /not supported yet|has no meaning here|is not followed/);
}
