// A client that names many recipients in one packet (PIPELINING) need not wait for as many answers of a database server in
// turn: while one recipient is decided, the same questions are asked about the next ones, and go to the server together.
// What they find is no older than the client's own command. Only questions to tables are asked ahead, never those that
// somebody counts (policy services, greylisting), and only after a recipient of the same message has got as far as a server.

import { toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { Decision } from '../routing/decision.ts';
import type { ListedAddresses } from '../routing/listed.ts';
import type { Router } from '../routing/router.ts';

/** For each session: all its questions wait for the same few connections. */
const maxAhead = 8;

/** What a client has sent. */
export interface SentAhead {
  /** The number of the line that is carried out. */
  readonly line: number;
  /** Recipients of the lines behind it, one each, as the client wrote them; at most so many. */
  upcoming(count: number): readonly string[];
}

/** One transaction's. */
export class RecipientsAhead {
  readonly #sent: SentAhead;
  /** By the number of the line: another command that names the same recipient is another question. */
  readonly #begun = new Map<number, { readonly recipient: string; readonly decision: Decision }>();
  /** The last recipient was looked for, with the help of a server. */
  isWorthwhile = false;

  constructor(sent: SentAhead) {
    this.#sent = sent;
  }

  /** What has been asked about this one, on the line that is carried out. Lines before it were refused unasked. */
  take(recipient: string): Decision | undefined {
    const { line } = this.#sent;
    const begun = this.#begun.get(line);
    for (const earlier of this.#begun.keys()) if (earlier <= line) this.#begun.delete(earlier);
    return begun?.recipient === recipient ? begun.decision : undefined;
  }

  /** Calls `begin` for those that nothing has been asked about. */
  begin(begin: (recipient: string) => Decision): void {
    let { line } = this.#sent;
    for (const recipient of this.#sent.upcoming(maxAhead)) {
      line++;
      if (!this.#begun.has(line)) this.#begun.set(line, { recipient, decision: begin(recipient) });
    }
  }
}

interface AskingAheadOptions {
  readonly router: Router;
  readonly listed: ListedAddresses;
  readonly mapsAddresses: boolean;
}

/** One service's. */
export class AskingAhead {
  readonly #options: AskingAheadOptions;
  #isWorthwhile = false;

  constructor(options: AskingAheadOptions) {
    this.#options = options;
  }

  /** Recipients have needed servers. */
  get isWorthwhile(): boolean {
    return this.#isWorthwhile;
  }

  /** `isLookedFor`: nothing refused the recipient before anybody asked whether it exists. */
  learn({ asksServers }: Decision, ahead: RecipientsAhead | undefined, isLookedFor: boolean): void {
    const isWorthwhile = asksServers && isLookedFor;
    if (isWorthwhile) this.#isWorthwhile = true;
    if (ahead !== undefined) ahead.isWorthwhile = isWorthwhile;
  }

  begin(ahead: RecipientsAhead | undefined, sender: string): void {
    if (ahead?.isWorthwhile !== true) return;
    ahead.begin((recipient) => {
      const decision = new Decision(false, this.#options.router.revisions);
      // Whoever decides meets the same error.
      this.#ask(decision, recipient, sender).catch(() => undefined);
      return decision;
    });
  }

  /** What every recipient is asked about. */
  async #ask(decision: Decision, recipient: string, sender: string): Promise<void> {
    const { router, listed, mapsAddresses } = this.#options;
    const address = standardForm(toInternal(recipient), router.settings.standardForm);
    const resolved = await router.resolveAddress(decision, address, toInternal(sender));
    if (resolved.isBad) return;
    const refusal = await listed.check(router.search(decision), decision, resolved, recipient, 'recipient');
    if (refusal !== undefined) return;
    if (mapsAddresses) await router.expand(decision, recipient, resolved, address, toInternal(sender));
    else await router.deliverUnmapped(decision, recipient, resolved);
  }
}
