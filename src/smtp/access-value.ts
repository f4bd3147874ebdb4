// What a value of an access table says (Postfix access(5)): read here as words, so that a rule can be checked before
// anybody meets it; what is done about it stands in access/access-action.ts.

import { isRestriction, takesArgument } from './restriction-names.ts';

export type AccessOrder = 'HOLD' | 'DISCARD' | 'FILTER' | 'REDIRECT' | 'BCC' | 'PREPEND';
export type AccessRefusal = 'REJECT' | 'DEFER' | 'DEFER_IF_PERMIT' | 'DEFER_IF_REJECT';

export type AccessValue =
  | { readonly kind: 'dunno' }
  /** `OK`, or the number that programs of old give; `word` as written. */
  | { readonly kind: 'permit'; readonly word: string }
  | { readonly kind: AccessRefusal; readonly text: string }
  /** `550 5.7.1 text`. */
  | { readonly kind: 'reply'; readonly code: number; readonly text: string }
  | { readonly kind: 'log'; readonly what: 'warn' | 'info'; readonly text: string }
  | { readonly kind: 'order'; readonly order: AccessOrder; readonly word: string; readonly text: string }
  /** Restrictions to be asked in its place. */
  | { readonly kind: 'restrictions'; readonly text: string };

const orders: ReadonlySet<string> = new Set<AccessOrder>(['HOLD', 'DISCARD', 'FILTER', 'REDIRECT', 'BCC', 'PREPEND']);

export function readAccessValue(value: string): AccessValue {
  const match = /^([^ \t]*)[ \t]*(.*)$/s.exec(value);
  const word = match?.[1] ?? '';
  const text = match?.[2] ?? '';
  const action = word.toUpperCase();
  switch (action) {
    case 'DUNNO':
      return { kind: 'dunno' };
    case 'OK':
    case 'RELAY':
      return { kind: 'permit', word };
    case 'REJECT':
    case 'DEFER':
    case 'DEFER_IF_PERMIT':
    case 'DEFER_IF_REJECT':
      return { kind: action, text };
    case 'WARN':
    case 'INFO':
      return { kind: 'log', what: action === 'WARN' ? 'warn' : 'info', text };
  }
  if (orders.has(action)) return { kind: 'order', order: action as AccessOrder, word, text };
  if (/^\d+$/.test(value)) return { kind: 'permit', word };
  if (/^[45]\d\d$/.test(word) && text !== '') return { kind: 'reply', code: Number(word), text };
  return { kind: 'restrictions', text: value };
}

/** Why an order cannot be carried out, as the log has it; undefined: it can. */
export function orderMisuse(order: AccessOrder, text: string): string | undefined {
  switch (order) {
    case 'FILTER':
      return text.includes(':') ? undefined : 'requires transport:destination';
    case 'REDIRECT':
    case 'BCC':
      return text.includes('@') ? undefined : 'requires user@domain target';
    case 'PREPEND':
      return /^[!-9;-~]+[ \t]*:/.test(text) ? undefined : 'requires header: text';
    case 'HOLD':
    case 'DISCARD':
      return undefined;
  }
}

/**
 * Why a rule with this value would not do what it says; undefined: it would. `classes` are the restriction classes of
 * the configuration (smtpd_restriction_classes).
 */
export function accessValueFault(value: string, classes: ReadonlySet<string>): string | undefined {
  const read = readAccessValue(value);
  if (read.kind === 'order') {
    const misuse = orderMisuse(read.order, read.text);
    return misuse === undefined ? undefined : `${read.order} ${misuse}`;
  }
  return read.kind === 'restrictions' ? restrictionsFault(read.text, classes) : undefined;
}

function restrictionsFault(text: string, classes: ReadonlySet<string>): string | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) return 'it says nothing: write REJECT, OK, DUNNO or another action of access(5)';
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const name = word.toLowerCase();
    if (classes.has(word)) continue;
    if (!isRestriction(name)) {
      return `"${word}" is neither an action of access(5) (REJECT, OK, DUNNO, HOLD \u2026) nor a restriction`;
    }
    if (!takesArgument(name)) continue;
    const argument = words[++at];
    if (argument === undefined) return `${name} needs its argument after it`;
    if (argument.includes(':')) return `a rule cannot name a table (${argument}): put ${name} into a restriction class`;
  }
  return undefined;
}
