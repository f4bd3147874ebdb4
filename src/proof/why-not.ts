// What stands between an address and a mailbox, for the command and for the page. It reads the derivation that explain shows:
// which rows decided, and which keys were asked before them and had no row (those are the places where a row would change the
// answer); and it asks the directory what of the two is switched off or not there, and who reaches the mailbox instead.

import type { Delivery, RecipientDecision, Reply, TraceEdge, TraceStep } from '../routing/types.ts';

type ReasonKind =
  | 'failed'
  | 'refused'
  | 'loop'
  | 'missing'
  | 'off'
  | 'domain-off'
  | 'not-ours'
  | 'alias-off'
  | 'alias-first'
  | 'before-catch-all'
  | 'leads-elsewhere'
  | 'transport'
  | 'no-row';

export interface WhyNotReason {
  readonly kind: ReasonKind;
  /** A sentence for people. */
  readonly text: string;
  /** The row that is the reason, where one is. */
  readonly row?: TraceStep;
}

export interface WhyNot {
  readonly recipient: string;
  readonly mailbox: string;
  /** Mail for the address is delivered there, as far as routing says. */
  readonly reaches: boolean;
  readonly reply: Reply;
  readonly deliveries: readonly Delivery[];
  /** The rows and lists that decided, in order. */
  readonly decidedBy: readonly TraceStep[];
  /** Keys without a row that are asked before the deciding ones: a row there would win. */
  readonly open: readonly { readonly table: string; readonly key: string }[];
  /** Most telling first; empty where it reaches. */
  readonly reasons: readonly WhyNotReason[];
}

export interface Derivation extends Pick<RecipientDecision, 'recipient' | 'class' | 'reply' | 'deliveries'> {
  readonly steps: readonly TraceStep[];
  readonly edges?: readonly TraceEdge[];
}

/** What the directory says beyond routing; absent where there is none. */
export interface WhyNotFacts {
  domain(name: string): { readonly isActive: boolean } | undefined;
  mailbox(address: string): { readonly enabled: boolean } | undefined;
  /** An alias that stands at the address, but is switched off. */
  isAliasOff(address: string): boolean;
  /** Somebody without a name of his own there reaches the mailbox. */
  catches(domain: string, mailbox: string): boolean;
}

/** Stages whose rows say where mail goes; the others say whether. */
const directing = new Set(['virtual-alias', 'canonical', 'local-alias', 'transport', 'relocated']);

export function whyNot(mailbox: string, explanation: Derivation, facts?: WhyNotFacts): WhyNot {
  const { recipient, reply, deliveries, steps } = explanation;
  const wanted = mailbox.toLowerCase();
  const reaches = reply.code < 300 && deliveries.some((delivery) => isMailbox(delivery, wanted));
  const decidedBy = steps.filter((step) => isDecision(step));
  const first = steps.findIndex((step) => isDecision(step) && directing.has(step.stage));
  const before = first === -1 ? steps : steps.slice(0, first);
  const open = before
    .filter(({ stage, result }) => stage === 'virtual-alias' && result === 'not found')
    .map(({ table = '', key = '' }) => ({ table, key }));
  const reasons = reaches ? [] : reasonsOf(explanation, wanted, facts);
  return { recipient, mailbox, reaches, reply, deliveries, decidedBy, open, reasons };
}

/** Delivered there, not passed on by a transport of its own: the mailbox itself, or one of its extensions. */
function isMailbox({ recipient, transport }: Delivery, wanted: string): boolean {
  return isNamed(recipient, wanted) && !['error', 'retry', 'discard', 'smtp', 'relay'].includes(transport);
}

function isNamed(recipient: string, wanted: string): boolean {
  const folded = recipient.toLowerCase();
  if (folded === wanted) return true;
  const at = folded.lastIndexOf('@');
  const wantedAt = wanted.lastIndexOf('@');
  if (folded.slice(at) !== wanted.slice(wantedAt)) return false;
  const rest = folded.slice(0, at).slice(wantedAt);
  return folded.startsWith(wanted.slice(0, wantedAt)) && /^[+\-_=.]/.test(rest);
}

function isDecision({ table, key, result }: TraceStep): boolean {
  if (result.startsWith('error:')) return true;
  // A row that only says that the address stands for itself directs nothing.
  return table !== undefined && result !== 'not found' && result !== 'not listed' && result !== key;
}

function reasonsOf(explanation: Derivation, wanted: string, facts: WhyNotFacts | undefined): readonly WhyNotReason[] {
  const { recipient, reply, steps } = explanation;
  const failed = steps.find(({ result }) => result.startsWith('error:'));
  const found: (WhyNotReason | undefined)[] = [];
  if (failed !== undefined) {
    const row = { row: failed };
    found.push({
      kind: 'failed',
      text: `${failed.table ?? failed.stage} could not be asked: mail waits until it can`,
      ...row,
    });
  }
  if (reply.status === '4.6.0')
    found.push({ kind: 'loop', text: 'its aliases go round in a circle, so its mail is put off' });
  found.push(...ofDirectory(recipient, wanted, facts), ...ofRows(explanation, wanted, facts));
  if (reply.code >= 300 && failed === undefined && reply.status !== '4.6.0') {
    found.push({ kind: 'refused', text: `it is refused: ${reply.code} ${reply.status} ${reply.text}` });
  }
  const reasons = found.filter((reason) => reason !== undefined);
  if (reasons.length > 0) return reasons;
  return [{ kind: 'no-row', text: `no row leads from ${recipient} to ${wanted}` }];
}

function ofDirectory(recipient: string, wanted: string, facts: WhyNotFacts | undefined): WhyNotReason[] {
  if (facts === undefined) return [];
  const reasons: WhyNotReason[] = [];
  const domain = domainOf(wanted);
  const hosted = facts.domain(domain);
  const mailbox = facts.mailbox(wanted);
  if (hosted === undefined) reasons.push({ kind: 'not-ours', text: `${domain} is not a domain of this host` });
  else if (mailbox === undefined) reasons.push({ kind: 'missing', text: `there is no mailbox ${wanted}` });
  else if (!hosted.isActive) reasons.push({ kind: 'domain-off', text: `${domain} is switched off` });
  else if (!mailbox.enabled) reasons.push({ kind: 'off', text: `the mailbox ${wanted} is switched off` });
  const own = domainOf(recipient);
  if (own !== domain && facts.domain(own)?.isActive === false) {
    reasons.push({ kind: 'domain-off', text: `${own} is switched off` });
  }
  if (facts.isAliasOff(recipient)) reasons.push({ kind: 'alias-off', text: `the alias ${recipient} is switched off` });
  return reasons;
}

function ofRows(
  { recipient, class: addressClass, edges = [], steps }: Derivation,
  wanted: string,
  facts: WhyNotFacts | undefined,
): WhyNotReason[] {
  const reasons: WhyNotReason[] = [];
  const own = edges.find(({ stage, from }) => stage === 'virtual-alias' && isNamed(from, recipient.toLowerCase()));
  const row = own?.asked.findLast(({ stage, result }) => stage === 'virtual-alias' && !result.startsWith('not found'));
  const leads = own !== undefined && own.to.some((to) => !isNamed(to, recipient.toLowerCase())) && row !== undefined;
  const place = row === undefined ? '' : (row.source ?? row.table ?? '');
  if (leads && isNamed(recipient, wanted)) {
    const text = `an alias comes before the mailbox: ${row.key} leads to ${row.result} (${place})`;
    reasons.push({ kind: 'alias-first', text, row });
  } else if (row !== undefined && facts?.catches(domainOf(recipient), wanted) === true && !row.key?.startsWith('@')) {
    const text = `the catch-all leads there, but ${row.key} has a row of its own, which comes first (${place})`;
    reasons.push({ kind: 'before-catch-all', text, row });
  } else if (leads) {
    reasons.push({ kind: 'leads-elsewhere', text: `${row.key} leads to ${row.result} (${place})`, row });
  }
  const end = edges.find(({ delivery }) => delivery !== undefined && isNamed(delivery.recipient, wanted));
  const transport = end?.asked.findLast(
    ({ stage, result }) => /^(?:transport|relocated)$/.test(stage) && !/^not found|^:$/.test(result),
  );
  if (transport !== undefined) {
    const text = `a transport takes its mail: ${transport.key} ${transport.result} (${transport.source ?? transport.table})`;
    reasons.push({ kind: 'transport', text, row: transport });
  }
  const isAsked = steps.some(({ stage, result }) => stage === 'virtual-alias' && !result.startsWith('not found'));
  if (addressClass === 'default' && !isAsked) {
    reasons.push({ kind: 'not-ours', text: `${domainOf(recipient)} is not a domain of this host` });
  }
  return reasons;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
