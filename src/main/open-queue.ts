// The queue and what works on it: who takes mail in, who brings it out, and the door for local programs.

import path from 'node:path';
import { toExternal } from '../address/form.ts';
import type { CaughtNotes } from '../directory/caught-notes.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Mailstore } from '../mailstore/types.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { FreshMessage } from '../queue/accepted.ts';
import { maildropFolder } from '../queue/maildrop.ts';
import { Forwarder } from '../queue/forwarding.ts';
import { Notices } from '../queue/notices.ts';
import type { InternalMail, OwnMailOptions } from '../queue/own-mail.ts';
import { Pickup } from '../queue/pickup.ts';
import { PickupFilters } from '../queue/pickup-filters.ts';
import type { Mailboxes } from '../queue/plan.ts';
import { QueueChanges } from '../queue/queue-changes.ts';
import { openQueueSurvey } from '../mailstore/queue-survey.ts';
import { SiteFlush } from '../queue/site-flush.ts';
import { Scheduler } from '../queue/scheduler.ts';
import type { Verifier } from '../queue/verifier.ts';
import { openVerifier } from './open-verifier.ts';
import { SessionReports, type TroubledSession } from '../queue/session-reports.ts';
import { Queue, type RouteRecipient } from '../queue/submit.ts';
import type { Settings } from '../settings/settings.ts';
import { FreeSpace } from './free-space.ts';
import type { SessionReporter } from '../smtp-server/parts.ts';
import type { RoutingState } from './routing-state.ts';

export interface QueueParts {
  readonly dataDirectory: string;
  readonly store: Mailstore;
  readonly log: Log;
  readonly metrics: MailMetrics;
  readonly mailboxes: Mailboxes;
  /** What falls to catch-alls is noted there. */
  readonly caught: Pick<CaughtNotes, 'accepted'>;
  readonly route: RouteRecipient;
  /** The newest, at each question. */
  readonly state: () => RoutingState;
}

export interface OpenedQueue {
  readonly queue: Queue;
  readonly scheduler: Scheduler;
  readonly pickup: Pickup;
  readonly changes: QueueChanges;
  /** Messages that were queued since the start. */
  readonly entered: () => number;
  readonly reports: SessionReporter;
  readonly verifier: Verifier;
  readonly siteFlush: SiteFlush;
  /** For messages of the host's own. */
  readonly ownMail: OwnMailOptions;
}

/** Messages in memory, whatever qmgr_message_active_limit allows: the rest comes from the store as fast as it is needed. */
const largestWindow = 4000;

/** Nothing of it runs yet. */
export function openQueue(settings: Settings, parts: QueueParts): OpenedQueue {
  const { store, log, metrics, mailboxes, route, state } = parts;
  const transports = { find: (name: string) => state().transports.find(name) };
  const syslogName = settings.text('syslog_name');
  const shared = { store, clock: systemClock, log, metrics, syslogName, transports, mailboxes };
  const filterDefaults = {
    nexthop: settings.text('default_filter_nexthop'),
    hostname: settings.text('myhostname'),
  };
  let entered = 0;
  const onQueued = (queueId: string, fresh?: FreshMessage) => {
    entered++;
    scheduler.enqueue(queueId, fresh);
  };
  const queue = new Queue({
    ...shared,
    redecide: route,
    rewriteSender: (sender, handling) => state().router.envelopeSender(sender, handling),
    revision: () => state().tables.revision(),
    fresh: () => state().tables.fresh(),
    onAccepted: (sender, originals) => {
      const now = systemClock.now();
      for (const original of originals) parts.caught.accepted(original, sender, now);
    },
    reportExpansions: (message, expanded) => notices.prepare('success', message, expanded),
    byOriginalRecipient: settings.flag('enable_original_recipient'),
    filterDefaults,
    onQueued,
  });
  const times = {
    minimalBackoffSeconds: settings.seconds('minimal_backoff_time'),
    maximalBackoffSeconds: settings.seconds('maximal_backoff_time'),
    lifetimeSeconds: settings.seconds('maximal_queue_lifetime'),
    bounceLifetimeSeconds: settings.seconds('bounce_queue_lifetime'),
    delayWarningSeconds: settings.seconds('delay_warning_time'),
  };
  const making = {
    ...shared,
    route,
    newQueueId: () => queue.newQueueId(),
    onQueued,
    filters: (kind: InternalMail) => state().internalFilters(kind),
    hostname: settings.text('myhostname'),
    mailName: settings.text('mail_name'),
  };
  const forwarder = new Forwarder(making);
  const policy = () => state().noticePolicy;
  const standardForm = (address: string) => toExternal(state().router.standardForm(address));
  const notices = new Notices({ ...making, policy, standardForm });
  const sessionReports = new SessionReports({ ...making, policy, standardForm });
  const scheduler = new Scheduler({
    ...shared,
    ...times,
    notices,
    forwarder,
    activeLimit: Math.min(settings.integer('qmgr_message_active_limit'), largestWindow),
    queueRunSeconds: settings.seconds('queue_run_delay'),
    softBounce: settings.flag('soft_bounce'),
    deferTransports: settings.list('defer_transports'),
  });
  const changes = new QueueChanges({
    ...shared,
    scheduler,
    route,
    handling: () => state().pickupHandling,
    filter: { target: () => state().pickupFilter, defaults: filterDefaults },
  });
  const reports = {
    get isWanted() {
      return [...policy().classes].some((one) => one !== 'delay' && one !== '2bounce');
    },
    report: (session: TroubledSession) => void sessionReports.report(session),
  };
  const verifier = openVerifier(settings, { ...parts, newQueueId: () => queue.newQueueId() });
  return {
    queue,
    scheduler,
    changes,
    entered: () => entered,
    reports,
    verifier,
    ownMail: making,
    siteFlush: new SiteFlush({
      survey: () => openQueueSurvey(parts.dataDirectory),
      changes,
      clock: systemClock,
      warn: (text) => log.write(`${syslogName}/flush`, 'warning', text),
    }),
    pickup: openPickup(settings, parts, queue),
  };
}

function openPickup(settings: Settings, { dataDirectory, store, log, route, state }: QueueParts, queue: Queue): Pickup {
  const freeSpace = new FreeSpace(dataDirectory, systemClock);
  return new Pickup({
    folder: path.join(dataDirectory, maildropFolder),
    store,
    queue,
    clock: systemClock,
    log,
    syslogName: settings.text('syslog_name'),
    route,
    rewriteSender: (sender, handling) => state().router.envelopeSender(sender, handling),
    rewriter: () => state().pickupRewriter(),
    handling: () => state().pickupHandling,
    standardForm: (address) => toExternal(state().router.standardForm(address)),
    hostname: settings.text('myhostname'),
    mailName: settings.text('mail_name'),
    droppedHeaders: new Set(settings.list('message_drop_headers').map((header) => header.toLowerCase())),
    sizeLimit: settings.integer('message_size_limit'),
    mayUse: (user) => state().maySubmit(user),
    freeSpace: () => freeSpace.octets(),
    minFree: settings.integer('queue_minfree'),
    filters: new PickupFilters({
      store,
      queue,
      route,
      milters: () => state().localFilters,
      contentFilter: () => state().pickupFilter,
      beginContentCheck: (facts) => state().beginPickupCheck(facts),
    }),
  });
}
