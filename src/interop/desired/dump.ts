// The whole directory as YAML that `apply` takes: in a stable order, without secrets unless they are asked for. A document
// for some domains at a time, so that neither writing nor reading ever holds a large directory in memory.

import type { DirectoryView } from '../../directory/directory-view.ts';
import { emitEntry } from './emit.ts';
import { domainKind } from './kinds/domain.ts';
import { desiredKinds } from './kinds.ts';
import type { DesiredKind, ReadOptions, State } from './kind.ts';

export interface DumpOptions extends ReadOptions {
  /** Only this one, with what is in it and its alias domains. */
  readonly domain?: string;
}

/** A document is ended when it has become so long. */
const documentLength = 100_000;

/** Pieces of the text, in order. */
export async function* dump(view: DirectoryView, options: DumpOptions): AsyncGenerator<string> {
  yield `# The directory, as "posthaste apply" takes it${options.withHashes ? ', with password hashes: keep it secret' : ''}.\n`;
  const inDomain = desiredKinds.filter(({ place }) => place === 'domain');
  let length = 0;
  for await (const [name, state] of domainKind.list(view, options.domain, options)) {
    if (length === 0) yield `${domainKind.section}:\n`;
    let text = emitEntry(name, printState(domainKind, state), '  ');
    yield text;
    length += text.length;
    for (const kind of inDomain) {
      let isFirst = true;
      for await (const [address, own] of kind.list(view, name, options)) {
        const local = address.slice(0, address.lastIndexOf('@')) || '@';
        text = (isFirst ? `    ${kind.section}:\n` : '') + emitEntry(local, printValue(kind, own), '      ');
        yield text;
        length += text.length;
        isFirst = false;
      }
    }
    if (length > documentLength) {
      yield '---\n';
      length = 0;
    }
  }
  for (const kind of desiredKinds) {
    if (kind.place === 'domain' || kind === domainKind) continue;
    let isFirst = true;
    for await (const [name, state] of kind.list(view, options.domain, options)) {
      yield (isFirst ? `${kind.section}:\n` : '') + emitEntry(name, printValue(kind, state), '  ');
      isFirst = false;
    }
  }
}

/** Fields by their names in YAML, in the order of the kind's list. */
export function printState({ fields }: DesiredKind, state: State): Record<string, unknown> {
  const printed: Record<string, unknown> = {};
  for (const [name, { type }] of Object.entries(fields)) {
    if (Object.hasOwn(state, name)) printed[name] = type.print(state[name]);
  }
  return printed;
}

function printValue(kind: DesiredKind, state: State): unknown {
  const printed = printState(kind, state);
  const names = Object.keys(printed);
  if (names.length === 0) return null;
  return names.length === 1 && names[0] === kind.shorthand ? printed[names[0] as string] : printed;
}
