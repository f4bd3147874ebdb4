// Which tables may be opened through `proxy:`: those that proxy_read_maps names so, also within unionmap: and pipemap:
// or as the table of an access restriction in braces (proxymap(8)).

import { splitList } from '../lib/split-list.ts';
import { insideBraces } from './braces.ts';

const proxy = 'proxy:';

/** Names without their `proxy:`. */
export function proxiedNames(elements: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const element of elements) {
    for (const name of namesIn(element)) names.add(name);
  }
  return names;
}

function namesIn(element: string): string[] {
  // `{ proxy:type:name attribute=value ... }`: only the first word can be a table.
  const [word = ''] = element.startsWith('{') ? splitList(braced(element)) : [element];
  const nested = /^(?:unionmap|pipemap):/.exec(word);
  if (nested !== null) return splitList(braced(word.slice(nested[0].length))).flatMap(namesIn);
  if (!word.startsWith(proxy)) return [];
  return [withoutProxy(word)];
}

/** `proxy:proxy:` is `proxy:`. */
export function withoutProxy(name: string): string {
  return name.startsWith(proxy) ? withoutProxy(name.slice(proxy.length)) : name;
}

function braced(text: string): string {
  try {
    return insideBraces(text);
  } catch {
    return '';
  }
}
