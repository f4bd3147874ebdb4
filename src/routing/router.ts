// Routing: where does mail for this address go? A pure function of the tables and settings at one revision and of
// the envelope; the same code answers RCPT, expands aliases, picks the transport and explains itself.
//
// How an address is routed, in Postfix's order (ADDRESS_REWRITING_README, ADDRESS_CLASS_README):
//
//   1. Standard form: source routes go, `user` becomes `user@$myorigin`, `host.` becomes `host`.
//   2. Resolve: local domains before further routing characters are stripped; the domain's class is the first of
//      local (mydestination), virtual-alias, virtual-mailbox, relay, default that lists it.
//   3. At RCPT, is it listed: does a virtual alias match, even a catch-all, or does its class's table know it?
//   4. Virtual aliases expand the address, of whatever class, until nothing more is found (virtual-alias.ts).
//   5. Each result is resolved anew: its own class gives transport and next hop, transport_maps may change them,
//      relocated_maps turns them into a refusal.
//
// What is looked up where: virtual_alias_maps `user+ext@dom`, `user@dom`, `user+ext` and `user` where dom is
// local, `@dom`; each key in every table before the next key. Domain lists `dom`, relay_domains its parents too.
// transport_maps `user+ext@dom`, `user@dom`, `dom`, `.parent` …, `*`.
//
// Invariants
//   - "Not found" and "could not find out" are never confused: a table's failure is TemporaryError, except within
//     an alias expansion, where Postfix accepts RCPT and refuses the message at its end (451), and so do we.
//   - A table is asked each key once per decision, and all answers are of one revision (decision.ts).
//   - Nothing is kept from one decision to the next but the parsed settings.
//   - An expansion without end fails the whole message, never a part of it: no recipient is lost in silence.
//
// A crash has nothing to undo here: routing writes nothing.

import { fold, localpartOf, toExternal, toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { type ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { RevisionSource, TableRegistry } from '../tables/table.ts';
import { decideAtOneRevision, type Decision } from './decision.ts';
import { findAddress } from './find-address.ts';
import { ListedAddresses } from './listed.ts';
import { searchFor } from './local-domain.ts';
import { resolveAddress, type ResolvedAddress } from './resolve-address.ts';
import { readRoutingSettings, type RoutingSettings } from './routing-settings.ts';
import type { AddressClass, Delivery, Reply, TraceSink } from './types.ts';
import { type AliasRules, expandAliases } from './virtual-alias.ts';

export interface RouterOptions {
  readonly settings: Settings;
  readonly tables: TableRegistry & RevisionSource;
  readonly log: ProgramLog;
}

export interface Resolution {
  /** The recipient in standard form (external). */
  readonly recipient: string;
  readonly class: AddressClass;
  /** Nobody answers for it: the refusal that RCPT gets. The deliveries say what happens to mail that is sent anyway. */
  readonly unlisted?: Reply;
  /** Aliases without end, or a table that failed in the middle: the message is refused at the end of DATA. */
  readonly failure?: Reply;
  /** Empty only with `failure`. Without duplicates. */
  readonly deliveries: readonly Delivery[];
}

export type Deliveries =
  | { readonly kind: 'deliveries'; readonly deliveries: readonly Delivery[] }
  | { readonly kind: 'failed'; readonly reply: Reply };

const discarded = { transport: 'discard', nexthop: 'undeliverable postmaster notification discarded' } as const;

export class Router {
  readonly settings: RoutingSettings;
  readonly #options: RouterOptions;
  readonly #listed: ListedAddresses;
  readonly #aliases: AliasRules;

  /** Throws SettingsError for a table or list that cannot be opened. */
  constructor(options: RouterOptions) {
    this.#options = options;
    const open = {
      settings: options.settings,
      registry: options.tables,
      warn: (text: string): void => options.log.warning(text),
    };
    this.settings = readRoutingSettings(open);
    this.#listed = new ListedAddresses(open);
    this.#aliases = {
      maps: this.settings.virtualAliases,
      standardForm: this.settings.standardForm,
      propagates: this.settings.propagatesVirtual,
      expansionLimit: this.settings.expansionLimit,
      recursionLimit: this.settings.recursionLimit,
      addressLengthLimit: this.settings.addressLengthLimit,
    };
  }

  /** Which tables' changes make an earlier resolution old. */
  get revisions(): RevisionSource {
    return this.#options.tables;
  }

  /** Where mail for `recipient` (external form) goes, whoever may send it. Throws TemporaryError. */
  async resolve(
    recipient: string,
    envelope: { readonly sender?: string } = {},
    trace?: TraceSink,
  ): Promise<Resolution> {
    const sender = toInternal(envelope.sender ?? '');
    return await decideAtOneRevision(this.#options.tables, trace, async (decision) => {
      const address = this.standardForm(recipient);
      const resolved = await this.resolveAddress(decision, address, sender);
      const unlisted = await this.#listed.check(this.search(decision), decision, resolved, recipient, 'recipient');
      const expanded = await this.expand(decision, recipient, resolved, address, sender);
      return {
        recipient: toExternal(address),
        class: resolved.class,
        ...(unlisted === undefined ? {} : { unlisted }),
        ...(expanded.kind === 'failed'
          ? { failure: expanded.reply, deliveries: [] }
          : { deliveries: expanded.deliveries }),
      };
    });
  }

  /** Internal standard form of an external address. */
  standardForm(address: string): string {
    return standardForm(toInternal(address), this.settings.standardForm);
  }

  /** Class, transport and next hop of an address in internal standard form. */
  resolveAddress(decision: Decision, address: string, sender: string): Promise<ResolvedAddress> {
    return resolveAddress(decision, this.settings, address, sender);
  }

  /** How address tables are searched within a decision. */
  search(decision: Decision): ReturnType<typeof searchFor> {
    return searchFor(decision, this.settings, 'address');
  }

  /**
   * Expands aliases and routes each result. `given` is the recipient as the client wrote it, `address` its internal
   * standard form, `resolved` what resolveAddress said of it. Throws TemporaryError.
   */
  async expand(
    decision: Decision,
    given: string,
    resolved: ResolvedAddress,
    address: string,
    sender: string,
  ): Promise<Deliveries> {
    const expansion = await expandAliases(decision, this.search(decision), this.#aliases, address);
    if (expansion.kind === 'failed') {
      this.#options.log.warning(`${given}: ${expansion.reason} -- message not accepted, try again later`);
      if (decision.isTracing) decision.tell('virtual-alias', `error: ${expansion.reason}`);
      return { kind: 'failed', reply: expansion.reply };
    }
    const deliveries: Delivery[] = [];
    const seen = new Set<string>();
    for (const recipient of expansion.recipients) {
      const key = recipient.toLowerCase();
      if (seen.has(key)) {
        if (decision.isTracing) decision.tell('duplicate', `${toExternal(recipient)} removed`);
        continue;
      }
      seen.add(key);
      if (decision.isTracing && recipient !== address) decision.tell('final recipient', toExternal(recipient));
      const known = recipient === address ? resolved : await this.resolveAddress(decision, recipient, sender);
      deliveries.push(await this.#delivery(decision, given, known));
    }
    return { kind: 'deliveries', deliveries };
  }

  /** The one delivery of an address whose aliases are not expanded (receive_override_options = no_address_mappings). */
  async deliverUnmapped(decision: Decision, given: string, resolved: ResolvedAddress): Promise<Deliveries> {
    return { kind: 'deliveries', deliveries: [await this.#delivery(decision, given, resolved)] };
  }

  async #delivery(decision: Decision, given: string, resolved: ResolvedAddress): Promise<Delivery> {
    const { transport, nexthop } = this.#isDoubleBounce(resolved) ? discarded : resolved;
    const delivery = { recipient: toExternal(resolved.recipient), original: given, transport, nexthop };
    if (decision.isTracing) decision.tell('delivery', `${delivery.recipient} by ${transport}:${nexthop}`);
    if (transport !== 'virtual') return delivery;
    // virtual(8) finds the path by the folded recipient; where there is none it bounces by itself.
    const search = { ...this.search(decision), stage: 'mailbox-path' };
    const match = await findAddress(search, this.settings.virtualMailboxes, resolved.recipient.toLowerCase());
    return match === undefined ? delivery : { ...delivery, path: match.found.value };
  }

  /** Notices of undeliverable notices end here, as in qmgr(8), without a local delivery agent. */
  #isDoubleBounce({ class: addressClass, recipient }: ResolvedAddress): boolean {
    const user = this.settings.extensions.doubleBounceSender;
    return addressClass === 'local' && fold(localpartOf(recipient)) === fold(user);
  }
}
