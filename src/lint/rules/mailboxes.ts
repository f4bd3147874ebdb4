// Rules about virtual mailboxes (virtual(8)): where they are, whose they are, in which format.

import { addressMaps, keyAddress } from '../address-search.ts';
import type { LintContext } from '../context.ts';
import type { Row } from '../rows.ts';
import type { Hit, Place, Rule } from '../rule.ts';
import { cut, some } from '../show.ts';
import { usesVirtual, virtualDelivery } from '../transports-used.ts';

export const mailboxRules: readonly Rule[] = [
  {
    id: 'mailbox-base',
    severity: 'error',
    title: 'virtual_mailbox_base is empty or no absolute path, and virtual(8) delivers.',
    consequence: 'virtual(8) does not start; the mail of all mailboxes is deferred.',
    mend: 'Set it to the folder above all mailboxes, as /var/mail/vhosts.',
    *check(context) {
      const base = context.text('virtual_mailbox_base');
      if (!usesVirtual(context) || base.startsWith('/')) return;
      yield { place: context.placeOf('virtual_mailbox_base'), text: `virtual_mailbox_base = ${base || '(empty)'}` };
    },
  },
  {
    id: 'mailbox-base-is-root',
    severity: 'warning',
    title: 'virtual_mailbox_base is /.',
    consequence: 'A mistake in a table writes mail anywhere in the file system: the base is the only jail there is.',
    mend: 'Set it to the folder above all mailboxes and shorten the paths in the table.',
    *check(context) {
      if (usesVirtual(context) && /^\/+$/.test(context.text('virtual_mailbox_base'))) {
        yield { place: context.placeOf('virtual_mailbox_base'), text: 'virtual_mailbox_base = /' };
      }
    },
  },
  {
    id: 'mailbox-path-escapes',
    severity: 'error',
    title: 'A mailbox’s path leads out of virtual_mailbox_base.',
    consequence: 'virtual(8) follows `..` and writes outside of the folder that was meant to hold all mail.',
    mend: 'Write a path below the base.',
    *check(context) {
      for (const row of mailboxRows(context)) {
        if (row.value.split('/').includes('..')) yield { place: row, text: `${row.key} ${cut(row.value)}` };
      }
    },
  },
  {
    id: 'mailbox-path-repeats-base',
    severity: 'warning',
    title: 'A mailbox’s path contains virtual_mailbox_base, which is put before it anyway.',
    consequence: 'The mail lands in BASE/BASE/…, where no IMAP server looks.',
    mend: 'Write the path relative to virtual_mailbox_base.',
    *check(context) {
      const base = context.text('virtual_mailbox_base').replace(/\/+$/, '');
      if (base === '') return;
      for (const row of mailboxRows(context)) {
        if (row.value.startsWith(`${base}/`)) yield { place: row, text: `${row.key} ${cut(row.value)}` };
      }
    },
  },
  {
    id: 'mailbox-formats-mixed',
    severity: 'hint',
    title: 'Some mailboxes end in / (Maildir), others do not (mbox).',
    consequence: 'An mbox file appears where the IMAP server expects a Maildir: the mail is there and nobody sees it.',
    mend: 'End every path in /.',
    check: mixedFormats,
  },
  {
    id: 'uid-too-low',
    severity: 'error',
    title: 'A mailbox’s owner is below virtual_minimum_uid, or its group is 0.',
    consequence: 'virtual(8) defers all its mail: 4.3.5 mail system configuration error.',
    mend: 'Use the mail user’s id, or lower virtual_minimum_uid.',
    *check(context) {
      if (!usesVirtual(context)) return;
      const least = context.number('virtual_minimum_uid') ?? 100;
      for (const { id, place, from } of ids(context, 'virtual_uid_maps')) {
        if (id < least) yield { place, text: `${from}: uid ${id} is below virtual_minimum_uid = ${least}` };
      }
      for (const { id, place, from } of ids(context, 'virtual_gid_maps')) {
        if (id <= 0) yield { place, text: `${from}: gid ${id}` };
      }
    },
  },
  {
    id: 'uid-missing',
    severity: 'error',
    title: 'virtual(8) delivers, and virtual_uid_maps or virtual_gid_maps is empty.',
    consequence: 'Nobody owns the mailboxes: all their mail is deferred.',
    mend: 'Set both, as static:5000.',
    *check(context) {
      if (!usesVirtual(context)) return;
      for (const name of ['virtual_uid_maps', 'virtual_gid_maps']) {
        if (context.text(name) === '')
          yield { place: context.placeOf('virtual_mailbox_maps'), text: `${name} is empty` };
      }
    },
  },
  {
    id: 'uid-unknown',
    severity: 'warning',
    title: 'The owner of the mailboxes is nobody’s id on this machine.',
    consequence:
      'Files belong to a bare number; the next account that is made may get that number, and with it the mail.',
    mend: 'Make the account (useradd -u ID) or name the id of the one that is there.',
    check: unknownIds,
  },
  {
    id: 'mailbox-wildcard',
    severity: 'hint',
    title: 'A wildcard in virtual_mailbox_maps: every address of the domain exists.',
    consequence: 'Spam to guessed names is accepted, and so are bounces of forged mail.',
    mend: 'List the addresses that are used.',
    *check(context) {
      const isOther = virtualDelivery(context) !== 'virtual';
      for (const row of addressMaps(context, 'virtual_mailbox_maps').all) {
        if (!/^@./.test(row.folded)) continue;
        if (!isOther) yield { place: row, text: `${row.key} ${cut(row.value)}` };
        else {
          yield {
            place: row,
            severity: 'warning',
            text: `${row.key} is accepted whole, and ${context.text('virtual_transport')} delivers`,
            consequence: 'Unless the mailbox store accepts every address too, mail is accepted and then bounced.',
            mend: 'List the addresses, or configure the store to take all of the domain.',
          };
        }
      }
    },
  },
  {
    id: 'mailbox-gets-nothing',
    severity: 'hint',
    title: 'A mailbox whose address is an alias that leads only elsewhere.',
    consequence: 'The mailbox receives nothing: aliases are asked first.',
    mend: 'Add the address itself to the alias’s targets to keep a copy, or remove the mailbox.',
    *check(context) {
      const aliases = addressMaps(context, 'virtual_alias_maps');
      for (const row of mailboxRows(context)) {
        const alias = aliases.rows.get(row.folded);
        if (alias === undefined || keyAddress(context, row.folded) === undefined) continue;
        if (!alias.value.toLowerCase().includes(row.folded)) {
          yield { place: row, text: `${row.key} is an alias to ${cut(alias.value)} (${alias.file}:${alias.line})` };
        }
      }
    },
  },
];

/** Only where virtual(8) reads the values: for others they mean nothing. */
function mailboxRows(context: LintContext): readonly Row[] {
  return usesVirtual(context) ? addressMaps(context, 'virtual_mailbox_maps').all : [];
}

function* mixedFormats(context: LintContext): Generator<Hit> {
  const rows = mailboxRows(context);
  const files = rows.filter((row) => !row.value.endsWith('/'));
  const folders = rows.length - files.length;
  const first = files[0];
  if (first === undefined || folders === 0) return;
  const few = files.length * 3 <= folders;
  yield {
    place: first,
    text: `${some(files.map(({ key }) => key))}: mbox; ${folders} others are Maildirs`,
    ...(few ? { severity: 'warning' as const } : {}),
  };
}

function* ids(context: LintContext, parameter: string): Generator<{ id: number; place: Place; from: string }> {
  for (const use of context.tablesOf(parameter)) {
    const contents = context.contents(use);
    const values =
      contents.kind === 'static'
        ? [{ value: contents.value, place: use.place, from: use.text }]
        : contents.kind === 'rows'
          ? contents.rows.map((row) => ({ value: row.value, place: row, from: row.key }))
          : [];
    for (const { value, place, from } of values) {
      if (/^\d{1,10}$/.test(value)) yield { id: Number(value), place, from };
    }
  }
}

function* unknownIds(context: LintContext): Generator<Hit> {
  if (!usesVirtual(context) || context.files.root === undefined) return;
  for (const [parameter, path] of [
    ['virtual_uid_maps', '/etc/passwd'],
    ['virtual_gid_maps', '/etc/group'],
  ] as const) {
    const accounts = context.files.read(path);
    if (accounts.kind === 'failed') continue;
    const known = new Set(accounts.text.split('\n').map((line) => line.split(':')[2]));
    for (const { id, place, from } of ids(context, parameter)) {
      if (!known.has(String(id))) yield { place, text: `${from}: ${id} is not in ${path}` };
    }
  }
}
