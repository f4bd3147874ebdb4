// Routing: where does mail for this address go? A pure function of the tables and settings at one revision and of
// the envelope; the same code answers RCPT, expands aliases, picks the transport and explains itself.
//
// How an address is routed, in Postfix's order (ADDRESS_REWRITING_README, ADDRESS_CLASS_README):
//
//   1. Standard form: source routes go, `user` becomes `user@$myorigin`, `host.` becomes `host`.
//   2. Resolve: local domains before further routing characters are stripped; the domain's class is the first of
//      local (mydestination), virtual-alias, virtual-mailbox, relay, default that lists it.
//   3. At RCPT, is it listed: does a virtual alias match, even a catch-all, or does its class's table know it?
//   4. Canonical maps and masquerading rewrite it (rewriting.ts), for the envelope as classes say.
//   5. Virtual aliases expand the address, of whatever class, until nothing more is found (virtual-alias.ts).
//   6. Each result is resolved anew: its own class gives transport and next hop, transport_maps may change them,
//      relocated_maps turns them into a refusal.
//   7. Blind copies, found by the rewritten sender and recipient, take steps 1 and 4 to 6, and cause no further copies.
//
// What is looked up where: virtual_alias_maps `user+ext@dom`, `user@dom`, `user+ext` and `user` where dom is
// local, `@dom`; each key in every table before the next key. Domain lists `dom`, relay_domains its parents too.
// transport_maps `user+ext@dom`, `user@dom`, `dom`, `.parent` ..., `*`.
//
// Invariants
//   - "Not found" and "could not find out" are never confused: a table's failure is TemporaryError, except within
//     an alias expansion, where Postfix accepts RCPT and refuses the message at its end (451), and so do we.
//   - A table is asked each key once per decision, and all answers are of one revision (decision.ts).
//   - Nothing is kept from one decision to the next but the parsed settings.
//   - An expansion without end fails the whole message, never a part of it: no recipient is lost in silence.
//
// A crash has nothing to undo here: routing writes nothing.

import { type VirtualMailbox, VirtualMailboxes } from './virtual-mailbox.ts';
import { fold, localpartOf, toExternal, toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { type ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Settings } from '../settings/settings.ts';
import type { RevisionSource, TableRegistry } from '../tables/table.ts';
import { ClientTables } from './client-tables.ts';
import { decideAtOneRevision, type Decision } from './decision.ts';
import { findAddress } from './find-address.ts';
import { GenericMaps } from './generic-maps.ts';
import { ListedAddresses } from './listed.ts';
import { expandLocal } from './local-alias.ts';
import type { LocalEnd } from './local-end.ts';
import { type LocalFiles, ownFiles } from './local-files.ts';
import { searchFor } from './local-domain.ts';
import { type LocalSettings, readLocalSettings } from './local-settings.ts';
import { resolveAddress, type ResolvedAddress } from './resolve-address.ts';
import type { OpenOptions } from './open-maps.ts';
import { readRoutingSettings, type RoutingSettings } from './routing-settings.ts';
import { AddressRewriting, standardSender } from './rewriting.ts';
import type { AddressClass, AddressHandling, Delivery, Reply, TraceSink, TraceStep } from './types.ts';
import { type AliasRules, expandAliases, writeError } from './virtual-alias.ts';

export interface RouterOptions {
  readonly settings: Settings;
  readonly tables: TableRegistry & RevisionSource;
  readonly log: ProgramLog;
  /** Reads the lists of local expansion; absent: this process. */
  readonly localFiles?: LocalFiles;
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

/** An address that is resolved already, for mail from this sender. */
interface KnownAddress {
  readonly address: string;
  readonly sender: string;
  readonly resolved: ResolvedAddress;
}

const discarded = { transport: 'discard', nexthop: 'undeliverable postmaster notification discarded' } as const;

export class Router {
  readonly settings: RoutingSettings;
  readonly #options: RouterOptions;
  readonly #open: OpenOptions;
  readonly #listed: ListedAddresses;
  readonly #aliases: AliasRules;
  #local: LocalSettings | undefined;
  readonly rewriting: AddressRewriting;

  /** Throws SettingsError for a table or list that cannot be opened. */
  constructor(options: RouterOptions) {
    this.#options = options;
    const open = {
      settings: options.settings,
      registry: options.tables,
      warn: (text: string): void => options.log.warning(text),
    };
    this.#open = open;
    this.settings = readRoutingSettings(open);
    this.#listed = new ListedAddresses(open);
    this.rewriting = new AddressRewriting(open, this.settings.standardForm);
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
    envelope: { readonly sender?: string; readonly handling?: AddressHandling } = {},
    trace?: TraceSink,
  ): Promise<Resolution> {
    const sender = toInternal(envelope.sender ?? '');
    const handling = envelope.handling ?? 'external';
    return await decideAtOneRevision(this.#options.tables, trace, async (decision) => {
      const address = this.standardForm(recipient);
      const resolved = await this.resolveAddress(decision, address, sender);
      const unlisted = await this.#listed.check(this.search(decision), decision, resolved, recipient, 'recipient');
      const expanded =
        handling === 'unmapped'
          ? await this.deliverUnmapped(decision, recipient, resolved)
          : await this.expand(decision, recipient, resolved, address, sender, handling);
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

  /** Where virtual(8) with these settings writes mail for a recipient (external form). Throws SettingsError. */
  virtualMailboxes(settings: Settings): (recipient: string) => Promise<VirtualMailbox> {
    const mailboxes = new VirtualMailboxes({ ...this.#open, settings });
    return (recipient) =>
      decideAtOneRevision(this.#options.tables, undefined, (decision) =>
        mailboxes.find(decision, this.search(decision), recipient),
      );
  }

  /** What the SMTP or LMTP client with these settings looks up. Throws SettingsError. */
  clientTables(settings: Settings, protocol: 'smtp' | 'lmtp'): ClientTables {
    const search = (decision: Decision) => this.search(decision);
    return new ClientTables({ ...this.#open, settings, protocol, revisions: this.#options.tables, search });
  }

  /** What a client with these settings makes of addresses when mail leaves. Throws SettingsError. */
  genericMaps(protocol: 'smtp' | 'lmtp', settings: Settings): GenericMaps {
    return new GenericMaps({
      open: { ...this.#open, settings },
      parameter: protocol === 'smtp' ? 'smtp_generic_maps' : 'lmtp_generic_maps',
      routing: this.settings,
      revisions: this.#options.tables,
      search: (decision) => this.search(decision),
    });
  }

  /** What local aliasing needs; its tables are opened at the first use. Throws SettingsError. */
  get local(): LocalSettings {
    this.#local ??= readLocalSettings(this.#open);
    return this.#local;
  }

  /**
   * Where mail for a recipient of the local transport goes (aliases, .forward ...). `deliveredTo` are the Delivered-To
   * addresses of the message, folded. Throws TemporaryError.
   */
  async expandLocal(
    recipient: string,
    transport: string,
    deliveredTo: ReadonlySet<string>,
  ): Promise<readonly LocalEnd[]> {
    return await decideAtOneRevision(this.#options.tables, undefined, (decision) =>
      this.#expandLocal(decision, recipient, transport, deliveredTo),
    );
  }

  async #expandLocal(
    decision: Decision,
    recipient: string,
    transport: string,
    deliveredTo: ReadonlySet<string>,
  ): Promise<readonly LocalEnd[]> {
    const dependencies = {
      local: this.local,
      routing: this.settings,
      files: this.#options.localFiles ?? ownFiles,
      resolve: (asking: Decision, address: string) => this.resolveAddress(asking, address, ''),
      warn: (text: string) => this.#options.log.warning(text),
    };
    return await expandLocal(decision, dependencies, toInternal(recipient), transport, deliveredTo);
  }

  /** Shows what the local transport will do; a table that fails then defers, and is shown as what it is. */
  async #tellLocal(decision: Decision, { recipient, transport }: Delivery): Promise<void> {
    try {
      await this.#expandLocal(decision, recipient, transport, new Set());
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      decision.tell('local', `error: ${error.message}`);
    }
  }

  /** The envelope sender as the queue keeps it; both in external form. Throws TemporaryError. */
  async envelopeSender(sender: string, handling: AddressHandling): Promise<string> {
    const standard = standardSender(toInternal(sender), this.settings.standardForm);
    if (standard === '' || handling === 'unmapped' || !this.rewriting.rewrites('envelope_sender')) {
      return standard === '' ? '' : toExternal(standard);
    }
    return await decideAtOneRevision(this.#options.tables, undefined, async (decision) =>
      toExternal(await this.#rewriteSender(decision, standard)),
    );
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
   * Rewrites, expands aliases and routes each result, blind copies too. `given` is the recipient as the client wrote it,
   * `address` its internal standard form, `resolved` what resolveAddress said of it, `sender` the sender as given
   * (internal form). Throws TemporaryError where a result's route cannot be found out.
   */
  expand(
    decision: Decision,
    given: string,
    resolved: ResolvedAddress,
    address: string,
    sender: string,
    handling: 'external' | 'internal' = 'external',
  ): Promise<Deliveries> {
    const from = standardSender(sender, this.settings.standardForm);
    // What was resolved for another sender may have another transport.
    const known = { address, resolved, sender };
    const { rewriting } = this;
    return rewriting.isActive || (handling === 'external' && rewriting.addsCopies)
      ? this.#rewriteAndExpand(decision, given, address, from, handling, known)
      : this.#expandAliases(decision, given, address, from, known);
  }

  async #rewriteAndExpand(
    decision: Decision,
    given: string,
    address: string,
    sender: string,
    handling: 'external' | 'internal',
    known: KnownAddress,
  ): Promise<Deliveries> {
    const search = this.search(decision);
    const { rewriting } = this;
    let from: string;
    let to = address;
    let copies: readonly string[] = [];
    let asked: readonly TraceStep[] = [];
    try {
      from = await this.#rewriteSender(decision, sender);
      if (rewriting.rewrites('envelope_recipient')) {
        to = await rewriting.rewrite(decision, search, 'envelope_recipient', address);
      }
      if (handling === 'external' && rewriting.addsCopies) {
        const mark = decision.mark;
        copies = await rewriting.copyAddresses(decision, search, from, to);
        asked = decision.since(mark);
      }
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      return this.#failed(decision, given, writeError, error.message, 'rewrite');
    }
    const expanded = await this.#expandAliases(decision, given, to, from, known);
    if (copies.length === 0 || expanded.kind === 'failed') return expanded;
    for (const copy of copies) {
      const told = {
        stage: 'bcc',
        from: toExternal(to),
        to: [toExternal(standardForm(copy, this.settings.standardForm))],
      };
      decision.lead({ ...told, asked: asked.filter(({ result }) => result === copy) });
    }
    return await this.#addCopies(decision, expanded.deliveries, copies, from);
  }

  async #rewriteSender(decision: Decision, sender: string): Promise<string> {
    if (sender === '' || !this.rewriting.rewrites('envelope_sender')) return sender;
    return await this.rewriting.rewrite(decision, this.search(decision), 'envelope_sender', sender);
  }

  /** cleanup(8) rewrites the address of a copy as it does a recipient's: what that gives is the copy's original recipient. */
  async #addCopies(
    decision: Decision,
    own: readonly Delivery[],
    copies: readonly string[],
    sender: string,
  ): Promise<Deliveries> {
    const deliveries = [...own];
    for (const copy of copies) {
      let address = standardForm(copy, this.settings.standardForm);
      if (decision.isTracing) decision.tell('bcc', toExternal(address));
      if (this.rewriting.rewrites('envelope_recipient')) {
        address = await this.rewriting.rewrite(decision, this.search(decision), 'envelope_recipient', address);
      }
      const expanded = await this.#expandAliases(decision, toExternal(address), address, sender);
      if (expanded.kind === 'failed') return expanded;
      for (const delivery of expanded.deliveries) deliveries.push({ ...delivery, isCopy: true });
    }
    return { kind: 'deliveries', deliveries };
  }

  #failed(decision: Decision, given: string, reply: Reply, reason: string, stage: string): Deliveries {
    const warning = `${given}: ${reason} -- message not accepted, try again later`;
    if (decision.isNews(warning)) this.#options.log.warning(warning);
    if (decision.isTracing) decision.tell(stage, `error: ${reason}`);
    return { kind: 'failed', reply };
  }

  async #expandAliases(
    decision: Decision,
    given: string,
    address: string,
    sender: string,
    known?: KnownAddress,
  ): Promise<Deliveries> {
    const expansion = await expandAliases(decision, this.search(decision), this.#aliases, address);
    if (expansion.kind === 'failed') {
      return this.#failed(decision, given, expansion.reply, expansion.reason, 'virtual-alias');
    }
    const deliveries: Delivery[] = [];
    const seen = new Set<string>();
    for (const recipient of expansion.recipients) {
      const key = fold(recipient);
      if (seen.has(key)) {
        if (decision.isTracing) decision.tell('duplicate', `${toExternal(recipient)} removed`);
        continue;
      }
      seen.add(key);
      if (decision.isTracing && recipient !== address) decision.tell('final recipient', toExternal(recipient));
      const resolved =
        recipient === known?.address && sender === known.sender
          ? known.resolved
          : await this.resolveAddress(decision, recipient, sender);
      deliveries.push(await this.#delivery(decision, given, resolved));
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
    const { asked = [] } = resolved;
    if (decision.isTracing) decision.tell('delivery', `${delivery.recipient} by ${transport}:${nexthop}`);
    const told = { stage: 'delivery', from: delivery.recipient, to: [], asked };
    if (decision.isTracing && transport !== 'virtual') decision.lead({ ...told, delivery });
    if (decision.isTracing && transport === 'local') await this.#tellLocal(decision, delivery);
    if (transport !== 'virtual') return delivery;
    // virtual(8) finds the path by the folded recipient; where there is none it bounces by itself.
    const search = { ...this.search(decision), stage: 'mailbox-path' };
    const match = await findAddress(search, this.settings.virtualMailboxes, fold(resolved.recipient));
    const found = match === undefined ? delivery : { ...delivery, path: match.found.value };
    decision.lead({ ...told, delivery: found });
    return found;
  }

  /** Notices of undeliverable notices end here, as in qmgr(8), without a local delivery agent. */
  #isDoubleBounce({ class: addressClass, recipient }: ResolvedAddress): boolean {
    const user = this.settings.extensions.doubleBounceSender;
    return addressClass === 'local' && fold(localpartOf(recipient)) === fold(user);
  }
}
