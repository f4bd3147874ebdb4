// What the operations of the API need of the running server (admin/server-parts.ts). Loaded with the HTTP server.

import path from 'node:path';
import { toExternal } from '../address/form.ts';
import { makeScramKeys, scramHashes } from '../auth/scram-key-maker.ts';
import type { AccountRecovery } from '../admin/account-recovery.ts';
import type { Passkeys } from '../admin/passkeys.ts';
import { PasswordLogin } from '../admin/password-login.ts';
import type { ServerParts } from '../admin/server-parts.ts';
import type { SettingsPart } from '../admin/settings-part.ts';
import { fail } from '../admin/problem.ts';
import { listCertificates } from '../cli/certificate.ts';
import type { ControlRequest } from '../cli/control.ts';
import type { ServerStatus } from '../cli/server-status.ts';
import { planOver } from '../cli/planner.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import { systemClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { OwnMailOptions } from '../queue/own-mail.ts';
import type { TestMessages } from '../queue/test-messages.ts';
import { dataDirectoryOf } from '../settings/configuration.ts';
import { TraceSearches } from '../trace/search-aside.ts';
import { traceFolder } from '../trace/segments.ts';
import { Explaining } from './explaining.ts';
import { runningListeners } from './client-listeners.ts';
import { isLoopback } from '../http-server/client-address.ts';
import { ownCommand, publicCommand } from './own-command.ts';
import type { QueueView } from './page-parts.ts';
import type { HttpParts } from './http.ts';

/** Of one who asks: others wait for them. */
const maxPlansEach = 3;

export function serverParts(parts: HttpParts, queue: QueueView, pageOrigin: () => string): ServerParts {
  const { authenticator, gate, directory, store, state, answer, log, ownMail, observation } = parts;
  const settings = () => state().configuration.settings;
  let passkeys: Promise<Passkeys> | undefined;
  let testMessages: Promise<TestMessages> | undefined;
  let desk: Promise<SettingsPart> | undefined;
  let recovery: Promise<AccountRecovery> | undefined;
  // One after the other: each looks at the mail of days.
  let lastPlan: Promise<unknown> = Promise.resolve();
  const planning = new Map<string, number>();
  const searches = new TraceSearches(path.join(dataDirectoryOf(state().configuration), traceFolder));
  const usage = (mailbox: number) => store.usage(mailbox);
  const explaining = new Explaining({ directory, state, usage, clock: systemClock });
  return {
    clock: systemClock,
    authenticator,
    gate,
    passwordLogin: new PasswordLogin(directory.lookups),
    passkeys: () => (passkeys ??= openPasskeys()),
    recovery: () => (recovery ??= openRecovery(parts, pageOrigin)),
    hostname: () => settings().text('myhostname'),
    command: (client) =>
      client !== undefined && isLoopback(client) ? ownCommand(state().configuration.directory) : publicCommand(),
    allowsPrivateWebhooks: () => settings().flag('posthaste_webhook_private_addresses'),
    keepScramKeys: async (address, password, appPassword) => {
      const hashes = scramHashes(settings().list('posthaste_sasl_mechanisms'));
      if (hashes.length === 0) return;
      try {
        const mailbox = directory.credentials(address);
        if (mailbox !== undefined) await makeScramKeys(directory, hashes, mailbox, password, appPassword);
      } catch (error) {
        // The password is set already, and may be told only once: the next login with PLAIN makes the keys.
        if (!(error instanceof TemporaryError)) throw error;
        const own = new ProgramLog(log, `${settings().text('syslog_name')}/http`);
        own.warning(`no SCRAM keys of ${address} could be kept: ${error.message}`);
      }
    },
    localDomains: () =>
      settings()
        .list('mydestination')
        .map((name) => name.toLowerCase()),
    restrictionClasses: () => settings().list('smtpd_restriction_classes'),
    plan: async (work, { view, asker }) => {
      const waiting = planning.get(asker) ?? 0;
      if (waiting >= maxPlansEach) throw new TemporaryError('other plans of yours are still being made');
      planning.set(asker, waiting + 1);
      const { configuration } = state();
      const own = new ProgramLog(log, `${settings().text('syslog_name')}/http`);
      const context = { warn: (text: string) => own.warning(text) };
      const planned = lastPlan.then(async () => await planOver(configuration, context, directory, { view }, work));
      lastPlan = planned.catch(() => undefined);
      try {
        return await planned;
      } finally {
        planning.set(asker, (planning.get(asker) ?? 1) - 1);
        if (planning.get(asker) === 0) planning.delete(asker);
      }
    },
    explain: async (question) => await explaining.explain(question),
    whyNot: async (question, wanted) => await explaining.whyNot(question, wanted),
    domainFlow: async (domain) => await explaining.domainFlow(domain),
    status: async () => (await answer({ command: 'status' })) as object,
    usage,
    control: async (request) => await answer(request as ControlRequest),
    queue,
    statistics: async (range, zoneMinutes) => await observation.statistics(range, zoneMinutes),
    trace: async (query) => await searches.find(query),
    traceList: async (query) => await searches.list(query),
    certificates: async () => await listCertificates(state().configuration),
    settings: () => (desk ??= openSettings(parts)),
    listeners: async () =>
      runningListeners(state().configuration, (await answer({ command: 'status' })) as ServerStatus),
    resolver: new SystemResolver({ timeout: 1500, tries: 2 }),
    testMessage: async (recipient, asker) => {
      const sent = await (await (testMessages ??= openTestMessages(ownMail()))).send(recipient, asker);
      if (typeof sent !== 'number') return sent;
      const detail = 'you have sent many test messages: wait a while';
      return fail(429, 'too-many-requests', detail, { retryAfterSeconds: sent });
    },
  };
}

async function openSettings({ state, answer, started, rehearse }: HttpParts): Promise<SettingsPart> {
  const { SettingsDesk } = await import('./settings-desk.ts');
  return new SettingsDesk({
    folder: state().configuration.directory,
    clock: systemClock,
    reload: async () => (await answer({ command: 'reload' })) as string[],
    started,
    rehearse,
    configuration: () => state().configuration,
    listeners: async () => ((await answer({ command: 'status' })) as ServerStatus).listeners,
  });
}

/** The library is large, and few log in with one. */
async function openPasskeys(): Promise<Passkeys> {
  const { Passkeys: Opened } = await import('../admin/passkeys.ts');
  return new Opened(systemClock);
}

/** Few send any. */
async function openTestMessages(options: OwnMailOptions | undefined): Promise<TestMessages> {
  if (options === undefined) throw new TemporaryError('the queue is not open yet');
  const { TestMessages: Opened } = await import('../queue/test-messages.ts');
  return new Opened(options);
}

/** Few forget their password. */
async function openRecovery(
  { directory, log, ownMail, state }: HttpParts,
  pageOrigin: () => string,
): Promise<AccountRecovery> {
  const options = ownMail();
  if (options === undefined) throw new TemporaryError('the queue is not open yet');
  const { AccountRecovery: Opened } = await import('../admin/account-recovery.ts');
  const { OwnLetters } = await import('../queue/own-letters.ts');
  const standardForm = (address: string) => toExternal(state().router.standardForm(address));
  const letters = new OwnLetters({ ...options, standardForm });
  const own = new ProgramLog(log, `${state().configuration.settings.text('syslog_name')}/http`);
  return new Opened({
    directory,
    clock: systemClock,
    send: async (letter) => await letters.send(letter),
    pageOrigin,
    hostname: () => state().configuration.settings.text('myhostname'),
    warn: (text) => own.warning(text),
  });
}
