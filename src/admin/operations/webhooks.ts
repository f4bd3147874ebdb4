// Webhooks: a domain administrator's tell what he may see himself.

import { Type } from 'typebox';
import { hasScope } from '../authorize.ts';
import { operation } from '../operation.ts';
import type { Principal } from '../principal.ts';
import type { WebhookOf } from '../../directory/webhooks.ts';
import { fail } from '../problem.ts';
import { anyText, object, optional, removed, time, yes } from '../schemas.ts';
import type { ServerParts } from '../server-parts.ts';
import { sendWebhook, urlRefusal } from '../webhook-request.ts';

const name = anyText('What it is for.', 64);
const url = anyText('Where the events are sent: https://…', 1000);
const events = Type.Array(Type.String({ pattern: '^(?:\\*|[a-z-]+(?:\\.(?:\\*|[a-z-]+))?)$', maxLength: 64 }), {
  description: 'As mailbox.add, mailbox.*, delivery.bounced; empty: all.',
  maxItems: 50,
});
const owner = optional(
  anyText("The login of the administrator whose it is; without it the host's, or one's own.", 254),
);
const fields = {
  name,
  owner: optional(anyText("The login of the administrator whose it is; absent: the host's.")),
  url,
  events,
  active: yes('It is told.'),
  note: anyText('What went wrong last.'),
  created: time('When it was added.'),
  failingSince: optional(time('Since when nothing arrives.')),
  nextAttempt: optional(time('When it is tried again.')),
};
const info = object(fields);
const access = { who: 'domain', domains: () => [] } as const;

function ownerOf({ role, owner: asking }: Principal): number | undefined {
  return role === 'host' ? undefined : (asking?.id ?? -1);
}

function webhookOf(input: { readonly name: string; readonly owner?: string }, principal: Principal): WebhookOf {
  return { name: input.name, owner: input.owner, seenBy: ownerOf(principal) };
}

/** What a webhook is told a token could read itself: otherwise it would be more than its scopes say. */
function checkScopes({ scopes }: Principal, wanted: readonly string[]): void {
  if (scopes === undefined) return;
  for (const word of wanted.length === 0 ? ['*'] : wanted) {
    const area = word.split('.')[0] ?? '';
    const scope = `${area === 'delivery' ? 'trace' : area}:read`;
    if (!hasScope(scopes, scope)) {
      fail(403, 'scope', `this token does not have the scope ${scope}, which that webhook would be told of`, {
        field: 'events',
      });
    }
  }
}

function checkUrl(text: string, server: ServerParts): void {
  const refusal = urlRefusal(text, server.allowsPrivateWebhooks());
  if (refusal !== undefined) fail(422, 'invalid-field', refusal, { field: 'url' });
}

export const webhookOperations = [
  operation({
    name: 'webhook.list',
    summary: 'List the webhooks.',
    method: 'GET',
    path: '/webhooks',
    input: object({}),
    output: object({ items: Type.Array(info) }),
    access,
    kind: 'read',
    run: async (_input, { view, principal }) => ({ items: await view.webhooks.list(ownerOf(principal)) }),
  }),
  operation({
    name: 'webhook.add',
    summary: 'Have an address told of changes and deliveries; the secret that signs is given once.',
    method: 'POST',
    path: '/webhooks',
    input: object({ name, url, events: optional(events) }),
    output: object({ ...fields, secret: anyText('Nobody can see it again.') }),
    access,
    kind: 'change',
    run: async ({ events: wanted = [], ...added }, { view, principal, server }) => {
      checkUrl(added.url, server);
      checkScopes(principal, wanted);
      return await view.webhooks.add({ ...added, events: wanted, ownerId: ownerOf(principal) ?? 0 });
    },
  }),
  operation({
    name: 'webhook.show',
    summary: 'Show a webhook.',
    method: 'GET',
    path: '/webhooks/{name}',
    input: object({ name, owner }),
    output: info,
    access,
    kind: 'read',
    run: async (input, { view, principal }) => await view.webhooks.need(webhookOf(input, principal)),
  }),
  operation({
    name: 'webhook.set',
    summary: 'Change a webhook, or switch it on again.',
    method: 'PATCH',
    path: '/webhooks/{name}',
    input: object({ name, owner, url: optional(url), events: optional(events), active: optional(yes('It is told.')) }),
    output: info,
    access,
    kind: 'change',
    shownBy: 'webhook.show',
    run: async ({ name: one, owner: whose, ...settings }, { view, principal, server }) => {
      const which = webhookOf({ name: one, ...(whose === undefined ? {} : { owner: whose }) }, principal);
      if (settings.url !== undefined) checkUrl(settings.url, server);
      checkScopes(principal, settings.events ?? (await view.webhooks.need(which)).events);
      return await view.webhooks.set(which, settings);
    },
  }),
  operation({
    name: 'webhook.test',
    summary: 'Send an event webhook.test at once, signed as all others, and say whether it arrived.',
    method: 'POST',
    path: '/webhooks/{name}/test',
    input: object({ name, owner }),
    output: object({ arrived: yes('A 2xx was answered.'), problem: optional(anyText('What went wrong.')) }),
    access,
    kind: 'act',
    run: async (input, { view, principal, server }) => {
      const target = await view.webhooks.target(webhookOf(input, principal));
      const now = server.clock.now();
      const { version } = (await server.status()) as { readonly version: string };
      const body = JSON.stringify({ webhook: input.name, events: [{ type: 'webhook.test', time: now }] });
      const mayBePrivate = server.allowsPrivateWebhooks();
      const problem = await sendWebhook({ ...target, body, mayBePrivate, now, version });
      return problem === undefined ? { arrived: true } : { arrived: false, problem };
    },
  }),
  operation({
    name: 'webhook.remove',
    summary: 'Remove a webhook.',
    method: 'DELETE',
    path: '/webhooks/{name}',
    input: object({ name, owner }),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'webhook.show',
    run: async (input, { view, principal }) => {
      await view.webhooks.remove(webhookOf(input, principal));
      return { removed: true };
    },
  }),
];
