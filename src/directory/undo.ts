// How each kind of change is undone, one entry a kind of object: what it takes away again, brings back or sets back. It uses
// the same operations as everybody else, so that a state which could not be made cannot come back either.

import type { DirectoryView } from './directory-view.ts';
import type { DomainSettings } from './domains.ts';
import type { DirectoryEvent } from './events.ts';
import type { FieldDifference } from './history.ts';
import { refuse } from './refusal.ts';
import { placeUndoKinds } from './undo-places.ts';
import type { PostingRule } from './schema.ts';

/** What a change of this kind needs to be undone. */
export interface Undo {
  /** Which of several that events name alike: the login of a grant, the name of an app password. */
  part?(event: DirectoryEvent): string;
  /** The object now, in the form that events have; undefined where there is none. */
  current(directory: DirectoryView, event: DirectoryEvent): Promise<object | undefined>;
  /** Of an event that added the object. */
  takeAway(directory: DirectoryView, event: DirectoryEvent): Promise<void>;
  /** Of an event that removed it; what cannot come back with it is returned as a sentence. */
  bringBack(directory: DirectoryView, event: DirectoryEvent): Promise<string | undefined>;
  /** `fields` are those that the event changed, with what they were. */
  setBack(
    directory: DirectoryView,
    event: DirectoryEvent,
    fields: readonly FieldDifference[],
  ): Promise<string | undefined>;
}

/** What a domain's settings are where nobody has said anything; null: that is never so. */
export const usualDomain = {
  class: null,
  active: true,
  transport: '',
  maintenance: '',
  unknownTo: '',
  maxMailboxes: 0,
  maxAliases: 0,
  totalQuotaBytes: 0,
  defaultQuotaBytes: 0,
  maxQuotaBytes: 0,
  catchAllMode: 'accept',
  recipients: 'all',
};

/** As usualDomain; null for `vacation`, `forward` and the two limits takes away what was set. */
export const usualMailbox = {
  name: '',
  quotaBytes: 0,
  enabled: true,
  vacation: null,
  forward: null,
  maintenance: '',
  messageLimit: null,
  recipientLimit: null,
  protocols: [],
  mustChange: false,
  passwordExpires: 0,
  recoveryAddress: '',
};

const domain: Undo = {
  current: async (directory, { object }) => {
    const info = await directory.domains.show(object);
    if (info === undefined) return undefined;
    const { mode } = await directory.catchAlls.show(object);
    // As events have it: only what is not usual.
    return { ...info, catchAllMode: mode === 'accept' ? undefined : mode };
  },
  takeAway: (directory, { object }) => directory.domains.remove(object),
  bringBack: async (directory, { object, before }) => {
    const { name: _, maintenance, ...settings } = before as DomainSettings & { readonly name: string };
    await directory.domains.add(object, settings);
    if (maintenance !== undefined) await directory.domains.set(object, { maintenance });
    return undefined;
  },
  setBack: async (directory, { object }, fields) => {
    const settings = chosen(fields, usualDomain);
    await directory.domains.set(object, settings);
    return undefined;
  },
};

const aliasDomain: Undo = {
  current: (directory, { object }) => directory.aliasDomains.show(object),
  takeAway: (directory, { object }) => directory.aliasDomains.remove(object),
  bringBack: async (directory, { object, before }) => {
    const { target, active } = before as { target: string; active?: boolean };
    await directory.aliasDomains.add(object, target);
    if (active === false) await directory.aliasDomains.set(object, { active });
    return undefined;
  },
  setBack: async (directory, { object }, fields) => {
    await directory.aliasDomains.set(object, chosen(fields, { target: null, active: true }));
    return undefined;
  },
};

const mailbox: Undo = {
  current: async (directory, { object, before, after }) => {
    // A renamed one has another address than the event's object.
    const { id, address = object } = (after ?? before) as { id: number; address?: string };
    const found = await directory.mailboxes.show(after === null ? object : address);
    // Another mailbox may have the address by now.
    if (found !== undefined && found.id !== id && after !== null) return undefined;
    return found;
  },
  takeAway: async (directory, { object }) => {
    await directory.mailboxes.remove(object);
  },
  bringBack: async (directory, { action, object, before }) => {
    if (action === 'mailbox.purge') refuse(`the mail of ${object} has been deleted: it cannot come back`);
    const restored = await directory.mailboxes.restore(object);
    const { id } = before as { id: number };
    if (restored.id !== id) {
      refuse(`another mailbox ${object} (id ${restored.id}) was removed since: restore that one first, or rename it`);
    }
    return undefined;
  },
  setBack: async (directory, { object, after }, fields) => {
    const {
      password: _,
      address,
      ...settings
    } = chosen(fields, { ...usualMailbox, password: undefined, address: null });
    // What went with it has events of its own.
    if (typeof address === 'string') await directory.mailboxes.rename((after as { address: string }).address, address);
    if (Object.keys(settings).length > 0) await directory.mailboxes.set(object, settings);
    const isPassword = fields.some(({ field }) => field === 'password');
    return isPassword ? `the password of ${object} stays as it is now: former ones are not kept` : undefined;
  },
};

interface AliasFields {
  readonly targets: readonly string[];
  readonly active?: boolean;
  readonly post?: PostingRule;
  readonly posters?: readonly string[];
}

const alias: Undo = {
  current: (directory, { object }) => directory.aliases.show(object),
  takeAway: (directory, { object }) => directory.aliases.remove(object),
  bringBack: async (directory, { object, before }) => {
    const { targets, active = true, post = 'anyone', posters = [] } = before as AliasFields;
    await directory.aliases.add(object, targets, { active, post, posters });
    return undefined;
  },
  setBack: async (directory, { object }, fields) => {
    const usual = { targets: null, active: true, post: 'anyone', posters: [] };
    const { targets, ...settings } = chosen(fields, usual) as Partial<AliasFields>;
    await directory.aliases.set(object, targets ?? (await directory.aliases.need(object)).targets, settings);
    return undefined;
  },
};

interface ListFields {
  readonly name: string;
  readonly post: PostingRule;
  readonly owners: readonly string[];
  readonly posters: readonly string[];
}

const list: Undo = {
  current: (directory, { object }) => directory.lists.show(object),
  takeAway: (directory, { object }) => directory.lists.remove(object),
  bringBack: async (directory, { id, object, before }) => {
    const { name, post, owners, posters } = before as ListFields;
    const members = await membersBefore(directory, object, id);
    await directory.lists.add({ address: object, name, post, owners, posters, members });
    return undefined;
  },
  setBack: async (directory, { object }, fields) => {
    const settings = chosen(fields, { name: '', post: null, owners: null, posters: null, members: undefined });
    const { members: _, ...kept } = settings;
    await directory.lists.set(object, kept);
    return undefined;
  },
};

/** The event of a list's removal does not repeat its members: those came and went by events of their own. */
async function membersBefore(directory: DirectoryView, object: string, event: number): Promise<string[]> {
  const members = new Map<string, string>();
  let after = 0;
  for (;;) {
    const page = await directory.events({ object, after, limit: 1000 });
    for (const one of page) {
      if (one.id >= event) return [...members.values()];
      if (one.action === 'list.add' || one.action === 'list.remove') members.clear();
      if (!one.action.startsWith('list-member.')) continue;
      for (const address of membersOf(one.before)) members.delete(address.toLowerCase());
      for (const address of membersOf(one.after)) members.set(address.toLowerCase(), address);
    }
    const last = page.at(-1);
    if (last === undefined) return [...members.values()];
    after = last.id;
  }
}

function membersOf(value: unknown): readonly string[] {
  return (value as { members?: string[] } | null)?.members ?? [];
}

/** Its events say who came or went: the rest of the list is nobody's concern. */
const listMember: Undo = {
  part: ({ id }) => String(id),
  current: async (directory, { object, after }) => {
    // Those who have gone may have come again: then they stay.
    return after === null ? undefined : await directory.lists.show(object);
  },
  takeAway: (directory, { object, after }) => directory.lists.removeMembers(object, membersOf(after)),
  bringBack: async (directory, { object, before }) => {
    await directory.lists.addMembers(object, membersOf(before));
    return undefined;
  },
  setBack: async () => undefined,
};

interface RightFields {
  readonly login: string;
  readonly allowed: boolean;
}

const senderLogin: Undo = {
  part: ({ before, after }) => ((after ?? before) as RightFields).login,
  current: async (directory, { object, before, after }) => {
    const { login } = (after ?? before) as RightFields;
    const [found] = await directory.senderRights.list({ address: object, login });
    return found;
  },
  takeAway: (directory, { object, after }) => directory.senderRights.remove(object, (after as RightFields).login),
  bringBack: async (directory, { object, before }) => {
    const { login, allowed } = before as RightFields;
    await directory.senderRights.add(object, login, allowed);
    return undefined;
  },
  setBack: async (directory, { object, before }) => {
    const { login, allowed } = before as RightFields;
    await directory.senderRights.set(object, login, allowed);
    return undefined;
  },
};

const setting: Undo = {
  current: async (directory, { object }) => {
    const value = directory.lookups.setting(object);
    return value === undefined ? undefined : { value };
  },
  takeAway: (directory, { object }) => directory.settings.set(object, undefined),
  bringBack: async (directory, { object, before }) => {
    await directory.settings.set(object, (before as { value: string }).value);
    return undefined;
  },
  setBack: async (directory, { object, before }) => {
    await directory.settings.set(object, (before as { value: string }).value);
    return undefined;
  },
};

interface AppPasswordFields {
  readonly name: string;
  readonly protocols: string[];
  readonly senders: string[];
  readonly expires?: number;
}

interface TokenFields {
  readonly id: number;
  readonly name: string;
  readonly created: number;
}

const appPassword: Undo = {
  part: ({ before, after }) => ((after ?? before) as AppPasswordFields).name,
  current: async (directory, { object, before, after }) => {
    const { name } = (after ?? before) as AppPasswordFields;
    return (await directory.appPasswords.list(object)).find((one) => one.name === name);
  },
  takeAway: (directory, { object, after }) => directory.appPasswords.remove(object, (after as AppPasswordFields).name),
  bringBack: async (_directory, { object, before }) =>
    `the app password "${(before as AppPasswordFields).name}" of ${object} is gone for good: passwords are not kept`,
  setBack: async (directory, { object, before, after }) => {
    const { name, protocols, senders, expires = 0 } = before as AppPasswordFields;
    const now = (after as AppPasswordFields).name;
    await directory.appPasswords.set(object, now, { name, protocols, senders, expires });
    return undefined;
  },
};

const token: Undo = {
  part: ({ before, after }) => String(((after ?? before) as TokenFields).id),
  current: async (directory, { before, after }) => {
    const { id, created } = (after ?? before) as TokenFields;
    return await directory.tokens.find(id, created);
  },
  takeAway: (directory, { after }) => directory.tokens.remove((after as TokenFields).id),
  bringBack: async (_directory, { object, before }) =>
    `the token "${(before as TokenFields).name}" of ${object} is gone for good: its secret is not kept`,
  // Nothing changes one.
  setBack: async () => undefined,
};

/** By what stands before the dot in an event's action. A revision that undid another is undone by its own events. */
export const undoKinds: Readonly<Record<string, Undo>> = {
  domain,
  'alias-domain': aliasDomain,
  mailbox,
  alias,
  list,
  'list-member': listMember,
  'sender-login': senderLogin,
  setting,
  'app-password': appPassword,
  token,
  ...placeUndoKinds,
};

/**
 * What the fields were, as settings: `usual` names every field that can be set back, and what stands for its absence
 * (null: it is never absent). A field that is not named is one that nobody here knows how to set back.
 */
function chosen<Usual extends Record<string, unknown>>(
  fields: readonly FieldDifference[],
  usual: Usual,
): { [Name in keyof Usual]?: never } & Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const { field, before } of fields) {
    if (!Object.hasOwn(usual, field)) refuse(`nothing here knows how to set back "${field}"`);
    settings[field] = before === undefined ? usual[field] : before;
  }
  return settings as { [Name in keyof Usual]?: never } & Record<string, unknown>;
}
