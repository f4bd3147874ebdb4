// The transports: every unix service of master.cf as an agent with its limits. A service whose command is not there yet
// is a transport all the same: its mail waits with the reason, and the start says so.

import { listTransport } from '../directory/list-lookups.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Resolver } from '../dns/resolver.ts';
import { type Feedback, parseFeedback } from '../queue/concurrency-window.ts';
import type { DeliveryAgent, Transport, TransportTable } from '../queue/delivery-agent.ts';
import { type Mailboxes, type Usage, vacationTransport } from '../queue/plan.ts';
import type { Finding } from '../settings/origin.ts';
import type { MasterService } from '../settings/services.ts';
import type { ClientTables } from '../routing/client-tables.ts';
import type { GenericMaps } from '../routing/generic-maps.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import type { Settings } from '../settings/settings.ts';
import type { Helper } from './helper/on-demand.ts';
import type { CommandJob, CommandOutcome, FileJob, FileOutcome } from './helper/protocol.ts';
import { PipeAgent, type PipeAgentOptions } from './pipe.ts';
import { readPipeOptions } from './pipe-options.ts';
import { VirtualAgent, type VirtualAgentOptions } from './virtual.ts';
import { DiscardAgent, ErrorAgent, UnsupportedAgent } from './error.ts';
import { type ExpandLocal, LocalAgent } from './local.ts';
import { LocalActions } from './local-action.ts';
import { commandEnvironment, readLocalOptions, readLocking, readLocks, usualDirectory } from './local-options.ts';
import { type Lists, ListAgent } from './list.ts';
import { MailstoreAgent } from './mailstore.ts';
import { VacationAgent, type VacationAgentOptions } from './vacation.ts';
import { SmtpAgent } from './smtp.ts';
import { StatusFilter } from './status-filter.ts';
import { clientOptions } from './smtp-options.ts';

/** They wait for nothing but the store: a few at a time fill it. */
const ownProcessLimit = 10;

export interface TransportParts {
  readonly resolver: Resolver;
  readonly mailboxes: Mailboxes;
  readonly usage: Usage;
  readonly clock: Clock;
  readonly log: Log;
  /** What local(8) makes of an address. */
  readonly expandLocal: ExpandLocal;
  readonly files: Helper<FileJob, FileOutcome>;
  readonly commands: Helper<CommandJob, CommandOutcome>;
  readonly account: PipeAgentOptions['account'];
  /** What the SMTP or LMTP client with these settings looks up. Throws SettingsError. */
  readonly clientTables: (settings: Settings, protocol: 'smtp' | 'lmtp') => ClientTables;
  readonly genericMaps: (protocol: 'smtp' | 'lmtp', settings: Settings) => GenericMaps;
  /** Where virtual(8) with these settings writes. Throws SettingsError. */
  readonly virtualMailboxes: (settings: Settings) => VirtualAgentOptions['find'];
  /** main.cf's, for the transports that need no line in master.cf. */
  readonly settings: Settings;
  readonly lists: Lists;
  readonly vacations: VacationAgentOptions['vacations'];
  readonly store: VacationAgentOptions['store'];
  readonly route: VacationAgentOptions['route'];
}

export class Transports implements TransportTable {
  readonly #byName = new Map<string, Transport>();
  /** What an administrator should know at the start: services that cannot deliver. */
  readonly findings: readonly Finding[];

  constructor(services: readonly MasterService[], parts: TransportParts) {
    const findings: Finding[] = [];
    for (const service of services) {
      if (service.type !== 'unix') continue;
      const reason = this.#add(service, parts, findings);
      if (reason !== undefined) {
        findings.push({
          severity: 'warning',
          file: service.file,
          line: service.line,
          text: `${service.name}: ${reason}`,
        });
      }
    }
    this.findings = findings;
    this.#addOwn(listTransport, 'list', new ListAgent(parts.lists), parts.settings);
    const hostname = parts.settings.text('myhostname');
    const vacation = new VacationAgent({ ...parts, transports: this, hostname });
    this.#addOwn(vacationTransport, 'vacation', vacation, parts.settings);
  }

  /** What the directory sends mail to: there whatever master.cf says, and one message for each list or mailbox at a time. */
  #addOwn(name: string, command: string, agent: DeliveryAgent, settings: Settings): void {
    if (this.#byName.has(name)) return;
    this.#byName.set(name, {
      name,
      program: `${settings.text('syslog_name')}/${command}`,
      agent,
      processLimit: ownProcessLimit,
      givesSlowSlotsAway: false,
      recipientLimit: 1,
      concurrencyLimit: 2,
      initialConcurrency: 2,
      positiveFeedback: wholeSteps,
      negativeFeedback: wholeSteps,
      failedCohortLimit: 1,
      rateDelayMilliseconds: 0,
      transportRateDelayMilliseconds: 0,
      isMailstore: false,
    });
  }

  find(name: string): Transport | undefined {
    return this.#byName.get(name);
  }

  /** Ends what agents keep between deliveries. */
  async close(): Promise<void> {
    await Promise.all([...this.#byName.values()].map(async ({ agent }) => await agent.close?.()));
  }

  /** Returns why mail for this transport will wait. */
  #add(service: MasterService, parts: TransportParts, findings: Finding[]): string | undefined {
    const { name, settings, maxProcesses } = service;
    const program = `${settings.text('syslog_name')}/${service.command}`;
    const made = makeAgent(service, program, parts, this);
    if (made === undefined) return undefined;
    const agent = typeof made === 'string' ? new UnsupportedAgent(made) : 'agent' in made ? made.agent : made;
    const processLimit = maxProcesses ?? settings.integer('default_process_limit');
    this.#byName.set(name, {
      name,
      program,
      agent,
      processLimit: processLimit === 0 ? Number.POSITIVE_INFINITY : processLimit,
      givesSlowSlotsAway: maxProcesses === undefined && ['smtp', 'relay', 'lmtp'].includes(service.command),
      recipientLimit: settings.transportInteger(name, 'destination_recipient_limit'),
      concurrencyLimit: settings.transportInteger(name, 'destination_concurrency_limit'),
      initialConcurrency: Math.max(1, settings.transportInteger(name, 'initial_destination_concurrency')),
      positiveFeedback: feedback(
        service,
        settings.transportText(name, 'destination_concurrency_positive_feedback'),
        findings,
      ),
      negativeFeedback: feedback(
        service,
        settings.transportText(name, 'destination_concurrency_negative_feedback'),
        findings,
      ),
      failedCohortLimit: settings.transportInteger(name, 'destination_concurrency_failed_cohort_limit'),
      rateDelayMilliseconds: settings.transportSeconds(name, 'destination_rate_delay') * 1000,
      transportRateDelayMilliseconds: settings.transportSeconds(name, 'transport_rate_delay') * 1000,
      isMailstore: service.command === 'mailstore',
    });
    if (typeof made === 'string') return made;
    return 'problem' in made ? made.problem : undefined;
  }
}

const wholeSteps: Feedback = { base: 1, by: 'nothing' };

/** As Postfix's: what is no feedback is passed over with a warning, and counts as 1. */
function feedback({ name, file, line }: MasterService, text: string, findings: Finding[]): Feedback {
  const value = parseFeedback(text);
  if (value) return value;
  const what = `${name}: concurrency feedback ${text}: neither a number from 0 to 1 nor such a number / concurrency`;
  findings.push({ severity: 'warning', file, line, text: `${what}; 1 is used` });
  return wholeSteps;
}

/** An agent, one with something that the start should tell, or the reason why there is none. */
type Made = DeliveryAgent | { readonly agent: DeliveryAgent; readonly problem: string } | string;

/** A reason as text for a delivery command that cannot be run; undefined for services that deliver nothing. */
function makeAgent(
  service: MasterService,
  program: string,
  parts: TransportParts,
  transports: TransportTable,
): Made | undefined {
  const { settings } = service;
  switch (service.command) {
    case 'mailstore':
      return new MailstoreAgent({ ...parts, waitsForRoom: settings.flag('posthaste_quota_full_tempfail') });
    case 'smtp':
    case 'relay':
    case 'lmtp':
      return makeSmtpAgent(service, program, parts);
    case 'error':
      return new ErrorAgent(service.name === 'retry' ? 'deferred' : 'bounced');
    case 'discard':
      return new DiscardAgent();
    case 'local': {
      const options = readLocalOptions(settings);
      if (typeof options === 'string') return options;
      const warn = (text: string) => parts.log.write(program, 'warning', text);
      const actions = new LocalActions({ ...parts, options, warn });
      const prependsDeliveredTo = options.deliveredHeaders.has('forward');
      return new LocalAgent({ expand: parts.expandLocal, transports, actions, prependsDeliveredTo });
    }
    case 'virtual':
      return makeVirtualAgent(settings, program, parts);
    case 'pipe':
      return makePipeAgent(service, program, parts);
    default:
      return undefined;
  }
}

function makeSmtpAgent(service: MasterService, program: string, parts: TransportParts): Made {
  const protocol = service.command === 'lmtp' ? 'lmtp' : 'smtp';
  const tables = parts.clientTables(service.settings, protocol);
  const made = clientOptions(protocol, service.settings, {
    resolver: parts.resolver,
    clock: parts.clock,
    note: (text) => parts.log.write(program, 'info', text),
    warn: (text) => parts.log.write(program, 'warning', text),
    tables: () => tables,
  });
  if (typeof made === 'string') return made;
  const agent = new SmtpAgent(made.options, {
    generic: parts.genericMaps(protocol, service.settings),
    filter: tables.filtersStatus
      ? new StatusFilter(
          (status) => tables.filteredStatus(status),
          (text) => parts.log.write(program, 'warning', text),
        )
      : undefined,
    detectsEightBit: service.settings.flag('detect_8bit_encoding_header'),
    probeTarget: probeTarget(service.settings.text(`${protocol}_address_verify_target`)),
  });
  return made.problem === undefined ? agent : { agent, problem: made.problem };
}

function probeTarget(word: string): 'rcpt' | 'data' {
  return word.toLowerCase() === 'data' ? 'data' : 'rcpt';
}

function makeVirtualAgent(settings: Settings, program: string, parts: TransportParts): DeliveryAgent | string {
  const limit = settings.integer('virtual_mailbox_limit');
  const messageLimit = settings.integer('message_size_limit');
  if (limit > 0 && (messageLimit === 0 || limit < messageLimit)) {
    return 'virtual_mailbox_limit is smaller than message_size_limit';
  }
  const locks = readLocks(settings, 'virtual_mailbox_lock');
  if (typeof locks === 'string') return locks;
  return new VirtualAgent({
    files: parts.files,
    clock: parts.clock,
    find: parts.virtualMailboxes(settings),
    warn: (text) => parts.log.write(program, 'warning', text),
    hostname: settings.text('myhostname'),
    limit,
    ...readLocking(settings, locks),
    mustOwn: settings.flag('strict_mailbox_ownership'),
  });
}

function makePipeAgent(service: MasterService, program: string, parts: TransportParts): DeliveryAgent | string {
  const pipe = readPipeOptions(service);
  if (typeof pipe === 'string') return pipe;
  const { name, settings } = service;
  return new PipeAgent({
    commands: parts.commands,
    clock: parts.clock,
    pipe,
    account: parts.account,
    extensions: extensionRules(settings),
    warn: (text) => parts.log.write(program, 'warning', `${name}: ${text}`),
    directory: usualDirectory(settings),
    timeLimitMilliseconds: settings.transportSeconds(name, 'time_limit') * 1000,
    environment: commandEnvironment(settings),
  });
}
