// Where an address extension begins (Postfix's recipient_delimiter): `user+ext@domain` is `user@domain` with the
// extension `+ext`. The delimiter is a set of characters; the one that was found travels with the extension.

export interface ExtensionRules {
  /** recipient_delimiter: '' means that there are no extensions. */
  readonly delimiters: string;
  /** owner_request_special: `owner-list` and `list-request` are not split at `-`. */
  readonly ownerRequestSpecial: boolean;
  /** double_bounce_sender, never split. */
  readonly doubleBounceSender: string;
}

/** Index of the delimiter in an internal localpart, or -1. */
export function findExtension(localpart: string, rules: ExtensionRules): number {
  if (rules.delimiters === '') return -1;
  let found = -1;
  for (let index = 0; index < localpart.length; index++) {
    if (rules.delimiters.includes(localpart[index] as string)) {
      found = index;
      break;
    }
  }
  // A localpart that begins with the delimiter has no user before it: it stays whole.
  return found <= 0 || isNeverSplit(localpart.toLowerCase(), rules) ? -1 : found;
}

function isNeverSplit(folded: string, rules: ExtensionRules): boolean {
  if (folded === 'postmaster' || folded === 'mailer-daemon') return true;
  if (folded === rules.doubleBounceSender.toLowerCase()) return true;
  if (!rules.delimiters.includes('-') || !rules.ownerRequestSpecial) return false;
  return folded.startsWith('owner-') || (folded.length > 8 && folded.endsWith('-request'));
}

/** The address (internal form) without its extension, and the extension with its delimiter; undefined without one. */
export function splitExtension(
  address: string,
  rules: ExtensionRules,
): { readonly bare: string; readonly extension: string } | undefined {
  const at = address.lastIndexOf('@');
  const localpart = at === -1 ? address : address.slice(0, at);
  const start = findExtension(localpart, rules);
  if (start === -1) return undefined;
  const domain = at === -1 ? '' : address.slice(at);
  return { bare: localpart.slice(0, start) + domain, extension: localpart.slice(start) };
}

/** Puts an extension before the last `@` of an internal address. */
export function addExtension(address: string, extension: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address + extension : address.slice(0, at) + extension + address.slice(at);
}
