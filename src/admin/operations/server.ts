// The server itself: what it is doing, and where mail for an address would go.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import type { Sight } from '../principal.ts';
import { fail } from '../problem.ts';
import { address, anyText, object, optional, words } from '../schemas.ts';
import type { ExplainedRecipient } from '../server-parts.ts';
import { domainOf } from './mailboxes.ts';

const explained = object({
  recipient: anyText('The address that was asked about.'),
  class: anyText('Its address class.'),
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
  steps: Type.Array(
    object({
      stage: anyText('What was decided.'),
      table: anyText('The table that was asked.'),
      key: anyText('With this key.'),
      result: anyText('Its answer.'),
    }),
  ),
});

/** Of what is not his, a domain administrator learns the address that his own rows name, and nothing of what becomes of it. */
function within(answer: ExplainedRecipient, sight: Sight): ExplainedRecipient {
  if (sight.seesAll) return answer;
  const isMine = (text: string): boolean => (text.includes('@') ? sight.address(text) : sight.domain(text));
  const deliveries = answer.deliveries.map((one) =>
    isMine(one.recipient) ? one : { recipient: one.recipient, original: one.original, transport: '', nexthop: '' },
  );
  const steps = answer.steps.filter(({ key, result, stage }) => isMine(key) && isTellable(stage, result, sight));
  return { ...answer, deliveries, steps };
}

function isTellable(stage: string, result: string, sight: Sight): boolean {
  if (stage === 'reply') return true;
  const named = result.match(/[^\s<>",;()]*@[^\s<>",;()]+/g) ?? [];
  return named.every((one) => sight.mayName(one));
}

export const serverOperations = [
  operation({
    name: 'status.show',
    summary: 'Say what the server is doing: listeners, connections, queue, accounting, alarms.',
    method: 'GET',
    path: '/status',
    input: object({}),
    output: Type.Object({ version: anyText('Of the program.') }, { additionalProperties: true }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => await server.status(),
  }),
  operation({
    name: 'explain.show',
    summary: 'Say where mail for addresses goes, and why.',
    method: 'GET',
    path: '/explain',
    input: object({
      address: Type.Array(address('A recipient.'), { minItems: 1, maxItems: 100 }),
      sender: optional(anyText('The envelope sender; empty is the null sender.', 330)),
      client: optional(anyText('The address of the client; a stranger without.', 64)),
      clientName: optional(anyText('Its confirmed name in the DNS.', 255)),
      helo: optional(anyText('What it says at EHLO.', 255)),
      login: optional(anyText('Who is logged in.', 320)),
      service: optional(anyText('The service of master.cf that is asked.', 100)),
    }),
    output: object({ items: Type.Array(explained), note: optional(words('What to know of it.')) }),
    access: {
      who: 'domain',
      domains: ({ address: all, sender = '', login }) => [
        ...all.map(domainOf),
        ...(sender === '' ? [] : [domainOf(sender)]),
        ...(login === undefined ? [] : [domainOf(login)]),
      ],
    },
    kind: 'read',
    run: async ({ address: all, ...question }, { server, sight, principal }) => {
      if (question.service !== undefined && principal.role !== 'host') {
        fail(403, 'not-allowed', 'only an administrator of the host may choose the service', { field: 'service' });
      }
      const items = [];
      for (const one of all) items.push(within(await server.explain({ address: one, ...question }), sight));
      return { items };
    },
  }),
];
