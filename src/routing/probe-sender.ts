// The sender of address probes (address_verify_sender), ours and as we know it again when servers ask back: two servers that
// probe each other must not both wait for the other's answer. With address_verify_sender_ttl its local part changes
// with the time, so that what spammers have collected is soon nobody's address.

import { fold } from '../address/form.ts';
import { standardForm, type StandardFormRules } from '../address/standard-form.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Settings } from '../settings/settings.ts';

/** Digits and consonants: nothing that could be read as a word. */
const digits = '0123456789BCDFGHJKLMNPQRSTVWXYZ';

export class ProbeSender {
  readonly #local: string;
  readonly #domain: string;
  readonly #ttlMilliseconds: number;
  readonly #clock: Clock;

  constructor(settings: Settings, rules: StandardFormRules, clock: Clock = systemClock) {
    const given = settings.text('address_verify_sender').trim();
    const address = given === '<>' ? '' : standardForm(given, rules);
    const at = address.lastIndexOf('@');
    this.#local = at === -1 ? address : address.slice(0, at);
    this.#domain = at === -1 ? '' : address.slice(at);
    this.#ttlMilliseconds = settings.seconds('address_verify_sender_ttl') * 1000;
    this.#clock = clock;
  }

  /** Internal form; '' is the null sender. */
  get address(): string {
    return this.#local === '' ? '' : this.#at(this.#epoch);
  }

  /** Also a moment before and after its time: the other server's answer may take as long. */
  is(address: string): boolean {
    if (this.#local === '' || !fold(address).startsWith(fold(this.#local))) return false;
    const epochs = this.#ttlMilliseconds === 0 ? [0] : [this.#epoch - 1, this.#epoch, this.#epoch + 1];
    return epochs.some((epoch) => fold(address) === fold(this.#at(epoch)));
  }

  get #epoch(): number {
    return this.#ttlMilliseconds === 0 ? 0 : Math.floor(this.#clock.now() / this.#ttlMilliseconds);
  }

  #at(epoch: number): string {
    if (this.#ttlMilliseconds === 0) return `${this.#local}${this.#domain}`;
    let suffix = '';
    for (let left = epoch; left > 0; left = Math.floor(left / digits.length)) {
      suffix = digits.charAt(left % digits.length) + suffix;
    }
    return `${this.#local}${suffix}${this.#domain}`;
  }
}
