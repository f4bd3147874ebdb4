// What a system's alias row at a mailbox's own address means: itself among the targets keeps a copy here.

import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';

export function forwardOf(
  address: string,
  targets: readonly string[],
): { readonly forward?: NonNullable<BulkMailbox['forward']> } {
  const isSelf = (target: string): boolean => target.toLowerCase() === address.toLowerCase();
  const to = targets.filter((target) => !isSelf(target));
  return to.length === 0 ? {} : { forward: { mode: targets.some(isSelf) ? 'both' : 'forward', to } };
}
