// smtp_delivery_status_filter and its like (postconf(5)): what became of a recipient as an administrator wants it told, and
// handled: a table turns `status text` into another. A refusal may become a postponement and the other way round; what was
// delivered stays delivered, and what was not does not become so.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { RecipientOutcome } from '../queue/delivery-agent.ts';

export class StatusFilter {
  readonly #look: (status: string) => Promise<string | undefined>;
  readonly #warn: (text: string) => void;

  constructor(look: (status: string) => Promise<string | undefined>, warn: (text: string) => void) {
    this.#look = look;
    this.#warn = warn;
  }

  async apply(outcome: RecipientOutcome): Promise<RecipientOutcome> {
    const before = `${outcome.status} ${outcome.reason}`;
    const after = await this.#find(before);
    if (after === undefined) return outcome;
    const [, status, reason = ''] = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+(.*))?$/s.exec(after) ?? [];
    const isSuccess = outcome.kind === 'delivered';
    if (status === undefined || isSuccess !== status.startsWith('2')) {
      this.#warn(`delivery status filter: "${before}" cannot become "${after}"`);
      return outcome;
    }
    const kind = isSuccess ? 'delivered' : status.startsWith('5') ? 'bounced' : 'deferred';
    return { ...outcome, kind, status, reason };
  }

  /** The mail is out, or not: a table that does not answer changes nothing of that. */
  async #find(status: string): Promise<string | undefined> {
    try {
      return await this.#look(status);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#warn(`delivery status filter: ${error.message}`);
      return undefined;
    }
  }
}
