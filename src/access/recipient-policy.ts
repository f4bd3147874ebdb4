// May this client send from here to there, and where does it go? One service's restriction lists in Postfix's
// order (SMTPD_ACCESS_README): client, helo and sender lists, relay list, recipient list, then unlisted recipients;
// what passes is routed, and refused after all when every mailbox that it reaches is full. The SMTP server and
// `posthaste explain` ask this same object, so what is explained is what happens.
//
// Each list: left to right, a permit ends this list only, a refusal ends everything, the end is a permit.

import { standardForm } from '../address/standard-form.ts';
import { toExternal, toInternal } from '../address/form.ts';
import { ProgramLog, type Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { decideAtOneRevision, type Decision } from '../routing/decision.ts';
import { ListedAddresses } from '../routing/listed.ts';
import type { OpenOptions } from '../routing/open-maps.ts';
import type { Deliveries, Router } from '../routing/router.ts';
import type { AddressClass, Client, Delivery, RecipientDecision, Reply, TraceSink } from '../routing/types.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import type { TableRegistry } from '../tables/table.ts';
import { Evaluation, type ListKind, type Restriction, type Verdict } from './evaluation.ts';
import type { QuotaSource } from './quota-source.ts';
import { RestrictionReader } from './restrictions.ts';

export interface RecipientPolicyOptions {
  /** The service's settings: main.cf with its own `-o` on top. */
  readonly settings: Settings;
  readonly tables: TableRegistry;
  readonly router: Router;
  readonly log: Log;
  readonly quota?: QuotaSource;
}

export interface RecipientEnvelope {
  /** External form; '' is the null sender. */
  readonly sender: string;
  readonly client: Client;
  /** What SIZE= announced, in octets. */
  readonly size?: number;
}

interface RestrictionList {
  readonly kind: ListKind;
  readonly restrictions: readonly Restriction[];
}

const accepted: Reply = { code: 250, status: '2.1.5', text: 'Ok' };
const badRecipient: Reply = { code: 501, status: '5.1.3', text: 'Bad recipient address syntax' };
const badSender: Reply = { code: 501, status: '5.1.7', text: 'Bad sender address syntax' };

/** One of these must stand in the relay or recipient list, else anybody could relay. */
const relayControls = new Set([
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject',
  'defer',
  'defer_if_permit',
]);

/** Lists of later commands, which nobody evaluates yet. */
const laterLists = ['smtpd_data_restrictions', 'smtpd_end_of_data_restrictions', 'smtpd_etrn_restrictions'] as const;

export class RecipientPolicy {
  readonly #router: Router;
  readonly #quota: QuotaSource | undefined;
  readonly #log: ProgramLog;
  readonly #listed: ListedAddresses;
  readonly #isDelayed: boolean;
  /** Client, helo and sender lists, in order. */
  readonly #senderLists: readonly RestrictionList[];
  readonly #relayAndRecipient: readonly (readonly Restriction[])[];
  readonly #rejectsUnlistedRecipient: boolean;
  readonly #rejectsUnlistedSender: boolean;
  readonly #mapsAddresses: boolean;
  readonly #isSoft: boolean;
  readonly #isFullTemporary: boolean;

  /** Throws SettingsError for a restriction or table that cannot be used, and where nothing keeps strangers from relaying. */
  constructor(options: RecipientPolicyOptions) {
    const { settings, router, tables, log } = options;
    this.#router = router;
    this.#quota = options.quota;
    this.#log = new ProgramLog(log, `${settings.text('syslog_name')}/smtpd`);
    const open: OpenOptions = { settings, registry: tables, warn: (text) => this.#log.warning(text) };
    this.#listed = new ListedAddresses(open);
    const reader = new RestrictionReader(open);
    const read = (name: Parameters<Settings['list']>[0]): Restriction[] => reader.read(settings.list(name), name);
    this.#senderLists = [
      { kind: 'client', restrictions: read('smtpd_client_restrictions') },
      { kind: 'helo', restrictions: read('smtpd_helo_restrictions') },
      { kind: 'sender', restrictions: read('smtpd_sender_restrictions') },
    ];
    const relay = read('smtpd_relay_restrictions');
    const recipient = read('smtpd_recipient_restrictions');
    requireRelayControl(settings, [...relay, ...recipient]);
    for (const name of laterLists) {
      if (settings.list(name).length > 0) this.#log.warning(`${name} is not supported yet and has no effect`);
    }
    const isRelayFirst = settings.flag('smtpd_relay_before_recipient_restrictions');
    this.#relayAndRecipient = isRelayFirst ? [relay, recipient] : [recipient, relay];
    this.#isDelayed = settings.flag('smtpd_delay_reject');
    this.#rejectsUnlistedRecipient =
      settings.flag('smtpd_reject_unlisted_recipient') && !overrides(settings).includes('no_unknown_recipient_checks');
    this.#rejectsUnlistedSender = settings.flag('smtpd_reject_unlisted_sender');
    this.#mapsAddresses = !overrides(settings).includes('no_address_mappings');
    this.#isSoft = settings.flag('soft_bounce');
    this.#isFullTemporary = settings.flag('posthaste_quota_full_tempfail');
  }

  /** At MAIL FROM: undefined where nothing speaks against the sender so far. */
  async checkSender(sender: string, client: Client, trace?: TraceSink): Promise<Reply | undefined> {
    try {
      const reply = await decideAtOneRevision(this.#router.revisions, trace, async (decision) => {
        const evaluation = this.#evaluation(decision, { sender, client }, undefined);
        if (await this.#isBadSender(evaluation)) return badSender;
        return this.#isDelayed ? 'dunno' : await this.#refusing(evaluation, () => this.#runSenderLists(evaluation));
      });
      return typeof reply === 'string' ? undefined : this.#soften(reply);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      return lookupFailure(sender);
    }
  }

  /** At RCPT TO. Never throws TemporaryError: what could not be found out is a 451 reply. */
  async checkRecipient(recipient: string, envelope: RecipientEnvelope, trace?: TraceSink): Promise<RecipientDecision> {
    const revision = this.#router.revisions.revision();
    try {
      const decided = await decideAtOneRevision(this.#router.revisions, trace, (decision) =>
        this.#decide(decision, recipient, envelope),
      );
      return { ...decided, revision };
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#log.warning(`${recipient}: ${error.message}`);
      return this.#refused(recipient, 'default', lookupFailure(recipient));
    }
  }

  async #decide(decision: Decision, recipient: string, envelope: RecipientEnvelope): Promise<RecipientDecision> {
    const address = standardForm(toInternal(recipient), this.#router.settings.standardForm);
    const external = toExternal(address);
    if (recipient === '') return this.#refused('', 'default', badRecipient);
    const evaluation = this.#evaluation(decision, envelope, recipient);
    let addressClass: AddressClass = 'default';
    const verdict = await this.#refusing(evaluation, async () => {
      const resolved = await evaluation.resolved('recipient');
      addressClass = resolved.class;
      if (resolved.isBad) return badRecipient;
      // RFC 5321 §4.5.1: the postmaster of this host, without a domain, is reachable whatever the restrictions say.
      return recipient.toLowerCase() === 'postmaster' ? 'permit' : await this.#runLists(evaluation);
    });
    const refusal = typeof verdict === 'string' ? undefined : verdict;
    if (refusal !== undefined) return this.#tell(decision, this.#refused(external, addressClass, refusal));

    const routed = await this.#route(evaluation, recipient, address);
    if (routed.kind === 'refused') return this.#tell(decision, this.#refused(external, addressClass, routed.reply));
    if (routed.kind === 'failed') {
      return this.#tell(decision, { ...this.#refused(external, addressClass, routed.reply), replyStage: 'data' });
    }
    const full = this.#roomRefusal(decision, routed.deliveries, recipient, envelope.size ?? 0);
    if (full !== undefined) return this.#tell(decision, this.#refused(external, addressClass, full));
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

  /** A table that fails here says nothing yet: RCPT asks again and tells. */
  async #isBadSender(evaluation: Evaluation): Promise<boolean> {
    try {
      return evaluation.sender !== '' && (await evaluation.resolved('sender')).isBad;
    } catch (error) {
      if (error instanceof TemporaryError) return false;
      throw error;
    }
  }

  #evaluation(decision: Decision, { sender, client }: RecipientEnvelope, recipient: string | undefined): Evaluation {
    const [router, listed, log] = [this.#router, this.#listed, this.#log];
    return new Evaluation({ decision, router, listed, log, client, sender, recipient });
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

  async #runLists(evaluation: Evaluation): Promise<Verdict> {
    // Without smtpd_delay_reject the session has asked these at MAIL already.
    if (this.#isDelayed) {
      const verdict = await this.#runSenderLists(evaluation);
      if (typeof verdict !== 'string') return verdict;
    }
    evaluation.kind = 'recipient';
    evaluation.deferIfReject = undefined;
    for (const list of this.#relayAndRecipient) {
      if (list.length === 0) continue;
      const verdict = await evaluation.run(list);
      if (typeof verdict !== 'string') return verdict;
    }
    if (evaluation.deferIfPermit !== undefined) return evaluation.deferIfPermit;
    return this.#rejectsUnlistedRecipient ? await evaluation.checkListed('recipient') : 'dunno';
  }

  async #runSenderLists(evaluation: Evaluation): Promise<Verdict> {
    for (const { kind, restrictions } of this.#senderLists) {
      evaluation.kind = kind;
      evaluation.deferIfReject = undefined;
      if (restrictions.length === 0 || (kind === 'helo' && evaluation.client.helo === undefined)) continue;
      const verdict = await evaluation.run(restrictions);
      if (typeof verdict !== 'string') return verdict;
    }
    const checksSender = this.#rejectsUnlistedSender && evaluation.sender !== '';
    return checksSender ? await evaluation.checkListed('sender') : 'dunno';
  }

  /** Only when nothing of the recipient could be delivered: a list with other members goes on without the full one. */
  #roomRefusal(
    decision: Decision,
    deliveries: readonly Delivery[],
    recipient: string,
    size: number,
  ): Reply | undefined {
    const quota = this.#quota;
    if (quota === undefined) return undefined;
    let isAnyFull = false;
    let isRefused = true;
    for (const delivery of deliveries) {
      const answer = delivery.transport === 'mailstore' ? quota.check(delivery.recipient, size) : 'ok';
      if (answer === 'ok') isRefused = false;
      else if (answer === 'full') isAnyFull = true;
      if (decision.isTracing && delivery.transport === 'mailstore') {
        decision.tell('quota', `${delivery.recipient}: ${answer}`);
      }
    }
    if (!isRefused) return undefined;
    const rejected = `<${recipient}>: Recipient address rejected:`;
    if (!isAnyFull) return { code: 550, status: '5.2.1', text: `${rejected} Mailbox is disabled` };
    const text = `${rejected} Mailbox is full`;
    return this.#isFullTemporary ? { code: 452, status: '4.2.2', text } : { code: 552, status: '5.2.2', text };
  }

  #refused(recipient: string, addressClass: AddressClass, reply: Reply): RecipientDecision {
    return { recipient, class: addressClass, reply: this.#soften(reply), replyStage: 'rcpt', deliveries: [] };
  }

  /** soft_bounce: nothing is refused for good. */
  #soften(reply: Reply): Reply {
    if (!this.#isSoft || reply.code < 500) return reply;
    return { code: reply.code - 100, status: `4${reply.status.slice(1)}`, text: reply.text };
  }

  #tell(decision: Decision, decided: RecipientDecision): RecipientDecision {
    if (!decision.isTracing) return decided;
    const { code, status, text } = decided.reply;
    decision.tell('reply', `${code} ${status} ${text}${decided.replyStage === 'data' ? ' (at the end of DATA)' : ''}`);
    return decided;
  }
}

function lookupFailure(address: string): Reply {
  return { code: 451, status: '4.3.0', text: `<${address}>: Temporary lookup failure` };
}

function overrides(settings: Settings): readonly string[] {
  return settings.list('receive_override_options').map((option) => option.toLowerCase());
}

function requireRelayControl(settings: Settings, restrictions: readonly Restriction[]): void {
  if (restrictions.some(({ name }) => relayControls.has(name.toLowerCase()))) return;
  throw new SettingsError(
    'in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: ' +
      `${[...relayControls].join(', ')}: without it anybody could relay mail through this server`,
    'smtpd_relay_restrictions',
    settings.origin('smtpd_relay_restrictions'),
  );
}
