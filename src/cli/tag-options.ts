// `--tag` and `--untag` of the `set` commands, and `--tag` of the lists.

import type { Command } from 'commander';
import type { Directory } from '../directory/directory.ts';
import type { TaggedKind } from '../directory/schema.ts';
import type { TaggedObject } from '../directory/tags.ts';

export interface TagOptions {
  readonly tag?: readonly string[];
  readonly untag?: readonly string[];
}

export function addTagOptions(command: Command): Command {
  return command
    .option('--tag <word...>', 'put a tag on it, to find it again (posthaste tag list)')
    .option('--untag <word...>', 'take a tag off');
}

export function changesTags({ tag, untag }: TagOptions): boolean {
  return tag !== undefined || untag !== undefined;
}

/** Does nothing where neither option is given. */
export async function changeTags(
  directory: Directory,
  kind: TaggedKind,
  object: string,
  options: TagOptions,
): Promise<void> {
  if (changesTags(options)) await directory.tags.change(kind, object, options.tag ?? [], options.untag ?? []);
}

/** How `show` shows them: nothing where there are none. */
export async function tagLines(
  directory: Directory,
  kind: TaggedKind,
  object: string,
): Promise<{ readonly tags: readonly string[]; readonly lines: readonly (readonly [string, string])[] }> {
  const tags = await directory.tags.of(kind, object);
  return { tags, lines: tags.length === 0 ? [] : [['tags', tags.join(', ')]] };
}

/** Pages of the objects that have a tag; `domain` leaves out those of others. */
export async function* taggedPages<Row>(
  directory: Directory,
  kind: TaggedKind,
  { tag, domain }: { readonly tag: string; readonly domain?: string | undefined },
  show: (object: string) => Promise<Row | undefined>,
): AsyncGenerator<readonly Row[]> {
  let after: TaggedObject | undefined;
  for (;;) {
    const page = await directory.tags.objects(tag, { kind, ...(after === undefined ? {} : { after }), limit: 200 });
    const rows: Row[] = [];
    for (const { object } of page) {
      if (domain !== undefined && object.slice(object.lastIndexOf('@') + 1) !== domain.toLowerCase()) continue;
      const row = await show(object);
      if (row !== undefined) rows.push(row);
    }
    yield rows;
    after = page.at(-1);
    if (after === undefined) return;
  }
}
