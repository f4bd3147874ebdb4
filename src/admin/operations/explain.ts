// Where mail goes, and why: for addresses, now and as it was, with a row less, or not to where somebody expected it; and all of
// a domain as one graph.

import { Type, type TSchema } from 'typebox';
import { flowWithin } from '../flow-within.ts';
import { operation } from '../operation.ts';
import type { Sight } from '../principal.ts';
import { fail, failMissing } from '../problem.ts';
import { address, anyText, count, domainName, object, optional, words, yes } from '../schemas.ts';
import type { ExplainedRecipient, ExplainQuestion, WhyNotAnswer } from '../server-parts.ts';
import { domainOf } from './mailboxes.ts';

const flowNode = object({
  name: anyText('What lines call it.'),
  kind: Type.Enum(
    [
      ...(['door', 'address', 'mailbox', 'list', 'program', 'file', 'answer', 'mailed', 'outside'] as const),
      ...(['elsewhere', 'refused', 'deferred', 'failed', 'discarded'] as const),
    ],
    { description: 'What it stands for.' },
  ),
  title: anyText('An address, a next hop or a reply.'),
  note: optional(anyText('More of it: the transport, the text of a reply.')),
  state: optional(
    Type.Enum(['missing', 'off', 'full', 'maintenance', 'loop', 'more', 'shadowed', 'unreached'], {
      description: 'What is to be known of it.',
    }),
  ),
});
const line = {
  from: anyText('A node.'),
  to: anyText('A node.'),
  stage: anyText('What led on.'),
  leavesHost: optional(yes('Mail leaves the host this way.')),
  isUntaken: optional(yes('Mail would go this way, and does not.')),
};
const explainedEdge = object({
  ...line,
  asked: Type.Array(Type.Integer(), { description: 'Its questions: places in the list of steps.' }),
  decided: optional(Type.Integer({ description: 'The step that decided.' })),
});
const mappedEdge = object({
  ...line,
  by: optional(anyText('What kind of row decided.')),
  table: optional(anyText('The table that decided.')),
  key: optional(anyText('The key it was asked.')),
  result: optional(anyText('Its answer.')),
  source: optional(anyText('The row.')),
});
const drawn = <Edge extends TSchema>(edge: Edge) => object({ nodes: Type.Array(flowNode), edges: Type.Array(edge) });

const explained = object({
  recipient: anyText('The address that was asked about.'),
  class: anyText('Its address class.'),
  replyStage: optional(anyText('data: RCPT is accepted, and this is the reply at the end of DATA.')),
  reply: object({ code: Type.Integer(), status: anyText('Enhanced status code.'), text: anyText('Its text.') }),
  deliveries: Type.Array(
    object({
      recipient: anyText('Where the mail goes.'),
      original: anyText('The address as it was given.'),
      transport: anyText("The name of master.cf's service; empty where it is not yours to know."),
      nexthop: anyText('Its next hop.'),
      path: optional(anyText('The mailbox.')),
    }),
  ),
  filter: optional(
    object({
      by: anyText('content_filter or FILTER.'),
      transport: anyText('Where the whole message goes first; behind it everything is decided anew.'),
      nexthop: anyText('Its next hop.'),
    }),
  ),
  milters: optional(words('They see the message before it is accepted.')),
  steps: Type.Array(
    object({
      stage: anyText('What was decided.'),
      table: anyText('The table that was asked.'),
      key: anyText('With this key.'),
      result: anyText('Its answer.'),
      source: optional(anyText('The row that decided.')),
      depth: optional(count('Of nested aliases.')),
    }),
  ),
  flow: drawn(explainedEdge),
});

/**
 * Of what is not his, a domain administrator learns the addresses that his own rows name, and nothing of what becomes of
 * them: neither where they lead nor to how many. What is left out is one delivery without a recipient.
 */
function within(answer: ExplainedRecipient, sight: Sight): ExplainedRecipient {
  if (sight.seesAll) return answer;
  // How the host filters mail is the host's to know.
  const { filter: _filter, milters: _milters, ...rest } = answer;
  const isMine = (text: string): boolean => (text.includes('@') ? sight.address(text) : sight.domain(text));
  const own = answer.steps.filter(({ key }) => isMine(key));
  const named = new Set(own.flatMap(({ result }) => addressesIn(result)));
  const deliveries = new Map<string, ExplainedRecipient['deliveries'][number]>();
  for (const one of answer.deliveries) {
    const isNamed = named.has(one.recipient.toLowerCase());
    const isWhole = isMine(one.recipient) || (isNamed && sight.mayName(one.recipient));
    const shown = isWhole ? one : { recipient: isNamed ? one.recipient : '', original: '', transport: '', nexthop: '' };
    deliveries.set(`${shown.recipient} ${shown.transport}`, { ...shown, original: answer.recipient });
  }
  return { ...rest, deliveries: [...deliveries.values()], steps: own, flow: flowOf(answer, own, sight) };
}

/** Its questions are those that are left, at their new places. */
function flowOf(
  { flow, steps }: ExplainedRecipient,
  own: ExplainedRecipient['steps'],
  sight: Sight,
): ExplainedRecipient['flow'] {
  const places = new Map(own.map((step, place) => [steps.indexOf(step), place]));
  const { nodes, edges } = flowWithin(flow, sight);
  return {
    nodes,
    edges: edges.map(({ asked, decided, ...edge }) => {
      const place = decided === undefined ? undefined : places.get(decided);
      const left = asked.flatMap((one) => places.get(one) ?? []);
      return { ...edge, asked: left, ...(place === undefined ? {} : { decided: place }) };
    }),
  };
}

function addressesIn(text: string): string[] {
  return (text.match(/[^\s<>",;()]+@[^\s<>",;()]+/g) ?? []).map((one) => one.toLowerCase());
}

function whyNotWithin(answer: WhyNotAnswer, sight: Sight): object {
  const { recipient, mailbox, reaches, reply, reasons, open, reachedBy } = answer;
  const isMine = (key = ''): boolean => sight.seesAll || (key.includes('@') ? sight.address(key) : sight.domain(key));
  return {
    recipient,
    mailbox,
    reaches,
    reply,
    // The text of a reason may say what stands in a row that is not his.
    reasons: reasons
      .filter(({ row }) => row?.key === undefined || isMine(row.key))
      .map(({ kind, text, row: { table, key, result, source } = {} }) => {
        const row = { table, key, result, source };
        return { kind, text, ...Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) };
      }),
    open: open.filter(({ key }) => isMine(key)),
    reachedBy: {
      addresses: reachedBy.addresses.filter(isMine),
      isCut: reachedBy.isCut,
    },
  };
}

const question = {
  sender: optional(anyText('The envelope sender; empty is the null sender.', 330)),
  client: optional(anyText('The address of the client; a stranger without.', 64)),
  clientName: optional(anyText('Its confirmed name in the DNS.', 255)),
  helo: optional(anyText('What it says at EHLO.', 255)),
  login: optional(anyText('Who is logged in.', 320)),
  service: optional(anyText('The service of master.cf that is asked.', 100)),
};

type Question = Omit<ExplainQuestion, 'address'>;

function domainsOf({ sender = '', login }: Question): string[] {
  return [...(sender === '' ? [] : [domainOf(sender)]), ...(login === undefined ? [] : [domainOf(login)])];
}

/** What only the host may choose: services are its own, and revisions count what others change. */
function refuseHostsWords({ service, at, withoutKey }: Question, sight: Sight): void {
  if (sight.seesAll) return;
  if (service !== undefined) {
    fail(403, 'not-allowed', 'only an administrator of the host may choose the service', { field: 'service' });
  }
  if (at !== undefined && !/^\d{4}-\d\d-\d\d/.test(at)) {
    fail(403, 'not-allowed', 'give a time, as 2026-01-31T12:00', { field: 'at' });
  }
  if (withoutKey !== undefined && !(withoutKey.includes('@') ? sight.address(withoutKey) : sight.domain(withoutKey))) {
    fail(403, 'not-yours', 'that row is not one of yours', { field: 'withoutKey' });
  }
}

/** Under the same name it may have been somebody else's before. */
function refuseBefore(at: string | undefined, addresses: readonly string[], sight: Sight): void {
  if (at === undefined || sight.seesAll) return;
  const early = addresses.map(domainOf).find((name) => Date.parse(at) < sight.since(name));
  if (early !== undefined) fail(422, 'refused', `${early} was not yours to see at that time`, { field: 'at' });
}

export const explainOperations = [
  operation({
    name: 'explain.show',
    summary: 'Say where mail for addresses goes, and why.',
    method: 'GET',
    path: '/explain',
    input: object({
      address: Type.Array(address('A recipient.'), { minItems: 1, maxItems: 100 }),
      ...question,
      at: optional(
        anyText(
          'The directory as it was: after a revision, when a queue id was given, or at a time as 2026-01-31T12:00.',
          40,
        ),
      ),
      withoutTable: optional(anyText('Leave out a row of this table, as steps name it.', 1000)),
      withoutKey: optional(anyText('The row of this key.', 330)),
    }),
    output: object({ items: Type.Array(explained), note: optional(words('What to know of it.')) }),
    access: { who: 'domain', domains: ({ address: all, ...asked }) => [...all.map(domainOf), ...domainsOf(asked)] },
    kind: 'read',
    run: async ({ address: all, ...asked }, { server, sight }) => {
      refuseHostsWords(asked, sight);
      refuseBefore(asked.at, all, sight);
      if (asked.at !== undefined && all.length > 1) {
        fail(422, 'refused', 'with a time in the past, ask about one address', { field: 'address' });
      }
      const items = [];
      for (const one of all) items.push(within(await server.explain({ address: one, ...asked }), sight));
      return { items };
    },
  }),
  operation({
    name: 'explain.why-not',
    summary: 'Say why mail for an address does not arrive in a mailbox, and who reaches that one.',
    method: 'GET',
    path: '/explain/why-not',
    input: object({ address: address('A recipient.'), wanted: address('Where its mail was expected.'), ...question }),
    output: object({
      recipient: anyText('The address that was asked about.'),
      mailbox: anyText('Where its mail was expected.'),
      reaches: yes('It arrives there.'),
      reply: object({ code: Type.Integer(), status: anyText('Enhanced status code.'), text: anyText('Its text.') }),
      reasons: Type.Array(
        object({
          kind: anyText('A word for it.'),
          text: anyText('A sentence.'),
          table: optional(anyText('The table that decided.')),
          key: optional(anyText('The key it was asked.')),
          result: optional(anyText('Its answer.')),
          source: optional(anyText('The row.')),
        }),
        { description: 'The most telling first; none where it arrives.' },
      ),
      open: Type.Array(object({ table: anyText('A table.'), key: anyText('A key.') }), {
        description: 'Where a row would come first.',
      }),
      reachedBy: object({
        addresses: words('Whose mail arrives there.'),
        isCut: yes('There are more.'),
      }),
    }),
    access: {
      who: 'domain',
      domains: ({ address: one, wanted, ...asked }) => [domainOf(one), domainOf(wanted), ...domainsOf(asked)],
    },
    kind: 'read',
    run: async ({ wanted, ...asked }, { server, sight }) => {
      refuseHostsWords(asked, sight);
      return whyNotWithin(await server.whyNot(asked, wanted), sight);
    },
  }),
  operation({
    name: 'domain.flow',
    summary: 'Give all mail of a domain as a graph: its addresses, and where each leads.',
    method: 'GET',
    path: '/domains/{name}/flow',
    input: object({ name: domainName() }),
    output: object({
      domain: domainName(),
      nodes: Type.Array(flowNode),
      edges: Type.Array(mappedEdge),
      plain: Type.Array(address(), {
        description: 'Mailboxes that get the mail of their own address, and to which nothing else leads.',
      }),
      isCut: yes('There are more rows than were looked at.'),
      rows: count('How many rows were looked at.'),
    }),
    access: { who: 'domain', domains: ({ name }) => [name] },
    kind: 'read',
    run: async ({ name }, { server, sight }) => {
      const found = await server.domainFlow(name);
      if (found === undefined) failMissing();
      return { ...found, ...flowWithin(found, sight) };
    },
  }),
];
