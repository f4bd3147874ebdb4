// Tags of domains, mailboxes, aliases and lists in a desired state: `mailbox anna@example.com: [vip]`.

import type { DirectoryView } from '../../../directory/directory-view.ts';
import { fold } from '../../../directory/mail-address.ts';
import { refuse } from '../../../directory/refusal.ts';
import type { TaggedKind } from '../../../directory/schema.ts';
import type { TaggedObject } from '../../../directory/tags.ts';
import { textSet } from '../fields.ts';
import { allOf, type DesiredKind, type State } from '../kind.ts';
import { isOf } from './transport.ts';

const fields: DesiredKind['fields'] = { tags: { type: textSet } };
const pageLength = 500;

function parse(name: string): [TaggedKind, string] {
  const [, kind, object] = /^(domain|mailbox|alias|list) (.+)$/.exec(name) ?? [];
  if (kind === undefined || object === undefined)
    refuse('write "domain NAME", "mailbox ADDRESS", "alias …" or "list …"');
  return [kind as TaggedKind, object];
}

async function read(view: DirectoryView, name: string): Promise<State | undefined> {
  const tags = await view.tags.find(...parse(name));
  return tags === undefined || tags.length === 0 ? undefined : { tags };
}

async function put(view: DirectoryView, name: string, state: State): Promise<void> {
  const wanted = (state['tags'] ?? []) as string[];
  const present = (await read(view, name))?.['tags'] as readonly string[] | undefined;
  const gone = (present ?? []).filter((one) => !wanted.some((other) => other.toLowerCase() === one));
  await view.tags.change(...parse(name), wanted, gone);
}

export const tagKind: DesiredKind = {
  name: 'tagged object',
  place: 'top',
  section: 'tags',
  fields,
  shorthand: 'tags',
  needed: ['tags'],
  keyOf: fold,
  list: async function* (view, domain) {
    const names = new Set<string>();
    for (const { tag } of await view.tags.list()) {
      const page = (after: TaggedObject | undefined) =>
        view.tags.objects(tag, { limit: pageLength, ...(after && { after }) });
      for await (const { kind, object } of allOf(page, pageLength))
        if (isOf(object, domain)) names.add(`${kind} ${object}`);
    }
    for (const name of [...names].toSorted()) {
      const state = await read(view, name);
      if (state !== undefined) yield [name, state];
    }
  },
  read,
  add: put,
  set: put,
  remove: (view, name) => put(view, name, {}),
};
