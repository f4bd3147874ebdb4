// What operations ask of the running server, beyond the directory. The composition root fills it in.

import type { LoginGate } from '../auth/login-gate.ts';
import type { Authenticator } from '../auth/types.ts';
import type { Directory } from '../directory/directory.ts';
import type { SystemResolver } from '../dns/system-resolver.ts';
import type { Clock } from '../lib/clock.ts';
import type { QueueScans } from '../mailstore/queue-scans.ts';
import type { QueueMessage } from '../mailstore/types.ts';
import type { DomainFlow } from '../proof/flow/domain-flow.ts';
import type { ExplainedFlow } from '../proof/flow/told-flow.ts';
import type { Plan } from '../proof/plan/types.ts';
import type { WhyNot } from '../proof/why-not.ts';
import type { SentTestMessage } from '../queue/test-messages.ts';
import type { MailSeries, Range } from '../metrics/mail-series.ts';
import type { QueueJobs } from '../queue/queue-jobs.ts';
import type { StoryPage, TraceListQuery } from '../trace/list.ts';
import type { TraceQuery } from '../trace/search.ts';
import type { FoundStories } from '../trace/search-aside.ts';
import type { AccountRecovery } from './account-recovery.ts';
import type { Passkeys } from './passkeys.ts';
import type { PlanView } from './plan-sight.ts';
import type { PasswordLogin } from './password-login.ts';
import type { SettingsPart } from './settings-part.ts';

export interface ExplainQuestion {
  readonly address: string;
  readonly sender?: string;
  readonly client?: string;
  readonly clientName?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly service?: string;
  /** The directory as it was: after this revision, when this message came, or at this time. */
  readonly at?: string;
  /** A row that is taken for absent. */
  readonly withoutTable?: string;
  readonly withoutKey?: string;
}

export interface WhyNotAnswer extends WhyNot {
  readonly reachedBy: { readonly addresses: readonly string[]; readonly isCut: boolean };
}

export interface ExplainedRecipient {
  readonly recipient: string;
  readonly class: string;
  readonly reply: { readonly code: number; readonly status: string; readonly text: string };
  readonly deliveries: readonly {
    readonly recipient: string;
    readonly original: string;
    readonly transport: string;
    readonly nexthop: string;
    readonly path?: string;
  }[];
  readonly steps: readonly {
    readonly stage: string;
    readonly table: string;
    readonly key: string;
    readonly result: string;
    readonly source?: string;
    readonly depth?: number;
  }[];
  readonly replyStage?: string;
  /** The whole message goes there first. */
  readonly filter?: { readonly by: string; readonly transport: string; readonly nexthop: string };
  readonly milters?: readonly string[];
  readonly flow: ExplainedFlow;
}

/** What others can connect to. */
export interface ServerListener {
  /** submission: smtpd with logins. */
  readonly protocol: 'smtp' | 'submission' | 'imap' | 'pop3';
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  /** From this machine only. */
  readonly isLoopback: boolean;
}

export interface ServerParts {
  readonly clock: Clock;
  /** For mailboxes. */
  readonly authenticator: Authenticator;
  readonly gate: LoginGate;
  readonly passwordLogin: PasswordLogin;
  /** Loaded when somebody needs them. */
  passkeys(): Promise<Passkeys>;
  recovery(): Promise<AccountRecovery>;
  hostname(): string;
  /** As it is typed on this host: for a client on the host itself with the folders that it needs. */
  command(client?: string): string;
  /** posthaste_webhook_private_addresses */
  allowsPrivateWebhooks(): boolean;
  /** For a password that has just been set, the mailbox's own or an app password. */
  keepScramKeys(
    address: string,
    password: string,
    appPassword?: { readonly id: number; readonly digest: string },
  ): Promise<void>;
  /** Names that are this host's own (mydestination), folded. */
  localDomains(): readonly string[];
  /** smtpd_restriction_classes, which actions of access rules may name. */
  restrictionClasses(): readonly string[];
  /** What a change would do to mail: `work` makes it in a directory that forgets it. `asker` is who waits for it. */
  plan(
    work: (directory: Directory) => Promise<unknown>,
    asked: { readonly view: PlanView | undefined; readonly asker: string },
  ): Promise<Plan>;
  explain(question: ExplainQuestion): Promise<ExplainedRecipient>;
  whyNot(question: ExplainQuestion, wanted: string): Promise<WhyNotAnswer>;
  /** undefined: the domain is not hosted. */
  domainFlow(domain: string): Promise<DomainFlow | undefined>;
  status(): Promise<object>;
  usage(mailbox: number): { readonly bytes: number; readonly messages: number };
  /** The server's control requests, as the command line sends them. */
  control(request: object): Promise<unknown>;
  readonly queue: {
    list(after: string, limit: number): readonly QueueMessage[];
    message(id: string): QueueMessage | undefined;
    /** The header of a queued message, the first of it where it is long; undefined where it has left. */
    header(id: string): Promise<{ readonly text: string; readonly isCut: boolean } | undefined>;
    readonly scans: Pick<QueueScans, 'summary' | 'list' | 'forget'>;
    readonly jobs: Pick<QueueJobs, 'start' | 'list' | 'find' | 'stop'>;
  };
  /** How much mail there was over time. */
  statistics(range: Range, zoneMinutes: number): Promise<MailSeries>;
  trace(query: TraceQuery): Promise<FoundStories>;
  traceList(query: TraceListQuery): Promise<StoryPage>;
  certificates(): Promise<readonly object[]>;
  /** main.cf and master.cf. Loaded when somebody asks. */
  settings(): Promise<SettingsPart>;
  /** Those that run. */
  listeners(): Promise<readonly ServerListener[]>;
  /** For checks that somebody waits for: it gives up soon. */
  readonly resolver: SystemResolver;
  /** To a mailbox of this host. Throws ProblemError where `asker` has sent many. */
  testMessage(recipient: string, asker: string): Promise<SentTestMessage>;
}
