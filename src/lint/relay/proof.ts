// Can an unauthenticated stranger have mail relayed through a service? Answered for the effective configuration
// (main.cf with the service's -o) by the very code that answers at RCPT: the restriction lists are read and asked as the
// server reads and asks them, for every kind of client, sender, HELO name and recipient that makes a difference.
//
// Who tries: strangers from addresses that no network of reasonable size in the configuration holds, with and without a
// name in the DNS, under TLS; clients in networks that are too large to be one's own; strangers who may use XCLIENT
// to be somebody else; anonymous logins. What they say: recipients elsewhere in all forms of the
// published relay tests (attempts.ts), and words that hit the rows of access tables which do not refuse
// (candidates.ts): first one such row at a time, then two of different kinds.
//
// Three answers for an attempt. Refused: at some command. Relayed: every command is accepted, and the delivery that
// results leaves for the victim's domain (aliases that lead elsewhere are their owner's choice, and DISCARD and REDIRECT
// send nothing there). Undecided: it is relayed if a table that only a server knows, a policy service, a certificate or
// the DNS says so (oracles.ts); the condition is told. What is taken for granted is told as an assumption.
//
// NOTE: milters and content filters are not looked at: they can only refuse more. Users who have logged in are no
// strangers. What a relay domain's own server does with `user%elsewhere@domain` is undecided where it would get to see it.

import { ProgramLog } from '../../lib/log.ts';
import { RecipientPolicy } from '../../access/recipient-policy.ts';
import { ownAddresses } from '../../routing/routing-settings.ts';
import { Router } from '../../routing/router.ts';
import type { LintContext } from '../context.ts';
import { classParameters } from '../domain-lists.ts';
import { type Server, smtpServers } from '../restriction-lists.ts';
import type { Place } from '../rule.ts';
import { type Attempt, heloNames, plainForms, recipientForms, senders, strangers, withHelo } from './attempts.ts';
import { clientsOf, isLocalService, strangerAddresses } from './clients.ts';
import { exploreOracles, type Oracle } from './oracles.ts';
import { type Outcome, play } from './play.ts';
import { listedDomain, type ProofSettings, proofSettings } from './proof-settings.ts';
import { ProofTables, quietLog } from './proof-tables.ts';
import { specialAttempts } from './special-attempts.ts';
import { StrangerDns } from './stranger-dns.ts';
import { placeOfPath } from './path.ts';

/** A way through. */
export interface Leak {
  readonly attempt: Attempt;
  /** What would have to hold; empty: it is so. */
  readonly conditions: readonly string[];
  /** List by list, what lets it through. */
  readonly path: readonly string[];
  readonly place: Place;
}

export interface RelayProof {
  readonly server: Server;
  /** Only this machine can connect. */
  readonly isLocal: boolean;
  readonly verdict: 'closed' | 'relays' | 'undecided';
  /** Ways that are open, and those that depend on something. */
  readonly leaks: readonly Leak[];
  readonly assumptions: readonly string[];
  /** How many attempts were made. */
  readonly attempts: number;
  /** Why the lists could not be asked. */
  readonly failure?: string;
}

/** As many ways are told as somebody reads. */
const maxLeaks = 20;

/** For every SMTP service; kept in the context, where the rules find it. */
export async function proveServices(context: LintContext): Promise<readonly RelayProof[]> {
  const proofs: RelayProof[] = [];
  for (const server of smtpServers(context)) proofs.push(await proveRelay(context, server));
  return context.remember(proofsKey, () => proofs);
}

export function relayProofs(context: LintContext): readonly RelayProof[] {
  return context.remember<readonly RelayProof[]>(proofsKey, () => []);
}

const proofsKey = 'relay proofs';

async function proveRelay(context: LintContext, server: Server): Promise<RelayProof> {
  const isLocal = isLocalService(server);
  const tables = new ProofTables(context.files, context.directoryRules);
  try {
    return await new Proof(context, server, isLocal, tables).run();
  } catch (error) {
    // A configuration that no server would start with.
    if (!(error instanceof Error) || !/^(Settings|Table)Error$/.test(error.name)) throw error;
    const failure = error.message;
    return { server, isLocal, verdict: 'undecided', leaks: [], assumptions: [], attempts: 0, failure };
  } finally {
    tables.close();
  }
}

class Proof {
  readonly #context: LintContext;
  readonly #server: Server;
  readonly #isLocal: boolean;
  readonly #tables: ProofTables;
  readonly #prepared: ProofSettings;
  readonly #policy: RecipientPolicy;
  readonly #leaks = new Map<string, Leak>();
  readonly #assumptions: Set<string>;
  #attempts = 0;

  constructor(context: LintContext, server: Server, isLocal: boolean, tables: ProofTables) {
    this.#context = context;
    this.#server = server;
    this.#isLocal = isLocal;
    this.#tables = tables;
    this.#prepared = proofSettings(context, server, tables);
    this.#assumptions = new Set(this.#prepared.assumptions);
    const { settings, asksForBackup, listDomains } = this.#prepared;
    const log = new ProgramLog(quietLog, 'proof');
    const router = new Router({ settings: this.#prepared.main, tables: tables.tables, log });
    const backup: Oracle | undefined = asksForBackup
      ? {
          what: 'permit_mx_backup',
          condition: 'the owner of a domain names this host in the DNS as its second mail server',
        }
      : undefined;
    const [ownAddress = '127.0.0.1'] = ownAddresses(settings);
    const ask = (oracle: Oracle): boolean => tables.play?.ask(oracle) === true;
    this.#policy = new RecipientPolicy({
      settings,
      tables: tables.tables,
      router,
      log: quietLog,
      resolver: new StrangerDns({ listDomains, ownAddress, backup, ask }),
      requiresRelayControl: false,
    });
  }

  async run(): Promise<RelayProof> {
    await this.#plain();
    // Where anybody can relay, nobody needs to know which rows would help.
    if (!this.#isOpen()) await this.#special();
    const leaks = [...this.#leaks.values()];
    return {
      server: this.#server,
      isLocal: this.#isLocal,
      verdict: this.#isOpen() ? 'relays' : leaks.length > 0 ? 'undecided' : 'closed',
      leaks,
      assumptions: [...this.#assumptions],
      attempts: this.#attempts,
    };
  }

  /**
   * Words that no row asks for: everybody with the plainest of recipients, then one stranger with every form. How an
   * address is taken apart does not depend on who gives it.
   */
  async #plain(): Promise<void> {
    const own = ownDomains(this.#context, this.#prepared);
    const clients = await clientsOf(this.#policy, this.#prepared.settings, this.#prepared.networks);
    const forms = recipientForms(own);
    const helos = this.#helos();
    for (const [index, { client, note, condition }] of clients.entries()) {
      const common = { clientNote: note, isNarrow: false, ...(condition === undefined ? {} : { condition }) };
      for (const helo of helos) {
        for (const sender of senders(own[0])) {
          const isFirst = index === 0 && helo === heloNames[0] && sender !== '';
          for (const recipient of isFirst ? forms : forms.slice(0, plainForms)) {
            if (this.#isEnough()) return;
            await this.#try(withHelo({ ...common, client, sender, recipient }, helo));
          }
        }
      }
    }
  }

  /** Who says no HELO at all is asked nothing about it. */
  #helos(): readonly (string | undefined)[] {
    return this.#prepared.settings.flag('smtpd_helo_required') ? heloNames : [...heloNames, undefined];
  }

  #isOpen(): boolean {
    return [...this.#leaks.values()].some(({ conditions }) => conditions.length === 0);
  }

  /** Where just anybody can relay, the other ways are no news. */
  #isEnough(): boolean {
    const { size } = this.#leaks;
    return size >= maxLeaks || [...this.#leaks.values()].some(isForAnybody);
  }

  /** Words that rows ask for. */
  async #special(): Promise<void> {
    const { candidates, networks } = this.#prepared;
    const [address] = strangerAddresses(networks);
    const clients = strangers(address === undefined ? [] : [address]);
    const { attempts, isComplete } = specialAttempts(candidates, clients, this.#helos());
    if (!isComplete) {
      this.#assumptions.add('no three rows of large access tables, each of which is refused alone, permit together');
    }
    for (const attempt of attempts) {
      await this.#try(attempt);
      if (this.#leaks.size >= maxLeaks) return;
    }
  }

  async #try(attempt: Attempt): Promise<void> {
    this.#attempts++;
    const isComplete = await exploreOracles(async (answers) => {
      this.#tables.play = answers;
      const outcome = await play(
        this.#policy,
        attempt,
        (transport) => this.#leavesBy(transport),
        (restriction) => this.#tables.describe(restriction),
      );
      if (outcome.kind !== 'refused') this.#note(attempt, outcome, answers.agreed);
      return outcome.kind !== 'refused';
    });
    if (!isComplete) this.#assumptions.add('more combinations of tables and services were possible than were tried');
  }

  #note(attempt: Attempt, outcome: Outcome & { kind: 'relayed' | 'passed-on' }, agreed: ReadonlySet<Oracle>): void {
    const conditions = [...agreed].map(({ what, condition }) => `${what.replace(/^\w+: /, '')}: ${condition}`);
    if (attempt.condition !== undefined) conditions.unshift(attempt.condition);
    if (outcome.kind === 'passed-on') {
      const isKnown = [...this.#leaks.values()].some((leak) =>
        leak.conditions.every((one) => conditions.includes(one)),
      );
      // Under these conditions it leaves without a detour.
      if (isKnown) return;
      conditions.push(`the server for ${outcome.domain} passes such addresses on`);
    }
    const place = placeOfPath(this.#context, this.#server, outcome.path, attempt.clientNote);
    const kind = attempt.isNarrow ? 'narrow' : attempt.clientNote;
    const key = [kind, ...conditions, ...outcome.path].join('\n');
    if (this.#leaks.size >= maxLeaks || this.#leaks.has(key)) return;
    this.#leaks.set(key, { attempt, conditions, path: outcome.path, place });
  }

  /** Not so: agents that deliver here or nowhere. */
  #leavesBy(transport: string): boolean {
    const command = this.#context.transport(transport)?.command ?? transport;
    return !['local', 'virtual', 'mailstore', 'error', 'retry', 'discard'].includes(command);
  }
}

function isForAnybody({ attempt, conditions }: Leak): boolean {
  return conditions.length === 0 && attempt.clientNote === '' && attempt.client.helo === heloNames[0];
}

/** One of each list: routing characters before such a domain are how relay control was got around. */
function ownDomains(context: LintContext, { main }: ProofSettings): string[] {
  const found = classParameters.flatMap((parameter) => {
    const [listed] = context.domainList(parameter).domains.keys();
    const stands = listedDomain(parameter);
    return [...(listed === undefined ? [] : [listed]), ...(main.expanded(parameter).includes(stands) ? [stands] : [])];
  });
  const [address] = ownAddresses(main);
  return [...new Set([...found, ...(address === undefined || address.includes(':') ? [] : [`[${address}]`])])];
}
