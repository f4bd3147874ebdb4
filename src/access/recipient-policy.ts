// May this client send from here to there, and where does it go? One service's restriction lists (stages.ts), asked in
// Postfix's order at each command (SMTPD_ACCESS_README); what passes RCPT is routed, and refused after all when every
// mailbox that it reaches is full. The SMTP server and `posthaste explain` ask this same object, so what is explained
// is what happens.
//
// What could not be found out is a 451 reply, never a permit and never "unknown user". Orders of access tables (HOLD,
// REDIRECT ...) are gathered in the transaction's MessageActions; those of a decision that is made again count once.

import { standardForm } from '../address/standard-form.ts';
import { isPlainAddress, toExternal, toInternal } from '../address/form.ts';
import { ProgramLog, type Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { Decision, decideAtOneRevision } from '../routing/decision.ts';
import { type AddressRole, ListedAddresses } from '../routing/listed.ts';
import type { ResolvedAddress } from '../routing/resolve-address.ts';
import { openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import { HeaderRewriting } from '../routing/header-rewriting.ts';
import type { Deliveries, Router } from '../routing/router.ts';
import type {
  AddressClass,
  AddressHandling,
  Client,
  Delivery,
  RecipientDecision,
  Reply,
  TraceSink,
} from '../routing/types.ts';
import type { Settings } from '../settings/settings.ts';
import type { MatchList } from '../tables/match-list.ts';
import type { TableRegistry } from '../tables/table.ts';
import type { Resolver } from '../dns/resolver.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import type { AddressVerifier } from './address-verifier.ts';
import { ClientLists, type ClientRights, openHeaderClients } from './client-rights.ts';
import { CommandFilter } from './command-filter.ts';
import { ContentChecks } from './content-checks.ts';
import { Deliverable } from './deliverable.ts';
import { Evaluation, lookupFailure, softened, type Verdict } from './evaluation.ts';
import type { GreylistSource } from './greylisting.ts';
import type { MailRequest, RecipientEnvelope } from './mail-request.ts';
import { keepOrders, noActions } from './message-actions.ts';
import type { PostingSource } from './posting-source.ts';
import type { QuotaSource } from './quota-source.ts';
import { ProbeSender } from '../routing/probe-sender.ts';
import { AskingAhead } from './recipients-ahead.ts';
import { RejectFooter } from './reject-footer.ts';
import { RestrictionStages } from './stages.ts';

export interface RecipientPolicyOptions {
  /** The service's settings: main.cf with its own `-o` on top. */
  readonly settings: Settings;
  /** Those of the cleanup service that it hands messages to (cleanup_service_name); absent: its own. */
  readonly cleanupSettings?: Settings | undefined;
  readonly tables: TableRegistry;
  readonly router: Router;
  readonly log: Log;
  readonly quota?: QuotaSource;
  readonly posting?: PostingSource;
  /** For the restrictions that ask the DNS; absent: the servers of resolv.conf. */
  readonly resolver?: Resolver;
  /** For reject_unverified_sender and _recipient; absent: they let everybody pass. */
  readonly verifier?: () => AddressVerifier | undefined;
  /** False for who only wants to know what would happen without relay control. */
  readonly requiresRelayControl?: false;
  /** For defer_greylisted; absent: it lets everybody pass. */
  readonly greylist?: GreylistSource | undefined;
}

type Order = 'bcc' | 'redirect';
const accepted: Reply = { code: 250, status: '2.1.5', text: 'Ok' };
const badRecipient: Reply = { code: 501, status: '5.1.3', text: 'Bad recipient address syntax' };
const badSender: Reply = { code: 501, status: '5.1.7', text: 'Bad sender address syntax' };

export class RecipientPolicy {
  readonly #router: Router;
  readonly #deliverable: Deliverable;
  readonly #log: ProgramLog;
  readonly #listed: ListedAddresses;
  readonly #resolver: Resolver;
  readonly #stages: RestrictionStages;
  readonly #clients: ClientLists;
  /** What every refusal ends with. */
  readonly footer: RejectFooter;
  readonly commandFilter: CommandFilter;
  /** What is asked about the message itself. */
  readonly contentChecks: ContentChecks;
  readonly #loggedPermits: MatchList;
  readonly #flushedSites: MatchList;
  readonly #mapsAddresses: boolean;
  /** check_address_map of local_header_rewrite_clients. Throws TemporaryError. */
  readonly isHeaderClient: (address: string) => Promise<boolean>;
  readonly #isSoft: boolean;
  readonly #probeSender: ProbeSender;
  readonly #verifier: RecipientPolicyOptions['verifier'];
  readonly #greylist: GreylistSource | undefined;
  readonly ahead: AskingAhead;

  /** Throws SettingsError for a restriction or table that cannot be used, and where nothing keeps strangers from relaying. */
  constructor(options: RecipientPolicyOptions) {
    const { settings, router, tables, log } = options;
    this.#router = router;
    const isFullTemporary = settings.flag('posthaste_quota_full_tempfail');
    this.#deliverable = new Deliverable({ quota: options.quota, posting: options.posting, isFullTemporary });
    this.#log = new ProgramLog(log, `${settings.text('syslog_name')}/smtpd`);
    const open: OpenOptions = { settings, registry: tables, warn: (text) => this.#log.warning(text) };
    this.#listed = new ListedAddresses(open);
    this.#stages = new RestrictionStages(open, options.requiresRelayControl !== false);
    this.#clients = new ClientLists(open);
    this.footer = new RejectFooter(open);
    this.commandFilter = new CommandFilter(open);
    const isUnchecked = overrides(settings).includes('no_header_body_checks');
    this.contentChecks = new ContentChecks({ ...open, settings: options.cleanupSettings ?? settings }, isUnchecked);
    this.#resolver = options.resolver ?? new SystemResolver();
    this.#loggedPermits = openMatchList(open, 'smtpd_log_access_permit_actions', 'exact');
    this.#flushedSites = openMatchList(open, 'fast_flush_domains', 'domain');
    this.#mapsAddresses = !overrides(settings).includes('no_address_mappings');
    this.ahead = new AskingAhead({ router, listed: this.#listed, mapsAddresses: this.#mapsAddresses });
    this.isHeaderClient = openHeaderClients(open);
    this.#isSoft = settings.flag('soft_bounce');
    this.#probeSender = new ProbeSender(settings, router.settings.standardForm);
    this.#verifier = options.verifier;
    this.#greylist = options.greylist;
  }

  /** smtpd_delay_reject: clients and HELO names are judged with the recipients. */
  get isDelayed(): boolean {
    return this.#stages.isDelayed;
  }

  /** At the connection, and again when XCLIENT has changed who the client is. */
  clientRights(client: Client): Promise<ClientRights> {
    return this.#clients.rightsOf(client);
  }

  /** smtpd_milter_maps. */
  clientMilters(client: Client, trace: TraceSink): Promise<string | undefined> {
    return this.#clients.milters(client, trace);
  }

  /** May this SASL mechanism be offered? */
  allowsMechanism(name: string): Promise<boolean> {
    return this.#clients.allowsMechanism(name);
  }

  /** At the connection, where nothing is delayed: the refusal, if any. */
  checkClient(client: Client, where: string): Promise<Reply | undefined> {
    return this.#ask({ client, where }, (evaluation) => this.#stages.client(evaluation));
  }

  /** At HELO, where nothing is delayed. */
  checkHelo(client: Client, where: string): Promise<Reply | undefined> {
    return this.#ask({ client, where }, (evaluation) => this.#stages.helo(evaluation));
  }

  /** At MAIL FROM: undefined where nothing speaks against the sender so far. */
  async checkSender(
    sender: string,
    client: Client,
    trace?: TraceSink,
    request: Partial<MailRequest> = {},
  ): Promise<Reply | undefined> {
    const check = async (evaluation: Evaluation): Promise<Verdict> => {
      if (await this.#isBadSender(evaluation)) return badSender;
      return this.isDelayed ? 'dunno' : await this.#stages.sender(evaluation);
    };
    return await this.#ask({ where: 'MAIL', ...request, client, sender }, check, trace);
  }

  /** At DATA. */
  async checkData(request: MailRequest): Promise<Reply | undefined> {
    if (!this.#stages.hasDataList) return undefined;
    return await this.#ask({ where: 'DATA', ...request }, (evaluation) => this.#stages.data(evaluation));
  }

  /** When the message has come. */
  async checkEndOfData(request: MailRequest): Promise<Reply | undefined> {
    if (!this.#stages.hasEndOfDataList) return undefined;
    const check = (evaluation: Evaluation): Promise<Verdict> => this.#stages.endOfData(evaluation);
    return await this.#ask({ ...request, where: 'END-OF-MESSAGE' }, check);
  }

  checkEtrn(domain: string, client: Client): Promise<Reply | undefined> {
    const request = { client, etrnDomain: domain, where: 'ETRN' };
    return this.#ask(request, (evaluation) => this.#stages.etrn(evaluation));
  }

  /** Is its mail flushed for who asks (ETRN)? Throws TemporaryError. */
  async isFlushedSite(site: string): Promise<boolean> {
    return await this.#flushedSites.matches(new Decision(false), 'access', site.toLowerCase());
  }

  /** Where an address that an access table has ordered goes: with its aliases (BCC), or as it is (REDIRECT). */
  async routeOrdered(address: string, sender: string, order: Order, trace?: TraceSink): Promise<readonly Delivery[]> {
    const handling = order === 'bcc' && this.#mapsAddresses ? 'internal' : 'unmapped';
    const resolution = await this.#router.resolve(address, { sender, handling }, trace);
    if (resolution.failure !== undefined) throw new TemporaryError(resolution.failure.text);
    return resolution.deliveries;
  }

  get handling(): AddressHandling {
    return this.#mapsAddresses ? 'external' : 'unmapped';
  }

  /** For the headers of clients of our own, or of strangers with remote_header_rewrite_domain. */
  fieldRewriter(context: 'local' | 'remote'): HeaderRewriting | undefined {
    const router = this.#router;
    if (context === 'remote' && router.settings.remoteRewriteDomain === '') return undefined;
    return new HeaderRewriting({ router, context, mapsAddresses: this.#mapsAddresses });
  }

  envelopeSender(sender: string): Promise<string> {
    return this.#router.envelopeSender(sender, this.handling);
  }

  /** One command's lists, at one revision of the tables; a failed lookup is told about whom it concerned. */
  async #ask(
    request: MailRequest,
    check: (evaluation: Evaluation) => Promise<Verdict>,
    trace?: TraceSink,
  ): Promise<Reply | undefined> {
    try {
      const verdict = await decideAtOneRevision(this.#router.revisions, trace, (decision) =>
        this.#evaluate(decision, request, (evaluation) => this.#refusing(evaluation, () => check(evaluation))),
      );
      return typeof verdict === 'string' ? undefined : this.#soften(verdict);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      return lookupFailure(request.sender ?? '');
    }
  }

  /** At RCPT TO. Never throws TemporaryError: what could not be found out is a 451 reply. */
  async checkRecipient(recipient: string, envelope: RecipientEnvelope, trace?: TraceSink): Promise<RecipientDecision> {
    const { revisions } = this.#router;
    const revision = revisions.revision();
    const { ahead, sender = '' } = envelope;
    try {
      const decide = (decision: Decision) => this.#decide(decision, recipient, envelope);
      const deciding = decideAtOneRevision(revisions, trace, decide, ahead?.take(recipient));
      this.ahead.begin(ahead, sender);
      return { ...(await deciding), revision };
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#log.warning(`${recipient}: ${error.message}`);
      return this.#refused(recipient, 'default', lookupFailure(recipient));
    }
  }

  #decide(decision: Decision, recipient: string, envelope: RecipientEnvelope): Promise<RecipientDecision> {
    const request = { where: 'RCPT', ...envelope, recipient };
    return this.#evaluate(decision, request, (evaluation) => this.#decideRecipient(evaluation, recipient, envelope));
  }

  /**
   * RFC 5321 §4.5.1: the postmaster of this host, without a domain, is reachable whatever the restrictions say. So is the
   * sender of address probes: two servers that probe each other must not both say "later" (smtpd_check.c).
   */
  #isAlwaysTaken(recipient: string, address: string): boolean {
    return recipient.toLowerCase() === 'postmaster' || this.#probeSender.is(address);
  }

  async #decideRecipient(
    evaluation: Evaluation,
    recipient: string,
    envelope: RecipientEnvelope,
  ): Promise<RecipientDecision> {
    const { decision } = evaluation;
    const address = standardForm(toInternal(recipient), this.#router.settings.standardForm);
    const external = toExternal(address);
    if (address === '') return this.#refused('', 'default', badRecipient);
    let addressClass: AddressClass = 'default';
    const verdict = await this.#refusing(evaluation, async () => {
      const resolved = await this.#resolvedIfKnown(evaluation, 'recipient');
      addressClass = resolved?.class ?? 'default';
      if (resolved?.isBad === true) return badRecipient;
      return this.#isAlwaysTaken(recipient, address) ? 'permit' : await this.#stages.recipient(evaluation);
    });
    const refusal = typeof verdict === 'string' ? undefined : verdict;
    this.ahead.learn(decision, envelope.ahead, refusal === undefined || evaluation.isRecipientChecked);
    if (refusal !== undefined) return this.#tell(decision, this.#refused(external, addressClass, refusal));

    const routed = await this.#route(evaluation, recipient, address);
    if (routed.kind === 'refused') return this.#tell(decision, this.#refused(external, addressClass, routed.reply));
    if (routed.kind === 'failed') {
      return this.#tell(decision, { ...this.#refused(external, addressClass, routed.reply), replyStage: 'data' });
    }
    const asked = { ...envelope, address: external };
    const undeliverable = await this.#deliverable.refusal(decision, routed.deliveries, recipient, asked);
    if (undeliverable !== undefined) return this.#tell(decision, this.#refused(external, addressClass, undeliverable));
    const { deliveries } = routed;
    return this.#tell(decision, {
      recipient: external,
      class: addressClass,
      reply: accepted,
      replyStage: 'rcpt',
      deliveries,
    });
  }

  /**
   * NOTE: where transport_maps fails for an alias's target, Postfix accepts and its queue asks again later. Our queue
   * keeps what was decided here, so the client comes back instead: nothing is lost either way.
   */
  async #route(
    evaluation: Evaluation,
    recipient: string,
    address: string,
  ): Promise<Deliveries | { readonly kind: 'refused'; readonly reply: Reply }> {
    const { decision, sender } = evaluation;
    try {
      const resolved = await evaluation.resolved('recipient');
      return this.#mapsAddresses
        ? await this.#router.expand(decision, recipient, resolved, address, toInternal(sender))
        : await this.#router.deliverUnmapped(decision, recipient, resolved);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#log.warning(`${recipient}: ${error.message}`);
      return { kind: 'refused', reply: lookupFailure(recipient) };
    }
  }

  async #isBadSender(evaluation: Evaluation): Promise<boolean> {
    if (evaluation.sender === '' || isPlainAddress(evaluation.sender)) return false;
    return (await this.#resolvedIfKnown(evaluation, 'sender'))?.isBad === true;
  }

  /** A table that fails here says nothing yet: whoever needs its answer asks again and tells. */
  async #resolvedIfKnown(evaluation: Evaluation, role: AddressRole): Promise<ResolvedAddress | undefined> {
    try {
      return await evaluation.resolved(role);
    } catch (error) {
      if (error instanceof TemporaryError) return undefined;
      throw error;
    }
  }

  /** What was ordered counts when the decision stands: one that is made again orders again. */
  async #evaluate<Result>(
    decision: Decision,
    request: MailRequest,
    check: (evaluation: Evaluation) => Promise<Result>,
  ): Promise<Result> {
    const kept = request.actions ?? noActions();
    const actions = { ...kept, bcc: [...kept.bcc], prepended: [...kept.prepended] };
    const router = this.#router;
    const options = {
      decision,
      router,
      listed: this.#listed,
      log: this.#log,
      resolver: this.#resolver,
      loggedPermits: this.#loggedPermits,
      isSoft: this.#isSoft,
      verifier: this.#verifier?.(),
      greylist: this.#greylist,
      request: { ...request, actions },
    };
    const before = router.revisions.revision();
    const result = await check(new Evaluation(options));
    if (router.revisions.revision() === before) keepOrders(kept, actions);
    return result;
  }

  /** A table that cannot be asked refuses with 451, naming whose lookup it was. */
  async #refusing(evaluation: Evaluation, check: () => Promise<Verdict>): Promise<Verdict> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#log.warning(`${evaluation.subject}: ${error.message}`);
      return lookupFailure(evaluation.subject);
    }
  }

  #refused(recipient: string, addressClass: AddressClass, reply: Reply): RecipientDecision {
    return { recipient, class: addressClass, reply: this.#soften(reply), replyStage: 'rcpt', deliveries: [] };
  }

  /** soft_bounce: nothing is refused for good. */
  #soften(reply: Reply): Reply {
    if (!this.#isSoft || reply.code < 500) return reply;
    return softened(reply);
  }

  #tell(decision: Decision, decided: RecipientDecision): RecipientDecision {
    if (!decision.isTracing) return decided;
    const { code, status, text } = decided.reply;
    decision.tell('reply', `${code} ${status} ${text}${decided.replyStage === 'data' ? ' (at the end of DATA)' : ''}`);
    return decided;
  }
}

function overrides(settings: Settings): readonly string[] {
  return settings.list('receive_override_options').map((option) => option.toLowerCase());
}
