// Asks the rows of tables as Postfix would be asked for an address (virtual(5)): each key in every table before the next,
// more general key. Where a table's rows are not known, an answer is not certain, and rules say nothing then.

import { type ExtensionRules, splitExtension } from '../address/extension.ts';
import { toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { parseAddressList } from '../address/address-list.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { PatternRulesBuilder } from '../tables/pattern-rules.ts';
import { pcreDialect } from '../tables/pcre-table.ts';
import { regexpDialect } from '../tables/regexp-table.ts';
import { readRuleLines } from '../tables/rule-lines.ts';
import type { Rules } from '../tables/rule-table.ts';
import type { LintContext } from './context.ts';
import type { Row } from './rows.ts';
import type { TableUse } from './table-uses.ts';

export interface AddressMaps {
  /** The first row of each folded key, in the order of the tables. */
  readonly rows: ReadonlyMap<string, Row>;
  /** Every row, later duplicates of a key too. */
  readonly all: readonly Row[];
  /** Tables whose rows are not known, patterns not among them. */
  readonly open: readonly TableUse[];
  /** Those of pcre: and regexp: tables, in the order of the tables. */
  readonly patterns: readonly Rules[];
}

export function addressMaps(context: LintContext, ...parameters: readonly string[]): AddressMaps {
  return context.remember(`maps ${parameters.join(' ')}`, () => readAddressMaps(context, parameters));
}

function readAddressMaps(context: LintContext, parameters: readonly string[]): AddressMaps {
  const rows = new Map<string, Row>();
  const all: Row[] = [];
  const open: TableUse[] = [];
  const patterns: Rules[] = [];
  for (const use of context.tablesOf(...parameters)) {
    if (use.members.length > 0) continue;
    const contents = context.contents(use);
    if (contents.kind === 'patterns' && use.type !== 'cidr') {
      patterns.push(compilePatterns(use, contents.source));
      continue;
    }
    if (contents.kind !== 'rows') {
      if (contents.kind !== 'failed') open.push(use);
      continue;
    }
    for (const row of contents.rows) {
      all.push(row);
      if (!rows.has(row.folded)) rows.set(row.folded, row);
    }
  }
  return { rows, all, open, patterns };
}

/** As the server reads them; what cannot be used is said by a rule of its own. */
function compilePatterns(use: TableUse, source: string): Rules {
  const dialect = use.type === 'regexp' ? regexpDialect() : pcreDialect();
  const builder = new PatternRulesBuilder(dialect, use.text, true, () => undefined);
  for (const row of readRuleLines(Buffer.from(source), () => undefined)) builder.add(row);
  return builder.finish();
}

/** Whether a pattern answers for this whole address: what it becomes then is not followed. */
export function isPatternFor({ patterns }: AddressMaps, address: string): boolean {
  return patterns.some((rules) => {
    try {
      return rules.find(address) !== undefined;
    } catch (error) {
      if (error instanceof TemporaryError) return true;
      throw error;
    }
  });
}

/** True where mail for this domain is the local class, or completed with it: bare keys hold there. */
export function isLocalDomain(context: LintContext, domain: string): boolean {
  return domain === context.text('myorigin').toLowerCase() || isDestination(context, domain);
}

export function isDestination(context: LintContext, domain: string): boolean {
  return context.domainList('mydestination').domains.has(domain);
}

/** The keys of an address, most specific first; the address in folded standard form. */
export function keysOf(context: LintContext, address: string): string[] {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  const bare = splitExtension(address, extensionRules(context))?.bare;
  const local = isLocalDomain(context, domain) ? [address, bare].filter((one) => one !== undefined) : [];
  return [
    address,
    ...(bare === undefined ? [] : [bare]),
    ...local.map((one) => one.slice(0, one.lastIndexOf('@'))),
    `@${domain}`,
  ];
}

export function findRow(context: LintContext, maps: AddressMaps, address: string): Row | undefined {
  for (const key of keysOf(context, address)) {
    const row = maps.rows.get(key);
    if (row !== undefined) return row;
  }
  return undefined;
}

/** What a row of aliases leads to, folded and in standard form; `@other` keeps the localpart of `address`. */
export function targetsOf(context: LintContext, row: Row, address: string): string[] {
  const rules = context.standardFormRules;
  if (row.value.startsWith('@')) {
    const localpart = address.slice(0, Math.max(0, address.lastIndexOf('@')));
    return [`${localpart}${row.value.toLowerCase()}`];
  }
  return parseAddressList(row.value).map((one) => standardForm(one, rules).toLowerCase());
}

/** A key as the address that it stands for, where it stands for one. */
export function keyAddress(context: LintContext, key: string): string | undefined {
  const internal = toInternal(key);
  if (internal.startsWith('@') || internal === '') return undefined;
  if (internal.includes('@')) return internal;
  // A name with a dot lists a domain rather than a user.
  return internal.includes('.') ? undefined : `${internal}@${context.text('myorigin').toLowerCase()}`;
}

/** The mailboxes of each domain that have no row or pattern among the aliases; wildcards left out. */
export function unprotectedMailboxes(context: LintContext): ReadonlyMap<string, readonly Row[]> {
  return context.remember('unprotected mailboxes', () => {
    const aliases = addressMaps(context, 'virtual_alias_maps');
    const byDomain = new Map<string, Row[]>();
    for (const row of addressMaps(context, 'virtual_mailbox_maps').rows.values()) {
      if (row.folded.startsWith('@') || aliases.rows.has(row.folded) || isPatternFor(aliases, row.folded)) continue;
      const domain = domainOfKey(row.folded);
      const rows = byDomain.get(domain);
      if (rows === undefined) byDomain.set(domain, [row]);
      else rows.push(row);
    }
    return byDomain;
  });
}

export function domainOfKey(key: string): string {
  return key.slice(key.lastIndexOf('@') + 1);
}

function extensionRules(context: LintContext): ExtensionRules {
  return context.remember('extension rules', () => ({
    delimiters: context.text('recipient_delimiter'),
    ownerRequestSpecial: context.isYes('owner_request_special'),
    doubleBounceSender: context.text('double_bounce_sender'),
  }));
}
