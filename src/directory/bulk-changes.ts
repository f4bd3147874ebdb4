// Many objects at once, for imports: what is new is added in statements of some hundred rows, one transaction and one
// revision a call, with the same checks and the same events as one by one. What is there already is never changed: it
// is told whether it is the same, and what differs otherwise; the caller decides, and changes it one by one.
//
// A refused object never stops the others: each has its own outcome, in the order of the call.

import type { SqliteConnection } from '../database/sqlite.ts';
import type { Change, Changes } from './change.ts';
import { addAliases, type BulkAlias } from './bulk-aliases.ts';
import { addAliasDomains, addDomains, type BulkAliasDomain, type BulkDomain } from './bulk-domains.ts';
import { addMailboxes, type BulkMailbox } from './bulk-mailboxes.ts';
import type { BulkOutcome } from './bulk-outcome.ts';
import type { BulkRules } from './bulk-room.ts';

const cacheKib = 65_536;

export class BulkChanges {
  readonly #changes: Changes;
  #connection: SqliteConnection | undefined;

  /** `connection`: the database's file, where it is one. */
  constructor(changes: Changes, connection?: SqliteConnection) {
    this.#changes = changes;
    this.#connection = connection;
  }

  async #make(add: (change: Change) => Promise<BulkOutcome[]>): Promise<BulkOutcome[]> {
    // Millions of rows go to many places of an index: in the usual cache each would be read again and again.
    this.#connection?.pragma(`cache_size = -${cacheKib}`);
    this.#connection = undefined;
    return await this.#changes.make(add);
  }

  async domains(domains: readonly BulkDomain[]): Promise<BulkOutcome[]> {
    return await this.#make((change) => addDomains(change, domains));
  }

  async aliasDomains(domains: readonly BulkAliasDomain[]): Promise<BulkOutcome[]> {
    return await this.#make((change) => addAliasDomains(change, domains));
  }

  async mailboxes(mailboxes: readonly BulkMailbox[], rules: BulkRules = {}): Promise<BulkOutcome[]> {
    return await this.#make((change) => addMailboxes(change, mailboxes, rules));
  }

  async aliases(aliases: readonly BulkAlias[], rules: BulkRules = {}): Promise<BulkOutcome[]> {
    return await this.#make((change) => addAliases(change, aliases, rules));
  }
}
