// Many objects at once, for imports: what is new is added in statements of some hundred rows, one transaction and one
// revision a call, with the same checks and the same events as one by one. What is there already is never changed: it
// is told whether it is the same, and what differs otherwise; the caller decides, and changes it one by one.
//
// A refused object never stops the others: each has its own outcome, in the order of the call.

import type { Changes } from './change.ts';
import { addAliases, type BulkAlias } from './bulk-aliases.ts';
import { addAliasDomains, addDomains, type BulkAliasDomain, type BulkDomain } from './bulk-domains.ts';
import { addMailboxes, type BulkMailbox } from './bulk-mailboxes.ts';
import type { BulkOutcome } from './bulk-outcome.ts';

export class BulkChanges {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  async domains(domains: readonly BulkDomain[]): Promise<BulkOutcome[]> {
    return await this.#changes.make((change) => addDomains(change, domains));
  }

  async aliasDomains(domains: readonly BulkAliasDomain[]): Promise<BulkOutcome[]> {
    return await this.#changes.make((change) => addAliasDomains(change, domains));
  }

  async mailboxes(mailboxes: readonly BulkMailbox[]): Promise<BulkOutcome[]> {
    return await this.#changes.make((change) => addMailboxes(change, mailboxes));
  }

  async aliases(aliases: readonly BulkAlias[]): Promise<BulkOutcome[]> {
    return await this.#changes.make((change) => addAliases(change, aliases));
  }
}
