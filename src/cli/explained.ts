// What the API and `explain --edges` tell of an explanation: its steps, and the flow that they make; and what the directory
// knows of the ends of the way. Asked of the running server, or of a directory as it was.

import type { ExplainQuestion, ExplainedRecipient } from '../admin/server-parts.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import type { Directory } from '../directory/directory.ts';
import { addressesLeadingTo } from '../directory/reverse.ts';
import { systemClock } from '../lib/clock.ts';
import { type ExplainedFlow, explainedFlow } from '../proof/flow/told-flow.ts';
import { type FlowFacts, type FlowState, MailFlow } from '../proof/flow/mail-flow.ts';
import type { WhyNotFacts } from '../proof/why-not.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import type { Explanation } from './explanation-tree.ts';
import { explainOne, withFilters } from './explainer.ts';

/** Members of a list that are drawn. */
const maxMembers = 12;
/** Members of a list that are counted. */
const maxCounted = 100_000;
const maxLeading = 50;

type Usage = (mailbox: number) => { readonly bytes: number };

export function flowFacts(
  { services }: Configuration,
  directory: Directory | undefined,
  usage: Usage = () => ({ bytes: 0 }),
): FlowFacts {
  const commands = new Map(services.filter(({ type }) => type !== 'inet').map(({ name, command }) => [name, command]));
  return {
    command: (transport) => commands.get(transport),
    mailbox: (recipient) => {
      const mailbox = directory?.mailboxByAddress(recipient);
      if (mailbox === undefined) return undefined;
      const { address, enabled, maintenance, quotaBytes, vacationUntil, id } = mailbox;
      const isFull = quotaBytes > 0 && usage(id).bytes >= quotaBytes;
      const state: FlowState | undefined =
        enabled && maintenance === '' ? (isFull ? 'full' : undefined) : enabled ? 'maintenance' : 'off';
      return { address, answers: vacationUntil > systemClock.now(), ...(state === undefined ? {} : { state }) };
    },
    members: (address) => {
      const list = directory?.lookups.lists.byAddress(address);
      const some: string[] = [];
      let count = 0;
      if (directory === undefined || list === undefined) return { some, count };
      for (const member of directory.lookups.lists.persons(list.id, 'member')) {
        if (++count <= maxMembers) some.push(member);
        if (count >= maxCounted) break;
      }
      return { some, count };
    },
  };
}

export async function explainedFor(
  policy: RecipientPolicy,
  { address, withoutTable, withoutKey, ...question }: Omit<ExplainQuestion, 'service' | 'at'>,
  facts: FlowFacts,
  settings: Settings,
): Promise<ExplainedRecipient> {
  const without =
    withoutTable === undefined || withoutKey === undefined ? {} : { without: { table: withoutTable, key: withoutKey } };
  const decided = await explainOne(policy, address, { ...question, ...without });
  const explained = await withFilters(policy, settings, decided, question.client);
  const { filter, milters } = explained;
  return {
    ...told(address, explained, facts),
    ...(filter === undefined ? {} : { filter }),
    ...(milters === undefined ? {} : { milters }),
  };
}

function told(address: string, explained: Explanation, facts: FlowFacts): ExplainedRecipient {
  const { recipient, class: addressClass, reply, replyStage, deliveries, steps } = explained;
  return {
    recipient,
    class: addressClass,
    reply,
    ...(replyStage === undefined ? {} : { replyStage }),
    deliveries,
    steps: steps.map(({ stage, table = '', key = '', result, source, depth }) => ({
      stage,
      table,
      key,
      result,
      ...(source === undefined ? {} : { source }),
      ...(depth === undefined ? {} : { depth }),
    })),
    flow: toldFlow(address, explained, facts),
  };
}

export function toldFlow(address: string, explained: Explanation, facts: FlowFacts): ExplainedFlow {
  return explainedFlow(flowOf(address, explained, facts), explained.steps);
}

function flowOf(address: string, explained: Explanation, facts: FlowFacts): MailFlow {
  const { recipient, reply, steps, edges = [], isEarly = false } = explained;
  const flow = new MailFlow(facts);
  flow.addRecipient({ recipient: recipient === '' ? address : recipient, reply, steps, edges, isEarly });
  return flow;
}

/** `--edges`: lines of text, without line ends. */
export function formatEdges(address: string, explained: Explanation, facts: FlowFacts): string[] {
  const { nodes, edges } = flowOf(address, explained, facts);
  const names = new Map(nodes.map(({ name, kind, title }) => [name, kind === 'door' ? 'door' : `${kind} ${title}`]));
  return edges.map(({ from, to, stage, decided, leavesHost, isUntaken }) => {
    const { table = '', key = '', source = '' } = decided ?? {};
    const row = [table, key, source === table ? '' : source].filter((word) => word !== '').join(' ');
    const marks = `${leavesHost ? ', leaves the host' : ''}${isUntaken ? ', not taken' : ''}`;
    return `${names.get(from)} → ${names.get(to)}  [${stage}${row === '' ? '' : `: ${row}`}${marks}]`;
  });
}

/** What whyNot asks beyond the derivation. */
export async function whyNotFacts(
  directory: Directory,
  policy: RecipientPolicy,
  address: string,
  wanted: string,
): Promise<WhyNotFacts> {
  const { lookups, aliases } = directory;
  await lookups.fresh();
  const domain = domainOf(address);
  const caught =
    lookups.domain(domain) === undefined
      ? undefined
      : await explainOne(policy, `${unused(directory, domain)}@${domain}`, {});
  const off = address.includes('@') ? await aliases.show(address).catch(() => undefined) : undefined;
  return {
    domain: (name) => lookups.domain(name),
    mailbox: (one) => directory.mailboxByAddress(one),
    isAliasOff: () => off?.active === false,
    catches: () =>
      caught?.deliveries.some(({ recipient }) => recipient.toLowerCase() === wanted.toLowerCase()) === true,
  };
}

/** Which addresses reach a mailbox: found backwards, then asked forwards, so that nothing is said that is not so. */
export async function addressesReaching(
  directory: Directory,
  policy: RecipientPolicy,
  wanted: string,
): Promise<{ readonly addresses: readonly string[]; readonly isCut: boolean }> {
  const address = directory.mailboxByAddress(wanted)?.address ?? wanted.toLowerCase();
  const { found, isCut } = await addressesLeadingTo(directory.reverse, [address], maxLeading);
  const addresses: string[] = [];
  for (const one of [address, ...found.map((pointer) => pointer.address)]) {
    const domain = domainOf(one);
    const asked = one.startsWith('@') ? `${unused(directory, domain)}${one}` : one;
    const { reply, deliveries } = await explainOne(policy, asked, {});
    const isThere = deliveries.some(({ recipient }) => {
      return (directory.mailboxByAddress(recipient)?.address ?? recipient.toLowerCase()) === address;
    });
    if (reply.code < 400 && isThere) addresses.push(one.startsWith('@') ? `*${one}` : one);
  }
  return { addresses, isCut };
}

/** A name that nobody has there. */
function unused({ lookups }: Directory, domain: string): string {
  const hosted = lookups.domain(domain);
  let name = 'nobody-has-this-name';
  while (hosted !== undefined && lookups.localAt(name, hosted) !== undefined) name += '-';
  return name;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
