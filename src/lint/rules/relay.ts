// Rules about relaying: what the proof of relay control (relay/proof.ts) found, and the least that Postfix asks for.

import type { LintContext } from '../context.ts';
import { shortPath } from '../relay/path.ts';
import { type Leak, relayProofs } from '../relay/proof.ts';
import { describeLeak } from '../relay/summary.ts';
import { restrictionList, type Server, serverName, smtpServers } from '../restriction-lists.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut } from '../show.ts';

export const relayRules: readonly Rule[] = [
  {
    id: 'open-relay',
    severity: 'error',
    title: 'Restrictions that let strangers relay.',
    consequence: 'Anyone sends mail to anyone through this server; it is used within hours and listed within days.',
    mend: 'Let smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination.',
    check: (context) => leaks(context, ({ conditions, attempt }) => conditions.length === 0 && !attempt.isNarrow),
  },
  {
    id: 'relay-undecided',
    severity: 'warning',
    title: 'A table, a policy service, a certificate or the DNS decides whether strangers can relay.',
    consequence:
      'One row or answer that permits mail for another domain makes an open relay, and no other list guards.',
    mend: 'Put the check behind reject_unauth_destination, or keep relay control in smtpd_relay_restrictions.',
    *check(context) {
      yield* leaks(context, ({ conditions }) => conditions.length > 0);
      for (const { server, failure, isLocal } of relayProofs(context)) {
        if (failure === undefined || isLocal) continue;
        const { place } = restrictionList(context, server, 'relay');
        yield { place, text: `${serverName(server)}the lists cannot be asked: ${cut(failure, 200)}` };
      }
    },
  },
  {
    id: 'relay-to-one-domain',
    severity: 'warning',
    title: 'A row of an access table lets strangers relay to a domain that is not listed as ours.',
    consequence:
      'Everybody can have mail sent to that domain through this server, to unknown users too, whose bounces come back here.',
    mend: 'List the domain in relay_domains, and its users in relay_recipient_maps.',
    check: (context) => leaks(context, ({ conditions, attempt }) => conditions.length === 0 && attempt.isNarrow),
  },
  {
    id: 'no-relay-control',
    severity: 'error',
    title: 'Neither relay nor recipient restrictions end the relaying of strangers.',
    consequence: 'Postfix’s SMTP server refuses to start with a fatal error.',
    mend: 'Let smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination.',
    check: missingControls,
  },
];

function* leaks(context: LintContext, isMeant: (leak: Leak) => boolean): Generator<Hit> {
  const told = new Set<string>();
  for (const proof of relayProofs(context)) {
    // With a service that does not start nobody relays.
    if (proof.isLocal || !startsAnyhow(context, proof.server)) continue;
    for (const leak of proof.leaks) {
      if (!isMeant(leak)) continue;
      const { place } = leak;
      const text = `${serverName(proof.server)}${describeLeak(leak)}`;
      const key = `${place.file}:${place.line} ${shortPath(leak.path)} ${leak.conditions.join()} ${leak.attempt.clientNote}`;
      if (told.has(key)) continue;
      told.add(key);
      yield { place, text };
    }
  }
}

const controls = [
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject',
  'defer',
  'defer_if_permit',
  'check_relay_domains',
];

/** Postfix's SMTP server insists on a word of relay control; behind `permit` it does not look for one here. */
function startsAnyhow(context: LintContext, server: Server): boolean {
  const names = (['relay', 'recipient'] as const).flatMap((name) => restrictionList(context, server, name).entries);
  return names.some(({ name }) => controls.includes(name) || name === 'permit');
}

function* missingControls(context: LintContext): Generator<Hit> {
  const told = new Set<string>();
  for (const server of smtpServers(context)) {
    if (startsAnyhow(context, server)) continue;
    const lists = (['relay', 'recipient'] as const).map((name) => restrictionList(context, server, name));
    const place = (lists.find(({ place: { line } }) => line > 0) ?? lists[0])?.place;
    if (place === undefined || told.has(`${place.file}:${place.line}`)) continue;
    told.add(`${place.file}:${place.line}`);
    yield { place, text: `${serverName(server)}smtpd_relay_restrictions and smtpd_recipient_restrictions` };
  }
}
