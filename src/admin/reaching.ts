// Which addresses' mail ends in a mailbox or at an address: found backwards along aliases, alias domains, forwards and lists, and
// then asked forwards of the resolver, so that nothing is said that is not so.

import type { Directory } from '../directory/directory.ts';
import { addressesLeadingTo, type Pointer, type PointerKind } from '../directory/reverse.ts';

export interface ReachingAddress {
  /** `*@domain` for every other local part. */
  readonly address: string;
  readonly by: PointerKind | 'own';
  /** Mail really arrives; false: a row points here, but something else is found first, or it is refused. */
  readonly arrives: boolean;
}

/** What the resolver says of an address. */
interface Explained {
  readonly reply: { readonly code: number };
  readonly deliveries: readonly { readonly recipient: string; readonly transport: string }[];
}

export interface ReachingQuestion {
  /** Folded. */
  readonly address: string;
  /** From this one on, at most so many. */
  readonly from: number;
  readonly limit: number;
  /** Which of those that lead here are told; absent: all. */
  readonly tells?: (one: Pointer) => boolean;
  /** Which are left out with all that leads here by them; absent: none. */
  readonly follows?: (one: Pointer) => boolean;
}

export async function reachingAddresses(
  directory: Pick<Directory, 'reverse' | 'mailboxByAddress'>,
  { address, from, limit, tells = () => true, follows }: ReachingQuestion,
  explain: (address: string) => Promise<Explained>,
): Promise<{ readonly rows: readonly ReachingAddress[]; readonly isCut: boolean }> {
  const { found, isCut } = await addressesLeadingTo(directory.reverse, [address], from + limit, follows);
  const all = [{ address, by: 'own' as const }, ...found.filter(tells)].slice(from, from + limit);
  const rows: ReachingAddress[] = [];
  for (const { address: one, by } of all) {
    const shown = one.startsWith('@') ? `*${one}` : one;
    // The list's members are its own business: the resolver ends at the list.
    const arrives = by === 'list' || (await doesArrive(directory, address, one, explain));
    rows.push({ address: shown, by, arrives });
  }
  return { rows, isCut };
}

async function doesArrive(
  directory: Pick<Directory, 'mailboxByAddress'>,
  wanted: string,
  address: string,
  explain: (address: string) => Promise<Explained>,
): Promise<boolean> {
  const asked = address.startsWith('@') ? `nobody-has-this-name${address}` : address;
  const { reply, deliveries } = await explain(asked);
  const arrives = deliveries.some(({ recipient }) => {
    const folded = recipient.toLowerCase();
    return folded === wanted || (directory.mailboxByAddress(recipient)?.address ?? folded) === wanted;
  });
  // Through a list that leads here, what a list gets arrives too.
  const isOverList = deliveries.some(({ transport }) => transport === 'posthaste-list');
  return reply.code < 400 && (arrives || isOverList);
}
