// The domains that a configuration lists, by parameter, with the place of each: literals, files and tables whose text is
// there. What only a server knows makes the list open: nothing may be concluded from a domain that is not in it.

import { readLogicalLines } from '../lib/logical-lines.ts';
import { splitList } from '../lib/split-list.ts';
import type { LintContext } from './context.ts';
import type { Place } from './rule.ts';
import { tableUse } from './table-uses.ts';

export const classParameters = [
  'mydestination',
  'virtual_alias_domains',
  'virtual_mailbox_domains',
  'relay_domains',
] as const;

export type ClassParameter = (typeof classParameters)[number];

export interface ListedDomain {
  /** Folded. */
  readonly domain: string;
  readonly place: Place;
}

export interface DomainList {
  readonly parameter: ClassParameter;
  readonly domains: ReadonlyMap<string, ListedDomain>;
  /** There are members that cannot be listed. */
  readonly isOpen: boolean;
  /** Tables of the list that cannot be listed, as written. */
  readonly openTables: ReadonlyMap<string, Place>;
}

export function readDomainLists(context: LintContext): ReadonlyMap<ClassParameter, DomainList> {
  return new Map(classParameters.map((parameter) => [parameter, readDomainList(context, parameter)]));
}

function readDomainList(context: LintContext, parameter: ClassParameter): DomainList {
  const domains = new Map<string, ListedDomain>();
  const openTables = new Map<string, Place>();
  let isOpen = false;
  const add = (domain: string, place: Place): void => {
    const folded = domain.toLowerCase();
    if (!domains.has(folded)) domains.set(folded, { domain: folded, place });
  };
  const visit = (element: string, place: Place): void => {
    if (element.startsWith('!')) {
      isOpen = true;
    } else if (element.startsWith('/')) {
      const read = context.files.read(element);
      if (read.kind === 'failed') isOpen = true;
      else for (const [word, line] of wordsOf(read.text)) visit(word, { file: read.path, line });
    } else if (element.includes(':') && !element.startsWith('[')) {
      const contents = visitTable(element, place);
      if (contents) return;
      isOpen = true;
      openTables.set(element, place);
    } else add(element, place);
  };
  const visitTable = (element: string, place: Place): boolean => {
    const use = tableUse(element, { parameter, place, service: undefined });
    if (use === undefined) return false;
    const known = context.directoryDomains?.get(element);
    if (known !== undefined) {
      for (const domain of known) add(domain, place);
      return true;
    }
    const contents = context.contents(use);
    if (contents.kind !== 'rows') return false;
    for (const row of contents.rows) {
      // A table of aliases lists a domain by a row of its own (virtual(5)); its other rows are none.
      if (!row.folded.includes('@') && row.folded.includes('.')) add(row.folded, row);
    }
    return true;
  };
  for (const element of splitList(context.text(parameter))) visit(element, context.placeOf(parameter));
  return { parameter, domains, isOpen, openTables };
}

function* wordsOf(text: string): Generator<[string, number]> {
  for (const { text: content, line } of readLogicalLines(text)) {
    for (const word of splitList(content.replace(/#.*$/, ''))) yield [word, line];
  }
}
