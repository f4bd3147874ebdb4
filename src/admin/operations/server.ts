// The server itself: what it is doing, and where mail for an address would go.

import { Type } from 'typebox';
import type { MailboxInfo } from '../../directory/mailbox-rows.ts';
import { operation } from '../operation.ts';
import { listWithin } from '../pages-of-domains.ts';
import type { Sight } from '../principal.ts';
import { fail } from '../problem.ts';
import { address, anyText, count, domainName, object, optional, page, pageInput, toPage, words } from '../schemas.ts';
import type { ExplainedRecipient, ServerParts } from '../server-parts.ts';
import { certificate, status } from '../server-schemas.ts';
import { domainOf } from './mailboxes.ts';

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
});

const quota = object({
  address: address(),
  bytes: count('What it holds.'),
  messages: count('What it holds.'),
  quotaBytes: count('What it may hold; 0 without limit.'),
  percent: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the quota; null without one.' }),
});

function quotaOf({ id, address: of, quotaBytes }: MailboxInfo, server: ServerParts): object {
  const { bytes, messages } = server.usage(id);
  const percent = quotaBytes === 0 ? null : Math.round((bytes / quotaBytes) * 100);
  return { address: of, bytes, messages, quotaBytes, percent };
}

/**
 * Of what is not his, a domain administrator learns the addresses that his own rows name, and nothing of what becomes of
 * them: neither where they lead nor to how many. What is left out is one delivery without a recipient.
 */
function within(answer: ExplainedRecipient, sight: Sight): ExplainedRecipient {
  if (sight.seesAll) return answer;
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
  return { ...answer, deliveries: [...deliveries.values()], steps: own };
}

function addressesIn(text: string): string[] {
  return (text.match(/[^\s<>",;()]+@[^\s<>",;()]+/g) ?? []).map((one) => one.toLowerCase());
}

export const serverOperations = [
  operation({
    name: 'status.show',
    summary: 'Say what the server is doing: listeners, connections, queue, accounting, alarms.',
    method: 'GET',
    path: '/status',
    input: object({}),
    output: status,
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
  operation({
    name: 'accounting.acknowledge',
    summary: 'Book a mismatch between the books and the queue as unexplained.',
    method: 'POST',
    path: '/accounting/acknowledge',
    input: object({}),
    output: object({ acknowledged: Type.Integer({ description: 'Recipients that were booked.' }) }),
    access: { who: 'host' },
    kind: 'act',
    run: async (_input, { server }) => ({
      acknowledged: await server.control({ command: 'accounting-acknowledge' }),
    }),
  }),
  operation({
    name: 'certificate.list',
    summary: 'List the certificates of the server, with the time until which they are valid.',
    method: 'GET',
    path: '/certificates',
    input: object({}),
    output: object({ items: Type.Array(certificate) }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => ({ items: await server.certificates() }),
  }),
  operation({
    name: 'certificate.renew',
    summary: 'Get a new certificate for a host of posthaste_acme_hosts now.',
    method: 'POST',
    path: '/certificates/renew',
    input: object({ host: anyText('The host name.', 255) }),
    output: object({ host: anyText('The host name.') }),
    access: { who: 'host' },
    kind: 'act',
    run: async ({ host }, { server }) => {
      await server.control({ command: 'certificate-renew', host: host.toLowerCase() });
      return { host: host.toLowerCase() };
    },
  }),
  operation({
    name: 'quota.list',
    summary: 'List how much mailboxes hold, against what they may hold.',
    method: 'GET',
    path: '/quotas',
    input: object({ ...pageInput, domain: optional(domainName('Of this domain only.')) }),
    output: page(quota),
    access: { who: 'domain', domains: ({ domain }) => (domain === undefined ? [] : [domain]) },
    kind: 'read',
    run: async ({ domain, after, limit }, { view, sight, server }) => {
      const read = async (query: object) => await view.mailboxes.list(query);
      const found = toPage(await listWithin(sight, { domain, after, limit }, read), limit, (one) => one.address);
      return { ...found, items: found.items.map((one) => quotaOf(one, server)) };
    },
  }),
  operation({
    name: 'quota.show',
    summary: 'Say how much a mailbox holds.',
    method: 'GET',
    path: '/mailboxes/{address}/quota',
    input: object({ address: address() }),
    output: quota,
    access: { who: 'user', mailbox: (input) => input.address },
    kind: 'read',
    run: async (input, { view, server }) => quotaOf(await view.mailboxes.need(input.address), server),
  }),
  operation({
    name: 'quota.recalculate',
    summary: 'Count the mail of a mailbox anew.',
    method: 'POST',
    path: '/mailboxes/{address}/quota/recalculate',
    input: object({ address: address() }),
    output: quota,
    access: { who: 'domain', domains: (input) => [domainOf(input.address)] },
    kind: 'act',
    run: async (input, { view, server }) => {
      const mailbox = await view.mailboxes.need(input.address);
      await server.control({ command: 'quota-recalculate', mailbox: mailbox.id });
      return quotaOf(mailbox, server);
    },
  }),
];
