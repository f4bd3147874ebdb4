// What the proof of relay control found, for people.

import { cut } from '../show.ts';
import { heloNames } from './attempts.ts';
import { shortPath } from './path.ts';
import type { Leak, RelayProof } from './proof.ts';

/** `smtpd_relay_restrictions: permit permits; as MAIL FROM:<a@b> RCPT TO:<c@d>`. */
export function describeLeak({ attempt, conditions, path }: Leak): string {
  const { client, clientNote, sender, recipient } = attempt;
  const who = clientNote === '' ? '' : ` from ${clientNote}`;
  const helo = client.helo === undefined ? ' without HELO' : heloNames[0] === client.helo ? '' : ` HELO ${client.helo}`;
  const when = conditions.length === 0 ? '' : `, if ${conditions.map((one) => cut(one, 160)).join(' and ')}`;
  return `${cut(shortPath(path), 200)}: as${who}${helo} MAIL FROM:<${sender}> RCPT TO:<${recipient}>${when}`;
}

/** What a proof comes to, for people: one line for a closed service, the ways through for another. */
export function summary(proof: RelayProof): string[] {
  const { server, verdict, attempts, failure, isLocal } = proof;
  const name = server.service === undefined ? 'main.cf' : `service ${server.name}`;
  const local = isLocal ? ' (only this machine can connect)' : '';
  const heads = {
    closed: `${name}: no stranger can relay: ${attempts} kinds of attempts are refused${local}`,
    relays: `${name}: strangers can relay${local}`,
    undecided: `${name}: cannot tell${failure === undefined ? '' : `: ${failure}`}${local}`,
  };
  const ways = proof.leaks.flatMap((leak) => [`  ${describeLeak(leak)}`, ...leak.path.map((line) => `    ${line}`)]);
  return [heads[verdict], ...ways, ...proof.assumptions.map((one) => `  provided that ${one}`)];
}
