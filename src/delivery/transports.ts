// The transports: every unix service of master.cf as an agent with its limits. A service whose command is not there yet
// is a transport all the same: its mail waits with the reason, and the start says so.

import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { DeliveryAgent, Transport, TransportTable } from '../queue/delivery-agent.ts';
import type { Mailboxes, Usage } from '../queue/plan.ts';
import type { Finding } from '../settings/origin.ts';
import type { MasterService } from '../settings/services.ts';
import { DiscardAgent, ErrorAgent, UnsupportedAgent } from './error.ts';
import { type ExpandLocal, LocalAgent } from './local.ts';
import { MailstoreAgent } from './mailstore.ts';
import { SmtpAgent } from './smtp.ts';
import { clientOptions } from './smtp-options.ts';

export interface TransportParts {
  readonly resolver: Resolver;
  readonly mailboxes: Mailboxes;
  readonly usage: Usage;
  readonly clock: Clock;
  readonly log: Log;
  /** What local(8) makes of an address. */
  readonly expandLocal: ExpandLocal;
}

export class Transports implements TransportTable {
  readonly #byName = new Map<string, Transport>();
  /** What an administrator should know at the start: services that cannot deliver. */
  readonly findings: readonly Finding[];

  constructor(services: readonly MasterService[], parts: TransportParts) {
    const findings: Finding[] = [];
    for (const service of services) {
      if (service.type !== 'unix') continue;
      const reason = this.#add(service, parts);
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
  }

  find(name: string): Transport | undefined {
    return this.#byName.get(name);
  }

  /** Returns why mail for this transport will wait. */
  #add(service: MasterService, parts: TransportParts): string | undefined {
    const { name, settings, maxProcesses } = service;
    const program = `${settings.text('syslog_name')}/${service.command}`;
    const agent = makeAgent(service, program, parts, this);
    if (agent === undefined) return undefined;
    const processLimit = maxProcesses ?? settings.integer('default_process_limit');
    this.#byName.set(name, {
      name,
      program,
      agent: typeof agent === 'string' ? new UnsupportedAgent(agent) : agent,
      processLimit: processLimit === 0 ? Number.POSITIVE_INFINITY : processLimit,
      recipientLimit: settings.transportInteger(name, 'destination_recipient_limit'),
      concurrencyLimit: settings.transportInteger(name, 'destination_concurrency_limit'),
      initialConcurrency: settings.transportInteger(name, 'initial_destination_concurrency'),
      isMailstore: service.command === 'mailstore',
    });
    return typeof agent === 'string' ? agent : undefined;
  }
}

/** A reason as text for a delivery command that cannot be run; undefined for services that deliver nothing. */
function makeAgent(
  service: MasterService,
  program: string,
  parts: TransportParts,
  transports: TransportTable,
): DeliveryAgent | string | undefined {
  const { settings } = service;
  switch (service.command) {
    case 'mailstore':
      return new MailstoreAgent({ ...parts, waitsForRoom: settings.flag('posthaste_quota_full_tempfail') });
    case 'smtp':
    case 'relay':
    case 'lmtp': {
      const note = (text: string) => parts.log.write(program, 'info', text);
      const protocol = service.command === 'lmtp' ? 'lmtp' : 'smtp';
      const options = clientOptions(protocol, settings, { resolver: parts.resolver, clock: parts.clock, note });
      return typeof options === 'string' ? options : new SmtpAgent(options);
    }
    case 'error':
      return new ErrorAgent(service.name === 'retry' ? 'deferred' : 'bounced');
    case 'discard':
      return new DiscardAgent();
    case 'local': {
      const prependsDeliveredTo = settings.list('prepend_delivered_header').includes('forward');
      return new LocalAgent({ expand: parts.expandLocal, transports, prependsDeliveredTo });
    }
    case 'virtual':
    case 'pipe':
      return `delivery by ${service.command}(8) is not supported yet`;
    default:
      return undefined;
  }
}
