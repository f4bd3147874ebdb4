// Address rewriting before aliases (Postfix ADDRESS_REWRITING_README): canonical_maps and its sender and recipient
// variants, masquerade_domains, and the addresses that get a blind copy. For the envelope and for headers alike; which
// of them is rewritten say the *_classes parameters. A canonical table is asked again about its own answer, until it
// knows nothing more or gives back what it was asked, at most ten times.

import { fold, toExternal } from '../address/form.ts';
import { type StandardFormRules, standardForm } from '../address/standard-form.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Settings } from '../settings/settings.ts';
import type { Maps } from '../tables/maps.ts';
import type { MatchList } from '../tables/match-list.ts';
import type { Decision } from './decision.ts';
import { type AddressSearch, findAddress } from './find-address.ts';
import { mapAddress } from './map-address.ts';
import { openMaps, openMatchList, type OpenOptions } from './open-maps.ts';

/** What is rewritten: the words of canonical_classes and masquerade_classes. */
const rewritingClasses = ['envelope_sender', 'envelope_recipient', 'header_sender', 'header_recipient'] as const;
type RewritingClass = (typeof rewritingClasses)[number];

type RewritingSearch = Omit<AddressSearch, 'asker' | 'stage' | 'externalOnly'>;

interface CanonicalStep {
  readonly maps: Maps;
  readonly classes: readonly string[];
}

const maxRounds = 10;

export class AddressRewriting {
  readonly #warn: (text: string) => void;
  readonly #standardForm: StandardFormRules;
  readonly #propagates: boolean;
  readonly #senderCanonical: CanonicalStep;
  readonly #recipientCanonical: CanonicalStep;
  readonly #canonical: CanonicalStep;
  readonly #masqueradeDomains: readonly string[];
  readonly #masqueradeClasses: readonly string[];
  readonly #masqueradeExceptions: MatchList;
  readonly #alwaysBcc: string;
  readonly #senderBcc: Maps;
  readonly #recipientBcc: Maps;
  readonly #rewritten: ReadonlySet<RewritingClass>;
  /** Envelope addresses may be rewritten. */
  readonly isActive: boolean;

  constructor(open: OpenOptions, rules: StandardFormRules) {
    const { settings } = open;
    this.#warn = open.warn;
    this.#standardForm = rules;
    this.#propagates = settings.list('propagate_unmatched_extensions').includes('canonical');
    this.#senderCanonical = canonicalStep(open, 'sender_canonical_maps', settings.list('sender_canonical_classes'));
    this.#recipientCanonical = canonicalStep(
      open,
      'recipient_canonical_maps',
      settings.list('recipient_canonical_classes'),
    );
    this.#canonical = canonicalStep(open, 'canonical_maps', settings.list('canonical_classes'));
    this.#masqueradeDomains = settings.list('masquerade_domains').map(fold);
    this.#masqueradeClasses = settings.list('masquerade_classes');
    this.#masqueradeExceptions = openMatchList(open, 'masquerade_exceptions', 'exact');
    this.#alwaysBcc = settings.text('always_bcc');
    this.#senderBcc = openMaps(open, 'sender_bcc_maps');
    this.#recipientBcc = openMaps(open, 'recipient_bcc_maps');
    this.#rewritten = new Set(rewritingClasses.filter((what) => this.#canRewrite(what)));
    this.isActive = this.rewrites('envelope_sender') || this.rewrites('envelope_recipient');
  }

  /** Somebody may get a blind copy, as the tables stand. Throws TemporaryError. */
  get addsCopies(): boolean {
    return this.#alwaysBcc !== '' || !this.#senderBcc.isVoid || !this.#recipientBcc.isVoid;
  }

  /** Whether addresses of this class can become anything but their standard form. */
  rewrites(what: RewritingClass): boolean {
    return this.#rewritten.has(what);
  }

  #canRewrite(what: RewritingClass): boolean {
    const steps = [this.#canonical, what.endsWith('sender') ? this.#senderCanonical : this.#recipientCanonical];
    const isMasqueraded = this.#masqueradeDomains.length > 0 && this.#masqueradeClasses.includes(what);
    return isMasqueraded || steps.some((step) => !step.maps.isEmpty && step.classes.includes(what));
  }

  /** `address` in internal standard form. Throws TemporaryError. */
  async rewrite(decision: Decision, search: RewritingSearch, what: RewritingClass, address: string): Promise<string> {
    const own = what.endsWith('sender') ? this.#senderCanonical : this.#recipientCanonical;
    let result = address;
    const mark = decision.mark;
    for (const step of [own, this.#canonical]) {
      if (step.maps.isEmpty || !step.classes.includes(what)) continue;
      result = await this.#mapCanonical(decision, search, step.maps, result);
    }
    if (this.#masqueradeDomains.length > 0 && this.#masqueradeClasses.includes(what)) {
      result = await this.#masquerade(decision, result);
    }
    if (decision.isTracing && result !== address) {
      const [from, to] = [toExternal(address), toExternal(result)];
      decision.tell('rewrite', `${what}: ${from} becomes ${to}`);
      decision.lead({ stage: 'canonical', from, to: [to], asked: decision.since(mark) });
    }
    return result;
  }

  async #mapCanonical(decision: Decision, search: RewritingSearch, maps: Maps, given: string): Promise<string> {
    const full = { ...search, asker: decision, stage: 'canonical', externalOnly: true };
    const rules = { maps, standardForm: this.#standardForm, propagates: this.#propagates };
    let address = given;
    for (let round = 0; round < maxRounds; round++) {
      const results = await mapAddress(full, rules, address);
      if (results === undefined) return address;
      const [first] = results;
      if (first === undefined) throw new TemporaryError(`${maps.name}: the entry for ${address} holds no address`);
      if (results.length > 1) this.#warn(`multi-valued ${maps.name} entry for ${toExternal(address)}`);
      const before = address;
      address = first;
      if (fold(first) === fold(before)) return address;
    }
    this.#warn(`unreasonable ${maps.name} map nesting for ${toExternal(given)}`);
    return address;
  }

  /** From left to right, the first domain that the address is in or below decides; `!` keeps it as it is. */
  async #masquerade(decision: Decision, address: string): Promise<string> {
    const at = address.lastIndexOf('@');
    if (at === -1) return address;
    const domain = fold(address.slice(at + 1));
    const parent = this.#masqueradeDomains.find((one) => {
      const name = one.replace(/^!+/, '');
      return name !== '' && (domain === name || domain.endsWith(`.${name}`));
    });
    if (parent === undefined) return address;
    const name = parent.replace(/^!+/, '');
    if (domain === name || (parent.length - name.length) % 2 === 1) return address;
    const external = toExternal(address);
    const user = external.slice(0, external.lastIndexOf('@'));
    if (await this.#masqueradeExceptions.matches(decision, 'masquerade', user)) return address;
    return `${address.slice(0, at + 1)}${name}`;
  }

  /**
   * Who gets a copy of a message of this sender to this recipient, both as rewritten (internal form), as the tables and
   * the parameter write it; not yet rewritten. Throws TemporaryError.
   */
  async copyAddresses(
    decision: Decision,
    search: RewritingSearch,
    sender: string,
    recipient: string,
  ): Promise<string[]> {
    const copies: string[] = [];
    const bySender = sender === '' ? undefined : await this.#findCopy(decision, search, this.#senderBcc, sender);
    const byRecipient = await this.#findCopy(decision, search, this.#recipientBcc, recipient);
    for (const copy of [bySender, byRecipient, this.#alwaysBcc]) {
      if (copy !== undefined && copy !== '' && !copies.includes(copy)) copies.push(copy);
    }
    return copies;
  }

  async #findCopy(
    decision: Decision,
    search: RewritingSearch,
    maps: Maps,
    address: string,
  ): Promise<string | undefined> {
    if (address === '' || maps.isVoid) return undefined;
    return (await findAddress({ ...search, asker: decision, stage: 'bcc' }, maps, address))?.found.value;
  }
}

function canonicalStep(
  open: OpenOptions,
  parameter: Parameters<Settings['list']>[0],
  classes: readonly string[],
): CanonicalStep {
  return { maps: openMaps(open, parameter), classes: classes.map(fold) };
}

/** The sender as it goes into the queue, before its maps: mail from our own MAILER-DAEMON has the null sender. */
export function standardSender(sender: string, rules: StandardFormRules): string {
  if (sender === '') return '';
  const address = standardForm(sender, rules);
  if (!/^mailer-daemon@/i.test(address)) return address;
  return fold(address) === fold(standardForm('MAILER-DAEMON', rules)) ? '' : address;
}
