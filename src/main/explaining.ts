// Where mail goes, as the API asks it of the running server: now by the server's own policy, the past by a thread that replays
// the directory's events, a whole domain in slices between which mail goes on.

import { Worker } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExplainQuestion, ExplainedRecipient, WhyNotAnswer } from '../admin/server-parts.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import { addressesReaching, explainedFor, flowFacts, whyNotFacts } from '../cli/explained.ts';
import { explainOne, parseMoment, serviceSettings } from '../cli/explainer.ts';
import { CommandError } from '../cli/context.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type DomainFlow, domainFlow } from '../proof/flow/domain-flow.ts';
import { whyNot } from '../proof/why-not.ts';
import type { RoutingState } from './routing-state.ts';

interface ExplainingParts {
  readonly directory: Directory;
  readonly state: () => RoutingState;
  readonly usage: (mailbox: number) => { readonly bytes: number };
  readonly clock: Clock;
}

/** Of a domain that are looked at. */
const maxRows = 20_000;
/** Of work, and then of rest: mail is waiting. */
const sliceMilliseconds = 4;
const maxWaiting = 10;
const maxPastMilliseconds = 60_000;

export class Explaining {
  readonly #parts: ExplainingParts;
  /** One large question at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: ExplainingParts) {
    this.#parts = parts;
  }

  /** Throws TemporaryError; CommandError for a service or a moment that is none. */
  async explain(question: ExplainQuestion): Promise<ExplainedRecipient> {
    const { at, service, ...asked } = question;
    if (at !== undefined) {
      checked(() => parseMoment(at));
      return await this.#inTurn(async () => await this.#past(question, at));
    }
    const state = this.#parts.state();
    const settings = checked(() => serviceSettings(state.configuration, service));
    return await explainedFor(state.policy(settings), asked, this.#facts(state), settings);
  }

  async whyNot(question: ExplainQuestion, wanted: string): Promise<WhyNotAnswer> {
    const { directory } = this.#parts;
    const { service, address, at: _, ...asked } = question;
    const policy = this.#policy(service);
    const facts = await whyNotFacts(directory, policy, address, wanted);
    const answer = whyNot(wanted, await explainOne(policy, address, asked), facts);
    return { ...answer, reachedBy: await addressesReaching(directory, policy, wanted) };
  }

  async domainFlow(domain: string): Promise<DomainFlow | undefined> {
    return await this.#inTurn(async () => {
      const { directory, clock } = this.#parts;
      const state = this.#parts.state();
      let began = clock.monotonic();
      const pause = async (): Promise<void> => {
        if (clock.monotonic() - began < sliceMilliseconds) return;
        await sleep(sliceMilliseconds);
        began = clock.monotonic();
      };
      const parts = { directory, router: state.router, facts: this.#facts(state), pause };
      return await domainFlow(parts, domain, maxRows);
    });
  }

  #policy(service: string | undefined): RecipientPolicy {
    const state = this.#parts.state();
    return state.policy(checked(() => serviceSettings(state.configuration, service)));
  }

  #facts(state: RoutingState) {
    return flowFacts(state.configuration, this.#parts.directory, this.#parts.usage);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting) throw new TemporaryError('too many such questions at once: try again');
    this.#waiting++;
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      this.#waiting--;
    }
  }

  async #past(question: ExplainQuestion, at: string): Promise<ExplainedRecipient> {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const file = new URL(`../cli/past-worker.${extension}`, import.meta.url);
    const { directory } = this.#parts.state().configuration;
    const worker = new Worker(file, { workerData: { directory, at, questions: [question] } });
    const timer = setTimeout(() => void worker.terminate(), maxPastMilliseconds);
    try {
      const [answer] = await new Promise<ExplainedRecipient[]>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', (error) => reject(new TemporaryError(error.message, { cause: error })));
        worker.once('exit', () => reject(new TemporaryError('to look at the past took too long')));
      });
      if (answer === undefined) throw new TemporaryError('the past has not answered');
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What was asked for is not there: the caller's mistake. */
function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new SettingsError(error.message);
  }
}
