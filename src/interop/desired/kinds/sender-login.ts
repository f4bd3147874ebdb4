// Who may send as an address besides those who receive its mail, and who may not, in a desired state.

import type { DirectoryView } from '../../../directory/directory-view.ts';
import { fold } from '../../../directory/mail-address.ts';
import type { SenderRight } from '../../../directory/sender-rights.ts';
import { textSet } from '../fields.ts';
import { allOf, type DesiredKind, type State } from '../kind.ts';

const fields: DesiredKind['fields'] = { allow: { type: textSet, usual: [] }, deny: { type: textSet, usual: [] } };
const pageLength = 500;

function describe(rights: readonly SenderRight[]): State {
  const logins = (isAllowed: boolean): string[] =>
    rights
      .filter(({ allowed }) => allowed === isAllowed)
      .map(({ login }) => login)
      .toSorted();
  const [allow, deny] = [logins(true), logins(false)];
  return { ...(allow.length > 0 ? { allow } : {}), ...(deny.length > 0 ? { deny } : {}) };
}

async function* rightsByAddress(view: DirectoryView): AsyncGenerator<readonly [string, State]> {
  let waiting: SenderRight[] = [];
  const page = (after: SenderRight | undefined) =>
    view.senderRights.list({ limit: pageLength, ...(after && { after }) });
  for await (const right of allOf(page, pageLength)) {
    const [first] = waiting;
    if (first !== undefined && fold(first.address) !== fold(right.address)) {
      yield [first.address, describe(waiting)];
      waiting = [];
    }
    waiting.push(right);
  }
  if (waiting[0] !== undefined) yield [waiting[0].address, describe(waiting)];
}

async function put(view: DirectoryView, address: string, state: State, before: State): Promise<void> {
  const wanted = new Map<string, boolean>();
  for (const [field, allowed] of [
    ['allow', true],
    ['deny', false],
  ] as const) {
    for (const login of (state[field] ?? []) as string[]) wanted.set(fold(login), allowed);
  }
  const present = new Map<string, boolean>();
  for (const [field, allowed] of [
    ['allow', true],
    ['deny', false],
  ] as const) {
    for (const login of (before[field] ?? []) as string[]) present.set(login, allowed);
  }
  for (const login of present.keys()) if (!wanted.has(login)) await view.senderRights.remove(address, login);
  for (const [login, allowed] of wanted) {
    if (!present.has(login)) await view.senderRights.add(address, login, allowed);
    else if (present.get(login) !== allowed) await view.senderRights.set(address, login, allowed);
  }
}

export const senderLoginKind: DesiredKind = {
  name: 'sender login',
  place: 'top',
  section: 'sender-logins',
  fields,
  keyOf: fold,
  list: async function* (view, domain) {
    for await (const [address, state] of rightsByAddress(view)) {
      if (domain === undefined || address.endsWith(`@${domain}`)) yield [address, state];
    }
  },
  read: async (view, address) => {
    const rights = await view.senderRights.list({ address, limit: 1000 });
    return rights.length === 0 ? undefined : describe(rights);
  },
  add: (view, address, state) => put(view, address, state, {}),
  set: (view, address, state, before) => put(view, address, state, before),
  remove: async (view, address) => {
    await put(view, address, {}, describe(await view.senderRights.list({ address, limit: 1000 })));
  },
};
