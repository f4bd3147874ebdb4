// The schemas that operations share. `x-is` says what a text must be beyond its shape (check-input.ts reads it).

import { type TSchema, Type } from 'typebox';
import { fail } from './problem.ts';

export const address = (description = 'An address, as anna@example.com.') =>
  Type.String({ description, maxLength: 330, 'x-is': 'address' });
/** `@domain` is a domain's catch-all. */
export const aliasAddress = () =>
  Type.String({ description: 'An address, or @example.com: the catch-all.', maxLength: 330, 'x-is': 'alias-address' });
export const domainName = (description = 'A domain, as example.com.') =>
  Type.String({ description, maxLength: 255, 'x-is': 'domain' });
export const anyText = (description: string, maxLength = 1000) => Type.String({ description, maxLength });
export const words = (description: string, maxItems = 1000) =>
  Type.Array(Type.String({ maxLength: 330 }), { description, maxItems });
export const time = (description: string) => Type.Integer({ description: `${description} Milliseconds since 1970.` });
export const count = (description: string) => Type.Integer({ description, minimum: 0 });
export const yes = (description: string) => Type.Boolean({ description });
export const password = (description = 'The password; left out, one is made and given back.') =>
  Type.String({ description, minLength: 1, maxLength: 1024, format: 'password' });
export const optional = Type.Optional;

export const object = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false });

export const pageInput = {
  after: Type.Optional(anyText('Where the page before ended: its `next`.')),
  limit: Type.Optional(Type.Integer({ description: 'Items at most, 100 without.', minimum: 1, maximum: 1000 })),
};

/** What is looked for within one domain: all of a host would be a walk through everybody's rows. */
export const search = Type.Optional(anyText('Only those that contain this; give the domain with it.', 255));

/** As a query of the directory has it. Throws ProblemError. */
export function searched(text: string | undefined, domain: string | undefined): { readonly search?: string } {
  if (text === undefined || text === '') return {};
  if (domain === undefined) fail(422, 'missing-field', 'say in which domain to look', { field: 'domain' });
  return { search: text };
}

export const page = <Item extends TSchema>(item: Item) =>
  object({
    items: Type.Array(item),
    next: Type.Optional(anyText('Where the next page begins; absent: this was the last.')),
  });

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

export const usualPage = 100;

/** `items` may hold one more than asked for: that tells whether there is another page. */
export function toPage<Item>(
  items: readonly Item[],
  limit: number | undefined,
  keyOf: (item: Item) => string,
): PageOf<Item> {
  const length = limit ?? usualPage;
  const last = items[length - 1];
  if (items.length <= length || last === undefined) return { items };
  return { items: items.slice(0, length), next: keyOf(last) };
}

export const removed = object({ removed: Type.Literal(true) });
