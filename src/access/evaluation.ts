// What the restrictions of one RCPT (or MAIL) know and remember: who asks, what was asked, which checks have been
// made already, and the deferrals that wait for the final outcome.

import { toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Decision } from '../routing/decision.ts';
import type { AddressRole, ListedAddresses } from '../routing/listed.ts';
import type { ResolvedAddress } from '../routing/resolve-address.ts';
import type { Router } from '../routing/router.ts';
import type { Client, Reply } from '../routing/types.ts';

/** What a restriction says: nothing, yes (which ends its list), or no. */
export type Verdict = 'dunno' | 'permit' | Reply;

/** Whose list is evaluated; the relay list is of the recipient's kind. */
export type ListKind = 'client' | 'helo' | 'sender' | 'recipient';

export interface Restriction {
  readonly name: string;
  check(evaluation: Evaluation): Promise<Verdict> | Verdict;
}

export interface EvaluationOptions {
  readonly decision: Decision;
  readonly router: Router;
  readonly listed: ListedAddresses;
  readonly log: ProgramLog;
  readonly client: Client;
  /** As the client gave it, external form; '' is the null sender. */
  readonly sender: string;
  /** As the client gave it; undefined before RCPT. */
  readonly recipient: string | undefined;
}

/** A restriction class that names itself would never end. */
const maxNesting = 100;

export class Evaluation {
  readonly decision: Decision;
  readonly router: Router;
  readonly client: Client;
  readonly sender: string;
  readonly recipient: string | undefined;
  kind: ListKind = 'client';
  /** Whose lookups are under way: a table's failure is told about this address. */
  subject: string;
  deferIfPermit: Reply | undefined;
  deferIfReject: Reply | undefined;
  isRecipientChecked = false;
  isSenderChecked = false;
  readonly #listed: ListedAddresses;
  readonly #log: ProgramLog;
  readonly #resolved = new Map<AddressRole, Promise<ResolvedAddress>>();
  #nesting = 0;

  constructor(options: EvaluationOptions) {
    this.decision = options.decision;
    this.router = options.router;
    this.client = options.client;
    this.sender = options.sender;
    this.recipient = options.recipient;
    this.subject = options.recipient ?? options.sender;
    this.#listed = options.listed;
    this.#log = options.log;
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
        const verdict = await restriction.check(this);
        if (verdict === 'dunno') continue;
        this.#tell(restriction.name, verdict);
        return verdict === 'permit' ? verdict : (this.#deferredRefusal(verdict) ?? verdict);
      }
      return 'dunno';
    } finally {
      this.#nesting--;
    }
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
    if (role === 'recipient') this.isRecipientChecked = true;
    else this.isSenderChecked = true;
    const resolved = await this.resolved(role);
    const given = role === 'recipient' ? (this.recipient ?? '') : this.sender;
    const search = this.router.search(this.decision);
    return (await this.#listed.check(search, this.decision, resolved, given, role)) ?? 'dunno';
  }

  /** How a reply names what the current list is about: `<u@d>: Recipient address`. */
  get subjectText(): string {
    switch (this.kind) {
      case 'client':
        return `<${this.client.name ?? 'unknown'}[${this.client.address ?? 'unknown'}]>: Client host`;
      case 'helo':
        return `<${this.client.helo ?? ''}>: Helo command`;
      case 'sender':
        return `<${this.sender}>: Sender address`;
      case 'recipient':
        return `<${this.recipient ?? ''}>: Recipient address`;
    }
  }

  warn(text: string): void {
    this.#log.warning(text);
  }

  info(text: string): void {
    this.#log.info(text);
  }

  /** An earlier doubt may have kept us from permitting: the refusal becomes that deferral. */
  #deferredRefusal(refusal: Reply): Reply | undefined {
    const deferral = this.deferIfReject;
    if (deferral === undefined || refusal.code < 500) return undefined;
    this.deferIfReject = undefined;
    return deferral;
  }

  #tell(name: string, verdict: Verdict): void {
    if (!this.decision.isTracing) return;
    const result = typeof verdict === 'string' ? verdict : `${verdict.code} ${verdict.status} ${verdict.text}`;
    this.decision.tell('restriction', `${name}: ${result}`);
  }
}

export const serverError: Reply = { code: 451, status: '4.3.5', text: 'Server configuration error' };
