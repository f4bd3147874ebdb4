// What the restrictions of one command know and remember: who asks, what was asked, which checks have been made
// already, the deferrals that wait for the final outcome, and the orders for the message. One evaluation serves all
// lists that one command asks (SMTPD_ACCESS_README): client, helo, sender, relay and recipient at RCPT.

import { toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Decision } from '../routing/decision.ts';
import type { AddressRole, ListedAddresses } from '../routing/listed.ts';
import type { ResolvedAddress } from '../routing/resolve-address.ts';
import type { Router } from '../routing/router.ts';
import type { Client, Reply } from '../routing/types.ts';
import type { MatchList } from '../tables/match-list.ts';
import type { AddressVerifier } from './address-verifier.ts';
import type { GreylistSource } from './greylisting.ts';
import { clientText, type MailRequest, whatsupLine } from './mail-request.ts';
import { type MessageActions, noActions } from './message-actions.ts';

/** What a restriction says: nothing, yes (which ends its list), or no. */
export type Verdict = 'dunno' | 'permit' | Reply;

/** Whose list is evaluated; the relay list is of the recipient's kind. */
export type ListKind = 'client' | 'helo' | 'sender' | 'recipient' | 'data' | 'end-of-data' | 'etrn';
/** What a refusal is about. */
export type SubjectKind = ListKind | 'reverse-client' | 'sasl-user' | 'certificate';

export interface Restriction {
  readonly name: string;
  check(evaluation: Evaluation): Promise<Verdict> | Verdict;
}

export interface EvaluationOptions {
  readonly decision: Decision;
  readonly router: Router;
  readonly listed: ListedAddresses;
  readonly log: ProgramLog;
  readonly resolver: Resolver;
  readonly request: MailRequest;
  /** Asks servers whether they take mail for an address; absent: nobody does here. */
  readonly verifier?: AddressVerifier | undefined;
  /** Remembers who has come back; absent: nobody is put off. */
  readonly greylist?: GreylistSource | undefined;
  /** Permits by these restrictions are logged (smtpd_log_access_permit_actions). */
  readonly loggedPermits?: MatchList;
  /** soft_bounce, for what the log says of refusals that are none. */
  readonly isSoft?: boolean;
}

/** A restriction class that names itself would never end. */
const maxNesting = 100;

/** How replies call what they are about. */
const classNames: Readonly<Record<SubjectKind, string>> = {
  client: 'Client host',
  'reverse-client': 'Unverified Client host',
  'sasl-user': 'SASL login name',
  certificate: 'Client certificate',
  helo: 'Helo command',
  sender: 'Sender address',
  recipient: 'Recipient address',
  data: 'Data command',
  'end-of-data': 'End-of-data',
  etrn: 'Etrn command',
};

/** Our own trouble, or the configuration's: warn_if_reject does not make light of these. */
export const serverError: Reply = { code: 451, status: '4.3.5', text: 'Server configuration error' };

export function lookupFailure(address: string): Reply {
  return { code: 451, status: '4.3.0', text: `<${toInternal(address)}>: Temporary lookup failure` };
}

/** soft_bounce: what would be refused for good is refused for now. */
export function softened({ code, status, text }: Reply): Reply {
  return { code: code - 100, status: `4${status.slice(1)}`, text };
}

export class Evaluation {
  readonly decision: Decision;
  readonly router: Router;
  readonly resolver: Resolver;
  readonly request: MailRequest;
  readonly verifier: AddressVerifier | undefined;
  readonly greylist: GreylistSource | undefined;
  readonly actions: MessageActions;
  kind: SubjectKind = 'client';
  /** Whose lookups are under way: a table's failure is told about this address. */
  subject: string;
  deferIfPermit: Reply | undefined;
  deferIfReject: Reply | undefined;
  isRecipientChecked = false;
  isSenderChecked = false;
  /** Within warn_if_reject. */
  isWarningOnly = false;
  readonly #listed: ListedAddresses;
  readonly #log: ProgramLog;
  readonly #loggedPermits: MatchList | undefined;
  readonly #isSoft: boolean;
  /** The innermost restriction that permits is the one that the log names. */
  #isPermitTold = false;
  readonly #resolved = new Map<AddressRole, Promise<ResolvedAddress>>();
  #nesting = 0;

  constructor(options: EvaluationOptions) {
    this.decision = options.decision;
    this.router = options.router;
    this.resolver = options.resolver;
    this.request = options.request;
    this.verifier = options.verifier;
    this.greylist = options.greylist;
    this.actions = options.request.actions ?? noActions();
    this.subject = options.request.recipient ?? options.request.sender ?? '';
    this.#listed = options.listed;
    this.#log = options.log;
    this.#loggedPermits = options.loggedPermits;
    this.#isSoft = options.isSoft ?? false;
  }

  get client(): Client {
    return this.request.client;
  }

  /** As the client gave it, external form; '' is the null sender, and what stands before MAIL. */
  get sender(): string {
    return this.request.sender ?? '';
  }

  /** As the client gave it; undefined before RCPT, and where several are concerned. */
  get recipient(): string | undefined {
    return this.request.recipient;
  }

  /** The first that permits or refuses decides; the end of the list is a permit. */
  async run(list: readonly Restriction[]): Promise<Verdict> {
    if (list.length === 0) return 'dunno';
    if (++this.#nesting > maxNesting) {
      this.warn('restrictions are nested too deep');
      return serverError;
    }
    try {
      for (const restriction of list) {
        if (this.actions.isDiscarded) return 'dunno';
        this.#isPermitTold = false;
        const verdict = await this.settle(restriction.name, await restriction.check(this));
        if (verdict !== 'dunno') return verdict;
        // Whatever comes now, the outcome is a deferral.
        if (this.deferIfPermit !== undefined && this.deferIfReject !== undefined) return 'dunno';
      }
      return 'dunno';
    } finally {
      this.#nesting--;
    }
  }

  /** What one restriction's verdict amounts to here. */
  async settle(name: string, verdict: Verdict): Promise<Verdict> {
    if (verdict === 'dunno') return verdict;
    this.#tell(name, verdict);
    if (verdict === 'permit') {
      await this.#tellPermit(name);
      return verdict;
    }
    if (!this.isWarningOnly || verdict === serverError) return this.#deferredRefusal(verdict) ?? verdict;
    const { code, status, text } = this.#isSoft && verdict.code >= 500 ? softened(verdict) : verdict;
    this.log('reject_warning', `${code} ${status} ${text}`);
    return 'dunno';
  }

  /** The address's class, transport and next hop. Throws TemporaryError, which is told about this address. */
  resolved(role: AddressRole): Promise<ResolvedAddress> {
    const given = role === 'recipient' ? (this.recipient ?? '') : this.sender;
    this.subject = given;
    let resolved = this.#resolved.get(role);
    if (resolved === undefined) {
      const other = role === 'recipient' ? this.sender : (this.recipient ?? '');
      const address = standardForm(toInternal(given), this.router.settings.standardForm);
      resolved = this.router.resolveAddress(this.decision, address, toInternal(other));
      this.#resolved.set(role, resolved);
    }
    return resolved;
  }

  /** Refuses an address that nobody answers for; at most once in an evaluation. */
  async checkListed(role: AddressRole): Promise<Verdict> {
    const isChecked = role === 'recipient' ? this.isRecipientChecked : this.isSenderChecked;
    if (isChecked) return 'dunno';
    if (role === 'recipient') this.isRecipientChecked = !this.isWarningOnly;
    else this.isSenderChecked = !this.isWarningOnly;
    const resolved = await this.resolved(role);
    const given = role === 'recipient' ? (this.recipient ?? '') : this.sender;
    const search = this.router.search(this.decision);
    return (await this.#listed.check(search, this.decision, resolved, given, role)) ?? 'dunno';
  }

  /** How a reply names what the current list is about: `<u@d>: Recipient address`. */
  get subjectText(): string {
    return `<${this.subjectName}>: ${classNames[this.kind]}`;
  }

  /** `Recipient address`, as reply templates have it. */
  get className(): string {
    return classNames[this.kind];
  }

  get subjectName(): string {
    const { client, etrnDomain = '' } = this.request;
    switch (this.kind) {
      case 'client':
        return clientText(client);
      case 'reverse-client':
        return client.reverseName ?? client.name ?? 'unknown';
      case 'sasl-user':
        return client.login ?? '';
      case 'certificate':
        return client.tls?.certificate?.commonName ?? '';
      case 'helo':
        return client.helo ?? '';
      // In internal form: smtpd(8) writes the address without its quotes.
      case 'sender':
        return toInternal(this.sender);
      case 'recipient':
        return toInternal(this.recipient ?? '');
      case 'data':
        return 'DATA';
      case 'end-of-data':
        return 'END-OF-MESSAGE';
      case 'etrn':
        return etrnDomain;
    }
  }

  /** Refuses now or, by the tempfail action of the parameter, when everything else would permit. */
  deferPermit(reply: Reply, refusesAtOnce = false): Verdict {
    if (this.isWarningOnly || refusesAtOnce) return reply;
    this.deferIfPermit ??= reply;
    return 'dunno';
  }

  warn(text: string): void {
    this.#log.warning(text);
  }

  info(text: string): void {
    this.#log.info(text);
  }

  /** A line with everything that is known of the request: `NOQUEUE: warn: RCPT from c[1.2.3.4]: text; from=<...`. */
  log(what: string, text: string): void {
    this.#log.info(whatsupLine(this.request, what, text));
  }

  /** An earlier doubt may have kept us from permitting: the refusal becomes that deferral. */
  #deferredRefusal(refusal: Reply): Reply | undefined {
    const deferral = this.deferIfReject;
    if (deferral === undefined || refusal.code < 500) return undefined;
    this.deferIfReject = undefined;
    return deferral;
  }

  async #tellPermit(name: string): Promise<void> {
    const action = name.split(' ', 1)[0] as string;
    const outer = this.kind;
    if (/^permit_(?:auth_destination|mx_backup)$|^check_relay_domains$/i.test(action)) this.kind = 'recipient';
    else if (action.toLowerCase() === 'permit_naked_ip_address') this.kind = 'helo';
    else if (action.toLowerCase() !== 'permit') this.kind = 'client';
    await this.logPermit(action, '');
    this.kind = outer;
  }

  /** smtpd_log_access_permit_actions: a permit that stands is logged where that list names its action. */
  async logPermit(action: string, source: string): Promise<void> {
    if (this.#isPermitTold) return;
    this.#isPermitTold = true;
    const list = this.#loggedPermits;
    if (list === undefined || list.isEmpty || this.deferIfPermit !== undefined) return;
    if (!(await list.matches(this.decision, 'access', action))) return;
    this.log('permit', `action=${action} for ${this.className}=${this.subjectName} ${source}`);
  }

  #tell(name: string, verdict: Verdict): void {
    if (!this.decision.isTracing) return;
    const result = typeof verdict === 'string' ? verdict : `${verdict.code} ${verdict.status} ${verdict.text}`;
    this.decision.tell('restriction', `${name}: ${result}`);
  }
}
