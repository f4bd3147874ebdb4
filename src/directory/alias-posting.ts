// Who may write to lists and aliases, as the access policy asks at RCPT. A list's rule holds wherever its mail comes
// from (list-lookups.ts). An alias's rule is about mail that is addressed to it, also by an alias domain or with an
// extension; what another alias sends there has been let in by that one. Notices (the null sender) always pass: they may
// be about mail that was sent in its name (RFC 5321 §4.5.5).

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import { reachedMailboxes } from './expansion.ts';
import { senderForms, writers } from './list-lookups.ts';
import type { DirectoryLookups } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { PostingRule } from './schema.ts';

/** Mailboxes of an alias looked through for its writer. */
const maxReached = 10_000;

interface RestrictedAlias {
  readonly id: number;
  /** Folded, without an alias domain. */
  readonly address: string;
  readonly post: PostingRule;
}

export class PostingLookups {
  readonly #lookups: DirectoryLookups;
  readonly #ask: <T>(read: () => T) => T;
  readonly #rule: Statement;
  readonly #target: Statement;
  readonly #poster: Statement;
  #hasSeenRule = false;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T, lookups: DirectoryLookups) {
    this.#lookups = lookups;
    this.#ask = ask;
    this.#rule = connection
      .prepare("SELECT id, post FROM alias WHERE domain_id = ? AND localpart = ? AND active = 1 AND post != 'anyone'")
      .raw();
    this.#target = connection
      .prepare('SELECT 1 FROM alias_target WHERE alias_id = ? AND domain = ? AND localpart = ?')
      .pluck();
    this.#poster = connection
      .prepare('SELECT 1 FROM alias_poster WHERE alias_id = ? AND domain = ? AND localpart = ?')
      .pluck();
  }

  /**
   * Somebody has found an alias with a rule. Where nobody has since the last change of the directory, the alias that
   * routing has just asked for had none, and nothing needs to be read.
   */
  ruleSeen(): void {
    this.#hasSeenRule = true;
  }

  /** The directory has changed. */
  forget(): void {
    this.#hasSeenRule = false;
  }

  /** As PostingSource of the access policy has it, for lists. */
  refusal(recipient: string, sender: string): string | undefined {
    return this.#lookups.lists.refusal(recipient, sender);
  }

  /** Why this envelope sender may not write to the alias at an address; undefined: it may, or there is none. */
  aliasRefusal(recipient: string, sender: string): string | undefined {
    if (!this.#hasSeenRule || sender === '') return undefined;
    const alias = this.#ruleAt(recipient);
    if (alias === undefined || this.#mayPost(alias, sender)) return undefined;
    return `${alias.address} is an alias that only ${writers[alias.post]} may write to, not <${sender}>`;
  }

  /** Of the name that answers for the address: whole, else without its extension, else the catch-all. */
  #ruleAt(recipient: string): RestrictedAlias | undefined {
    const at = recipient.lastIndexOf('@');
    const hosted = at <= 0 ? undefined : this.#lookups.domain(recipient.slice(at + 1));
    if (hosted === undefined || !hosted.isActive) return undefined;
    const whole = fold(recipient.slice(0, at));
    const names = [whole, this.#lookups.bareLocalpart(whole) ?? whole];
    const localpart = names.find((name) => this.#lookups.localAt(name, hosted) !== undefined) ?? '';
    const { id: domainId, name } = hosted.target ?? hosted;
    const row = this.#ask(() => this.#rule.get(domainId, localpart) as [number, PostingRule] | undefined);
    return row && { id: row[0], address: `${localpart}@${name}`, post: row[1] };
  }

  #mayPost({ id, address, post }: RestrictedAlias, sender: string): boolean {
    const forms = senderForms(this.#lookups, sender);
    switch (post) {
      case 'anyone':
        return true;
      case 'members':
        return forms.some((form) => this.#has(this.#target, id, form)) || this.#isReached(address, sender);
      case 'domain': {
        const own = address.slice(address.lastIndexOf('@') + 1);
        return forms.some(([, domain]) => {
          const hosted = this.#lookups.domain(domain);
          return hosted !== undefined && (hosted.target?.name ?? hosted.name) === own;
        });
      }
      case 'listed':
        return forms.some(([localpart, domain]) =>
          [localpart, ''].some((name) => this.#has(this.#poster, id, [name, foldDomain(domain)])),
        );
    }
  }

  /** Members of a team that the alias leads to are its members. */
  #isReached(alias: string, sender: string): boolean {
    const mailbox = this.#lookups.mailboxByAddress(sender)?.address;
    return mailbox !== undefined && reachedMailboxes(this.#lookups, alias, maxReached).includes(mailbox);
  }

  #has(table: Statement, alias: number, [localpart, domain]: readonly [string, string]): boolean {
    return this.#ask(() => table.get(alias, domain, localpart) !== undefined);
  }
}
