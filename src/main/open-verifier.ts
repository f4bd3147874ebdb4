// Address verification (verify(8)): who asks, by which way, and where answers are kept.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { Prober } from '../queue/prober.ts';
import { Verifier, type VerifyTimes } from '../queue/verifier.ts';
import { VerifyCache } from '../queue/verify-cache.ts';
import type { Settings } from '../settings/settings.ts';
import type { RoutingState } from './routing-state.ts';

export interface VerifierParts {
  readonly dataDirectory: string;
  readonly log: Log;
  /** The newest, at each question. */
  readonly state: () => RoutingState;
  newQueueId(): string;
}

export function openVerifier(settings: Settings, parts: VerifierParts): Verifier {
  const { log, state } = parts;
  const syslogName = settings.text('syslog_name');
  const current = () => state().configuration.settings;
  const file = path.join(parts.dataDirectory, 'verify.db');
  const cache = new VerifyCache({
    file: settings.text('address_verify_map') === '' ? undefined : file,
    warn: (text) => log.write(`${syslogName}/verify`, 'warning', text),
  });
  // The configuration may be another one by now.
  if (existsSync(file)) cache.forgetRefusals();
  const prober = new Prober({
    clock: systemClock,
    log,
    syslogName,
    transports: { find: (name) => state().transports.find(name) },
    route: async (address, sender) => {
      const resolution = await state().probeRouter.resolve(address, { sender, handling: 'internal' });
      if (resolution.failure) throw new TemporaryError(resolution.failure.text);
      return resolution.deliveries;
    },
    sender: () => state().probeSender,
    newQueueId: () => parts.newQueueId(),
    pendingLimit: () => current().integer('address_verify_pending_request_limit'),
    minimalBackoffSeconds: settings.seconds('minimal_backoff_time'),
  });
  const verifier = new Verifier({ clock: systemClock, cache, prober, times: () => readTimes(current()) });
  verifier.start(settings.seconds('address_verify_cache_cleanup_interval'));
  return verifier;
}

function readTimes(settings: Settings): VerifyTimes {
  return {
    positiveExpireSeconds: settings.seconds('address_verify_positive_expire_time'),
    positiveRefreshSeconds: settings.seconds('address_verify_positive_refresh_time'),
    negativeExpireSeconds: settings.seconds('address_verify_negative_expire_time'),
    negativeRefreshSeconds: settings.seconds('address_verify_negative_refresh_time'),
    keepsRefusals: settings.flag('address_verify_negative_cache'),
    rechecksRefusals: settings.flag('posthaste_address_verify_recheck'),
  };
}

const probeParameters = {
  default_transport: 'address_verify_default_transport',
  local_transport: 'address_verify_local_transport',
  relay_transport: 'address_verify_relay_transport',
  relayhost: 'address_verify_relayhost',
  sender_dependent_default_transport_maps: 'address_verify_sender_dependent_default_transport_maps',
  sender_dependent_relayhost_maps: 'address_verify_sender_dependent_relayhost_maps',
  transport_maps: 'address_verify_transport_maps',
  virtual_transport: 'address_verify_virtual_transport',
} as const;

/** The settings by which probes are routed; the same ones where probes go the way of mail. */
export function probeSettings(settings: Settings): Settings {
  const changed = Object.entries(probeParameters)
    .map(([name, source]) => [name, settings.expanded(source)] as const)
    .filter(([name, value]) => value !== settings.expanded(name));
  return changed.length === 0 ? settings : settings.withOverrides(Object.fromEntries(changed));
}
