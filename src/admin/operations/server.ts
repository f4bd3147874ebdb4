// The server itself: what it is doing, and what mailboxes hold.

import { setImmediate } from 'node:timers/promises';
import { Type } from 'typebox';
import type { MailboxInfo } from '../../directory/mailbox-rows.ts';
import { type OperationContext, operation } from '../operation.ts';
import { type DomainPage, listWithin } from '../pages-of-domains.ts';
import {
  address,
  anyText,
  count,
  domainName,
  object,
  optional,
  page,
  pageInput,
  type PageOf,
  toPage,
  usualPage,
} from '../schemas.ts';
import type { ServerParts } from '../server-parts.ts';
import { certificate, status } from '../server-schemas.ts';
import { domainOf } from './mailboxes.ts';

const quota = object({
  address: address(),
  bytes: count('What it holds.'),
  messages: count('What it holds.'),
  quotaBytes: count('What it may hold; 0 without limit.'),
  percent: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the quota; null without one.' }),
});

type Quota = Type.Static<typeof quota>;
type QuotaContext = Pick<OperationContext, 'view' | 'sight' | 'server'>;

/** Mailboxes that one question for full ones looks at. */
const maxLooked = 10_000;
const lookedAtOnce = 500;

function quotaOf({ id, address: of, quotaBytes }: MailboxInfo, server: ServerParts): Quota {
  const { bytes, messages } = server.usage(id);
  const percent = quotaBytes === 0 ? null : Math.round((bytes / quotaBytes) * 100);
  return { address: of, bytes, messages, quotaBytes, percent };
}

async function quotaPage(query: DomainPage, { view, sight, server }: QuotaContext): Promise<PageOf<Quota>> {
  const read = async (wanted: object) => await view.mailboxes.list(wanted);
  const found = toPage(await listWithin(sight, query, read), query.limit, (one) => one.address);
  return { ...found, items: found.items.map((one) => quotaOf(one, server)) };
}

async function fullerThan(
  percent: number,
  { limit = usualPage, ...query }: DomainPage,
  context: QuotaContext,
): Promise<PageOf<Quota>> {
  const items: Quota[] = [];
  let { after } = query;
  for (let looked = 0; looked < maxLooked; looked += lookedAtOnce) {
    const found = await quotaPage({ ...query, after, limit: lookedAtOnce }, context);
    for (const one of found.items) {
      if ((one.percent ?? 0) < percent) continue;
      items.push(one);
      if (items.length === limit) return { items, next: one.address };
    }
    if (found.next === undefined) return { items };
    after = found.next;
    // Mail has its turn in between.
    await setImmediate();
  }
  return { items, ...(after === undefined ? {} : { next: after }) };
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
    input: object({
      ...pageInput,
      domain: optional(domainName('Of this domain only.')),
      minPercent: optional(
        Type.Integer({
          description: 'Only those that have used so much of their quota; a page may then be empty and not the last.',
          minimum: 1,
          maximum: 1000,
        }),
      ),
    }),
    output: page(quota),
    access: { who: 'domain', domains: ({ domain }) => (domain === undefined ? [] : [domain]) },
    kind: 'read',
    run: async ({ minPercent, ...query }, context) =>
      minPercent === undefined ? await quotaPage(query, context) : await fullerThan(minPercent, query, context),
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
