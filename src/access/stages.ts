// The restriction lists of one service, and the order in which each command asks them (SMTPD_ACCESS_README): with
// smtpd_delay_reject client, helo and sender lists wait for RCPT (and ETRN); then relay and recipient lists, the
// deferrals that earlier doubts left, and unlisted recipients. Each list: left to right, a permit ends this list
// only, a refusal ends everything, the end is a permit.

import type { OpenOptions } from '../routing/open-maps.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { StageDoubts } from '../routing/types.ts';
import type { Settings } from '../settings/settings.ts';
import type { Evaluation, ListKind, Restriction, Verdict } from './evaluation.ts';
import { RestrictionReader } from './restrictions.ts';

/** One of these must stand in the relay or recipient list, else anybody could relay. */
const relayControls = new Set([
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject',
  'defer',
  'defer_if_permit',
  'check_relay_domains',
]);

export class RestrictionStages {
  /** smtpd_delay_reject: nothing is refused before RCPT. */
  readonly isDelayed: boolean;
  readonly #client: readonly Restriction[];
  readonly #helo: readonly Restriction[];
  readonly #sender: readonly Restriction[];
  readonly #relayAndRecipient: readonly (readonly Restriction[])[];
  readonly #data: readonly Restriction[];
  readonly #endOfData: readonly Restriction[];
  readonly #etrn: readonly Restriction[];
  readonly #rejectsUnlistedRecipient: boolean;
  readonly #rejectsUnlistedSender: boolean;

  /** Throws SettingsError for a restriction or table that cannot be used, and where nothing keeps strangers from relaying. */
  constructor(open: OpenOptions, requiresControl = true) {
    const { settings } = open;
    const reader = new RestrictionReader(open);
    const read = (name: Parameters<Settings['list']>[0], kind: ListKind): Restriction[] =>
      reader.read(settings.list(name), name, kind);
    this.#client = read('smtpd_client_restrictions', 'client');
    this.#helo = read('smtpd_helo_restrictions', 'helo');
    this.#sender = read('smtpd_sender_restrictions', 'sender');
    const relay = read('smtpd_relay_restrictions', 'recipient');
    const recipient = read('smtpd_recipient_restrictions', 'recipient');
    if (requiresControl) requireRelayControl(settings);
    const isRelayFirst = settings.flag('smtpd_relay_before_recipient_restrictions');
    this.#relayAndRecipient = isRelayFirst ? [relay, recipient] : [recipient, relay];
    this.#data = read('smtpd_data_restrictions', 'data');
    this.#endOfData = read('smtpd_end_of_data_restrictions', 'end-of-data');
    this.#etrn = read('smtpd_etrn_restrictions', 'etrn');
    this.isDelayed = settings.flag('smtpd_delay_reject');
    const checksUnknown = !settings
      .list('receive_override_options')
      .some((option) => option.toLowerCase() === 'no_unknown_recipient_checks');
    this.#rejectsUnlistedRecipient = settings.flag('smtpd_reject_unlisted_recipient') && checksUnknown;
    this.#rejectsUnlistedSender = settings.flag('smtpd_reject_unlisted_sender') && checksUnknown;
  }

  /** Nothing is asked at DATA. */
  get hasDataList(): boolean {
    return this.#data.length > 0;
  }

  get hasEndOfDataList(): boolean {
    return this.#endOfData.length > 0;
  }

  async client(evaluation: Evaluation): Promise<Verdict> {
    evaluation.deferIfPermit = undefined;
    const verdict = await this.#run(evaluation, 'client', this.#client);
    this.#remember(evaluation, 'client');
    return verdict;
  }

  async helo(evaluation: Evaluation): Promise<Verdict> {
    if (evaluation.client.helo === undefined) return 'dunno';
    this.#recall(evaluation, ['client']);
    const verdict = await this.#run(evaluation, 'helo', this.#helo);
    this.#remember(evaluation, 'helo');
    return verdict;
  }

  async sender(evaluation: Evaluation): Promise<Verdict> {
    // VRFY before MAIL.
    if (evaluation.request.sender === undefined) return 'dunno';
    this.#recall(evaluation, ['client', 'helo']);
    const verdict = await this.#ofSender(evaluation);
    this.#remember(evaluation, 'sender');
    return verdict;
  }

  async #ofSender(evaluation: Evaluation): Promise<Verdict> {
    const verdict = await this.#run(evaluation, 'sender', this.#sender);
    if (isRefusal(verdict) || !this.#rejectsUnlistedSender) return verdict;
    if (evaluation.sender === '' || evaluation.actions.isDiscarded) return verdict;
    return await evaluation.settle('reject_unlisted_sender', await evaluation.checkListed('sender'));
  }

  async recipient(evaluation: Evaluation): Promise<Verdict> {
    if (this.isDelayed) {
      const verdict = await this.#delayed(evaluation, true);
      if (isRefusal(verdict)) return verdict;
    }
    this.#recall(evaluation, ['sender']);
    // VRFY before MAIL: what waits for a sender's judgement does not count yet.
    if (this.isDelayed && evaluation.request.sender === undefined) evaluation.deferIfPermit = undefined;
    const [first = [], second = []] = this.#relayAndRecipient;
    const verdict = await this.#run(evaluation, 'recipient', first);
    if (isRefusal(verdict)) return verdict;
    const last = await evaluation.run(second);
    if (isRefusal(last)) return last;
    if (evaluation.deferIfPermit !== undefined) return evaluation.deferIfPermit;
    if (!this.#rejectsUnlistedRecipient || evaluation.actions.isDiscarded) return 'dunno';
    return await evaluation.settle('reject_unlisted_recipient', await evaluation.checkListed('recipient'));
  }

  data(evaluation: Evaluation): Promise<Verdict> {
    return this.#alone(evaluation, 'data', this.#data);
  }

  endOfData(evaluation: Evaluation): Promise<Verdict> {
    return this.#alone(evaluation, 'end-of-data', this.#endOfData);
  }

  async etrn(evaluation: Evaluation): Promise<Verdict> {
    if (this.isDelayed) {
      const verdict = await this.#delayed(evaluation, false);
      if (isRefusal(verdict)) return verdict;
    }
    this.#recall(evaluation, ['client', 'helo']);
    return await this.#alone(evaluation, 'etrn', this.#etrn);
  }

  /** Where nothing waits for RCPT, a deferral of an earlier command still holds at this one. */
  #recall(evaluation: Evaluation, stages: readonly (keyof StageDoubts)[]): void {
    const { doubts } = evaluation.client;
    if (this.isDelayed || doubts === undefined) return;
    evaluation.deferIfPermit = stages.map((stage) => doubts[stage]).find((doubt) => doubt !== undefined);
  }

  #remember({ client, deferIfPermit }: Evaluation, stage: keyof StageDoubts): void {
    if (!this.isDelayed && client.doubts !== undefined) client.doubts[stage] = deferIfPermit;
  }

  async #delayed(evaluation: Evaluation, withSender: boolean): Promise<Verdict> {
    const ofClient = await this.client(evaluation);
    if (isRefusal(ofClient)) return ofClient;
    const ofHelo = await this.helo(evaluation);
    return isRefusal(ofHelo) || !withSender ? ofHelo : await this.sender(evaluation);
  }

  async #alone(evaluation: Evaluation, kind: ListKind, list: readonly Restriction[]): Promise<Verdict> {
    const verdict = await this.#run(evaluation, kind, list);
    return isRefusal(verdict) ? verdict : (evaluation.deferIfPermit ?? verdict);
  }

  async #run(evaluation: Evaluation, kind: ListKind, list: readonly Restriction[]): Promise<Verdict> {
    evaluation.kind = kind;
    evaluation.deferIfReject = undefined;
    return list.length === 0 ? 'dunno' : await evaluation.run(list);
  }
}

function isRefusal(verdict: Verdict): boolean {
  return typeof verdict !== 'string';
}

function requireRelayControl(settings: Settings): void {
  const classes = new Set(settings.list('smtpd_restriction_classes'));
  if (controlsRelaying(settings, settings.list('smtpd_relay_restrictions'), classes)) return;
  if (controlsRelaying(settings, settings.list('smtpd_recipient_restrictions'), classes)) return;
  throw new SettingsError(
    'in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: ' +
      `${[...relayControls].slice(0, -1).join(', ')}: without it anybody could relay mail through this server`,
    'smtpd_relay_restrictions',
    settings.origin('smtpd_relay_restrictions'),
  );
}

/** Behind `permit` and within warn_if_reject nothing is controlled; a class counts by its members. */
function controlsRelaying(settings: Settings, words: readonly string[], classes: ReadonlySet<string>): boolean {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const name = word.toLowerCase();
    if (name === 'warn_if_reject') index++;
    else if (name === 'permit') return false;
    else if (relayControls.has(name)) return true;
    else if (classes.has(word)) {
      const others = new Set([...classes].filter((one) => one !== word));
      if (controlsRelaying(settings, settings.restrictionClass(word), others)) return true;
    }
  }
  return false;
}
