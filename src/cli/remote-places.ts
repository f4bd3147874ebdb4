// Transports, copies, rules, recipients of relay domains and catch-alls of a host elsewhere (remote-directory.ts).

import type { AccessRuleInfo, AccessRuleSettings } from '../directory/access-rules.ts';
import type { BccInfo } from '../directory/bccs.ts';
import type { CaughtAddress } from '../directory/catch-alls.ts';
import type { DomainInfo } from '../directory/domains.ts';
import { CommandError } from './context.ts';
import type { RemoteHost } from './remote-host.ts';

type Query = Readonly<Record<string, unknown>>;
export type Listed = (name: string, query?: Query) => Promise<readonly unknown[]>;

export function placeParts(host: RemoteHost, listed: Listed) {
  return {
    transports: {
      add: async (place: string, transport: string, { takesMailboxes = false } = {}) =>
        await host.call('transport.add', { place, transport, ...(takesMailboxes ? { force: true } : {}) }),
      list: async (query: Query) => await listed('transport.list', query),
      set: async (place: string, transport: string) => await host.call('transport.set', { place, transport }),
      remove: async (place: string) => await host.call('transport.remove', { place }),
      answer: (): never => {
        throw new CommandError(
          'transport show is for the host itself; elsewhere: posthaste --host … explain ADDRESS, or transport list',
        );
      },
    },
    bccs: {
      add: async (side: string, place: string, address: string) => await host.call('bcc.add', { side, place, address }),
      list: async ({ after, ...query }: Query & { readonly after?: BccInfo }) =>
        await listed('bcc.list', { ...query, ...(after && { after: `${after.side} ${after.place}` }) }),
      set: async (side: string, place: string, address: string) => await host.call('bcc.set', { side, place, address }),
      remove: async (side: string, place: string) => await host.call('bcc.remove', { side, place }),
    },
    accessRules: {
      // The host knows its own restriction classes.
      add: async (stage: string, pattern: string, { action, note }: AccessRuleSettings) =>
        await host.call('access.add', { stage, pattern, action, note }),
      list: async ({ after, ...query }: Query & { readonly after?: AccessRuleInfo }) =>
        await listed('access.list', { ...query, ...(after && { after: `${after.stage} ${after.pattern}` }) }),
      show: async (stage: string, pattern: string) => await host.call('access.show', { stage, pattern }),
      set: async (stage: string, pattern: string, { action, note }: AccessRuleSettings) =>
        await host.call('access.set', { stage, pattern, action, note }),
      remove: async (stage: string, pattern: string) => await host.call('access.remove', { stage, pattern }),
    },
    ...recipientParts(host, listed),
  };
}

function recipientParts(host: RemoteHost, listed: Listed) {
  const decide = async (what: 'accept' | 'refuse', addresses: readonly string[]): Promise<readonly CaughtAddress[]> =>
    (await host.call<{ readonly items: readonly CaughtAddress[] }>(`catch-all.${what}`, { addresses })).items;
  return {
    relayRecipients: {
      add: async (addresses: readonly string[]) => {
        const { added } = await host.call<{ added: readonly string[] }>('relay-recipient.add', { addresses });
        return added.map((address) => ({ address }));
      },
      list: async (query: Query) => await listed('relay-recipient.list', query),
      remove: async (addresses: readonly string[]) => await host.call('relay-recipient.remove', { addresses }),
      isIdle: async (name: string) =>
        (await host.call<Pick<DomainInfo, 'recipients'>>('domain.show', { name })).recipients !== 'listed',
    },
    catchAlls: {
      show: async (domain: string) => await host.call('catch-all.show', { domain }),
      list: async (query: Query) => await listed('catch-all.list', query),
      accept: async (addresses: readonly string[]) => await decide('accept', addresses),
      refuse: async (addresses: readonly string[]) => await decide('refuse', addresses),
      forget: async (addresses: readonly string[]) => void (await host.call('catch-all.forget', { addresses })),
    },
  };
}
