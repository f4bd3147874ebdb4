// The directory of a host elsewhere, for the commands that list and change the directory: the same questions, asked by the
// API. What only makes sense beside the file itself is not there, and no such command comes here.

import type { AdministratorInfo, AdministratorSettings, NewAdministrator } from '../directory/administrators.ts';
import type { AliasInfo } from '../directory/alias-rows.ts';
import type { Directory } from '../directory/directory.ts';
import type { MailboxSettings, NewMailbox } from '../directory/mailboxes.ts';
import type { RenameOptions } from '../directory/mailbox-rename.ts';
import type { NewAppPassword } from '../directory/app-passwords.ts';
import type { Revision } from '../directory/history.ts';
import { CommandError } from './context.ts';
import type { RemoteHost } from './remote-host.ts';
import { type Listed, placeParts } from './remote-places.ts';

interface Items<Item> {
  readonly items: readonly Item[];
}

type Query = Readonly<Record<string, unknown>>;

export function remoteDirectory(host: RemoteHost): Directory {
  const listed = async (name: string, query: Query = {}): Promise<readonly unknown[]> => {
    const { after, ...rest } = query;
    const from = after === '' || after === undefined ? {} : { after };
    return (await host.call<Items<unknown>>(name, { ...rest, ...from })).items;
  };
  const parts = {
    ...domainParts(host, listed),
    ...mailboxParts(host, listed),
    ...aliasParts(host, listed),
    ...otherParts(host, listed),
    ...placeParts(host, listed),
    ...historyParts(host, listed),
    close: () => undefined,
  };
  return guarded(parts, '') as unknown as Directory;
}

/** What the API does not offer says so, instead of not being there. */
function guarded(parts: object, where: string): object {
  return new Proxy(parts, {
    get: (target, key) => {
      const value = Reflect.get(target, key) as unknown;
      if (value === undefined && typeof key === 'string') {
        throw new CommandError(`this works on the host itself, not by --host (${where}${key})`);
      }
      return typeof value === 'object' && value !== null ? guarded(value, `${where}${String(key)}.`) : value;
    },
  });
}

function domainParts(host: RemoteHost, listed: Listed) {
  return {
    domains: {
      add: async (name: string, settings: object) => await host.call('domain.add', { name, ...settings }),
      show: async (name: string) => await host.find('domain.show', { name }),
      list: async (query: Query) => await listed('domain.list', query),
      set: async (name: string, settings: object) => await host.call('domain.set', { name, ...settings }),
      remove: async (name: string, options: object) => await host.call('domain.remove', { name, ...options }),
      removed: async () => await listed('domain.list-removed'),
      restore: async (name: string) => await host.call('domain.restore', { name }),
      excesses: async () => [],
    },
    aliasDomains: {
      add: async (name: string, target: string) => await host.call('alias-domain.add', { name, target }),
      show: async (name: string) => await host.find('alias-domain.show', { name }),
      list: async (query: Query) => await listed('alias-domain.list', query),
      set: async (name: string, settings: object) => await host.call('alias-domain.set', { name, ...settings }),
      remove: async (name: string) => await host.call('alias-domain.remove', { name }),
    },
  };
}

function mailboxParts(host: RemoteHost, listed: Listed) {
  return {
    mailboxes: {
      // The host says what is wrong when it is asked to add it.
      checkNew: async () => undefined,
      add: async (mailbox: NewMailbox) => await host.call('mailbox.add', { ...mailbox }),
      show: async (address: string) => await host.find('mailbox.show', { address }),
      need: async (address: string) => await host.call('mailbox.show', { address }),
      list: async (query: Query) => {
        const { removed, ...rest } = query;
        return await listed('mailbox.list', removed === true ? query : rest);
      },
      set: async (address: string, settings: MailboxSettings) =>
        await host.call('mailbox.set', { address, ...settings }),
      remove: async (address: string) => await host.call('mailbox.remove', { address }),
      references: async (address: string) => await host.call('mailbox.references', { address }),
      restore: async (address: string) => await host.call('mailbox.restore', { address }),
      rename: async (address: string, to: string, { keepAlias, moveReferences }: RenameOptions) =>
        await host.call('mailbox.rename', { address, to, keepAlias, moveReferences }),
    },
    recentLogins: { ofMailbox: async (address: string) => await listed('mailbox.logins', { address }) },
    // Keys of SCRAM are made there, at the first login.
    credentials: () => undefined,
    appPasswords: {
      add: async ({ secret, mailbox, name, protocols, senders, expires }: NewAppPassword) => {
        if (secret !== undefined) throw new CommandError('--recoverable is for the host itself: run it there');
        return await host.call('app-password.add', { mailbox, name, protocols, senders, expires });
      },
      list: async (mailbox: string) => await listed('app-password.list', { mailbox }),
      listAll: async (after: number, limit: number) => await listed('app-password.list-all', { after, limit }),
      need: async (mailbox: string, name: string) => await host.call('app-password.show', { mailbox, name }),
      set: async (mailbox: string, name: string, limits: { readonly name?: string }) => {
        const { name: newName, ...rest } = limits;
        return await host.call('app-password.set', { mailbox, name, newName, ...rest });
      },
      remove: async (mailbox: string, name: string) => await host.call('app-password.remove', { mailbox, name }),
    },
  };
}

type AliasThere = AliasInfo & { readonly unknownTargets: readonly string[] };

function aliasParts(host: RemoteHost, listed: Listed) {
  // The host tells with the alias itself which targets lead to nobody.
  let unknown: readonly string[] = [];
  const known = ({ unknownTargets, ...alias }: AliasThere): AliasInfo => {
    unknown = unknownTargets;
    return alias;
  };
  const changed = async (name: string, input: Query) => known(await host.call<AliasThere>(name, input));
  return {
    aliases: {
      add: async (address: string, targets: readonly string[], settings: object = {}) =>
        await changed('alias.add', { address, targets, ...settings }),
      show: async (address: string) => {
        const found = await host.find<AliasThere>('alias.show', { address });
        return found && known(found);
      },
      need: async (address: string) => await changed('alias.show', { address }),
      list: async (query: Query) => ((await listed('alias.list', query)) as readonly AliasThere[]).map(known),
      set: async (address: string, targets: readonly string[], settings: object = {}) =>
        await changed('alias.set', { address, targets, ...settings }),
      edit: async (address: string, add: readonly string[], remove: readonly string[], settings: object = {}) =>
        await changed('alias.edit', { address, add, remove, ...settings }),
      remove: async (address: string) => await host.call('alias.remove', { address }),
      restore: async (address: string) => await host.call('alias.restore', { address }),
    },
    unknownTargets: () => unknown,
    lists: {
      add: async (list: object) => await host.call('list.add', { ...list }),
      show: async (address: string) => await host.find('list.show', { address }),
      need: async (address: string) => await host.call('list.show', { address }),
      list: async (query: Query) => await listed('list.list', query),
      set: async (address: string, settings: object) => await host.call('list.set', { address, ...settings }),
      remove: async (address: string) => await host.call('list.remove', { address }),
      restore: async (address: string) => await host.call('list.restore', { address }),
      addMembers: async (address: string, members: readonly string[]) =>
        (await host.call<{ added: number }>('list.members-add', { address, members })).added,
      removeMembers: async (address: string, members: readonly string[]) =>
        await host.call('list.members-remove', { address, members }),
      members: async (address: string, after: string | undefined, limit = 1000) =>
        await listed('list.members', { address, after, limit }),
    },
  };
}

function otherParts(host: RemoteHost, listed: Listed) {
  const known = new Set<string>();
  return {
    senderRights: {
      add: async (address: string, login: string, allowed: boolean) => {
        const right = await host.call('sender-login.add', { address, login, allowed });
        if ((await host.find('mailbox.show', { address: login })) !== undefined) known.add(login.toLowerCase());
        return right;
      },
      list: async ({ after, ...query }: Query & { readonly after?: { address: string; login: string } }) => {
        const from = after === undefined ? {} : { after: `${after.address} ${after.login}` };
        return await listed('sender-login.list', { ...query, ...from });
      },
      set: async (address: string, login: string, allowed: boolean) =>
        await host.call('sender-login.set', { address, login, allowed }),
      remove: async (address: string, login: string) => await host.call('sender-login.remove', { address, login }),
      answer: (): never => {
        throw new CommandError(
          'sender-login show is for the host itself; elsewhere: posthaste --host … explain --login USER',
        );
      },
    },
    tags: {
      list: async () => (await host.call<{ items: readonly object[] }>('tag.list')).items,
      objects: async (
        tag: string,
        { after, limit }: { readonly after?: { kind: string; object: string }; readonly limit: number },
      ) => {
        const from = after === undefined ? {} : { after: `${after.kind} ${after.object}` };
        return (await host.call<{ items: readonly object[] }>('tag.objects', { tag, limit, ...from })).items;
      },
      of: async (kind: string, name: string) =>
        (await host.call<{ tags: readonly string[] }>('tag.show', { kind, name })).tags,
      change: async (kind: string, name: string, add: readonly string[], remove: readonly string[] = []) =>
        (await host.call<{ tags: readonly string[] }>('tag.change', { kind, name, add, remove })).tags,
    },
    mailboxByAddress: (address: string) => (known.has(address.toLowerCase()) ? { address } : undefined),
    administrators: {
      add: async (added: NewAdministrator) => await host.call<AdministratorInfo>('admin.add', { ...added }),
      need: async (login: string) => plainAdministrator(await host.call('admin.show', { login })),
      list: async (query: Query) => ((await listed('admin.list', query)) as object[]).map(plainAdministrator),
      set: async (login: string, settings: AdministratorSettings) =>
        await host.call('admin.set', { login, ...settings }),
      remove: async (login: string) => await host.call('admin.remove', { login }),
    },
  };
}

/** Without what the page shows besides. */
function plainAdministrator(told: object): object {
  return Object.fromEntries(Object.entries(told).filter(([field]) => field !== 'totp' && field !== 'passkeys'));
}

type RevisionQuery = Query & { readonly revision?: number; readonly before?: number };
/** To administrators of domains the number is not shown, only the mark. */
type ToldRevision = Partial<Revision> & { readonly mark: string };

function historyParts(host: RemoteHost, listed: Listed) {
  const shown = ({ mark, revision, time, actor, changes, count }: ToldRevision) => {
    return { revision: revision ?? mark, time, actor, changes, count };
  };
  return {
    history: async ({ revision, before, ...query }: RevisionQuery) => {
      if (revision === undefined) {
        return ((await listed('revision.list', { ...query, after: before?.toString() })) as ToldRevision[]).map(shown);
      }
      const found = await host.find<ToldRevision>('revision.show', { revision: String(revision) });
      return found === undefined ? [] : [shown(found)];
    },
    revert: async (revision: number) => await host.call('revision.revert', { revision: String(revision) }),
  };
}
