// Virtual aliasing (Postfix virtual(5)): what one recipient becomes. The algorithm is cleanup(8)'s, step for step,
// because its order decides what loops mean: a list of slots is worked from left to right; each slot is replaced
// by the first address of its alias and the others are appended, until nothing is found; an address that expands
// into itself is kept and not expanded again. What ends in no fixed point is an error for the whole message.

import { fold, toExternal } from '../address/form.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Decision } from './decision.ts';
import type { AddressSearch } from './find-address.ts';
import { mapAddress, type MappingRules } from './map-address.ts';
import type { Reply } from './types.ts';

export interface AliasRules extends MappingRules {
  readonly expansionLimit: number;
  readonly recursionLimit: number;
  readonly addressLengthLimit: number;
}

export type Expansion =
  /** In internal form, in the order in which they came to be; not yet without duplicates. */
  | { readonly kind: 'expanded'; readonly recipients: readonly string[] }
  /** The message is refused at the end of DATA; nothing of it is delivered, not even to others. */
  | { readonly kind: 'failed'; readonly reply: Reply; readonly reason: string };

const expansionError: Reply = { code: 451, status: '4.6.0', text: 'Alias expansion error' };
export const writeError: Reply = { code: 451, status: '4.3.0', text: 'Error: queue file write error' };

/** `recipient` in internal standard form. Never throws TemporaryError: a table's failure fails the expansion. */
export async function expandAliases(
  decision: Decision,
  search: Omit<AddressSearch, 'asker' | 'stage'>,
  rules: AliasRules,
  recipient: string,
): Promise<Expansion> {
  if (rules.maps.isEmpty) return { kind: 'expanded', recipients: [recipient] };
  const expander = new Expander(decision, { ...search, asker: decision, stage: 'virtual-alias' }, rules);
  try {
    return await expander.expand(recipient);
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return { kind: 'failed', reply: writeError, reason: error.message };
  } finally {
    decision.depth = 0;
  }
}

class Expander {
  readonly #decision: Decision;
  readonly #search: AddressSearch;
  readonly #rules: AliasRules;
  readonly #slots: { address: string; depth: number }[] = [];
  /** Folded addresses that have expanded into themselves. */
  readonly #kept = new Set<string>();

  constructor(decision: Decision, search: AddressSearch, rules: AliasRules) {
    this.#decision = decision;
    this.#search = { ...search, externalOnly: true };
    this.#rules = rules;
  }

  async expand(recipient: string): Promise<Expansion> {
    const { expansionLimit } = this.#rules;
    const slots = this.#slots;
    slots.push({ address: recipient, depth: 0 });
    for (let index = 0; index < slots.length; index++) {
      if (slots.length > expansionLimit) {
        return failed(`${recipient} has more than ${expansionLimit} recipients (virtual_alias_expansion_limit)`);
      }
      const failure = await this.#settle(slots[index] as { address: string; depth: number });
      if (failure !== undefined) return failure;
    }
    return { kind: 'expanded', recipients: slots.map((slot) => slot.address) };
  }

  /** Replaces one slot until nothing more is found for it. */
  async #settle(slot: { address: string; depth: number }): Promise<Expansion | undefined> {
    const { recursionLimit } = this.#rules;
    const visited = new Set<string>();
    for (let count = 0; !this.#kept.has(fold(slot.address)); count++) {
      if (count >= recursionLimit) {
        return failed(`${slot.address} is nested more than ${recursionLimit} deep (virtual_alias_recursion_limit)`);
      }
      // Tables answer the same within a decision, so this would go on up to the limit and end in the same error.
      if (visited.has(slot.address))
        return failed(`alias loop: ${[...visited, slot.address].slice(-10).join(' \u2192 ')}`);
      visited.add(slot.address);
      this.#decision.depth = slot.depth;
      const results = await this.#map(slot.address);
      if (results === undefined) return undefined;
      if (results.length === 0) {
        return { kind: 'failed', reply: writeError, reason: `the alias of ${slot.address} holds no address` };
      }
      const failure = this.#replace(slot, results);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** As mapAddress, and tells where it leads. */
  async #map(address: string): Promise<string[] | undefined> {
    const decision = this.#decision;
    if (!decision.isTracing) return await mapAddress(this.#search, this.#rules, address);
    const mark = decision.mark;
    const told = { stage: 'virtual-alias', from: toExternal(address) };
    try {
      const results = await mapAddress(this.#search, this.#rules, address);
      decision.lead({ ...told, to: (results ?? [address]).map(toExternal), asked: decision.since(mark) });
      return results;
    } catch (error) {
      decision.lead({ ...told, to: [], failure: (error as Error).message, asked: decision.since(mark) });
      throw error;
    }
  }

  #replace(slot: { address: string; depth: number }, results: readonly string[]): Expansion | undefined {
    const { addressLengthLimit } = this.#rules;
    const before = slot.address;
    slot.depth++;
    for (const [index, result] of results.entries()) {
      if (Buffer.byteLength(result) > addressLengthLimit) {
        return failed(
          `an alias of ${before} is longer than ${addressLengthLimit} (virtual_alias_address_length_limit)`,
        );
      }
      if (index === 0) slot.address = result;
      else this.#slots.push({ address: result, depth: slot.depth });
      if (fold(result) === fold(before)) this.#kept.add(fold(before));
    }
    return undefined;
  }
}

function failed(reason: string): Expansion {
  return { kind: 'failed', reply: expansionError, reason };
}
