// Rules about who may send what through this server (SMTPD_ACCESS_README, SASL_README): relay control, restrictions that
// never run, logins.

import type { LintContext } from '../context.ts';
import { splitList } from '../../lib/split-list.ts';
import type { Row } from '../rows.ts';
import type { Hit, Rule } from '../rule.ts';
import { isAccessAction, isRestriction, takesArgument } from '../../smtp/restriction-names.ts';
import { listNames, restrictionList, serverName, smtpServers } from '../restriction-lists.ts';
import { cut, some } from '../show.ts';
import { relayRules } from './relay.ts';
import { readable } from './tables.ts';

export const accessRules: readonly Rule[] = [
  ...relayRules,
  {
    id: 'restriction-unknown',
    severity: 'error',
    title: 'A word that is no restriction, or a restriction without its table.',
    consequence: 'The SMTP server answers 451 4.3.5 Server configuration error when it comes to it.',
    mend: 'Correct the name; tables are written type:name.',
    check: unknownRestrictions,
  },
  {
    id: 'restriction-dead',
    severity: 'warning',
    title: 'Restrictions behind one that always decides.',
    consequence: 'They are never asked.',
    mend: 'Put permit or reject last.',
    check: deadRestrictions,
  },
  {
    id: 'access-result-unknown',
    severity: 'warning',
    title: 'A result in an access table that is no action.',
    consequence: 'It is taken for the name of a restriction: 451 4.3.5 Server configuration error.',
    mend: 'Write OK, REJECT text, DUNNO or another action of access(5).',
    *check(context) {
      const classes = context.list('smtpd_restriction_classes');
      for (const { use, contents } of readable(context)) {
        if (!/^smtpd_\w+_restrictions$/.test(use.parameter) && !classes.includes(use.parameter)) continue;
        const rows = contents.kind === 'rows' ? contents.rows : contents.rules;
        for (const row of rows) {
          const word = (/^[^\s,]+/.exec(row.value)?.[0] ?? '').toLowerCase();
          if (isAccessAction(row.value) || isRestriction(word) || classes.includes(word)) continue;
          yield { place: row, text: `${use.text}: ${cut(row.value)}` };
        }
      }
    },
  },
  {
    id: 'authenticated-cannot-relay',
    severity: 'warning',
    title: 'Users can log in, and no restriction permits them to relay.',
    consequence: 'Users outside of mynetworks get 554 Relay access denied for every other domain.',
    mend: 'Add permit_sasl_authenticated before reject_unauth_destination.',
    check: loginsWithoutRelay,
  },
  {
    id: 'sender-login-tables',
    severity: 'warning',
    title: 'Several tables in smtpd_sender_login_maps.',
    consequence:
      'They are not united: the first that knows an address decides, so the owners in the later ones may not send as it.',
    mend: 'Make one table that gives all owners (a UNION query, or one row with all names).',
    check: severalLoginTables,
  },
  {
    id: 'sender-login-idle',
    severity: 'warning',
    title: 'Senders are to be checked against logins, and there are no logins or no table.',
    consequence:
      'Without smtpd_sasl_auth_enable the check is ignored with a warning; without smtpd_sender_login_maps it refuses every login’s mail.',
    mend: 'Set both, in the service that has logins, or remove the check.',
    check: idleLoginChecks,
  },
];

function* eachList(context: LintContext) {
  const told = new Set<string>();
  for (const server of smtpServers(context)) {
    for (const name of listNames) {
      const list = restrictionList(context, server, name);
      const key = `${list.place.file}:${list.place.line} ${list.parameter}`;
      if (told.has(key) || list.place.line === 0) continue;
      told.add(key);
      yield { list, server };
    }
  }
}

function* unknownRestrictions(context: LintContext): Generator<Hit> {
  for (const { list, server } of eachList(context)) {
    for (const { name, shown, argument } of list.entries) {
      if (takesArgument(name)) {
        const isTable = /^check_(?!policy_service)/.test(name);
        const hasArgument = isTable ? /^[a-z]\w*:./i.test(argument) : argument !== '';
        if (!hasArgument)
          yield { place: list.place, text: `${serverName(server)}${list.parameter}: ${cut(shown)}: no table` };
      } else if (!isRestriction(name)) {
        yield { place: list.place, text: `${serverName(server)}${list.parameter}: ${cut(shown)}` };
      }
    }
  }
}

function* deadRestrictions(context: LintContext): Generator<Hit> {
  for (const { list, server } of eachList(context)) {
    const end = list.entries.findIndex(
      ({ name, isWarning }) => ['permit', 'reject', 'defer'].includes(name) && !isWarning,
    );
    const dead = end === -1 ? [] : list.entries.slice(end + 1);
    if (dead.length === 0) continue;
    const after = list.entries[end]?.shown ?? '';
    const names = some(dead.map(({ shown }) => shown));
    yield { place: list.place, text: `${serverName(server)}${list.parameter}: ${cut(names, 90)} behind ${after}` };
  }
}

function* loginsWithoutRelay(context: LintContext): Generator<Hit> {
  // Nobody logs in where only this machine connects: content filters, watchdogs.
  const servers = smtpServers(context).filter(({ name }) => !/^(127\.[\d.]+|localhost|\[::1\]):/.test(name));
  const withLogins = servers.filter(({ settings }) => context.isYes('smtpd_sasl_auth_enable', settings));
  // A table of who may send as whom shows that logins are meant, wherever they are enabled.
  const meant = withLogins.length > 0 || context.text('smtpd_sender_login_maps') === '' ? withLogins : servers;
  const told = new Set<string>();
  for (const server of meant) {
    const lists = (['relay', 'recipient'] as const).map((name) => restrictionList(context, server, name));
    const deniers = lists.filter(({ entries }) => {
      const denied = entries.findIndex(({ name }) => /^(reject|defer)(_unauth_destination)?$/.test(name));
      return denied !== -1 && !entries.slice(0, denied).some(({ name }) => /^permit(_sasl_authenticated)?$/.test(name));
    });
    const denier = deniers[0];
    if (denier === undefined || told.has(`${denier.place.file}:${denier.place.line}`)) continue;
    told.add(`${denier.place.file}:${denier.place.line}`);
    yield { place: denier.place, text: `${serverName(server)}${denier.parameter} has no permit_sasl_authenticated` };
  }
}

function* severalLoginTables(context: LintContext): Generator<Hit> {
  const parameter = 'smtpd_sender_login_maps';
  const uses = context.tablesOf(parameter);
  if (uses.length < 2) return;
  const contents = uses.map((use) => context.contents(use));
  const known = contents.flatMap((one) => (one.kind === 'rows' ? [one] : []));
  const hidden = hiddenOwners(known.map(({ rows }) => rows));
  if (known.length === contents.length && hidden.length === 0) return;
  const what = hidden.length === 0 ? '' : `: ${some(hidden)}`;
  const tables = cut(some(uses.map(({ text }) => text)), 120);
  yield { place: context.placeOf(parameter), text: `${parameter} = ${tables}${what}` };
}

/** `info@example.com is not ann's (owners:1)`: each owner whom the row of an earlier table leaves out. */
function hiddenOwners(tables: readonly (readonly Row[])[]): string[] {
  const first = new Map<string, ReadonlySet<string>>();
  const hidden: string[] = [];
  for (const rows of tables) {
    const own = new Map<string, ReadonlySet<string>>();
    for (const { folded, value, file, line } of rows) {
      const owners = new Set(splitList(value.toLowerCase()));
      const before = first.get(folded);
      const left = before === undefined ? [] : [...owners].filter((owner) => !before.has(owner));
      const place = `${file.slice(file.lastIndexOf('/') + 1)}:${line}`;
      hidden.push(...left.map((owner) => `${folded} is not ${owner}’s (${place})`));
      // Of two rows for one key the first holds, which another rule tells.
      if (!own.has(folded)) own.set(folded, owners);
    }
    for (const [key, owners] of own) if (!first.has(key)) first.set(key, owners);
  }
  return hidden;
}

function* idleLoginChecks(context: LintContext): Generator<Hit> {
  for (const { list, server } of eachList(context)) {
    const check = list.entries.find(({ name }) => name.endsWith('_sender_login_mismatch'));
    if (check === undefined) continue;
    const hasLogins = smtpServers(context).some(
      ({ settings, service }) =>
        context.isYes('smtpd_sasl_auth_enable', settings) &&
        (list.place.file !== service?.file || service === server.service),
    );
    const hasTable = context.text('smtpd_sender_login_maps', server.settings) !== '';
    const without = [
      ...(hasLogins ? [] : ['smtpd_sasl_auth_enable']),
      ...(hasTable ? [] : ['smtpd_sender_login_maps']),
    ];
    if (without.length > 0) {
      yield { place: list.place, text: `${serverName(server)}${check.shown} without ${without.join(' and ')}` };
    }
  }
}
