// Whom the mail of a fault run goes to: one recipient to several of all kinds in a message, and for each the ends that
// its mail must reach. Recipients outside of the server and those that bounce are new for each message; the domains say
// which delivery agent has them (services.ts).

import type { Random } from '../harness/random.ts';
import { type End, type EndKind, inMailbox, noticeAddress } from './ledger.ts';

export const domain = 'fault.test';
export const localDomain = 'local.test';
export const maildirDomain = 'maildir.test';
export const pipeDomain = 'pipe.test';
export const smtpDomain = 'smtp.test';
export const lmtpDomain = 'lmtp.test';
export const errorDomain = 'error.test';

export const mailboxes = Array.from({ length: 6 }, (_, index) => `box${index}@${domain}`);
/** Those that send; notices come to them. */
export const senders = Array.from({ length: 3 }, (_, index) => `sender${index}@${domain}`);
/** Reached by lists only. */
export const listedMailboxes = [`listed0@${domain}`, `listed2@${domain}`];
/** Alias address → the mailbox that it leads to. */
export const aliases: Readonly<Record<string, string>> = {
  [`alias0@${domain}`]: `box0@${domain}`,
  [`alias1@${domain}`]: `box1@${domain}`,
};
const maildirs = Array.from({ length: 4 }, (_, index) => `dir${index}@${maildirDomain}`);
const listedMaildirs = [`listed1@${maildirDomain}`, `listed3@${maildirDomain}`];

/** Entries of /etc/aliases, and where their mail ends. */
export const lists: Readonly<Record<string, readonly End[]>> = {
  list0: [later('mailbox', `listed0@${domain}`), later('smtp', `smtp.take.list0@${smtpDomain}`)],
  list1: [later('maildir', `listed1@${maildirDomain}`), later('lmtp', `lmtp.take.list1@${lmtpDomain}`)],
  list2: [later('mailbox', `listed2@${domain}`), later('notice', `error.list2@${errorDomain}`)],
  list3: [later('maildir', `listed3@${maildirDomain}`), later('pipe', `pipe.take.list3@${pipeDomain}`)],
};

/** Every Maildir's address: a new one in each round, so that folders are made under fire too. */
export function maildirAddresses(rounds: number): string[] {
  return [...maildirs, ...listedMaildirs, ...Array.from({ length: rounds + 1 }, (_, round) => freshMaildir(round))];
}

function freshMaildir(round: number): string {
  return `new${round}@${maildirDomain}`;
}

function later(kind: EndKind, address: string): End {
  return { kind, address, isPrompt: false };
}

export interface Picked {
  readonly recipients: readonly string[];
  readonly ends: readonly End[];
}

type Pick = (random: Random, id: string, round: number) => Picked;

const one = (recipient: string, kind: EndKind): Picked => ({ recipients: [recipient], ends: [later(kind, recipient)] });
const prompt = (recipient: string, mailbox: string): Picked => ({
  recipients: [recipient],
  ends: [inMailbox(mailbox)],
});

/** How it ends for each behaviour of the other side (sink.ts, take-mail). */
function outside(kind: 'smtp' | 'lmtp' | 'pipe', behaviours: readonly string[], at: string): Pick {
  return (random, id) => {
    const behaviour = random.pick(behaviours);
    const refuses = behaviour.endsWith('refuse');
    return one(`${kind}.${behaviour}.${id}@${at}`, refuses ? 'notice' : kind);
  };
}

const take = Array.from({ length: 10 }, () => 'take');

/** With weights. */
const picks: readonly (readonly [number, Pick])[] = [
  [30, (random) => oneMailbox(random.pick(mailboxes))],
  [12, (random) => oneAlias(random.pick(Object.keys(aliases)))],
  [14, (random) => one(random.pick(maildirs), 'maildir')],
  [4, (_, __, round) => one(freshMaildir(round), 'maildir')],
  [12, outside('smtp', [...take, 'later1', 'later2', 'dotlater', 'refuse'], smtpDomain)],
  [10, outside('lmtp', [...take, 'later1', 'dotlater', 'refuse', 'dotrefuse'], lmtpDomain)],
  [4, outside('pipe', [...take, 'later', 'refuse'], pipeDomain)],
  [10, (random) => oneList(random.pick(Object.keys(lists)))],
  [2, (_, id) => one(`error.${id}@${errorDomain}`, 'notice')],
  [2, (_, id) => one(`unknown.${id}@${maildirDomain}`, 'notice')],
];
const allWeights = picks.reduce((sum, [weight]) => sum + weight, 0);

function oneMailbox(mailbox: string): Picked {
  return prompt(mailbox, mailbox);
}

function oneAlias(alias: string): Picked {
  return prompt(alias, aliases[alias] ?? alias);
}

function oneList(name: string): Picked {
  return { recipients: [`${name}@${localDomain}`], ends: lists[name] ?? [] };
}

function anyPick(random: Random): readonly [number, Pick] {
  let dice = random.below(allWeights);
  return picks.find(([weight]) => (dice -= weight) < 0) ?? [0, () => oneMailbox(random.pick(mailboxes))];
}

/**
 * An alias and its own target together are one end, and so is a recipient that is named twice. The first messages of a
 * round (`number` from 0) take every kind in turn: also a slow machine has them all.
 */
export function pickRecipients(random: Random, token: string, round: number, number: number): Picked {
  const recipients = new Set<string>();
  const ends = new Map<string, End>();
  const count = random.chance(50) ? 1 : random.between(2, 5);
  for (let index = 0; index < count; index++) {
    const [, pick] =
      (index === 0 && number < picks.length ? picks[(number + round) % picks.length] : undefined) ?? anyPick(random);
    const picked = pick(random, `${token}.${index}`, round);
    for (const recipient of picked.recipients) recipients.add(recipient);
    for (const end of picked.ends) ends.set(`${end.kind} ${end.address}`, end);
  }
  return { recipients: [...recipients], ends: [...ends.values()] };
}

/** Notices come to the sender. */
export function noticeTo(sender: string, ends: readonly End[]): End[] {
  return ends.map((end) => (end.kind === 'notice' ? { ...end, address: noticeAddress(end.address, sender) } : end));
}
