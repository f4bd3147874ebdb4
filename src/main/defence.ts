// The defence of the front door, wired: what it remembers (defence.db), the guard of logins, greylisting, the limits and
// the alarm of users who send, and the answers to `posthaste lockout` and `posthaste alarm`.

import path from 'node:path';
import type { GreylistSource } from '../access/greylisting.ts';
import { usualFailureDelay } from '../auth/failure-delay.ts';
import type { ControlRequest, DefenceRequest } from '../cli/control.ts';
import type { DefenceStatus } from '../cli/server-status.ts';
import { AbuseAlarm, type Alarm, type UsualSending } from '../defence/abuse-alarm.ts';
import { DefenceStore, type KeptEntries } from '../defence/defence-store.ts';
import { Greylist, type GreyNetwork, type GreyTriplet } from '../defence/greylist.ts';
import type { NetworksOfAccount } from '../defence/known-networks.ts';
import { type Lockout, maxLockouts } from '../defence/lockouts.ts';
import { type LoginAttempt, LoginGuard } from '../defence/login-guard.ts';
import { SendingLimits, type SentHours } from '../defence/sending-limits.ts';
import type { Owner } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import { fold } from '../directory/mail-address.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Log, ProgramLog } from '../lib/log.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { Settings } from '../settings/settings.ts';
import type { SenderWatch } from '../smtp-server/parts.ts';
import type { ScreenPass } from '../smtp-server/screen/connection-screen.ts';
import type { RoutingState } from './routing-state.ts';

export interface DefenceParts {
  readonly dataDirectory: string;
  readonly directory: Directory;
  readonly log: Log;
  readonly metrics: MailMetrics;
  /** The newest, at each question. */
  readonly state: () => Pick<RoutingState, 'configuration' | 'isLimitException'>;
}

export class Defence {
  readonly store: DefenceStore;
  readonly guard: LoginGuard;
  readonly greylist: GreylistSource;
  readonly senders: SenderWatch;
  /** Postfix's postscreen_cache_map. */
  readonly screened: KeptEntries<ScreenPass>;
  readonly #triplets: KeptEntries<GreyTriplet>;
  readonly #alarm: AbuseAlarm;

  constructor(settings: Settings, parts: DefenceParts) {
    const clock = systemClock;
    const syslogName = settings.text('syslog_name');
    const log = new ProgramLog(parts.log, `${syslogName}/auth`);
    const file = path.join(parts.dataDirectory, 'defence.db');
    this.store = new DefenceStore({ file, clock, warn: (text) => log.warning(text) });
    const alarm = new AbuseAlarm({
      clock,
      log: new ProgramLog(parts.log, `${syslogName}/smtpd`),
      limits: () => alarmLimits(parts.state().configuration.settings),
      alarms: this.store.kept<Alarm>('alarm', 50_000),
      usual: this.store.kept<UsualSending>('usual', 200_000),
      onAlarm: (kind) => parts.metrics.alarmed(kind),
    });
    this.#alarm = alarm;
    this.guard = new LoginGuard({
      clock,
      log,
      limits: {
        perAddress: settings.integer('posthaste_auth_address_limit'),
        perNetwork: settings.integer('posthaste_auth_network_limit'),
        perAccount: settings.integer('posthaste_auth_account_limit'),
        periodMilliseconds: settings.seconds('posthaste_auth_limit_period') * 1000,
        lockoutMilliseconds: settings.seconds('posthaste_auth_lockout_time') * 1000,
      },
      delay: { ...usualFailureDelay, firstMilliseconds: settings.seconds('posthaste_auth_failure_delay') * 1000 },
      lockouts: this.store.kept<Lockout>('lockout', maxLockouts),
      networks: this.store.kept<NetworksOfAccount>('login-network', 200_000),
      isException: (address) => parts.state().isLimitException({ address, name: 'unknown' }),
      onFailure: (attempt) => noteFailure(parts.directory, attempt, clock),
      onLogin: (account, network) => alarm.loggedIn(account, network),
      onLockout: (kind) => parts.metrics.lockedOut(kind),
    });
    this.#triplets = this.store.kept<GreyTriplet>('grey', 500_000);
    this.greylist = new Greylist({
      clock,
      triplets: this.#triplets,
      networks: this.store.kept<GreyNetwork>('grey-network', 100_000),
    });
    this.screened = this.store.kept<ScreenPass>('screen', 200_000);
    const limits = new SendingLimits({
      clock,
      kept: this.store.kept<SentHours>('sent', 200_000),
      limitsOf: (login) => limitsOf(parts.state().configuration.settings, parts.directory, login),
    });
    this.senders = {
      check: (login, recipients) => limits.check(login, recipients),
      take: (login, recipients) => limits.take(login, recipients),
      giveBack: (login, recipients) => limits.giveBack(login, recipients),
      accepted: (login, recipients) => alarm.sent(login, recipients),
      rejected: (login) => alarm.rejected(login),
      holds: (login) => alarm.holds(login),
    };
  }

  get smtpParts() {
    return { senders: this.senders, screened: this.screened };
  }

  status(): DefenceStatus {
    return {
      lockouts: this.guard.lockouts.list().length,
      alarms: this.#alarm.list(),
      greylisted: this.#triplets.count,
      screened: this.screened.count,
      refusedLogins: this.guard.refused,
    };
  }

  async answer({ command, subject }: DefenceRequest): Promise<unknown> {
    switch (command) {
      case 'lockouts':
        return this.guard.lockouts.list();
      case 'lockout-failures':
        return this.guard.failures.list();
      case 'lockout-remove':
        return this.guard.free(subject);
      case 'alarms':
        return this.#alarm.list();
      case 'alarm-remove':
        return this.#alarm.remove(subject);
    }
  }

  close(): void {
    this.store.close();
  }
}

export function isDefenceRequest(request: ControlRequest): request is DefenceRequest {
  return /^(?:lockout|alarm)/.test(request.command);
}

function alarmLimits(settings: Settings) {
  return {
    recipients: settings.integer('posthaste_alarm_recipients'),
    growth: settings.integer('posthaste_alarm_growth'),
    rejected: settings.integer('posthaste_alarm_rejected'),
    networks: settings.integer('posthaste_alarm_networks'),
    holds: settings.flag('posthaste_alarm_hold'),
  };
}

/** For whoever looks who has tried to get in. A name that nobody has leaves nothing. */
function noteFailure(directory: Directory, { account, address, protocol }: LoginAttempt, clock: Clock): void {
  try {
    const owner = ownerCalled(directory, account);
    if (owner !== undefined) directory.notes.tried({ owner, outcome: 'failed', protocol, address, time: clock.now() });
  } catch {
    // Who it was cannot be found out just now: nobody waits for the note.
  }
}

function ownerCalled({ lookups }: Directory, account: string): Owner | undefined {
  const admin = lookups.identities.adminByLogin(fold(account.trim()));
  if (admin !== undefined) return { kind: 'admin', id: admin.id };
  const mailbox = account.length > 320 ? undefined : lookups.mailboxByAddress(account);
  return mailbox && { kind: 'mailbox', id: mailbox.id };
}

/** A login that is no mailbox of the directory (smtpd_sasl_type = dovecot) has everybody's limits. */
function limitsOf(settings: Settings, directory: Directory, login: string) {
  const { messageLimit = -1, recipientLimit = -1 } = directory.mailboxByAddress(login) ?? {};
  return {
    messages: messageLimit >= 0 ? messageLimit : settings.integer('posthaste_daily_message_limit'),
    recipients: recipientLimit >= 0 ? recipientLimit : settings.integer('posthaste_daily_recipient_limit'),
  };
}
